"""Reserve, settle, give back. Rules: `reliability.md` ("Reserving")."""

from dataclasses import replace

from services.availability.domain import claims, engine, hosts
from services.availability.domain.claims import Attempt, Claim
from services.availability.domain.hosts import Ask, Host, Reply
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.zones import epoch_minute, instant_of
from services.availability.handlers.limiting import give_back, is_counted
from services.availability.store.teams import TeamAsOf, limited_of, team
from turnus_contracts import (
    AssigneeChosen,
    AssigneeSettled,
    AttemptReleased,
    BookingConcluded,
    BookingMoved,
    BookingReleased,
    BookingRequested,
    SlotRefused,
    SlotReserved,
)
from turnus_runtime.turn import Turn

CALENDAR_WAIT_SECONDS = 3
"""How long a request waits for the calendar's version that it names; then the booking asks again."""


async def reserve_slot(request: BookingRequested, on: Turn) -> None:
    """Pin the candidates and ask one after the other until a host says yes."""
    calendar = await _calendar(request, on)
    if calendar is None:
        return
    members = await team(on, calendar, but=request.booking_id)
    attempt = await _pin(request, calendar, members, on)
    while attempt is not None and (host_id := attempt.next_to_ask) is not None:
        if not await is_counted(request, calendar, attempt, on):
            await _refuse(request, calendar, attempt, on)
            return
        reply = await _ask_host(request, calendar, members, attempt, host_id, on)
        if reply is Reply.STALE:  # rules have changed meanwhile: look at them again
            calendar = await on.records(ServedCalendar).get(calendar.id) or calendar
            members = await team(on, calendar, but=request.booking_id)
        elif reply is Reply.REFUSED:
            attempt = await _note_refused(request, calendar, attempt, host_id, on)
        else:
            # Accepted; or days in the past, where nobody knows any more who accepted: the booking's deadline decides.
            return
    if calendar.limited_since and attempt is not None and attempt.candidates:
        await _give_back_counted(request, calendar, attempt, on)


async def settle_assignee(chosen: AssigneeChosen, on: Turn) -> None:
    """Keep the provisional host, or swap: the new one is held before the old one is freed."""
    attempt = await on.records(Claim).decide(chosen.booking_id, lambda c: claims.choose(c, chosen))
    if attempt is None or (holder := attempt.next_to_ask) is None or attempt.chosen is None:
        return
    if attempt.chosen != holder:
        reply = await _ask_chosen(chosen, attempt, attempt.chosen, on)
        if reply is Reply.CLOSED:
            return
        if reply is Reply.ACCEPTED:
            swapped = _settled(chosen, attempt, attempt.chosen)
            await on.records(Host).decide(holder, lambda h: hosts.free(h, chosen.booking_id, chosen.attempt, swapped))
            return
    kept = _settled(chosen, attempt, holder)
    await on.records(Host).decide(holder, lambda h: hosts.keep(h, kept))


async def release_attempt(released: AttemptReleased, on: Turn) -> None:
    """One ask is given up: tombstone first, then every host that was asked gives the time back."""
    await _release(released.booking_id, released.workspace_id, released.calendar_id, released.attempt, on)


async def release_booking(released: BookingReleased, on: Turn) -> None:
    """The booking is over: all its attempts, known or not."""
    await _release(released.booking_id, released.workspace_id, released.calendar_id, None, on)


async def free_moved(moved: BookingMoved | BookingConcluded, on: Turn) -> None:
    """A carried out move frees what the attempts below it hold; a conclusion does so too, should the move be lost."""
    claim = await on.records(Claim).get(moved.booking_id)
    if claim is None:
        return
    for attempt in claim.attempts.values():
        if attempt.number < moved.attempt:
            for host_id in attempt.asked:
                await on.records(Host).decide(
                    host_id, lambda h, number=attempt.number: hosts.free(h, moved.booking_id, number)
                )
            await give_back(claim.id, claim.calendar_id, attempt, on, moved=True)


async def _calendar(request: BookingRequested, on: Turn) -> ServedCalendar | None:
    """The calendar in the version that the request names, or a newer one; None after a few seconds without it."""
    wanted = request.calendar_version
    calendar = await on.records(ServedCalendar).wait(
        request.calendar_id, lambda c: c is not None and c.version >= wanted, CALENDAR_WAIT_SECONDS
    )
    return calendar if calendar is not None and calendar.version >= wanted else None


