"""What availability learns: members, calendars as published, and changes of schedules and blocks."""

from functools import partial

from services.availability.domain import hosts, rules, serving
from services.availability.domain.hosts import Host
from services.availability.domain.rules import Blocks, Member, MemberLimits, MemberSchedule
from services.availability.domain.serving import ServedCalendar
from services.availability.handlers.limiting import ensure_filled
from services.availability.handlers.telling import tell
from turnus_contracts import CalendarPublished, MemberChanged
from turnus_runtime.records import Decision, Owed
from turnus_runtime.turn import Turn


async def learn_member(told: MemberChanged, on: Turn) -> None:
    """Know whose schedules these may be, and when they pause."""
    await on.records(Member).decide(told.member_id, lambda m: rules.learn_member(m, told))
    await apply_limits(told.member_id, on)
    if told.paused_since is not None:
        await on.records(Host).decide(told.member_id, lambda h: hosts.learn_pause(h, told))


async def serve_calendar(told: CalendarPublished, on: Turn) -> None:
    """Offer starts by this version from now on.

    Whoever joins is told of the calendar's own blocks before that: a look at them from before they once left, when
    there were none, must not pass for one of now.
    """
    done = False
    while not done:
        known = await on.records(ServedCalendar).get(told.calendar_id)
        blocks_version = known.blocks_version if known is not None else 0
        if known is not None and blocks_version and told.version > known.version:
            joined = [one.member_id for one in told.members if one.member_id not in known.member_ids]
            await tell(joined, known.id, blocks_version, on)
        serve = partial(_served, told, blocks_version)
        done = await on.records(ServedCalendar).decide(told.calendar_id, serve)
    served = await on.records(ServedCalendar).get(told.calendar_id)
    if served is not None:
        await ensure_filled(served, on)


def _served(
    told: CalendarPublished, blocks_version: int, current: ServedCalendar | None
) -> Decision[ServedCalendar, bool]:
    """False: blocks have changed since those who join were told."""
    if (current.blocks_version if current is not None else 0) != blocks_version:
        return Decision(answer=False)
    decided = serving.serve_calendar(current, told)
    return Decision(True, decided.record, decided.owes, decided.drops, decided.says)


async def apply_rules(record_id: str, fired: Owed, on: Turn) -> None:
    """Timer: schedules or blocks changed and the process that wrote them did not get to tell the host record."""
    if record_id.startswith("blk_"):
        await apply_blocks(record_id, on)
    elif record_id.startswith("mem_"):
        await apply_limits(record_id, on)
    else:
        await apply_schedule(record_id, on)


async def apply_schedule(schedule_id: str, on: Turn) -> None:
    """A schedule changed: reservations of its member must look again."""
    schedule = await on.records(MemberSchedule).get(schedule_id)
    if schedule is not None and (owed := schedule.owes(rules.APPLY_RULES)) is not None:
        await on.records(Host).decide(schedule.member_id, lambda h: hosts.change_rules(h, schedule.member_id))
        await on.records(MemberSchedule).decide(schedule_id, lambda s: rules.rules_applied(s, owed))


async def apply_limits(member_id: str, on: Turn) -> None:
    """A member's limits or the zone in which they count changed: their reservations must look again."""
    member = await on.records(Member).get(member_id)
    if member is not None:
        await on.records(MemberLimits).decide(member_id, lambda one: rules.move_limits(one, member.tz, on.now))
    limits = await on.records(MemberLimits).get(member_id)
    if limits is not None and (owed := limits.owes(rules.APPLY_RULES)) is not None:
        await on.records(Host).decide(member_id, lambda h: hosts.change_rules(h, member_id))
        await on.records(MemberLimits).decide(member_id, lambda one: rules.rules_applied(one, owed))


async def apply_blocks(blocks_id: str, on: Turn) -> None:
    """Blocks changed: reservations of the member or in the calendar must look again."""
    blocks = await on.records(Blocks).get(blocks_id)
    if blocks is not None and (owed := blocks.owes(rules.APPLY_RULES)) is not None:
        if blocks.owner_id.startswith("mem_"):
            await on.records(Host).decide(blocks.owner_id, lambda h: hosts.change_rules(h, blocks.owner_id))
        else:
            await _tell_hosts(await on.records(ServedCalendar).decide(blocks.owner_id, serving.change_blocks), on)
        await on.records(Blocks).decide(blocks_id, lambda b: rules.rules_applied(b, owed))


async def _tell_hosts(calendar: ServedCalendar | None, on: Turn) -> None:
    if calendar is not None:
        await tell(calendar.member_ids, calendar.id, calendar.blocks_version, on)
