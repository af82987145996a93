"""Masks that are kept: what a calendar offers, two weeks at a time; when something changes, only that is made again.

Whoever keeps them hands in the team as it is at the moment. A host who is the same object as the last time is not
looked at again; one whose schedule is still the same gets a mask of their own anew; other hosts or another schedule
mean other rasters, and the two weeks are made from the beginning. The result is that of `engine.start_masks`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter

from services.availability.domain.engine import REACH, Grid, HostTimes, StartMasks, Team, bookable, hidden, host_mask
from services.availability.domain.limits import FullPeriod
from services.availability.domain.rasters import SlotRules, Span, forbidden, rasters
from services.availability.domain.schedule import Schedule
from services.availability.domain.zones import DAY, epoch_minute, next_epoch_minute

CHUNK = 14 * DAY
"""Minutes that are kept in one piece."""
KEPT_CHUNKS = 32
"""Of one calendar: a year and a bit. Who asks for more lets go of what was not asked for the longest."""


@dataclass(frozen=True, slots=True)
class Offered:
    """The starts that are offered: those in `[lo, hi)` of the bits on these grids, which lie in order and apart."""

    lo: int
    hi: int
    pieces: Sequence[tuple[Grid, int]]


class _Chunk:
    """Two weeks of one team. `grid` and `open` follow from the schedules, `free` from what is in the way as well."""

    __slots__ = ("free", "full", "grid", "hi", "hidden", "hides", "hosts", "lo", "open", "union")

    def __init__(self, number: int) -> None:
        self.lo, self.hi = number * CHUNK, (number + 1) * CHUNK
        self.grid = Grid(self.lo, 1, 0, self.lo, self.lo)
        self.hosts: Sequence[HostTimes] = ()
        self.full: Sequence[FullPeriod] = ()
        self.open: list[int] = []
        self.free: list[int] = []
        self.hidden = 0
        self.hides = 0
        self.union = 0

    def bring_up_to_date(self, team: Team, taken: _Taken) -> None:
        """Make what is not that of this team any more."""
        grid = self.grid
        if grid.size and self.hosts is team.hosts and self.full is team.full:
            return
        before, self.hosts, self.full = self.hosts, team.hosts, team.full
        if not grid.size or not _same_schedules(before, team.hosts):
            grid, before = self._make_grid(team), ()
        for i, host in enumerate(team.hosts):
            if not before or before[i] is not host:
                spans = taken.between(host, self.lo - REACH, self.hi)
                self.free[i] = host_mask(team.rules, host, spans, self.open[i], grid, for_list=True)
        self.hides = self.hidden | grid.within((one.start, one.end) for one in team.full)
        mask = 0
        for one in self.free:
            mask |= one
        self.union = mask & ~self.hides

    def _make_grid(self, team: Team) -> Grid:
        # Many hosts of a team work alike: each schedule is looked at once.
        alike = {_likeness(host.schedule): host for host in team.hosts}
        own = {like: rasters(team.rules, host.schedule, self.lo, self.hi) for like, host in alike.items()}
        grid = self.grid = Grid.of(own.values(), team.rules.step, self.lo, self.hi)
        points = {like: grid.points(one, team.rules.step) for like, one in own.items()}
        self.open = [points[_likeness(host.schedule)] for host in team.hosts]
        self.free = [0] * len(self.open)
        self.hidden = grid.at(hidden(replace(team, hosts=tuple(alike.values())), self.lo, self.hi))
        return grid

    def by_host(self, only: Collection[str] | None) -> StartMasks:
        """The offered starts of each host, or of these only."""
        grid, shown = self.grid, ~self.hides
        by_host = {
            host.host_id: mask & shown
            for host, mask in zip(self.hosts, self.free, strict=True)
            if only is None or host.host_id in only
        }
        return StartMasks(grid, by_host)


class _Taken:
    """What is forbidden to hosts in `[lo, hi)`, found once for all chunks in which it is asked for."""

    def __init__(self, rules: SlotRules, lo: int, hi: int) -> None:
        self._rules, self._lo, self._hi = rules, lo, hi
        self._of: dict[str, list[Span]] = {}

    def between(self, host: HostTimes, lo: int, hi: int) -> Sequence[Span]:
        """The stretches that meet `[lo, hi)`."""
        spans = self._of.get(host.host_id)
        if spans is None:
            spans = self._of[host.host_id] = forbidden(self._rules, host.busy, self._lo, self._hi)
        return spans[bisect_right(spans, lo, key=itemgetter(1)) : bisect_left(spans, (hi,))]


class KeptMasks:
    """What one calendar offers to guests by these rules, as far ahead as somebody asked."""

    def __init__(self, rules: SlotRules) -> None:
        self.rules = rules
        self._chunks: dict[int, _Chunk] = {}
        self._span: tuple[tuple[int, ...], list[Schedule], Span] | None = None

    @property
    def size(self) -> int:
        """How many masks are kept: one for each host and chunk."""
        return sum(len(chunk.hosts) for chunk in self._chunks.values())

    def offered(self, team: Team, lo: int, hi: int, now: datetime) -> Offered:
        """The starts in `[lo, hi)` that some asked host has free. `team` has the rules of these masks."""
        lo, hi = self._bookable(team, lo, hi, now)
        only = team.only
        return Offered(
            lo,
            hi,
            [
                (chunk.grid, chunk.union if only is None else chunk.by_host(only).union())
                for chunk in self._between(team, lo, hi)
            ],
        )

    def hosts_by_start(self, team: Team, lo: int, hi: int, now: datetime) -> dict[int, list[str]]:
        """For each offered start in `[lo, hi)` the hosts who are free, in the order of the team."""
        lo, hi = self._bookable(team, lo, hi, now)
        return {
            start: hosts
            for chunk in self._between(team, lo, hi)
            for start, hosts in chunk.by_host(team.only).hosts_by_start().items()
            if lo <= start < hi
        }

    def _between(self, team: Team, lo: int, hi: int) -> Iterator[_Chunk]:
        first, end = lo // CHUNK, -(-hi // CHUNK) if lo < hi else lo // CHUNK
        taken = _Taken(team.rules, first * CHUNK - REACH, end * CHUNK)
        for number in range(first, end):
            chunk = self._chunks[number] = self._chunks.pop(number, None) or _Chunk(number)
            while len(self._chunks) > KEPT_CHUNKS:
                del self._chunks[next(iter(self._chunks))]
            chunk.bring_up_to_date(team, taken)
            yield chunk

    def _bookable(self, team: Team, lo: int, hi: int, now: datetime) -> Span:
        # Counting available days means reading all schedules: once a minute is enough for that.
        asked = (lo, hi, epoch_minute(now), next_epoch_minute(now))
        schedules = [host.schedule for host in team.hosts]
        if self._span is None or self._span[0] != asked or self._span[1] != schedules:
            self._span = asked, schedules, bookable(team, lo, hi, now)
        return self._span[2]


def _likeness(schedule: Schedule) -> tuple[object, ...]:
    """Equal for schedules that are."""
    return schedule.tz, schedule.weekly, tuple(schedule.overrides.items())


def _same_schedules(before: Sequence[HostTimes], after: Sequence[HostTimes]) -> bool:
    return len(before) == len(after) and all(
        one is other or (one.host_id == other.host_id and one.schedule == other.schedule)
        for one, other in zip(before, after, strict=True)
    )
