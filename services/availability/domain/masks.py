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

from services.availability.domain.engine import REACH, HostTimes, StartMasks, Team, bookable, hidden, host_mask
from services.availability.domain.grids import Grid
from services.availability.domain.limits import FullPeriod
from services.availability.domain.rasters import SlotRules, Span, forbidden, rasters
from services.availability.domain.schedule import Schedule
from services.availability.domain.zones import DAY, FIRST_MINUTE, LAST_MINUTE, epoch_minute, next_epoch_minute

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

    def bring_up_to_date(self, team: Team, news: _News) -> None:
        """Make what is not that of this team any more."""
        if self.grid.size and self.hosts is team.hosts and self.full is team.full:
            return
        changes = news.since(self.hosts) if self.grid.size else None
        if changes is None:
            self._make_grid(team)
            again = list(enumerate(team.hosts))
        else:
            again = [(one.place, one.host) for one in changes if one.meets(self.lo - REACH, self.hi)]
        for i, host in again:
            reached = self.lo - REACH, self.hi
            # Somebody new is looked at in all chunks; a booking comes into one.
            spans = news.taken(host, *reached) if changes is None else forbidden(team.rules, host.busy, *reached)
            self.free[i] = host_mask(team.rules, host, spans, self.open[i], self.grid, for_list=True)
        if changes is None or again or self.full is not team.full:
            self.hides = self.hidden | self.grid.within((one.start, one.end) for one in team.full)
            mask = 0
            for one in self.free:
                mask |= one
            self.union = mask & ~self.hides
        self.hosts, self.full = team.hosts, team.full

    def _make_grid(self, team: Team) -> None:
        # Many hosts of a team work alike: each schedule is looked at once.
        alike = {_likeness(host.schedule): host for host in team.hosts}
        own = {like: rasters(team.rules, host.schedule, self.lo, self.hi) for like, host in alike.items()}
        grid = self.grid = Grid.of(own.values(), team.rules.step, self.lo, self.hi)
        points = {like: grid.points(one, team.rules.step) for like, one in own.items()}
        self.open = [points[_likeness(host.schedule)] for host in team.hosts]
        self.free = [0] * len(self.open)
        self.hidden = grid.at(hidden(replace(team, hosts=tuple(alike.values())), self.lo, self.hi))

    def by_host(self, only: Collection[str] | None) -> StartMasks:
        """The offered starts of each host, or of these only."""
        grid, shown = self.grid, ~self.hides
        by_host = {
            host.host_id: mask & shown
            for host, mask in zip(self.hosts, self.free, strict=True)
            if only is None or host.host_id in only
        }
        return StartMasks(grid, by_host)


@dataclass(frozen=True, slots=True)
class _Change:
    """The host at this place is another than before. `spans`: what became forbidden or free; None: more than that."""

    place: int
    host: HostTimes
    spans: Sequence[Span] | None

    def meets(self, lo: int, hi: int) -> bool:
        """Whether anything in `[lo, hi)` may have changed."""
        return self.spans is None or any(start < hi and end > lo for start, end in self.spans)


class _News:
    """What is new in a team, and what is forbidden to its hosts in `[lo, hi)`: found once for all chunks."""

    def __init__(self, team: Team, lo: int, hi: int) -> None:
        self._team, self._lo, self._hi = team, lo, hi
        self._since: tuple[Sequence[HostTimes], Sequence[_Change] | None] | None = None
        self._taken: dict[str, list[Span]] = {}

    def since(self, before: Sequence[HostTimes]) -> Sequence[_Change] | None:
        """Whoever is not the same object as in `before`; None if these are other hosts or have other schedules."""
        if self._since is None or self._since[0] is not before:
            self._since = before, self._changes(before)
        return self._since[1]

    def _changes(self, before: Sequence[HostTimes]) -> Sequence[_Change] | None:
        after, found = self._team.hosts, list[_Change]()
        if len(before) != len(after):
            return None
        others = [i for i, (one, host) in enumerate(zip(before, after, strict=True)) if one is not host]
        for i in others:
            one, host = before[i], after[i]
            if (one.host_id, one.schedule) != (host.host_id, host.schedule):
                return None
            differing = {*one.busy} ^ {*host.busy}
            spans = forbidden(self._team.rules, differing, FIRST_MINUTE, LAST_MINUTE)
            found.append(_Change(i, host, spans if one.full == host.full else None))
        return found

    def taken(self, host: HostTimes, lo: int, hi: int) -> Sequence[Span]:
        """The stretches that are forbidden to a host and meet `[lo, hi)`."""
        spans = self._taken.get(host.host_id)
        if spans is None:
            spans = self._taken[host.host_id] = forbidden(self._team.rules, host.busy, self._lo, self._hi)
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
        news = _News(team, first * CHUNK - REACH, end * CHUNK)
        for number in range(first, end):
            chunk = self._chunks[number] = self._chunks.pop(number, None) or _Chunk(number)
            while len(self._chunks) > KEPT_CHUNKS:
                del self._chunks[next(iter(self._chunks))]
            chunk.bring_up_to_date(team, news)
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
