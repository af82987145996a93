"""Which starts are free: one Python int per host, one bit per possible start.

A host's starts are points of the rasters that begin at its working ranges. Whether a start is free is decided in
exact minutes: a busy stretch [b, e) forbids the starts s with s + duration + after > b and s − before < e, so it is
widened once to [b − duration − after + 1, e + before) and cleared from the host's bits; work is shortened by the
duration in the same way. So bits need no finer cells than the rasters have (usually the interval itself), nothing is
rounded, and a team is the OR of its hosts. Everything that only hides starts is one mask more: full periods of the
calendar or of a host, and what Look Busy hides.

The slot list, the check at booking, the alternatives and the reasons all come from `start_masks`: they cannot
disagree. Minutes are epoch minutes, intervals half-open; `now` is an aware instant.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from itertools import compress

from services.availability.domain.grids import Grid
from services.availability.domain.limits import FullPeriod
from services.availability.domain.look_busy import hidden_starts
from services.availability.domain.rasters import (
    Busy,
    SlotRules,
    Span,
    forbidden,
    gapless_rasters,
    rasters,
)
from services.availability.domain.schedule import Schedule
from services.availability.domain.window import bookable_span
from services.availability.domain.zones import DAY, EPOCH_DAY, FIRST_MINUTE, LAST_MINUTE, day_span, zone_table


@dataclass(frozen=True, slots=True)
class HostTimes:
    """One host as one calendar sees it: the schedule that counts there and everything that is in the way.

    In `full` no further booking of this host may start (periods in which they have as many as they take).
    """

    host_id: str
    schedule: Schedule
    busy: Sequence[Busy] = ()
    full: Sequence[FullPeriod] = ()


@dataclass(frozen=True, slots=True)
class StartMasks:
    """Free starts: each host's mask on one common grid."""

    grid: Grid
    by_host: dict[str, int]

    def union(self) -> int:
        """The starts that at least one host has free."""
        mask = 0
        for one in self.by_host.values():
            mask |= one
        return mask

    def starts(self, mask: int) -> list[int]:
        """The epoch minutes of a mask's bits, in order."""
        return points(mask, self.grid.base, self.grid.cell)

    def hosts_by_start(self) -> dict[int, list[str]]:
        """For each free start the hosts who are free, in the order in which they were given."""
        found: dict[int, list[str]] = {start: [] for start in self.starts(self.union())}
        for host_id, mask in self.by_host.items():
            for start in self.starts(mask):
                found[start].append(host_id)
        return found


def points(mask: int, base: int, cell: int) -> list[int]:
    """The minutes `base + k * cell` of the bits k of a mask, in order."""
    if not mask:
        return []
    bits = f"{mask:b}"[::-1].encode().translate(_TO_BOOL)
    return list(compress(range(base, base + len(bits) * cell, cell), bits))


REACH = 3 * DAY
"""Whatever forbids a start of so many minutes before may decide where a gapless raster begins."""
_TO_BOOL = bytes.maketrans(b"01", b"\x00\x01")


@dataclass(frozen=True, slots=True)
class Team:
    """A calendar's rules, all its members, and how somebody looks at them.

    In `full` no further booking of the calendar may start. `only`: whose starts are asked for (a chosen person, the
    same host of a move); None: everybody's. `seen_by_staff`: Look Busy hides nothing.
    """

    rules: SlotRules
    hosts: Sequence[HostTimes]
    full: Sequence[FullPeriod] = ()
    only: Collection[str] | None = None
    seen_by_staff: bool = False

    @property
    def asked(self) -> Sequence[HostTimes]:
        """The hosts whose starts are asked for."""
        return self.hosts if self.only is None else [host for host in self.hosts if host.host_id in self.only]

    def but(self, only: Collection[str] | None) -> Team:
        """The same, asking for other hosts."""
        return replace(self, only=only)


def offered_starts(team: Team, first: date, last: date, now: datetime, *, tz: str | None = None) -> list[int]:
    """The starts offered on the days first … last (both included) in zone `tz` (default: the calendar's), in order."""
    lo, hi = day_span(tz or team.rules.tz, first, last)
    masks = start_masks(team, lo, hi, now)
    return masks.starts(masks.union())


def is_offered(team: Team, host_id: str, start: int, now: datetime) -> bool:
    """Whether this host can be booked at this start: the same truth as the slot list."""
    return free_hosts(team.but((host_id,)), start, now) == [host_id]


def free_hosts(team: Team, start: int, now: datetime) -> list[str]:
    """The hosts who can be booked at this start, in the order given.

    With `gapless` every free start of the grid can be booked, not only those that the list shows at the moment.
    """
    masks = _masks(team, *bookable(team, start, start + 1, now), for_list=False)
    return [host_id for host_id, mask in masks.by_host.items() if mask]


