"""Times: no person is booked twice, what stands is held exactly once, and claims say what bookings say."""

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime

from oversight.invariants.findings import Finding, Kind, place
from oversight.invariants.sagas import STANDING, booking_at
from services.accounts.domain.auditing import AuditEntry
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host, Reservation
from services.booking.domain import transitions
from services.booking.domain.bookings import RELEASED, Attempt, Booking, Moment
from turnus_contracts import ChangeRecorded


def host_at(id: str) -> str:
    """How a finding names a host record."""
    return place("availability", Host, id)


def claim_at(booking_id: str) -> str:
    """How a finding names a claim."""
    return place("availability", Claim, booking_id)


def double_bookings(host: Host) -> Iterator[Finding]:
    """No two padded intervals of different bookings overlap, but for what staff overbooked."""
    for first, other in overlaps(host):
        if not (first.overbooked or other.overbooked):
            yield _doubled(host, first, other)


def upon_overbooked(host: Host, bookings: Mapping[str, Booking]) -> Iterator[Finding]:
    """Staff may overbook what is there; nobody else is laid upon what they have overbooked.

    `bookings`: those of such a pair at least.
    """
    for first, other in overlaps(host):
        if first.overbooked == other.overbooked:
            continue
        below, upon = (first, other) if first.overbooked else (other, first)
        earlier = next(iter(noted(bookings.get(below.booking_id), below.attempt)), None)
        later = asked_for(bookings.get(upon.booking_id), upon.attempt)
        if earlier is not None and later is not None and later.requested_at > earlier.at:
            yield _doubled(host, below, upon)


def overlaps(host: Host) -> Iterator[tuple[Reservation, Reservation]]:
    """The pairs of padded intervals of different bookings that overlap."""
    held = sorted(host.reservations, key=lambda r: r.start)
    for place_, first in enumerate(held):
        for other in held[place_ + 1 :]:
            if other.start >= first.end:
                break
            if other.booking_id != first.booking_id:
                yield first, other


def _doubled(host: Host, first: Reservation, other: Reservation) -> Finding:
    records = (host_at(host.id), booking_at(first.booking_id), booking_at(other.booking_id))
    return Finding("double_booked", records, f"{_shown(first)} and {_shown(other)} overlap")


def asked_for(booking: Booking | None, number: int) -> Attempt | None:
    """What the booking knows of this attempt."""
    return booking.attempt_of(number) if booking is not None else None


def noted(booking: Booking | None, number: int) -> list[Moment]:
    """What the history says of this attempt having been overbooked."""
    told = booking.history if booking is not None else ()
    return [one for one in told if (one.what, one.attempt) == ("overbooked", number)]


def is_overbooked(booking: Booking) -> bool:
    """Whether staff overbooked the time that the booking has."""
    asked = booking.attempt_of(booking.attempt)
    return asked is not None and asked.overbooking is not None


def overbooked(host: Host, kept: Reservation, booking: Booking | None) -> Iterator[Finding]:
    """Who overbooked a time, and why, is in the booking; and in its history, once the booking knows that it has it."""
    asked = asked_for(booking, kept.attempt)
    if not kept.overbooked or booking is None or asked is None:
        return
    done = asked.overbooking
    told = [(one.by, one.detail) for one in noted(booking, kept.attempt)]
    if done is None or not done.actor_id or not done.reason:
        says = "is overbooked, and the booking does not say by whom and why"
    elif asked.state == "settled" and told != [(done.actor_id, done.reason)]:
        says = "is overbooked, and its history does not say by whom and why"
    else:
        return
    yield Finding("overbooked_unsaid", (booking_at(booking), host_at(host.id)), f"{_shown(kept)} {says}")


def overbookings(booking: Booking) -> dict[int, ChangeRecorded]:
    """By attempt that was overbooked: the fact by which the audit log knows of it."""
    return {
        asked.number: transitions.overbooked(booking, asked.number, asked.overbooking.actor_id, told.at)
        for asked in booking.attempts
        if asked.overbooking is not None
        for told in noted(booking, asked.number)
    }


def audited(booking: Booking, entries: Mapping[int, str], known: Collection[str]) -> Iterator[Finding]:
    """The audit log knows of every time that was overbooked. `entries`: by attempt; `known`: those that are there."""
    for number, entry in entries.items():
        if entry not in known:
            records = (booking_at(booking), place("accounts", AuditEntry, entry))
            yield Finding("overbooked_unsaid", records, f"attempt {number} is overbooked and not in the audit log")


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
