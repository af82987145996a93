"""What availability learns: members, calendars as published, and changes of schedules and blocks."""

import asyncio
from functools import partial

from services.availability.domain import hosts, rules
from services.availability.domain.hosts import Host
from services.availability.domain.rules import Blocks, Member, MemberSchedule, ServedCalendar
from turnus_contracts import CalendarPublished, MemberChanged
from turnus_runtime.records import Owed
from turnus_runtime.turn import Turn


async def learn_member(told: MemberChanged, on: Turn) -> None:
    """Know whose schedules these may be."""
    await on.records(Member).decide(told.member_id, lambda m: rules.learn_member(m, told))


async def serve_calendar(told: CalendarPublished, on: Turn) -> None:
    """Offer starts by this version from now on."""
    await on.records(ServedCalendar).decide(told.calendar_id, lambda c: rules.serve_calendar(c, told))


async def apply_rules(record_id: str, fired: Owed, on: Turn) -> None:
    """Timer: schedules or blocks changed and the process that wrote them did not get to tell the host record."""
    if record_id.startswith("blk_"):
        await apply_blocks(record_id, on)
    else:
        await apply_schedule(record_id, on)


async def apply_schedule(schedule_id: str, on: Turn) -> None:
    """A schedule changed: reservations of its member must look again."""
    schedule = await on.records(MemberSchedule).get(schedule_id)
    if schedule is not None and (owed := schedule.owes(rules.APPLY_RULES)) is not None:
        await on.records(Host).decide(schedule.member_id, lambda h: hosts.change_rules(h, schedule.member_id))
        await on.records(MemberSchedule).decide(schedule_id, lambda s: rules.rules_applied(s, owed))


async def apply_blocks(blocks_id: str, on: Turn) -> None:
    """Blocks changed: reservations of the member or in the calendar must look again."""
    blocks = await on.records(Blocks).get(blocks_id)
    if blocks is not None and (owed := blocks.owes(rules.APPLY_RULES)) is not None:
        if blocks.owner_id.startswith("mem_"):
            await on.records(Host).decide(blocks.owner_id, lambda h: hosts.change_rules(h, blocks.owner_id))
        else:
            await _tell_hosts(await on.records(ServedCalendar).decide(blocks.owner_id, rules.change_blocks), on)
        await on.records(Blocks).decide(blocks_id, lambda b: rules.rules_applied(b, owed))


async def _tell_hosts(calendar: ServedCalendar | None, on: Turn) -> None:
    if calendar is None:
        return
    await asyncio.gather(
        *(
            on.records(Host).decide(
                host_id,
                partial(hosts.change_blocks, host_id=host_id, calendar_id=calendar.id, version=calendar.blocks_version),
            )
            for host_id in calendar.member_ids
        )
    )
