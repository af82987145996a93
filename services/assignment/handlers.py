"""What assignment does about each event. Every change reads the rotation, then the choice, then writes the rotation.

The errands of a write (filing a choice, marking an effect as applied) are run right after it; what a crash leaves is
run by the timers at the end of this module. The rotation forgets errands that are done with its next write, or by the
timer.
"""

import asyncio
from collections.abc import Sequence
from functools import partial

from services.assignment.domain.applying import apply_effects, choice_of, drop_errands, effect_of, is_done
from services.assignment.domain.charging import charge, filing_of
from services.assignment.domain.choice import Choice, choice_id, chosen, file, mark, release, settle, settles
from services.assignment.domain.rotation import FILE, PERSONAL, Rotation, errand_id
from services.assignment.domain.rotation import apply_calendar as calendar_applied
from services.assignment.settings import Settings
from turnus_contracts import (
    AssigneeSettled,
    AttemptReleased,
    BookingReleased,
    CalendarPublished,
    Settled,
    SlotReserved,
)
from turnus_contracts.booking import OfBooking
from turnus_runtime.records import Owed
from turnus_runtime.turn import Turn


async def apply_calendar(event: CalendarPublished, on: Turn) -> None:
    """Take over the calendar's members and rule, and say that this version is served."""
    await on.records(Rotation).decide(event.calendar_id, partial(calendar_applied, event))


async def choose_assignee(event: SlotReserved, on: Turn) -> None:
    """Choose among the hosts that are free, once; a duplicate gets the same answer again.

    A calendar that was not heard of is waited for, for a moment; without it nothing is chosen, and the booking's asking
    again brings the event back. A calendar known in another version than the event's is taken as it is here.
    """
    seconds = on.configured(Settings).assignment_calendar_wait_seconds
    rotation = await on.records(Rotation).wait(event.calendar_id, lambda found: found is not None, seconds)
    wanted = choice_id(event.booking_id, event.attempt)
    while rotation is not None:
        choice, done = await _look(wanted, rotation, on)
        if choice is not None and choice.charge is not None:
            await on.say(chosen(choice, choice.charge))
            return
        decision = partial(charge, event, rotation.version, done, on.now)
        charged = await on.records(Rotation).decide(event.calendar_id, decision)
        if charged is not None:
            await _file(charged, on)
            return
        rotation = await on.records(Rotation).get(event.calendar_id)


async def follow_settlement(event: AssigneeSettled, on: Turn) -> None:
    """Who holds the time for good pays for it. Without a charge (personal, `same_host`, kept) nothing is to be done."""
    if event.charged:
        await _settle(event, event.attempt, event.host_ids, on)


async def follow_booking(fact: Settled, on: Turn) -> None:
    """The booking stands, moved or is over: its hosts pay for the choice in force, every one below it is taken back."""
    if fact.charged:
        await _settle(fact, fact.charged, fact.host_ids, on)
        await _release(fact, range(1, fact.charged), on)


async def release_attempt(event: AttemptReleased, on: Turn) -> None:
    """One attempt was given up: its choice is taken back, also one that is made only later."""
    await _release(event, (event.attempt,), on)


async def release_booking(fact: BookingReleased, on: Turn) -> None:
    """The booking is over: all its choices are taken back, known or not."""
    await _release(fact, range(1, fact.highest_attempt + 1), on)


async def _settle(event: OfBooking, attempt: int, host_ids: Sequence[str], on: Turn) -> None:
    wanted = choice_id(event.booking_id, attempt)
    choice = await on.records(Choice).get(wanted)
    if choice is None or choice.charge is None:
        rotation = await on.records(Rotation).get(event.calendar_id)
        if rotation is None:
            return
        choice, _ = await _look(wanted, rotation, on)
    if choice is None or choice.charge is None or settles(choice, host_ids):
        return
    settled = await on.records(Choice).decide(wanted, partial(settle, host_ids, on.now))
    if settled is not None and settled.pending:
        await _apply(settled, on)


async def _release(event: OfBooking, attempts: Sequence[int], on: Turn) -> None:
    if not attempts:
        return
    rotation = await on.records(Rotation).get(event.calendar_id)
    if rotation is not None and rotation.calendar_kind == PERSONAL:
        return
    for attempt in attempts:
        blank = Choice(
            id=choice_id(event.booking_id, attempt),
            workspace_id=event.workspace_id,
            calendar_id=event.calendar_id,
            booking_id=event.booking_id,
            attempt=attempt,
        )
        released = await on.records(Choice).decide(blank.id, partial(release, blank, on.now))
        if released.pending:
            await _apply(released, on)


async def _look(wanted: str, rotation: Rotation, on: Turn) -> tuple[Choice | None, list[str]]:
    """The choice, filed first if the rotation still owes that, and the ids of the rotation's errands that are done.

    To be called with a rotation that was read before: what is filed in between has changed the rotation's version.
    """
    errands = [errand for errand in rotation.errands() if choice_of(errand) != wanted]
    choice, *others = await asyncio.gather(
        on.records(Choice).get(wanted), *(on.records(Choice).get(choice_of(errand)) for errand in errands)
    )
    filing = rotation.owes(errand_id(FILE, wanted))
    if filing is not None and (choice is None or choice.charge is None):
        choice = await _file(filing_of(filing), on)
    return choice, [errand.id for errand, other in zip(errands, others, strict=True) if is_done(errand, other)]


async def _file(charged: Choice, on: Turn) -> Choice:
    """File a choice that was charged, and take it back at once if its release came first."""
    filed = await on.records(Choice).decide(charged.id, partial(file, charged, on.now))
    if filed.pending:
        await _apply(filed, on)
    return filed


async def _apply(choice: Choice, on: Turn) -> None:
    """Apply to the rotation what the choice has decided and not seen applied, then mark it there."""
    while True:
        rotation = await on.records(Rotation).get(choice.calendar_id)
        read = await on.records(Choice).get(choice.id)
        if rotation is None or read is None or not read.pending:
            return
        decision = partial(apply_effects, read, rotation.version, (), on.now)
        if await on.records(Rotation).decide(choice.calendar_id, decision):
            await on.records(Choice).decide(choice.id, partial(mark, read.pending))
            return


async def apply_choice(record_id: str, _: Owed, on: Turn) -> None:
    """Timer of a choice: apply what a crash left unapplied."""
    choice = await on.records(Choice).get(record_id)
    if choice is not None and choice.pending:
        await _apply(choice, on)


async def run_errand(record_id: str, timer: Owed, on: Turn) -> None:
    """Timer of a rotation: file or mark what a crash left, and forget it with every other errand that is done."""
    rotation = await on.records(Rotation).get(record_id)
    if rotation is None or rotation.owes(timer.id) is None:
        return
    about = choice_of(timer)
    choice, done = await _look(about, rotation, on)
    if choice is not None and not is_done(timer, choice):
        await on.records(Choice).decide(about, partial(mark, (effect_of(timer),)))
    await on.records(Rotation).decide(record_id, partial(drop_errands, (timer.id, *done)))