def alternatives(team: Team, around: int, now: datetime, count: int = 5, *, tz: str | None = None) -> list[int]:
    """Up to `count` other offered starts: those of the same day (in `tz`, default the calendar's) first, then nearest.

    At most about three months away from `around`, which itself is never among them. Of two equally near the earlier.
    """
    around = min(max(around, FIRST_MINUTE), LAST_MINUTE)
    table = zone_table(tz or team.rules.tz, around, around)
    day = table.day_of(around)
    lo, hi = table.midnight(day), table.midnight(day + 1)
    found = _nearest(start_masks(team, lo, hi, now), around)
    for days in (2, 7, 28, 92):
        if len(found) >= count:
            break
        near = _nearest(start_masks(team, around - days * DAY, around + days * DAY + 1, now), around)
        found = [start for start in near if lo <= start < hi] + [start for start in near if not lo <= start < hi]
    return found[:count]


def _nearest(masks: StartMasks, around: int) -> list[int]:
    starts = masks.starts(masks.union())
    return sorted((start for start in starts if start != around), key=lambda start: (abs(start - around), start))


def start_masks(team: Team, lo: int, hi: int, now: datetime) -> StartMasks:
    """Each asked host's free starts in `[lo, hi)`, notice and window applied, on one common grid."""
    return _masks(team, *bookable(team, lo, hi, now), for_list=True)


def bookable(team: Team, lo: int, hi: int, now: datetime) -> Span:
    """What is left of `[lo, hi)` after notice and window."""
    lo, hi = max(lo, FIRST_MINUTE), min(hi, LAST_MINUTE)
    if hi <= lo:
        return FIRST_MINUTE, FIRST_MINUTE
    rules, schedules = team.rules, [host.schedule for host in team.hosts]
    earliest, end = bookable_span(
        rules.tz, rules.window, now, notice_minutes=rules.notice_minutes, schedules=schedules, until=hi
    )
    lo, hi = max(lo, earliest), min(hi, end)
    return (lo, hi) if lo < hi else (FIRST_MINUTE, FIRST_MINUTE)


def _masks(team: Team, lo: int, hi: int, *, for_list: bool) -> StartMasks:
    rules, asked = team.rules, team.asked
    if hi <= lo:
        return StartMasks(Grid(lo, rules.step, 0, lo, lo), {host.host_id: 0 for host in asked})
    open_rasters = [rasters(rules, host.schedule, lo, hi) for host in asked]
    grid = Grid.of(open_rasters, rules.step, lo, hi)
    by_host: dict[str, int] = {}
    for host, own in zip(asked, open_rasters, strict=True):
        taken = forbidden(rules, host.busy, lo - REACH, hi)
        by_host[host.host_id] = host_mask(rules, host, taken, grid.points(own, rules.step), grid, for_list=for_list)
    hides = hiding(team, grid, lo, hi)
    if hides:
        by_host = {host_id: mask & ~hides for host_id, mask in by_host.items()}
    return StartMasks(grid, by_host)


def host_mask(
    rules: SlotRules, host: HostTimes, taken: Sequence[Span], worked: int, grid: Grid, *, for_list: bool
) -> int:
    """The starts of a grid that a host has free, whatever hides those of the whole team.

    `taken`: what is `forbidden` there and `REACH` before; `worked`: the bits of the host's rasters.
    """
    if for_list and rules.anchor == "gapless":
        worked = grid.points(gapless_rasters(rules, host.schedule, taken, grid.lo, grid.hi), rules.interval)
    return worked & ~grid.within(taken) & ~grid.within(_spans(host.full))


def hiding(team: Team, grid: Grid, lo: int, hi: int) -> int:
    """The bits of the starts that are hidden whoever is free: full periods of the calendar, and Look Busy."""
    return grid.within(_spans(team.full)) | grid.at(hidden(team, lo, hi))


def _spans(full: Iterable[FullPeriod]) -> Iterable[Span]:
    return ((one.start, one.end) for one in full)


def hidden(team: Team, lo: int, hi: int) -> list[int]:
    """What Look Busy hides of the days that `[lo, hi)` touches."""
    rules = team.rules
    if team.seen_by_staff or not rules.look_busy_percent:
        return []
    table = zone_table(rules.tz, lo, hi)
    found: list[int] = []
    for day in range(table.day_of(lo), table.day_of(hi - 1) + 1):
        found += hidden_starts(rules.calendar_id, rules.look_busy_percent, day, _day_raster(team, day))
    return found


def _day_raster(team: Team, day: int) -> list[int]:
    """All starts of a day (ordinal, in the calendar's zone) that the members' schedules make possible, in order."""
    minute = (day - EPOCH_DAY) * DAY
    table = zone_table(team.rules.tz, minute, minute + DAY)
    lo, hi = table.midnight(day), table.midnight(day + 1)
    found: set[int] = set()
    for host in team.hosts:
        for first, stop in rasters(team.rules, host.schedule, lo, hi):
            found.update(range(first, stop, team.rules.step))
    return sorted(found)
