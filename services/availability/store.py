"""Reading what decides whether a host is free; schedules and blocks are kept in memory by version."""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from services.availability.domain.engine import Busy, HostTimes
from services.availability.domain.hosts import Host
from services.availability.domain.rules import Blocks, MemberSchedule, ServedCalendar
from services.availability.domain.schedule import Schedule
from services.availability.domain.zones import DAY, epoch_minute
from turnus_runtime.records import key
from turnus_runtime.turn import Turn

KEPT_RULES = 10_000
PAST_MINUTES = 2 * DAY
"""Blocks that ended longer ago are not read: a request is decided minutes after it was made, not days."""
NEVER = Schedule(tz="UTC")
"""The schedule of a member who has none: no hours at all."""


@dataclass(frozen=True, slots=True)
class Rules:
    """A member's default schedule and blocks, as of `version` of the host record or later; or a calendar's blocks."""

    version: int
    schedule: Schedule
    blocked: tuple[Busy, ...]


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
class Team:
    """The members of a calendar as of one moment.

    `versions`: the `rules_version` by which each was read; `blocks_version`: the one of the calendar's own blocks.
    """

    times: tuple[HostTimes, ...]
    versions: dict[str, int]
    blocks_version: int

    def without_bookings(self) -> tuple[HostTimes, ...]:
        """The same members as if nobody had booked anything: tells "taken" from "never offered"."""
        return tuple(
            HostTimes(one.host_id, one.schedule, [busy for busy in one.busy if busy[2] != "booked"])
            for one in self.times
        )


async def team(on: Turn, calendar: ServedCalendar, *, but: str = "") -> Team:
    """All members of the calendar, leaving out the intervals of booking `but`."""
    blocked = await _closed(on, calendar)
    hosts = await asyncio.gather(*(_host(on, host_id) for host_id in calendar.member_ids))
    times: list[HostTimes] = []
    versions: dict[str, int] = {}
    for host, rules in hosts:
        booked: list[Busy] = [(r.start, r.end, "booked") for r in host.reservations if r.booking_id != but]
        paused: list[Busy] = [(host.pause.start, host.pause.end, "paused")] if host.pause is not None else []
        times.append(HostTimes(host.id, rules.schedule, [*booked, *paused, *rules.blocked, *blocked]))
        versions[host.id] = host.rules_version
    return Team(tuple(times), versions, calendar.blocks_version)


async def _closed(on: Turn, calendar: ServedCalendar) -> Sequence[Busy]:
    """The calendar's own blocks."""
    cache = cast("RulesCache", on.effects)
    rules = cache.get(calendar.id, calendar.blocks_version)
    if rules is None:
        rules = Rules(calendar.blocks_version, NEVER, tuple(await _blocks(on, calendar.id)))
        cache.keep(calendar.id, rules)
    return rules.blocked


async def _host(on: Turn, host_id: str) -> tuple[Host, Rules]:
    cache = cast("RulesCache", on.effects)
    host = await on.records(Host).get(host_id) or Host(id=host_id)
    rules = cache.get(host_id, host.rules_version)
    if rules is None:
        # Rules are written before the version is raised: what is read now is at least as new as `host` says.
        schedules, blocked = await asyncio.gather(_schedules(on, host_id), _blocks(on, host_id))
        default = max((one for one in schedules if one.default), key=lambda one: one.changed_at, default=None)
        rules = Rules(host.rules_version, default.as_rules() if default is not None else NEVER, tuple(blocked))
        cache.keep(host_id, rules)
    return host, rules


async def _schedules(on: Turn, member_id: str) -> Sequence[MemberSchedule]:
    return await on.records(MemberSchedule).with_prefix("by_member", member_id)


async def _blocks(on: Turn, owner_id: str) -> list[Busy]:
    """The blocks that are not long past."""
    found: list[Busy] = []
    after = key(owner_id, epoch_minute(on.now) - PAST_MINUTES)
    while page := await on.records(Blocks).with_prefix("by_owner", owner_id, after=after):
        found += [(block.start, block.end, "blocked") for one in page for block in one.items if not block.removed]
        after = cast("str", cast("dict[str, Any]", page[-1].keys())["by_owner"])
    return found
