"""A booking: the record that is the saga's only arbiter, and what it says of itself.

States and arrows are in `transitions.py`; rules in `reliability.md` ("States of a booking", "Attempts").
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from services.booking.domain import finding
from turnus_contracts import (
    AttemptReleased,
    BookingConcluded,
    BookingConfirmed,
    BookingMoved,
    BookingReleased,
    BookingRequested,
    Event,
    Guest,
    GuestDetailsGiven,
    Instant,
    Location,
    Settled,
)
from turnus_runtime.records import Record, key, millis

Status = Literal["requested", "confirmed", "rejected", "expired", "cancelled", "attended", "no_show"]
OVER: frozenset[str] = frozenset({"rejected", "expired", "cancelled", "attended", "no_show"})
"""States in which a booking asks for nothing any more."""
RELEASED: frozenset[str] = frozenset({"expired", "cancelled"})
REPUBLISHED_FOR = timedelta(days=7)
"""How long after its end a booking says its facts again after a lost broker."""


WORDS = tuple(f"by_word_{number}" for number in range(1, finding.PLACES + 1))
"""Indexes by workspace and one beginning of a word each; in which of them a beginning lies is told by none."""
BY_START = ("by_workspace", "by_calendar", "by_host", *WORDS)
BY_CREATION = {index: f"{index}_created" for index in BY_START}
"""The same in the order in which bookings were asked for."""


class Overbooking(BaseModel):
    """That staff decided to book whatever is in the way: which member, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    actor_id: str
    reason: str


class Attempt(BaseModel):
    """One ask for a time: the first request or a move, refused ones too."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    start: Instant
    end: Instant
    state: Literal["open", "settled", "refused", "released"] = "open"
    host_ids: tuple[str, ...] = ()
    """the only hosts that may serve; empty: anyone"""
    same_host: bool = False
    by: Literal["guest", "staff"] = "guest"
    overbooking: Overbooking | None = None
    requested_at: Instant
    asked: int = 1
    """how often BookingRequested was said"""
    code: str | None = None
    """why it was refused or released"""
    alternatives: tuple[Instant, ...] = ()
    request_key: str | None = None
    """digest of the Idempotency-Key it came with; a replay answers with its outcome"""
    request_digest: str | None = None


class Moment(BaseModel):
    """One line of a booking's history."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: Instant
    what: str
    attempt: int = 0
    by: str = ""
    detail: str = ""


class Booking(Record):
    """One booking. Price and policy are pinned at the request; a move keeps them."""

    collection: ClassVar[str] = "bookings"
    format: ClassVar[int] = 3
    """Format 1 had no keys by words and by creation. (They come with the next write: a booking is said again once a
    day until a week after its end; `turnus rewrite` is for the others.) 3: overbookings."""
    indexes: ClassVar[tuple[str, ...]] = (*BY_START, *BY_CREATION.values(), "ends")
    long: ClassVar[tuple[str, ...]] = (*BY_START, *BY_CREATION.values())
    wakes: ClassVar[bool] = True

    workspace_id: str
    calendar_id: str
    calendar_version: int
    version: int
    status: Status
    attempts: tuple[Attempt, ...]
    attempt: int = 0
    """the attempt in force, 0 before the first is settled"""
    charged: int = 0
    """the attempt whose choice is in force in the rotation"""
    revision: int = 0
    start: Instant
    end: Instant
    host_ids: tuple[str, ...] = ()
    duration_minutes: int
    buffer_before_minutes: int
    buffer_after_minutes: int
    reschedule_policy: str
    cancel_cutoff_minutes: int = 0
    reschedule_cutoff_minutes: int = 0
    location: Location | None = None
    guest: Guest
    additional_guests: tuple[Guest, ...] = ()
    answers: dict[str, str] = {}
    metadata: dict[str, str] = {}
    locale: str
    tz: str
    token: str
    reason: str | None = None
    ended_by: str | None = None
    request_digest: str
    created_at: Instant
    changed_at: Instant
    history: tuple[Moment, ...] = ()

    def keys(self) -> dict[str, str | int | None]:
        """By workspace, calendar, host and words, in the order of the start and in that of the creation; by the end of
        the last attempt.
        """
        start, created = millis(self.start), millis(self.created_at)
        words = finding.beginnings(self.guest.name, self.guest.email)
        owners = {
            "by_workspace": self.workspace_id,
            "by_calendar": self.calendar_id,
            **({"by_host": self.host_ids[0]} if self.host_ids else {}),
            **{index: key(self.workspace_id, word) for index, word in zip(WORDS, words, strict=False)},
        }
        return {
            **{index: key(owner, start, self.id) for index, owner in owners.items()},
            **{BY_CREATION[index]: key(owner, created, self.id) for index, owner in owners.items()},
            "ends": millis(max(attempt.end for attempt in self.attempts)),
        }

    @property
    def latest(self) -> Attempt:
        """The highest attempt."""
        return self.attempts[-1]

    @property
    def open_attempt(self) -> Attempt | None:
        """The attempt that waits for its answer, if there is one."""
        return self.latest if self.latest.state == "open" else None

    def attempt_of(self, number: int) -> Attempt | None:
        """The attempt with this number."""
        return self.attempts[number - 1] if 1 <= number <= len(self.attempts) else None

    def attempt_with_key(self, request_key: str) -> Attempt | None:
        """The attempt that came with this Idempotency-Key."""
        return next((a for a in self.attempts if a.request_key == request_key), None)

    def with_attempt(self, attempt: Attempt) -> tuple[Attempt, ...]:
        """The attempts with this one replaced."""
        return tuple(attempt if a.number == attempt.number else a for a in self.attempts)


