"""Reading what decides whether a host is free; schedules and blocks are kept in memory by version."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from services.availability.domain.engine import HostTimes, Team
from services.availability.domain.hosts import Host, Reservation
from services.availability.domain.limits import NONE, FullPeriod, full_periods, period_spans
from services.availability.domain.rasters import Busy, SlotRules
from services.availability.domain.rules import Blocks, MemberLimits, MemberSchedule
from services.availability.domain.schedule import Schedule
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.availability.domain.zones import DAY, epoch_minute
from turnus_contracts import Limits
from turnus_runtime.ids import is_id
from turnus_runtime.records import key
from turnus_runtime.turn import Turn

KEPT_RULES = 10_000
PAST_MINUTES = 2 * DAY
"""Blocks that ended longer ago are not read: a request is decided minutes after it was made, not days."""
NEVER = Schedule(tz="UTC")
"""The schedule of a member who has none: no hours at all."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a member has set (schedules, blocks, limits), as of `version` of the host record or later; or a calendar's
    blocks. `schedule` counts where `of_calendar` has none.
    """

    version: int
    schedule: Schedule
    blocked: tuple[Busy, ...]
    of_calendar: Mapping[str, Schedule] = field(default_factory=dict[str, Schedule])
    limits: Limits = NONE
    tz: str = "UTC"
    """the member's zone, in which their limits count"""


class RulesCache:
    """Rules of members and calendars in this process. A record with another version of them makes an entry stale."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Rules] = OrderedDict()

    def get(self, owner_id: str, version: int) -> Rules | None:
        """The rules, if they are as new as the owner's record says."""
        kept = self._kept.get(owner_id)
        if kept is None or kept.version != version:
            return None
        self._kept.move_to_end(owner_id)
        return kept

    def keep(self, owner_id: str, rules: Rules) -> None:
        """Keep these rules, forgetting the least used ones."""
        self._kept[owner_id] = rules
        self._kept.move_to_end(owner_id)
        if len(self._kept) > KEPT_RULES:
            self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class TeamAsOf:
    """The members of a calendar as of one moment.

    `versions`: the `rules_version` by which each was read; `blocks_version`: the one of the calendar's own blocks.
    """

    times: tuple[HostTimes, ...]
    versions: dict[str, int]
    blocks_version: int
    full: tuple[FullPeriod, ...] = ()
    """the periods in which the calendar takes no further booking"""
    limits: Mapping[str, tuple[Limits, str]] = field(default_factory=dict[str, tuple[Limits, str]])
    """of the members who have some, and the zone in which they count"""

    def seen(self, rules: SlotRules, *, only: Collection[str] | None = None, by_staff: bool = False) -> Team:
        """As the slot engine takes them, by these rules."""
        return Team(rules, self.times, self.full, only, by_staff)

    def limited(self, host_id: str, start: int) -> tuple[FullPeriod, ...]:
        """The periods in which this start lies and of which the member takes only so many."""
        limits = self.limits.get(host_id)
        return tuple(period_spans(*limits, start)) if limits is not None else ()

    def without_bookings(self) -> "TeamAsOf":
        """The same members as if nobody had booked anything: tells "taken" from "never offered"."""
        times = (replace(one, busy=[busy for busy in one.busy if busy[2] != "booked"], full=()) for one in self.times)
        return replace(self, times=tuple(times), full=())


async def calendar_at(on: Turn, named: str) -> ServedCalendar | None:
    """A published calendar by id or address."""
    if is_id("cal", named):
        return await on.records(ServedCalendar).get(named)
    found = await on.records(ServedCalendar).with_prefix("by_address", named, limit=2) if "|" not in named else []
    return next((one for one in found if one.address == named), None)


async def team(on: Turn, calendar: ServedCalendar, *, but: str = "", apart: bool = False) -> TeamAsOf:
    """All members of the calendar, leaving out the intervals of booking `but`.

    With `apart` the buffers of bookings are stretches of their own, of the kind `buffer`.
    """
    closed = await blocks_of(on, calendar)
    full = await full_of(on, calendar, but)
    hosts = await asyncio.gather(*(host_of(on, host_id) for host_id in calendar.member_ids))
    return TeamAsOf(
        tuple(times_of(host, rules, calendar.id, closed, but=but, apart=apart) for host, rules in hosts),
        {host.id: host.rules_version for host, _ in hosts},
        calendar.blocks_version,
        full,
        {host.id: (rules.limits, rules.tz) for host, rules in hosts if rules.limits != NONE},
    )


