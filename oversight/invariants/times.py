"""Times: no person is booked twice, what stands is held exactly once, and claims say what bookings say."""

from collections.abc import Iterator
from datetime import datetime

from oversight.invariants.findings import Finding, Kind, place
from oversight.invariants.sagas import STANDING, booking_at
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host, Reservation
from services.booking.domain.bookings import RELEASED, Attempt, Booking


def host_at(id: str) -> str:
    """How a finding names a host record."""
    return place("availability", Host, id)


def claim_at(booking_id: str) -> str:
    """How a finding names a claim."""
    return place("availability", Claim, booking_id)


def double_bookings(host: Host) -> Iterator[Finding]:
    """No two padded intervals of different bookings overlap."""
    held = sorted(host.reservations, key=lambda r: r.start)
    for place_, first in enumerate(held):
        for other in held[place_ + 1 :]:
            if other.start >= first.end:
                break
            if other.booking_id != first.booking_id:
                records = (host_at(host.id), booking_at(first.booking_id), booking_at(other.booking_id))
                yield Finding("double_booked", records, f"{_shown(first)} and {_shown(other)} overlap")


def _shown(held: Reservation) -> str:
    return f"attempt {held.attempt} of {held.booking_id} [{held.start}, {held.end})"


def padded(booking: Booking, start: datetime, end: datetime) -> tuple[int, int]:
    """The half-open interval that a booking holds, epoch minutes, buffers included."""
    return minute(start) - booking.buffer_before_minutes, minute(end) + booking.buffer_after_minutes


def is_held(booking: Booking, host: Host | None) -> bool:
    """Whether the host holds the time of a booking that stands, or has archived it."""
    if host is None:
        return False
    archived = padded(booking, booking.start, booking.end)[1] <= host.closed_until
    return archived or host.held(booking.id, booking.attempt) is not None


def held(booking: Booking, host: Host | None) -> Iterator[Finding]:
    """A booking that stands is held by its host, from and until the minutes that were promised."""
    if booking.status not in STANDING or not booking.host_ids:
        return
    records = (booking_at(booking), host_at(booking.host_ids[0]))
    if not is_held(booking, host):
        says = f"it is {booking.status} and attempt {booking.attempt} is not held (version {booking.version})"
        yield Finding("not_held", records, says)
        return
    kept = host.held(booking.id, booking.attempt) if host is not None else None
    promised = padded(booking, booking.start, booking.end)
    if kept is not None and (kept.start, kept.end) != promised:
        says = f"{_shown(kept)} is held, promised is [{promised[0]}, {promised[1]}) (version {booking.version})"
        yield Finding("held_otherwise", records, says)


def wanted(host: Host, kept: Reservation, booking: Booking | None) -> Iterator[Finding]:
    """Every time that a host holds is of a booking that stands there, or of one that waits for its answer."""
    records = (host_at(host.id), booking_at(kept.booking_id))
    if booking is None:
        yield Finding("held_for_nobody", records, f"{_shown(kept)} is held and nobody knows that booking")
        return
    serves = booking.status in STANDING and booking.attempt == kept.attempt and host.id in booking.host_ids
    waiting = booking.open_attempt
    if not serves and (waiting is None or waiting.number != kept.attempt):
        says = f"{_shown(kept)} is held, the booking is {booking.status} with attempt {booking.attempt} in force"
        yield Finding("held_for_nobody", records, f"{says} (version {booking.version})")


def claimed(booking: Booking, claim: Claim | None) -> Iterator[Finding]:
    """What the booking was told is what availability recorded, and what the booking gave up is given up there."""
    for kind, says in _differences(booking, claim):
        yield Finding(kind, (booking_at(booking), claim_at(booking.id)), f"{says} (version {booking.version})")


def _differences(booking: Booking, claim: Claim | None) -> Iterator[tuple[Kind, str]]:
    if claim is None:
        if booking.status != "requested":
            yield "claim_missing", f"it is {booking.status} and was never claimed"
        return
    unasked = sorted({*map(int, claim.attempts), *claim.tombstones} - {a.number for a in booking.attempts})
    if unasked:
        yield "claim_of_nobody", f"attempts {unasked} are claimed and were never asked for"
    if booking.status in STANDING:
        yield from _of_standing(booking, claim)
    if booking.status in RELEASED and not claim.over:
        yield "not_given_up", f"it is {booking.status} and its claim is not over"
    for attempt in booking.attempts:
        yield from _of_attempt(booking, attempt, claim)


def _of_standing(booking: Booking, claim: Claim) -> Iterator[tuple[Kind, str]]:
    asked = claim.attempt(booking.attempt)
    if asked is None:
        yield "claim_missing", f"it is {booking.status} and attempt {booking.attempt} was never claimed"
        return
    if claim.is_released(booking.attempt):
        yield "claim_differs", f"it is {booking.status} and attempt {booking.attempt} was given up"
    times = (asked.start, asked.end, asked.padded_start, asked.padded_end)
    promised = (minute(booking.start), minute(booking.end), *padded(booking, booking.start, booking.end))
    if times != promised:
        yield "claim_differs", f"attempt {booking.attempt} claims the minutes {times}, promised are {promised}"
    if booking.host_ids and booking.host_ids[0] not in asked.asked:
        yield "claim_differs", f"{booking.host_ids[0]} serves attempt {booking.attempt} and was never asked"


def _of_attempt(booking: Booking, attempt: Attempt, claim: Claim) -> Iterator[tuple[Kind, str]]:
    known = claim.attempt(attempt.number)
    refusal = known.refusal if known is not None else None
    said = refusal.code if refusal is not None else None
    if attempt.state == "refused" and said != attempt.code:
        yield "answer_differs", f"attempt {attempt.number} was refused ({attempt.code}), recorded is {said}"
    if attempt.state == "settled" and said is not None:
        yield "answer_differs", f"attempt {attempt.number} got a yes, recorded is the no {said}"
    if attempt.state == "released" and not claim.is_released(attempt.number):
        yield "not_given_up", f"attempt {attempt.number} was given up and has no tombstone"


def of_somebody(claim: Claim, booking: Booking | None) -> Iterator[Finding]:
    """A claim belongs to a booking."""
    if booking is None:
        yield Finding("claim_of_nobody", (claim_at(claim.id), booking_at(claim.id)), "nobody knows that booking")


def minute(instant: datetime) -> int:
    """Epoch minutes of an instant."""
    return int(instant.timestamp()) // 60