def requested(booking: Booking, attempt: Attempt) -> BookingRequested:
    """The current command of an open attempt."""
    return BookingRequested(
        workspace_id=booking.workspace_id,
        calendar_id=booking.calendar_id,
        booking_id=booking.id,
        attempt=attempt.number,
        calendar_version=booking.calendar_version,
        start=attempt.start,
        duration_minutes=booking.duration_minutes,
        buffer_before_minutes=booking.buffer_before_minutes,
        buffer_after_minutes=booking.buffer_after_minutes,
        host_ids=attempt.host_ids,
        same_host=attempt.same_host,
        by_staff=attempt.by == "staff",
        overbook=attempt.overbooking is not None,
        requested_at=attempt.requested_at,
    )


def attempt_released(booking: Booking, attempt: Attempt) -> AttemptReleased:
    """This ask is given up."""
    return AttemptReleased(
        workspace_id=booking.workspace_id,
        calendar_id=booking.calendar_id,
        booking_id=booking.id,
        attempt=attempt.number,
        reason=attempt.code or "over",
    )


def fact(booking: Booking) -> Settled | None:
    """The one of the four facts that describes the booking now; None while requested and when rejected."""
    common: dict[str, Any] = {
        "workspace_id": booking.workspace_id,
        "calendar_id": booking.calendar_id,
        "booking_id": booking.id,
        "version": booking.version,
        "calendar_version": booking.calendar_version,
        "attempt": booking.attempt,
        "highest_attempt": booking.latest.number,
        "charged": booking.charged,
        "revision": booking.revision,
        "start": booking.start,
        "end": booking.end,
        "buffer_before_minutes": booking.buffer_before_minutes,
        "buffer_after_minutes": booking.buffer_after_minutes,
        "host_ids": booking.host_ids,
        "location": booking.location,
        "at": booking.changed_at,
    }
    if booking.status in RELEASED:
        return BookingReleased(**common, status=booking.status, reason=booking.ended_by or "guest")
    if booking.status in ("attended", "no_show"):
        return BookingConcluded(**common, status=booking.status)
    if booking.status != "confirmed":
        return None
    if booking.revision:
        moved_by = booking.attempts[booking.attempt - 1].by
        return BookingMoved(**common, reason=moved_by)
    return BookingConfirmed(**common)


def guest_details(booking: Booking) -> GuestDetailsGiven:
    """Who the guest is: full state, until erased."""
    return GuestDetailsGiven(
        workspace_id=booking.workspace_id,
        calendar_id=booking.calendar_id,
        booking_id=booking.id,
        version=booking.version,
        status="active",
        guest=booking.guest,
        additional_guests=booking.additional_guests,
        answers=booking.answers,
        locale=booking.locale,
        tz=booking.tz,
        token=booking.token,
        reason=booking.reason,
    )


def details_now(booking: Booking, now: datetime) -> Sequence[Event]:
    """The daily saying again of a guest's details, until a week after the end."""
    return (guest_details(booking),) if booking.end + REPUBLISHED_FOR > now else ()


def facts_now(booking: Booking, now: datetime) -> Sequence[Event]:
    """All that the booking can say of itself now: its fact, every attempt given up, and what it still asks for."""
    said: list[Event] = []
    if (settled := fact(booking)) is not None:
        said.append(settled)
    said += [attempt_released(booking, a) for a in booking.attempts if a.state == "released"]
    if (waiting := booking.open_attempt) is not None and booking.status not in OVER:
        said.append(requested(booking, waiting))
    return said


def facts_since(now: datetime) -> int:
    """Bookings with an attempt ending after this are said again (key `ends`)."""
    return millis(now - REPUBLISHED_FOR)
