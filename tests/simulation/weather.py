"""How bad a history is: every seed has its own weather, so that some die all the time and others only lose messages."""

import asyncio
import random
from collections.abc import Sequence
from typing import Literal

from tests.simulation.broker import Fate, Faults
from turnus_runtime.ports import Message

SKEW_SECONDS = 600


class Weather:
    """The faults of one history, drawn from its random numbers. Everything stops with `calm`."""

    def __init__(self, rng: random.Random, services: Sequence[str], copies: int) -> None:
        self._rng = rng
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
        self.stale = rng.choice((0.0, 0.0, 0.3, 0.7))
        """how often availability decides by what a team looked like earlier"""
        self.skewed = rng.random() < 0.08
        far = SKEW_SECONDS if self.skewed else 0
        self.skews = {(name, number): float(rng.randint(-far, far)) for name in services for number in range(copies)}
        self.outage = rng.choice(services[1:]) if rng.random() < 0.1 else None
        """a service other than the first that answers nothing for as long as the storm lasts"""
        self.sky = {
            "rebalance": rng.choice((0.0, 0.1, 0.5)),
            "rewind": rng.choice((0.0, 0.05, 0.2)),
            "freeze": rng.choice((0.0, 0.05, 0.15)),
            "kill": level * rng.choice((0.0, 0.05, 0.15)),
            "down": level * rng.choice((0.0, 0.03, 0.1)),
            "lose": level * rng.choice((0.0, 0.0, 0.04, 0.08)),
        }
        """chances of each a second"""

    def happens(self, chance: float) -> bool:
        """Whether something with this chance happens now."""
        return chance > 0 and self._rng.random() < chance

    def latency(self, moment: Literal["before", "after"]) -> float:
        """Seconds that a step takes."""
        if self.raging and self.happens(self._slow):
            return self._rng.uniform(0.0, self._slow_seconds)
        return self._rng.uniform(0.0, 0.01 if moment == "before" else 0.003)

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

    def storm(self, faults: Faults) -> None:
        """Let it begin."""
        self.raging = True
        faults.shuffle = self._rng

        def fate(message: Message) -> Fate:
            draw = self._rng.random()
            faults.late_seconds = 0.5 + 20 * draw
            for kind, chance in self._fates.items():
                if draw < chance:
                    return kind
                draw -= chance
            return Fate.WRITTEN

        faults.fate = fate
        faults.delay = lambda _message: self._rng.uniform(0.0, 4.0) if self.happens(self._delayed) else 0.0
        faults.commit = lambda: not self.happens(self._lost_commits)

    def calm(self, faults: Faults) -> None:
        """Let everything work from now on."""
        self.raging = False
        still = Faults()
        faults.fate, faults.delay, faults.commit, faults.shuffle = still.fate, still.delay, still.commit, None


async def seconds(low: float, high: float, rng: random.Random) -> None:
    """Let some time pass."""
    await asyncio.sleep(rng.uniform(low, high))
