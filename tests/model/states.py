"""States, what leads from one to the next, and what an exploration comes to."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from tests.model.protocol import World

LONG_PASSED, LOST = 1, 2
REPUBLISHED = 4
"""The first of the flags that say which bookings were said again after the loss."""
AGAIN = 16
"""Above the flags: how many late deliveries were used."""


class State(NamedTuple):
    """One state. `pending` and `said` are bits of deliveries; a thread is coded, see `Explorer`."""

    records: tuple[int, ...]
    said: int
    pending: int
    threads: tuple[int, ...]
    flags: int


class By(Enum):
    """What leads from one state to the next."""

    HEARD = auto()
    HEARD_AGAIN = auto()
    GOES_ON = auto()
    DIED = auto()
    UNACKNOWLEDGED = auto()
    FIRED = auto()
    ASKED = auto()
    UNHEARD = auto()
    BROKER_LOST = auto()
    REPUBLISHED = auto()
    TIME_PASSED = auto()


FAULTS = frozenset({By.HEARD_AGAIN, By.DIED, By.UNACKNOWLEDGED, By.UNHEARD, By.BROKER_LOST, By.TIME_PASSED, By.ASKED})
"""What the world may do, and need not: rest is reached without it."""


class Way(NamedTuple):
    """One transition: what happened, to which thread, delivery or client."""

    by: By
    what: int
    broken: str | None = None


@dataclass(frozen=True, slots=True)
class Switches:
    """Protections of the runtime that an exploration can take away; all others are patches of production code."""

    owed_in_the_write: bool = True
    version_in_the_filter: bool = True
    offsets_after_the_work: bool = True


NOTHING_OFF = Switches()


@dataclass
class Found:
    """What an exploration came to. `violation` None: every state is fine and rest can be reached from each."""

    world: World
    states: int = 0
    transitions: int = 0
    depth: int = 0
    at_rest: int = 0
    complete: bool = True
    violation: str | None = None
    trace: list[tuple[Way, State]] = field(default_factory=list[tuple[Way, State]])
