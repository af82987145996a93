"""Limits of a calendar: its tally is asked before any host. Rules: `reliability.md` ("Limits")."""

from services.availability.domain import claims, tallies
from services.availability.domain.claims import Attempt, Claim
from services.availability.domain.hosts import Host
from services.availability.domain.limits import period_spans
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Counting, Entry, Tally
from services.availability.domain.zones import epoch_minute
from services.availability.handlers.telling import tell
from turnus_contracts import BookingRequested
from turnus_runtime.records import Owed, key
from turnus_runtime.turn import Turn


async def is_counted(request: BookingRequested, calendar: ServedCalendar, attempt: Attempt, on: Turn) -> bool:
    """Whether the calendar takes the attempt; one without limits takes all. Overbooking counts, unlimited."""
    if not calendar.limited_since or calendar.limits is None:
        return True
    await ensure_filled(calendar, on)
    entry = Entry(
        booking_id=request.booking_id, attempt=attempt.number, start=attempt.start, calendar_version=calendar.version
    )
    limited = () if request.overbook else tuple(period_spans(calendar.limits, calendar.tz, attempt.start))
    asks = Counting(entry, limited)
    return await on.records(Tally).decide(calendar.id, lambda t: tallies.count(t, asks, calendar.id, on.now))


async def ensure_filled(calendar: ServedCalendar, on: Turn) -> None:
    """Count what was booked before the calendar had limits, once, before anybody is asked under them.

    The hosts hear first, also those who have left, who may still be asked by the calendar as it was: a reservation by
    it looks again from then on, so nothing is booked uncounted after they are read.
    """
    if not calendar.limited_since:
        return
    tally = await on.records(Tally).get(calendar.id)
    if tally is not None and tally.filled_for >= calendar.limited_since:
        return
    await tell((*calendar.member_ids, *calendar.former_ids), calendar.id, calendar.blocks_version, on)
    held, left = await _booked(calendar, on)
    await on.records(Tally).decide(
        calendar.id, lambda t: tallies.fill(t, calendar.id, calendar.limited_since, held, on.now, left=left)
    )


async def give_back(booking_id: str, calendar_id: str, attempt: Attempt, on: Turn, *, moved: bool = False) -> None:
    """The attempt counts no more, if its calendar counts at all.

    Called once its end is written elsewhere: whoever fills the tally at the same time finds that, or a mark here.
    """
    calendar = await on.records(ServedCalendar).get(calendar_id)
    if calendar is not None and calendar.limited_since:
        await on.records(Tally).decide(
            calendar.id,
            lambda t: tallies.release(t, calendar.id, booking_id, attempt.number, attempt.start, moved=moved),
        )


async def give_back_refused(claim_id: str, fired: Owed, on: Turn) -> None:
    """Timer: no host took an attempt that the tally had counted."""
    claim = await on.records(Claim).get(claim_id)
    attempt = claim.attempt(int(fired.id.rpartition(":")[2])) if claim is not None else None
    if claim is None or attempt is None or claim.owes(fired.id) is None:
        return
    await give_back(claim.id, claim.calendar_id, attempt, on)
    await on.records(Claim).decide(claim_id, lambda c: claims.given_back(c, fired))


async def _booked(calendar: ServedCalendar, on: Turn) -> tuple[list[Entry], list[Entry]]:
    """The attempts in this calendar that some period still open counts: those that a host holds, or has archived; and
    those that a move has left.
    """
    held: list[Entry] = []
    left: list[Entry] = []
    after = key(calendar.id, epoch_minute(on.now) - tallies.KEPT_MINUTES)
    while page := await on.records(Claim).with_prefix("by_calendar", calendar.id, after=after):
        hosts: dict[str, Host | None] = {}
        for claim in page:
            for one in claim.standing():
                if await _is_held(claim, one, hosts, on):
                    held.append(_entry(claim, one))
                elif _is_followed(claim, one):
                    left.append(_entry(claim, one))
        after = str(page[-1].keys()["by_calendar"])
    return held, left


async def _is_held(claim: Claim, attempt: Attempt, hosts: dict[str, Host | None], on: Turn) -> bool:
    """`hosts`: those that were read since the claim was; whoever else was asked is read now."""
    for host_id in attempt.asked:
        if host_id not in hosts:
            hosts[host_id] = await on.records(Host).get(host_id)
    asked = [hosts[host_id] for host_id in attempt.asked]
    if any(_holds(host, claim.id, attempt) for host in asked):
        return True
    # What is archived is not touched again.
    archived = any(host is not None and attempt.padded_end <= host.closed_until for host in asked)
    return not _is_followed(claim, attempt) and not archived and await _is_swapped(claim.id, attempt, on)


def _is_followed(claim: Claim, attempt: Attempt) -> bool:
    """Whether the booking has asked for another time since: it does so once this attempt is settled."""
    return any(one.number > attempt.number for one in claim.standing())


async def _is_swapped(claim_id: str, attempt: Attempt, on: Turn) -> bool:
    """Whether a host holds the attempt that nobody seemed to hold, since it was swapped while they were read.

    The next host is written to the claim, then holds it, and only then is the one before freed: hosts that are read in
    the order in which they were asked miss it only if the claim names another one by then.
    """
    known, looked = attempt, tuple[str, ...]()
    while known is not None and known.asked != looked:
        looked = known.asked
        for host_id in looked:
            if _holds(await on.records(Host).get(host_id), claim_id, attempt):
                return True
        claim = await on.records(Claim).get(claim_id)
        known = claim.attempt(attempt.number) if claim is not None else None
    return False


def _holds(host: Host | None, claim_id: str, attempt: Attempt) -> bool:
    """Whether the host holds the attempt, or held it until it was archived."""
    return host is not None and (host.held(claim_id, attempt.number) is not None or host.had(claim_id, attempt.start))


def _entry(claim: Claim, attempt: Attempt) -> Entry:
    return Entry(booking_id=claim.id, attempt=attempt.number, start=attempt.start, calendar_version=0)
