"""What a handler sees while it is explored: stand-ins for the runtime's turn, through which every access is a step."""

from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

from services.availability.domain.hosts import Host
from services.availability.domain.serving import ServedCalendar
from services.booking.domain.bookings import OVER, Booking
from turnus_contracts import AssigneeSettled, Event, SlotRefused
from turnus_runtime.records import Decision, Owed, Record

CONSTANT = (ServedCalendar,)
"""Records that nobody changes in the model: reading one is no step."""


@dataclass(frozen=True, slots=True)
class Access:
    """One atomic step that a handler asks for: a read, or a decision and its compare-and-set."""

    kind: type[Record]
    id: str
    decision: Callable[[Any], Decision[Any, Any]] | None

    def __await__(self) -> Generator["Access", Any, Any]:
        return (yield self)


@dataclass(frozen=True, slots=True)
class Started:
    """Why a handler runs: an event that a service consumes (`entry` None), or a timer of a record."""

    service: str
    what: str
    handler: Callable[..., Coroutine[Any, Any, None]]
    event: Event | None
    record_id: str = ""
    entry: Owed | None = None
    later: bool = False
    """it began after the long time"""

    @property
    def title(self) -> str:
        """`booking hears SlotRefused`"""
        return f"{self.service} {self.what}"


@dataclass(frozen=True, slots=True)
class Thread:
    """A handler that is under way: the answers it got, as keys and as values; `asked` is its next step."""

    started: int
    answers: tuple[Any, ...]
    slot: int
    asked: str
    decides: bool
    is_whole: bool
    """all steps of its service's handlers are one in this scenario"""


class Arrow(NamedTuple):
    """A change of a booking, named as in the table of the saga."""

    source: str
    on: str
    target: str
    says: frozenset[str]


@dataclass(frozen=True, slots=True)
class Done:
    """What one step did: the record as it is now, what was said, who goes on. `broken` is what a decision raised."""

    record: int
    said: int = 0
    thread: int | None = None
    broken: str | None = None


class Door:
    """Stands for `turnus_runtime.turn.Records`: every access is a step."""

    def __init__(self, turn: "Turn", kind: type[Record]) -> None:
        self._turn = turn
        self._kind = kind

    async def get(self, id: str) -> Any:
        if self._kind in CONSTANT:
            return self._turn.constants[id]
        if self._turn.is_blind and self._kind is Host:
            return Host(id=id)
        return await Access(self._kind, id, None)

    async def wait(self, id: str, done: object, seconds: float) -> Any:
        return await self.get(id)

    async def decide(self, id: str, decision: Callable[[Any], Decision[Any, Any]]) -> Any:
        return await Access(self._kind, id, decision)

    async def with_prefix(self, *_: Any, **__: Any) -> list[Any]:
        return []


@dataclass
class Turn:
    """Stands for `turnus_runtime.turn.Turn`."""

    now: datetime
    constants: dict[str, Any]
    effects: Any
    said: list[Event] = field(default_factory=list[Event])
    is_blind: bool = False
    """Reads of hosts after the candidates were pinned serve the alternatives only, which the model leaves out."""

    def records(self, kind: type[Record]) -> Door:
        return Door(self, kind)

    async def say(self, *events: Event) -> None:
        self.said += events

    def configured(self, kind: object) -> Any:
        return SimpleNamespace(assignment_calendar_wait_seconds=0)


def named(cause: Started | str, before: Record | None) -> str:
    """What a change of a booking is called in the table of the saga."""
    if isinstance(cause, str):
        return cause
    assert isinstance(before, Booking)
    event = cause.event
    if isinstance(event, AssigneeSettled | SlotRefused):
        attempt = before.attempt_of(event.attempt)
        is_open = attempt is not None and attempt.state == "open" and before.status not in OVER
        if isinstance(event, AssigneeSettled) and not is_open:
            return "late AssigneeSettled"
        return f"{event.topic()} of the open move" if is_open and before.attempt else event.topic()
    return f"{cause.what} of the open move" if before.attempt else cause.what


async def read_one_after_the_other(*reads: Coroutine[Any, Any, Any]) -> list[Any]:
    """Stands for `asyncio.gather`: reads that are made together are made in their order, with anything in between."""
    try:
        return [await read for read in reads]
    finally:
        for read in reads:
            read.close()
