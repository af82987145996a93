"""A booking by itself: every request ends within its bound, only by arrows of the saga, and owes what it must."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from oversight.invariants.findings import Finding, Kind, place
from services.booking.domain.bookings import OVER, Booking
from services.booking.domain.saga import SAGA
from services.booking.domain.transitions import CONCLUDE, EXPIRE, REDRIVE
from turnus_runtime.saga import START

STANDING = frozenset({"confirmed", "attended", "no_show"})
"""States of a booking whose time is promised to it."""
ARROWS = frozenset((arrow.source, arrow.target) for arrow in SAGA.transitions)
FINAL_WITHIN = timedelta(seconds=60 + 90)
"""The deadline, and what it may take until a process of booking is there, thawed and swept, in the worst of storms."""
_STATUS_AFTER = {
    "requested": "requested",
    "confirmed": "confirmed",
    "moved": "confirmed",
    "overbooked": "confirmed",
    "move_requested": "confirmed",
    "move_refused": "confirmed",
    "move_expired": "confirmed",
}
"""The status after each line of a history; the other lines are called like the status they lead to."""


def booking_at(booking: Booking | str) -> str:
    """How a finding names a booking."""
    return place("booking", Booking, booking if isinstance(booking, str) else booking.id)


def is_legal(before: str, after: str) -> bool:
    """Whether the saga has an arrow from one status to the other, or nothing changed."""
    return before == after or (before, after) in ARROWS


def in_time(asked: datetime, answered: datetime) -> bool:
    """Whether a request that was asked for then and answered then met its bound."""
    return answered - asked <= FINAL_WITHIN


def alone(booking: Booking, now: datetime) -> Iterator[Finding]:
    """All that can be said of a booking without looking at anything else."""
    yield from whole(booking)
    yield from path(booking)
    yield from decided(booking, now)
    yield from timers(booking)


def decided(booking: Booking, now: datetime) -> Iterator[Finding]:
    """No request and no move is undecided after its bound."""
    waiting = booking.open_attempt
    if waiting is not None and booking.status not in OVER and not in_time(waiting.requested_at, now):
        yield _found(booking, "undecided", f"attempt {waiting.number} is open since {waiting.requested_at:%FT%TZ}")


def whole(booking: Booking) -> Iterator[Finding]:
    """What the booking says of itself fits together."""
    for wrong in _wrongs(booking):
        yield _found(booking, "broken_booking", wrong)


def _wrongs(booking: Booking) -> Iterator[str]:
    attempts, last = booking.attempts, len(booking.attempts)
    if [attempt.number for attempt in attempts] != list(range(1, last + 1)):
        yield "its attempts are not counted from 1"
    waiting = [attempt.number for attempt in attempts if attempt.state == "open"]
    if len(waiting) > 1 or (waiting and waiting != [last]):
        yield f"attempts {waiting} of {last} are open"
    if waiting and booking.status in OVER:
        yield f"attempt {waiting[0]} is open and the booking is {booking.status}"
    yield from _of_status(booking)
    keys = [attempt.request_key for attempt in attempts if attempt.request_key is not None]
    if len(set(keys)) != len(keys):
        yield "one command made two attempts"
    moves = sum(moment.what == "moved" for moment in booking.history)
    if booking.revision != moves:
        yield f"it has revision {booking.revision} after {moves} moves"
    if not 0 <= booking.charged <= booking.attempt:
        yield f"it was charged for attempt {booking.charged}, attempt {booking.attempt} is in force"


def _of_status(booking: Booking) -> Iterator[str]:
    settled = booking.attempt_of(booking.attempt)
    if booking.status in STANDING or (booking.status == "cancelled" and booking.attempt):
        if settled is None or settled.state != "settled":
            yield f"attempt {booking.attempt} is in force and not settled"
        elif (settled.start, settled.end, settled.host_ids) != (booking.start, booking.end, booking.host_ids):
            yield f"its time or its hosts are not those of attempt {booking.attempt}, which is in force"
        elif not booking.host_ids:
            yield "it stands without a host"
    elif booking.attempt:
        yield f"attempt {booking.attempt} is in force and the booking is {booking.status}"
    states = {"requested": "open", "rejected": "refused", "expired": "released"}
    wanted = states.get(booking.status, booking.latest.state)
    if booking.latest.state != wanted:
        yield f"its latest attempt is {booking.latest.state} and the booking is {booking.status}"


def path(booking: Booking) -> Iterator[Finding]:
    """The history is a way through the saga that ends where the booking is."""
    way = [START, *(_STATUS_AFTER.get(moment.what, moment.what) for moment in booking.history)]
    for before, after in pairwise(way):
        if not is_legal(before, after):
            yield _found(booking, "illegal_path", f"it went from {before} to {after}")
    if way[-1] != booking.status:
        yield _found(booking, "illegal_path", f"its history ends {way[-1]} and it is {booking.status}")


def timers(booking: Booking) -> Iterator[Finding]:
    """Whoever waits has timers, whoever is over has none."""
    owed = {entry.name for entry in booking.owed if entry.kind == "timer"}
    if booking.status in OVER:
        if owed:
            yield _found(booking, "owed_after_end", f"it is {booking.status} and owes {', '.join(sorted(owed))}")
        return
    wanted = {CONCLUDE} if booking.status == "confirmed" else set[str]()
    if booking.open_attempt is not None:
        wanted |= {REDRIVE, EXPIRE}
    if missing := wanted - owed:
        yield _found(booking, "no_deadline", f"it is {booking.status} and does not owe {', '.join(sorted(missing))}")


def _found(booking: Booking, kind: Kind, says: str) -> Finding:
    return Finding(kind, (booking_at(booking),), f"{says} (version {booking.version})")