def _rules(request: BookingRequested, calendar: ServedCalendar) -> engine.SlotRules:
    """The calendar's rules with the duration and buffers that were promised to this booking."""
    return replace(
        calendar.rules(),
        duration=request.duration_minutes,
        buffer_before=request.buffer_before_minutes,
        buffer_after=request.buffer_after_minutes,
    )


def _asked(request: BookingRequested, calendar: ServedCalendar, members: TeamAsOf) -> engine.Team:
    return members.seen(_rules(request, calendar), only=request.host_ids or None, by_staff=request.by_staff)


def _candidates(request: BookingRequested, team: engine.Team) -> tuple[str, ...]:
    """Who could serve. Whom staff overbook, they name; whoever serves in the calendar can be overbooked at any time."""
    minute = epoch_minute(request.start)
    if request.overbook:
        return tuple(host.host_id for host in team.asked)[:1]
    return () if instant_of(minute) != request.start else tuple(engine.free_hosts(team, minute, request.requested_at))


async def _pin(request: BookingRequested, calendar: ServedCalendar, members: TeamAsOf, on: Turn) -> Attempt | None:
    candidates = _candidates(request, _asked(request, calendar, members))
    refusal = None
    if calendar.status == "retired" and request.attempt == 1:
        candidates, refusal = (), _refused(request, "calendar_retired", None, None, on)
    elif not candidates:
        taken = _candidates(request, _asked(request, calendar, members.without_bookings()))
        refusal = _refused(request, "slot_taken" if taken else "slot_not_offered", calendar, members, on)
    start = epoch_minute(request.start)
    end = start + request.duration_minutes
    new = Attempt(
        number=request.attempt,
        start=start,
        end=end,
        padded_start=start - request.buffer_before_minutes,
        padded_end=end + request.buffer_after_minutes,
        candidates=candidates,
        at_once=request.same_host or calendar.calendar_kind == "personal",
        fixed=bool(request.host_ids),
    )
    return await on.records(Claim).decide(request.booking_id, lambda c: claims.pin(c, request, new, refusal))


async def _ask_host(
    request: BookingRequested,
    calendar: ServedCalendar,
    members: TeamAsOf,
    attempt: Attempt,
    host_id: str,
    on: Turn,
    *,
    limited: bool = False,
) -> Reply:
    """Ask a host for the time. `limited`: the calendar takes no further booking, so only an earlier yes counts."""
    offered = not limited and host_id in _candidates(request, _asked(request, calendar, members.without_bookings()))
    ask = Ask(
        booking_id=request.booking_id,
        attempt=attempt.number,
        start=attempt.padded_start,
        end=attempt.padded_end,
        offered=offered,
        # Whoever has left the calendar since they were pinned has no rules in it to look at again: it is a no.
        rules_version=None if request.overbook or limited else members.versions.get(host_id),
        calendar_id=calendar.id,
        blocks_version=members.blocks_version,
        reserved=_reserved(request, calendar, attempt, host_id),
        assigned=_settled(request, attempt, host_id),
        at_once=attempt.at_once,
        before=attempt.start - attempt.padded_start,
        after=attempt.padded_end - attempt.end,
        limited=members.limited(host_id, attempt.start),
        overbook=request.overbook and not limited,
    )
    return await on.records(Host).decide(host_id, lambda h: hosts.reserve(h, ask, host_id, on.now))


async def _ask_chosen(chosen: AssigneeChosen, attempt: Attempt, host_id: str, on: Turn) -> Reply:
    """Ask the chosen host in the middle of a swap. It was free when the candidates were pinned; if its rules have
    changed since, that no longer hinders: only other bookings do, which lie there or fill a limit.
    """
    ask = Ask(
        booking_id=chosen.booking_id,
        attempt=attempt.number,
        start=attempt.padded_start,
        end=attempt.padded_end,
        offered=True,
        rules_version=None,
        before=attempt.start - attempt.padded_start,
        after=attempt.padded_end - attempt.end,
        limited=await limited_of(on, host_id, attempt.start),
    )
    return await on.records(Host).decide(host_id, lambda h: hosts.reserve(h, ask, host_id, on.now))


