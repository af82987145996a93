"""Why a start is offered or not: every reason for every host, for any start, also past ones and ones off the raster.

There is no reason exactly where the engine lets the start be booked (`engine.free_hosts`); the tests compare the two.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from typing import Literal

from services.availability.domain.engine import HostTimes, Team, hidden
from services.availability.domain.limits import FullPeriod, Period
from services.availability.domain.rasters import Busy, SlotRules, rasters
from services.availability.domain.schedule import Schedule, ranges_of_days
from services.availability.domain.window import bookable_span
from services.availability.domain.zones import (
    DAY,
    EPOCH_DAY,
    FIRST_DAY,
    FIRST_MINUTE,
    LAST_DAY,
    LAST_MINUTE,
    next_epoch_minute,
    zone_table,
)

Code = Literal[
    "CALENDAR_CLOSED",
    "PAST",
    "NOTICE",
    "TOO_EARLY",
    "TOO_FAR",
    "MEMBER_OFF",
    "OUTSIDE_HOURS",
    "DURATION",
    "OFF_RASTER",
    "BOOKED",
    "BUSY_EXTERNAL",
    "BLOCKED",
    "BUFFER",
    "LIMIT",
    "LOOK_BUSY",
]
Off = Literal["day_off", "pause"]
Owner = Literal["calendar", "member"]
KINDS: dict[str, Code] = {
    "booked": "BOOKED",
    "external": "BUSY_EXTERNAL",
    "blocked": "BLOCKED",
    "paused": "MEMBER_OFF",
    "buffer": "BUFFER",
}
"""What a busy stretch says, by its kind (`rasters.Busy`)."""
STEP = 5
"""Minutes. So finely a day is told; starts of the raster are told wherever they lie."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a start is not offered. `start`, `end`: the stretch that it is about, epoch minutes. `off`: why the member is
    not there. Of a limit: whose it is, of which `period`, and that it has `counted` of at `most` so many bookings.
    """

    code: Code
    start: int | None = None
    end: int | None = None
    off: Off | None = None
    limit_of: Owner | None = None
    period: Period | None = None
    most: int | None = None
    counted: int | None = None

    def in_short(self) -> "Reason":
        """The same without moments and numbers, as it may hold for many starts in a row."""
        return Reason(self.code, off=self.off, limit_of=self.limit_of, period=self.period)


BESIDE = Reason("OFF_RASTER")


@dataclass(frozen=True, slots=True)
class Run:
    """Starts in a row, `[start, end)` in epoch minutes, against which the same speaks (in short), nothing if they are
    offered. `starts`: those of the raster; what lies between them counts as the one before.
    """

    start: int
    end: int
    reasons: tuple[Reason, ...]
    starts: tuple[int, ...]


def reasons(team: Team, start: int, now: datetime, *, closed: bool = False) -> dict[str, list[Reason]]:
    """For each asked host why this start (any epoch minute) cannot be booked; empty: it can."""
    return Why(team, now, start, start + 1, closed=closed).of(start)


class Why:
    """The reasons for starts in `[lo, hi)`, epoch minutes: what they have in common is found once.

    `closed`: the calendar takes no new bookings at all.
    """

    def __init__(self, team: Team, now: datetime, lo: int, hi: int, *, closed: bool = False) -> None:
        self._team = team
        self._closed = closed
        lo, hi = max(lo, FIRST_MINUTE), min(hi, LAST_MINUTE)
        self._span = lo, hi
        rules, schedules = team.rules, [host.schedule for host in team.hosts]
        self._soonest = next_epoch_minute(now)
        self._earliest = max(self._soonest + rules.notice_minutes, FIRST_MINUTE)
        self._window = bookable_span(
            rules.tz, rules.window, now, notice_minutes=rules.notice_minutes, schedules=schedules, until=hi
        )
        self._hidden = frozenset(hidden(team, lo, hi)) if lo < hi else frozenset[int]()
        first, last = (
            max(lo // DAY + EPOCH_DAY - 2, FIRST_DAY),
            min((hi + rules.duration) // DAY + EPOCH_DAY + 2, LAST_DAY),
        )
        any_length = replace(rules, duration=1)
        self._ranges = {host.host_id: ranges_of_days(host.schedule, first, last) for host in team.asked}
        self._rasters = {
            host.host_id: {
                start
                for first, stop in rasters(any_length, host.schedule, lo, hi)
                for start in range(first, stop, rules.step)
            }
            for host in team.asked
        }
        since, until = lo - rules.buffer_before, hi + rules.duration + rules.buffer_after
        self._busy = {
            host.host_id: sorted(one for one in host.busy if _meets(one, since, until)) for host in team.asked
        }

    def of(self, start: int) -> dict[str, list[Reason]]:
        """For each asked host why this start cannot be booked; empty: it can."""
        if not FIRST_MINUTE <= start < LAST_MINUTE:
            return {host.host_id: [Reason("OUTSIDE_HOURS")] for host in self._team.asked}
        of_calendar = list(self._of_calendar(start))
        return {host.host_id: [*of_calendar, *self._of_host(host, start)] for host in self._team.asked}

    def runs(self) -> dict[str, list[Run]]:
        """For each asked host all of `[lo, hi)`, in runs."""
        lo, hi = self._span
        of_calendar: dict[int, list[Reason]] = {}
        found: dict[str, list[Run]] = {}
        for host in self._team.asked:
            raster, runs = self._rasters[host.host_id], list[Run]()
            told = sorted({*range(lo, hi, STEP), *(start for start in raster if lo <= start < hi)})
            for start, end in pairwise([*told, hi]):
                if start not in of_calendar:
                    of_calendar[start] = list(self._of_calendar(start))
                against = (*of_calendar[start], *self._of_host(host, start))
                said = tuple(dict.fromkeys(one.in_short() for one in against))
                _add(runs, Run(start, end, said, (start,) if start in raster else ()))
            found[host.host_id] = runs
        return found

    def _of_calendar(self, start: int) -> Iterator[Reason]:
        """What holds for every host."""
        since, until = self._window
        if self._closed:
            yield Reason("CALENDAR_CLOSED")
        if start < self._soonest:
            yield Reason("PAST")
        elif start < self._earliest:
            yield Reason("NOTICE", self._soonest, self._earliest)
        if start < since and since > self._earliest:
            yield Reason("TOO_EARLY", None, since)
        if start >= until:
            yield Reason("TOO_FAR", until)
        yield from _full(self._team.full, start, "calendar")
        if start in self._hidden:
            yield Reason("LOOK_BUSY")

    def _of_host(self, host: HostTimes, start: int) -> Iterator[Reason]:
        yield from self._of_hours(host, start)
        yield from _in_the_way(self._team.rules, self._busy[host.host_id], start)
        yield from _full(host.full, start, "member")

    def _of_hours(self, host: HostTimes, start: int) -> Iterator[Reason]:
        ranges = self._ranges[host.host_id]
        if not any(begin <= start < end for begin, end in ranges):
            yield _off(host.schedule, start)
            return
        until = start
        for begin, end in ranges:
            if begin <= until < end:
                until = end
        if until < start + self._team.rules.duration:
            yield Reason("DURATION", start, until)
        if start not in self._rasters[host.host_id]:
            yield Reason("OFF_RASTER")


def _add(runs: list[Run], run: Run) -> None:
    """What lies beside the raster goes with the start before it, and what is said alike goes together."""
    last = runs[-1] if runs else None
    besides = tuple(one for one in run.reasons if one != BESIDE)
    if last is not None and (run.reasons == (BESIDE,) or last.reasons in (run.reasons, besides)):
        runs[-1] = replace(last, end=run.end, starts=(*last.starts, *run.starts))
    else:
        runs.append(run)


def _off(schedule: Schedule, start: int) -> Reason:
    """Why nobody works then by this schedule."""
    table = zone_table(schedule.tz, start, start)
    day = table.day_of(start)
    if any(date.toordinal() == day and not hours for date, hours in schedule.overrides.items()):
        return Reason("MEMBER_OFF", table.midnight(day), table.midnight(day + 1), off="day_off")
    return Reason("OUTSIDE_HOURS")


def _in_the_way(rules: SlotRules, busy: Sequence[Busy], start: int) -> Iterator[Reason]:
    end = start + rules.duration
    for one in busy:
        if _meets(one, start, end):
            code = KINDS.get(one[2], "BLOCKED")
            yield Reason(code, one[0], one[1], off="pause" if code == "MEMBER_OFF" else None)
        elif _meets(one, start - rules.buffer_before, end + rules.buffer_after):
            yield Reason("BUFFER", one[0], one[1])


def _meets(busy: Busy, start: int, end: int) -> bool:
    return busy[0] < busy[1] and busy[0] < end and start < busy[1]


def _full(full: Sequence[FullPeriod], start: int, limit_of: Owner) -> Iterator[Reason]:
    for one in full:
        if one.start <= start < one.end:
            yield Reason(
                "LIMIT", one.start, one.end, limit_of=limit_of, period=one.period, most=one.most, counted=one.counted
            )
