"""Limits: who is booked counts and nobody else does, and of those whom limits have let in there are not too many."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime

from oversight.invariants.findings import Finding, place
from oversight.invariants.sagas import FINAL_WITHIN, STANDING
from oversight.invariants.times import claim_at, is_overbooked, minute
from services.availability.domain.claims import Attempt, Claim
from services.availability.domain.hosts import Host
from services.availability.domain.limits import full_periods
from services.availability.domain.rules import MemberLimits
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Entry, Tally
from services.booking.domain.bookings import Booking
from turnus_contracts import Limits


def tally_at(id: str) -> str:
    """How a finding names a tally."""
    return place("availability", Tally, id)


def is_filled(calendar: ServedCalendar, tally: Tally | None) -> bool:
    """Whether the tally of a calendar with limits counts: nobody was asked under them before."""
    return bool(calendar.limited_since) and tally is not None and tally.filled_for >= calendar.limited_since


def counted(
    calendar: ServedCalendar, tally: Tally | None, claims: Mapping[str, Claim], hosts: Mapping[str, Host]
) -> Iterator[Finding]:
    """The tally of a calendar with limits holds exactly the attempts in it that a host holds, or held until archived.

    `claims`: all of the calendar that the tally has not forgotten; `hosts`: all that they have asked.
    """
    if tally is None or not is_filled(calendar, tally):
        return
    entries = {(one.booking_id, one.attempt): one for one in tally.entries}
    held, archived = _held(claims.values(), hosts), _archived(claims.values(), hosts)
    for (booking_id, number), entry in entries.items():
        if (booking_id, number) not in held and (booking_id, number) not in archived:
            records = (tally_at(tally.id), claim_at(booking_id))
            yield Finding("counted_for_nobody", records, f"{_shown(entry)} counts and no host holds it")
    for (booking_id, number), attempt in held.items():
        if (booking_id, number) not in entries and attempt.start >= tally.closed_until:
            records = (tally_at(tally.id), claim_at(booking_id))
            yield Finding("not_counted", records, f"attempt {number} of {booking_id} is held and does not count")


def _held(claims: Collection[Claim], hosts: Mapping[str, Host]) -> dict[tuple[str, int], Attempt]:
    """Those that are held now, and those that were when they were archived."""
    return {
        (claim.id, attempt.number): attempt
        for claim in claims
        for attempt in claim.attempts.values()
        for host_id in attempt.asked
        if host_id in hosts and _holds(hosts[host_id], claim, attempt)
    }


def _holds(host: Host, claim: Claim, attempt: Attempt) -> bool:
    # What a move left days late, archived by then, or what was given up, may not count any more.
    last = max((one.number for one in claim.standing()), default=0)
    had = attempt.number == last and host.had(claim.id, attempt.start)
    return had or host.held(claim.id, attempt.number) is not None


def _archived(claims: Collection[Claim], hosts: Mapping[str, Host]) -> set[tuple[str, int]]:
    return {
        (claim.id, attempt.number)
        for claim in claims
        for attempt in claim.standing()
        for host_id in attempt.asked
        if host_id in hosts and attempt.padded_end <= hosts[host_id].closed_until
    }


def of_calendar(calendar: ServedCalendar, tally: Tally | None, bookings: Sequence[Booking]) -> Iterator[Finding]:
    """A calendar takes no more than its limits: of those that its tally has let in since they are what they are.

    `bookings`: all of the calendar that some open period may count.
    """
    if tally is None or not is_filled(calendar, tally):
        return
    since = calendar.same_limits_since
    let_in = {(one.booking_id, one.attempt) for one in tally.entries if one.calendar_version >= since > 0}
    bound = [one for one in bookings if (one.id, one.attempt) in let_in]
    at = place("availability", ServedCalendar, calendar.id)
    yield from _within(at, calendar.limits or Limits(), calendar.tz, bookings, bound)


def of_member(limits: MemberLimits, bookings: Sequence[Booking]) -> Iterator[Finding]:
    """A member takes no more than their limits, in whatever calendars: of those who asked since these are known to be.

    `bookings`: all that the member serves and that some open period may count.
    """
    known = limits.changed_at + FINAL_WITHIN
    bound = [one for one in bookings if one.attempt and one.attempts[one.attempt - 1].requested_at >= known]
    yield from _within(place("availability", MemberLimits, limits.id), limits.limits, limits.tz, bookings, bound)


def _within(
    at: str, limits: Limits, tz: str, bookings: Sequence[Booking], bound: Sequence[Booking]
) -> Iterator[Finding]:
    """No period has more bookings than the limits allow, of `bound`, which they let in, and of those before.

    What was booked before the limits were these may be more by itself, and so may what staff overbooked: neither is
    looked at. Whoever asked while they changed is left out: they may have been decided by the old ones, and last.
    """
    standing = [one for one in bookings if one.status in STANDING and not is_overbooked(one)]
    let_in = {one.id: one for one in bound if one.status in STANDING and not is_overbooked(one)}
    if not let_in:
        return
    first = min(_asked_at(one) for one in let_in.values())
    there = [one for one in standing if one.id in let_in or _asked_at(one) < first - FINAL_WITHIN]
    starts = [(one.id, minute(one.start)) for one in there]
    for period in full_periods(_exceeded(limits), tz, starts):
        inside = {booking for booking, start in starts if period.start <= start < period.end}
        if inside & let_in.keys():
            says = f"{len(inside)} bookings start in the {period.period} from {period.start} on"
            yield Finding("over_limit", (at,), f"{says}, {period.most - 1} are let in")


def _asked_at(booking: Booking) -> datetime:
    return booking.attempts[booking.attempt - 1].requested_at


def _exceeded(limits: Limits) -> Limits:
    """The limits by which a period is full that has one booking too many."""
    told = limits.model_dump()
    return Limits(**{period: most + 1 for period, most in told.items() if most is not None})


def _shown(entry: Entry) -> str:
    return f"attempt {entry.attempt} of {entry.booking_id} at {entry.start}"
