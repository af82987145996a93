"""What is explored: who asks for which time, what they may do, and what may go wrong."""

import asyncio
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, Literal

from services.assignment import handlers as assigning
from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.rotation import Rotation, apply_calendar
from services.availability.domain import engine
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.domain.serving import serve_calendar
from services.availability.store import teams as reading
from services.booking.domain import transitions
from services.booking.domain.bookings import Attempt, Booking, Moment
from services.booking.domain.transitions import Move
from tests.model.handling import read_one_after_the_other
from tests.model.machine import Machine
from turnus_contracts import CalendarMember, CalendarPublished, Guest
from turnus_runtime.records import Decision

NOW = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
LATE = NOW + timedelta(minutes=2)
TIME = datetime(2027, 1, 5, 9, 0, tzinfo=UTC)
OVERLAPPING = TIME + timedelta(minutes=15)
OTHER = datetime(2027, 1, 5, 14, 0, tzinfo=UTC)
FAR = datetime(2027, 1, 25, 9, 0, tzinfo=UTC)
LATER = datetime(2027, 1, 15, 8, 0, tzinfo=UTC)
"""When `TIME` is so long past that hosts forget what they answered about it."""
ADA, BRUNO = "mem_ada", "mem_bruno"
CALENDAR = "cal_1"


@dataclass(frozen=True, slots=True)
class Asks:
    """A guest: the time they ask for, and what they may do afterwards, at any moment, once."""

    start: datetime = TIME
    moves_to: datetime | None = None
    same_host: bool = False
    cancels: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """One bounded world. Crashes, redelivery and any order of messages are part of every one."""

    name: str
    says: str
    guests: tuple[Asks, ...]
    hosts: tuple[str, ...] = (ADA, BRUNO)
    weights: tuple[int, ...] = (1, 1)
    personal: bool = False
    """one person's own calendar: no rotation"""
    at_once: int = 2
    """handlers that may be between two of their steps at the same time"""
    again: int | None = 0
    """how often a tracked delivery that was handled long ago may come again; None: any number of times. (What was just
    handled may always come again: its handler may die right before it acknowledges the message.)"""
    whole: frozenset[str] = frozenset()
    """services whose handlers are one step each here: their inner steps are explored by another scenario"""
    tracked: str = ""
    """Deliveries of which the model knows whether they were handled since they were said, and which come only until
    then: `*` all of them, otherwise those that begin with this (`booking hears SlotRefused`), none if empty. All others
    may come whenever they like, as often as they like: that has far fewer states and is worse than any broker."""
    copies: bool = False
    """deciding and writing are two steps: the decision is made on a copy, which may be stale by then"""
    expires: bool = True
    """the deadline may fire, at any time"""
    asks_again: bool = True
    """the timer that says the request again may fire, at any time"""
    unheard: bool = False
    """a request may be acknowledged by a service that does not know the calendar yet"""
    loses: bool = False
    """the broker may lose everything, once; afterwards every booking is said again"""
    forgets: Literal["never", "decided", "ever"] = "never"
    """a long time may pass: once every request was decided, or ever (booking fires no deadline for ten days)"""


class World:
    """A scenario on production code: its machine, its first state, and the requests of its clients."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        published = _published(scenario)
        served = serve_calendar(None, published).record
        assert served is not None
        self.machine = machine = Machine(served, NOW, LATE, LATER, scenario.whole, scenario.tracked)
        self.bookings = tuple(f"bk_{number}" for number in range(1, len(scenario.guests) + 1))
        self.booking_slots = tuple(machine.slot(Booking, name) for name in self.bookings)
        self.claim_slots = tuple(machine.slot(Claim, name) for name in self.bookings)
        self.host_slots = tuple(machine.slot(Host, name) for name in scenario.hosts)
        self.rotation_slot = machine.slot(Rotation, CALENDAR)
        self.choice_slots = tuple(
            tuple(machine.slot(Choice, choice_id(name, number)) for number in ((1, 2) if guest.moves_to else (1,)))
            for name, guest in zip(self.bookings, scenario.guests, strict=True)
        )
        self.clients = tuple(self._clients())
        self.requested = tuple(map(_requested, self.bookings, scenario.guests))
        rotation = apply_calendar(published, None).record
        records = [0] * len(machine.slots)
        records[self.rotation_slot] = machine.record(rotation)
        said = 0
        for slot, booking in zip(self.booking_slots, self.requested, strict=True):
            done = machine.decide(0, lambda current, new=booking: transitions.request(current, new), "POST /bookings")
            records[slot] = done.record
            said |= done.said
        self.first, self.first_said = tuple(records), said

    def _clients(self) -> Generator[tuple[str, str, int, Callable[[Any], Decision[Any, Any]]]]:
        for number, guest in enumerate(self.scenario.guests, 1):
            slot = self.booking_slots[number - 1]
            if guest.moves_to is not None:
                ask = Move(guest.moves_to, (), guest.same_host, "guest", "guest", f"move {number}", "digest")
                moved = partial(_moved, ask=ask)
                yield f"guest {number} asks for another time", "POST …/reschedule", slot, moved
            if guest.cancels:
                yield f"guest {number} cancels", "POST …/cancel", slot, _cancelled


def _moved(booking: Any, ask: Move) -> Decision[Any, Any]:
    return transitions.move(booking, ask, NOW)


def _cancelled(booking: Any) -> Decision[Any, Any]:
    return transitions.cancel(booking, NOW, "guest", "guest", None)


@contextmanager
def as_modelled() -> Generator[None]:
    """Production code for the time of an exploration: reads one after the other, and no alternatives in a refusal."""
    gather: Any = SimpleNamespace(gather=read_one_after_the_other)
    alternatives: Any = lambda *_, **__: []  # noqa: E731
    assigning.asyncio, reading.asyncio, kept = gather, gather, engine.alternatives
    engine.alternatives = alternatives
    try:
        yield
    finally:
        assigning.asyncio, reading.asyncio, engine.alternatives = asyncio, asyncio, kept


def _published(scenario: Scenario) -> CalendarPublished:
    return CalendarPublished(
        workspace_id="ws_1",
        calendar_id=CALENDAR,
        version=1,
        status="active",
        calendar_kind="personal" if scenario.personal else "round_robin",
        address="studio/consultation",
        name="Consultation",
        tz="UTC",
        duration_minutes=30,
        interval_minutes=15,
        anchor="opening",
        optimize="equal",
        reschedule_policy="reassign",
        members=tuple(
            CalendarMember(member_id=host, weight=weight)
            for host, weight in zip(scenario.hosts, scenario.weights, strict=False)
        ),
    )


def _requested(id: str, guest: Asks) -> Booking:
    end = guest.start + timedelta(minutes=30)
    return Booking(
        id=id,
        workspace_id="ws_1",
        calendar_id=CALENDAR,
        calendar_version=1,
        version=1,
        status="requested",
        attempts=(Attempt(number=1, start=guest.start, end=end, requested_at=NOW),),
        start=guest.start,
        end=end,
        duration_minutes=30,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        reschedule_policy="reassign",
        guest=Guest(name="Guest", email="guest@example.org"),
        locale="en",
        tz="UTC",
        token=f"token of {id}",
        request_digest="digest",
        created_at=NOW,
        changed_at=NOW,
        history=(Moment(at=NOW, what="requested", attempt=1, by="guest"),),
    )