async def _note_refused(
    request: BookingRequested, calendar: ServedCalendar, attempt: Attempt, host_id: str, on: Turn
) -> Attempt | None:
    """Note the no; the refusal of the whole attempt is prepared for the case that nobody is left."""
    last = len(attempt.free) <= 1
    members = await team(on, calendar, but=request.booking_id) if last else None
    refusal = _refused(request, "slot_taken", calendar, members, on)
    counted_at = on.now if calendar.limited_since else None
    return await on.records(Claim).decide(
        request.booking_id,
        lambda c: claims.ask_next(c, attempt.number, host_id, refusal, counted_at=counted_at),
    )


async def _give_back_counted(request: BookingRequested, calendar: ServedCalendar, attempt: Attempt, on: Turn) -> None:
    """The attempt was refused, maybe by a handling that knew of no limits and owes the tally nothing.

    This handling may have counted it meanwhile, or may be the second try of one that had and died.
    """
    await give_back(request.booking_id, calendar.id, attempt, on)


async def _refuse(request: BookingRequested, calendar: ServedCalendar, attempt: Attempt, on: Turn) -> None:
    """The calendar has as many bookings as it takes.

    Another handling of the same request may have asked a host by a calendar that was not limited: whoever was asked
    says no for good first, or has said yes, and then the attempt stands.
    """
    members = await team(on, calendar, but=request.booking_id)
    refusal = _refused(request, "slot_taken", calendar, members, on)
    done = False
    while not done:
        claim = await on.records(Claim).get(request.booking_id)
        known = claim.attempt(attempt.number) if claim is not None else None
        asked = known.asked if known is not None else ()
        for host_id in asked:
            if await _ask_host(request, calendar, members, attempt, host_id, on, limited=True) is not Reply.REFUSED:
                return
        done = await on.records(Claim).decide(
            request.booking_id, lambda c, asked=asked: claims.refuse(c, attempt.number, asked, refusal)
        )


async def _release(booking_id: str, workspace_id: str, calendar_id: str, number: int | None, on: Turn) -> None:
    asked = await on.records(Claim).decide(
        booking_id, lambda c: claims.release(c, booking_id, workspace_id, calendar_id, number)
    )
    for attempt in asked.values():
        for host_id in attempt.asked:
            await on.records(Host).decide(
                host_id,
                lambda h, a=attempt, host_id=host_id: hosts.release(h, booking_id, a.number, a.padded_start, host_id),
            )
        # Last: if the calendar has no limits yet, nobody who meets them from now on gets a yes from these hosts.
        await give_back(booking_id, calendar_id, attempt, on)


def _reserved(request: BookingRequested, calendar: ServedCalendar, attempt: Attempt, host_id: str) -> SlotReserved:
    return SlotReserved(
        workspace_id=request.workspace_id,
        calendar_id=request.calendar_id,
        booking_id=request.booking_id,
        attempt=attempt.number,
        calendar_version=calendar.version,
        start=instant_of(attempt.start),
        end=instant_of(attempt.end),
        host_ids=(host_id,),
        free_host_ids=attempt.free,
        fixed=attempt.fixed,
    )


def _settled(about: BookingRequested | AssigneeChosen, attempt: Attempt, host_id: str) -> AssigneeSettled:
    return AssigneeSettled(
        workspace_id=about.workspace_id,
        calendar_id=about.calendar_id,
        booking_id=about.booking_id,
        attempt=attempt.number,
        start=instant_of(attempt.start),
        end=instant_of(attempt.end),
        host_ids=(host_id,),
        charged=attempt.charged,
    )


def _refused(
    request: BookingRequested, code: str, calendar: ServedCalendar | None, members: TeamAsOf | None, on: Turn
) -> SlotRefused:
    found: list[int] = []
    if calendar is not None and members is not None and code != "calendar_retired":
        found = engine.alternatives(_asked(request, calendar, members), epoch_minute(request.start), on.now)
    return SlotRefused(
        workspace_id=request.workspace_id,
        calendar_id=request.calendar_id,
        booking_id=request.booking_id,
        attempt=request.attempt,
        start=request.start,
        code=code,
        alternatives=tuple(instant_of(start) for start in found),
    )
