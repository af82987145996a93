"""How bad a history is: every seed has its own weather, so that some die all the time and others only lose messages."""

import random
import zlib
from collections.abc import Sequence
from typing import Literal

from tests.simulation.broker import Fate, Faults
from tests.simulation.chances import Lot, Stream
from turnus_runtime.ports import Message

SKEW_SECONDS = 600
AIMS = 16


class Weather:
    """The faults of one history, drawn from its random numbers. Everything stops with `calm`."""

    def __init__(self, rng: random.Random, lot: Lot, services: Sequence[str], copies: int) -> None:
        self._lot = lot
        self.raging = False
        self.drag = 2.0
        """by which loops of the runtime sleep longer, to spare the simulation"""
        mild = rng.random() < 0.15
        level = 0.0 if mild else rng.choice((0.3, 1.0, 1.0, 2.0))
        self._crash = level * rng.choice((0.0, 0.001, 0.004, 0.012))
        self._failing = level * rng.choice((0.0, 0.0, 0.005, 0.02))
        self._slow = rng.choice((0.0, 0.01, 0.05))
        self._slow_seconds = rng.choice((0.5, 3.0, 12.0))
        self._signals = rng.choice((0.0, 0.3, 1.0))
        self._fates = {
            Fate.TWICE: level * rng.choice((0.0, 0.05, 0.2)),
            Fate.LOST_BUT_WRITTEN: level * rng.choice((0.0, 0.02, 0.08)),
            Fate.LATE: level * rng.choice((0.0, 0.02, 0.06)),
            Fate.REFUSED: level * rng.choice((0.0, 0.02, 0.05)),
        }
        self._delayed = rng.choice((0.0, 0.02, 0.1))
        self._lost_commits = rng.choice((0.0, 0.3, 0.8))
        self._stale = rng.choice((0.0, 0.0, 0.3, 0.7))
        """how often availability decides by what a team looked like earlier"""
        self.post = {
            "refused": rng.choice((0.0, 0.02, 0.1)),
            "delayed": rng.choice((0.0, 0.1, 0.3)),
            "hanging": rng.choice((0.0, 0.05, 0.2)),
            "reply lost": rng.choice((0.0, 0.05, 0.2)),
        }
        """what becomes of a mail"""
        self._aim = rng.randrange(AIMS) if level and rng.random() < 0.5 else None
        self.skewed = rng.random() < 0.08 and lot.allows("clocks differ by minutes")
        """worse than production lets happen: whoever doubts its clock by 2 s does not work. Jobs may run twice then"""
        far = SKEW_SECONDS if self.skewed else 0
        self.skews = {(name, number): float(rng.randint(-far, far)) for name in services for number in range(copies)}
        self.outage = rng.choice(services[1:3]) if rng.random() < 0.1 else None
        """a service other than the first that answers nothing for as long as the storm lasts"""
        self.sky = {
            "rebalance": rng.choice((0.0, 0.1, 0.3)),
            "rewind": rng.choice((0.0, 0.05, 0.2)),
            "freeze": rng.choice((0.0, 0.05, 0.15)),
            "kill": level * rng.choice((0.0, 0.05, 0.15)),
            "down": level * rng.choice((0.0, 0.03, 0.1)),
            "lose": level * rng.choice((0.0, 0.0, 0.04, 0.08)),
        }
        """chances of each a second"""

    def latency(self, moment: Literal["before", "after"], whose: Stream) -> float:
        """Seconds that a step takes."""
        if self.raging and whose.happens(self._slow, "slow"):
            return whose.rng.uniform(0.0, self._slow_seconds)
        return whose.rng.uniform(0.0, 0.01 if moment == "before" else 0.003)

    def aims_at(self, place: str) -> bool:
        """Whether faults prefer this step: rare ones would hardly ever be struck otherwise."""
        return self._aim is not None and zlib.crc32(place.encode()) % AIMS == self._aim

    @property
    def crash(self) -> float:
        """Chance that a process dies at a step."""
        return self._crash if self.raging else 0.0

    @property
    def failing(self) -> float:
        """Chance that store or broker do not answer a step."""
        return self._failing if self.raging else 0.0

    @property
    def lost_signal(self) -> float:
        """Chance that a wake-up is lost."""
        return self._signals if self.raging else 0.0

    @property
    def stale(self) -> float:
        """Chance that availability decides by an old look."""
        return self._stale if self.raging else 0.0

    def storm(self, faults: Faults) -> None:
        """Let it begin."""
        self.raging = True
        faults.shuffle = self._lot.stream("shuffle").rng

        def fate(message: Message) -> Fate:
            stream = self._lot.stream(f"line of {message.topic}")
            faults.late_seconds = 0.5 + 20 * stream.rng.random()
            return next((kind for kind, chance in self._fates.items() if stream.happens(chance, kind.name)), FINE)

        def delay(message: Message) -> float:
            stream = self._lot.stream(f"delivery of {message.topic}")
            return stream.rng.uniform(0.0, 4.0) if stream.happens(self._delayed, "delay") else 0.0

        commits = self._lot.stream("commits")
        faults.fate, faults.delay = fate, delay
        faults.commit = lambda: not commits.happens(self._lost_commits, "lost")

    def calm(self, faults: Faults) -> None:
        """Let everything work from now on."""
        self.raging = False
        still = Faults()
        faults.fate, faults.delay, faults.commit, faults.shuffle = still.fate, still.delay, still.commit, None


FINE = Fate.WRITTEN
