"""What histories have reached, and what not: every arrow of the saga, every fault at every step of every handler.

The steps are those that were met; a fault that never struck one of them is a hole. A hole is explained if so few such
faults were to be expected there (the sum of their chances) that none is no wonder; any other one is a defect of the
simulation and fails the run.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from oversight.invariants.sagas import ARROWS

WONDER = 6.0
"""Of so many expected faults none at all is seen once in 400 times."""
UNREACHED: Mapping[tuple[str, str], str] = {}
"""Arrows of the saga that no history can draw, with the reason."""


@dataclass(slots=True)
class Place:
    """One step of one handler: how often it was met, and what was expected to strike it and did."""

    name: str
    aimed: bool = False
    """this history's faults prefer it"""
    met: int = 0
    expected: dict[str, float] = field(default_factory=dict[str, float])
    struck: Counter[str] = field(default_factory=Counter[str])

    @property
    def handler(self) -> str:
        """Whose step it is."""
        return self.name.partition(": ")[0]

    def add(self, other: "Place") -> None:
        """What another history saw of the same step."""
        self.met += other.met
        self.struck.update(other.struck)
        for fault, chance in other.expected.items():
            self.expected[fault] = self.expected.get(fault, 0.0) + chance


@dataclass(frozen=True)
class Hole:
    """Something that was not reached. `reason` None: that cannot be."""

    what: str
    reason: str | None


class Coverage:
    """The sum of what histories saw."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.places: dict[str, Place] = {}

    def add(self, counts: Mapping[str, int], places: Iterable[Place], drawn: Collection[str]) -> None:
        """What one history saw."""
        self.counts.update(counts)
        self.counts.update(Counter(f"drawn {_kind(name)}" for name in drawn))
        for place in places:
            self.places.setdefault(place.name, Place(place.name)).add(place)

    def holes(self) -> list[Hole]:
        """What was not reached, the unexplained first."""
        missed = [
            Hole(f"{source} → {target}", UNREACHED.get((source, target)))
            for source, target in transitions_missed(self.counts)
        ]
        for place in self.places.values():
            for fault, expected in place.expected.items():
                if not place.struck[fault]:
                    few = f"{expected:.1f} were to be expected in {place.met} times"
                    missed.append(Hole(f"{fault} at {place.name}", few if expected < WONDER else None))
        return sorted(missed, key=lambda hole: (hole.reason is not None, hole.what))

    def report(self) -> list[str]:
        """For people."""
        return [*self._arrows(), "", *self._faults(), "", *self._handlers(), "", *self._told()]

    def _arrows(self) -> Iterable[str]:
        yield "transitions of bookings"
        for name, count in sorted(self.counts.items()):
            if name.startswith("booking "):
                yield f"{count:8}  {name.removeprefix('booking ')}"

    def _faults(self) -> Iterable[str]:
        yield "what happened beside the steps"
        for name, count in sorted(self.counts.items()):
            if not name.startswith("booking "):
                yield f"{count:8}  {name.removeprefix('drawn ')}"

    def _handlers(self) -> Iterable[str]:
        handlers: dict[str, list[Place]] = {}
        for place in self.places.values():
            handlers.setdefault(place.handler, []).append(place)
        yield f"{'met':>9} {'steps':>6}  {'crashes at':>18} {'refusals at':>18}  handler"
        for handler, places in sorted(handlers.items()):
            crashes, refusals = (_reached(places, fault) for fault in ("crash", "failing"))
            yield f"{sum(place.met for place in places):9} {len(places):6}  {crashes:>18} {refusals:>18}  {handler}"

    def _told(self) -> Iterable[str]:
        holes = self.holes()
        for hole in holes:
            yield f"NOT REACHED: {hole.what} ({hole.reason or 'UNEXPLAINED'})"
        unexplained = sum(hole.reason is None for hole in holes)
        reached = sum(len(place.struck) for place in self.places.values())
        yield f"{reached} of {reached + len(holes)} faults at steps reached, {unexplained} holes unexplained"


def transitions_missed(seen: Collection[str]) -> list[tuple[str, str]]:
    """Arrows between states that none of these (keys of `Coverage.counts`) has drawn."""
    drawn = {(name.split(" --")[0].removeprefix("booking "), name.rpartition("--> ")[2]) for name in seen}
    return sorted(ARROWS - drawn)


def _kind(name: str) -> str:
    """What a name of `chances` is about, without who and the how-manieth."""
    who, _, what = re.sub(r" #\d+$", "", name).partition(": ")
    if what.startswith(("crash ", "failing ")):
        return what.split()[0]
    if what.startswith("redelivery to"):
        return "redelivery of a topic, days later"
    kind = re.sub(r"[.^']*\d+[.^'\d]*", "", who).strip()
    return f"{kind}: {what}" if what else kind


def _reached(places: Sequence[Place], fault: str) -> str:
    times = sum(place.struck[fault] for place in places)
    return f"{times} at {sum(place.struck[fault] > 0 for place in places)} of {len(places)}"