def times_of(
    host: Host, rules: Rules, calendar_id: str, closed: Sequence[Busy], *, but: str = "", apart: bool = False
) -> HostTimes:
    """A host as this calendar sees them; `closed` are its own blocks. See `team`."""
    held = [r for r in host.reservations if r.booking_id != but] if but else host.reservations
    booked = [busy for r in held for busy in _apart(r)] if apart else [(r.start, r.end, "booked") for r in held]
    paused: list[Busy] = [(host.pause.start, host.pause.end, "paused")] if host.pause is not None else []
    own = full_periods(rules.limits, rules.tz, host.counted(but=but)) if rules.limits != NONE else []
    schedule = rules.of_calendar.get(calendar_id, rules.schedule)
    return HostTimes(host.id, schedule, [*booked, *paused, *rules.blocked, *closed], own)


def _apart(held: Reservation) -> list[Busy]:
    begins, ends = held.start + held.before, held.end - held.after
    return [(begins, ends, "booked"), (held.start, begins, "buffer"), (ends, held.end, "buffer")]


async def limited_of(on: Turn, host_id: str, start: int) -> tuple[FullPeriod, ...]:
    """The periods in which this start lies and of which the member takes only so many, as of now."""
    _, rules = await host_of(on, host_id)
    return tuple(period_spans(rules.limits, rules.tz, start))


async def full_of(on: Turn, calendar: ServedCalendar, but: str) -> tuple[FullPeriod, ...]:
    """The periods in which the calendar takes no further booking."""
    if not calendar.limited_since or calendar.limits is None:
        return ()
    tally = await on.records(Tally).get(calendar.id)
    return tuple(full_periods(calendar.limits, calendar.tz, tally.counted(but=but))) if tally is not None else ()


async def blocks_of(on: Turn, calendar: ServedCalendar) -> Sequence[Busy]:
    """The calendar's own blocks."""
    cache = cast("RulesCache", on.effects)
    rules = cache.get(calendar.id, calendar.blocks_version)
    if rules is None:
        rules = Rules(calendar.blocks_version, NEVER, tuple(await _blocks(on, calendar.id)))
        cache.keep(calendar.id, rules)
    return rules.blocked


async def host_of(on: Turn, host_id: str) -> tuple[Host, Rules]:
    """A host and what they have set, as new as their record says."""
    cache = cast("RulesCache", on.effects)
    host = await on.records(Host).get(host_id) or Host(id=host_id)
    rules = cache.get(host_id, host.rules_version)
    if rules is None:
        # Rules are written before the version is raised: what is read now is at least as new as `host` says.
        schedules, blocked, limits = await asyncio.gather(
            _schedules(on, host_id), _blocks(on, host_id), on.records(MemberLimits).get(host_id)
        )
        schedules.sort(key=lambda one: one.changed_at)
        default = next((one for one in reversed(schedules) if one.default), None)
        rules = Rules(
            host.rules_version,
            default.as_rules() if default is not None else NEVER,
            tuple(blocked),
            {calendar_id: one.as_rules() for one in schedules for calendar_id in one.calendar_ids},
            limits.limits if limits is not None else NONE,
            limits.tz if limits is not None else "UTC",
        )
        cache.keep(host_id, rules)
    return host, rules


async def _schedules(on: Turn, member_id: str) -> list[MemberSchedule]:
    return await on.records(MemberSchedule).with_prefix("by_member", member_id)


async def _blocks(on: Turn, owner_id: str) -> list[Busy]:
    """The blocks that are not long past."""
    found: list[Busy] = []
    after = key(owner_id, epoch_minute(on.now) - PAST_MINUTES)
    while page := await on.records(Blocks).with_prefix("by_owner", owner_id, after=after):
        found += [(block.start, block.end, "blocked") for one in page for block in one.items if not block.removed]
        after = cast("str", cast("dict[str, Any]", page[-1].keys())["by_owner"])
    return found
