"""What calendars offer, kept by this process: brought up to date by the versions of the records, asked each time.

Every answer is as new as its question: the versions are read after it came (`Records.versions`, one small read for
whoever waits), and only records that were written since are read again. An event would not do: a consumer group
reaches one process of several. What is kept is lost with the process; then the first question makes it again, once
for all who wait for it.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from services.availability.domain.engine import HostTimes, Team
from services.availability.domain.hosts import Host
from services.availability.domain.masks import KeptMasks
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.availability.store.teams import RulesCache, blocks_of, calendar_at, full_of, host_of, times_of
from turnus_runtime.ids import is_id
from turnus_runtime.turn import Turn

T = TypeVar("T")

KEPT_CALENDARS = 2_000
KEPT_MASKS = 100_000
"""Masks of one host and two weeks: about 450 bytes each with starts every 15 minutes, 50 MB in all."""
SPACED_SECONDS = 0.002
"""Looks at one calendar begin so far apart: under load more questions share one, and nobody else waits."""
KEPT_ANSWER_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class KeptCalendar:
    """A calendar as of one moment: the versions by which it was read, its team, and the masks of that."""

    calendar: ServedCalendar
    calendar_version: int
    host_versions: Mapping[str, int]
    tally_version: int
    team: Team
    masks: KeptMasks


class Kept(RulesCache):
    """All that this process keeps: rules of members and calendars, and what calendars offer."""

    def __init__(self) -> None:
        super().__init__()
        self._calendars: OrderedDict[str, KeptCalendar] = OrderedDict()
        self._ids: OrderedDict[str, str] = OrderedDict()
        self._looks = Looks[KeptCalendar | None]()
        self.answers = Answers()

    async def named(self, on: Turn, named: str) -> KeptCalendar | None:
        """The calendar with this id or address as it is now; None if there is none."""
        if is_id("cal", named):
            return await self._look_shared(on, named)
        known = self._ids.get(named)
        found = await self._look_shared(on, known) if known is not None else None
        if found is None or found.calendar.address != named or found.calendar.status != "active":
            calendar = await calendar_at(on, named)
            found = await self._look_shared(on, calendar.id) if calendar is not None else None
        if found is not None:
            self._ids[named] = found.calendar.id
            self._ids.move_to_end(named)
            if len(self._ids) > KEPT_CALENDARS:
                self._ids.popitem(last=False)
        return found

    async def _look_shared(self, on: Turn, calendar_id: str) -> KeptCalendar | None:
        return await self._looks.share(calendar_id, lambda: self._look(on, calendar_id))

    async def _look(self, on: Turn, calendar_id: str) -> KeptCalendar | None:
        kept = self._calendars.get(calendar_id)
        if kept is None:
            found = await self._read(on, calendar_id, None)
        else:
            now = await _versions(on, kept)
            same = now == (kept.calendar_version, kept.tally_version, kept.host_versions)
            found = kept if same else await self._again(on, kept, *now)
        if found is None:
            self._calendars.pop(calendar_id, None)
            return None
        self._calendars[calendar_id] = found
        self._calendars.move_to_end(calendar_id)
        if kept is None:
            self._forget()
        return found

    async def _again(
        self, on: Turn, kept: KeptCalendar, calendar_version: int, tally_version: int, hosts: Mapping[str, int]
    ) -> KeptCalendar | None:
        """Read what was written since."""
        if calendar_version != kept.calendar_version:
            return await self._read(on, kept.calendar.id, kept)
        calendar, before = kept.calendar, kept.host_versions
        times, ids = [*kept.team.hosts], calendar.member_ids
        written = [i for i, one in enumerate(ids) if hosts.get(one) != before.get(one)]
        for i, now in zip(written, await _times(on, calendar, [ids[i] for i in written]), strict=True):
            times[i] = now
        full = kept.team.full
        if tally_version != kept.tally_version:
            full = await full_of(on, calendar, "")
        team = replace(kept.team, hosts=tuple(times), full=full)
        return replace(kept, host_versions=hosts, tally_version=tally_version, team=team)

    async def _read(self, on: Turn, calendar_id: str, kept: KeptCalendar | None) -> KeptCalendar | None:
        """Read everything: versions first, so that what is kept is never older than they are."""
        calendar_version = (await on.records(ServedCalendar).versions([calendar_id])).get(calendar_id, 0)
        calendar = await on.records(ServedCalendar).get(calendar_id)
        if calendar is None:
            return None
        tally_version, hosts = await asyncio.gather(
            _tally_version(on, calendar), on.records(Host).versions(calendar.member_ids)
        )
        full, times = await asyncio.gather(full_of(on, calendar, ""), _times(on, calendar, calendar.member_ids))
        team = Team(calendar.rules(), tuple(times), full)
        masks = kept.masks if kept is not None and kept.masks.rules == team.rules else KeptMasks(team.rules)
        return KeptCalendar(calendar, calendar_version, hosts, tally_version, team, masks)

    def _forget(self) -> None:
        """Let go of the calendars that were not asked for the longest."""
        masks = sum(one.masks.size for one in self._calendars.values())
        while len(self._calendars) > 1 and (masks > KEPT_MASKS or len(self._calendars) > KEPT_CALENDARS):
            _, gone = self._calendars.popitem(last=False)
            masks -= gone.masks.size


async def _versions(on: Turn, kept: KeptCalendar) -> tuple[int, int, Mapping[str, int]]:
    calendar = kept.calendar
    calendars, tally, hosts = await asyncio.gather(
        on.records(ServedCalendar).versions([calendar.id]),
        _tally_version(on, calendar),
        on.records(Host).versions(calendar.member_ids),
    )
    return calendars.get(calendar.id, 0), tally, hosts


async def _tally_version(on: Turn, calendar: ServedCalendar) -> int:
    if not calendar.limited_since:
        return 0
    return (await on.records(Tally).versions([calendar.id])).get(calendar.id, 0)


async def _times(on: Turn, calendar: ServedCalendar, host_ids: Sequence[str]) -> list[HostTimes]:
    closed = await blocks_of(on, calendar)

    async def times(host_id: str) -> HostTimes:
        # One by one: a large team's records are many times what is kept of them.
        return times_of(*await host_of(on, host_id), calendar.id, closed)

    return await asyncio.gather(*map(times, host_ids))


class Answers:
    """Answers that were written, for as long as the same team is looked at in the same minute."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, tuple[Team, int, bytes, str]] = OrderedDict()
        self._bytes = 0

    def get(self, asked: Hashable, team: Team, minute: int) -> tuple[bytes, str] | None:
        """The answer and its tag, if it is still right."""
        found = self._kept.get(asked)
        if found is None or found[0] is not team or found[1] != minute:
            return None
        self._kept.move_to_end(asked)
        return found[2], found[3]

    def keep(self, asked: Hashable, team: Team, minute: int, body: bytes, tag: str) -> None:
        """Keep this answer, letting go of those that were not asked for the longest; a huge one is never kept."""
        if len(body) > KEPT_ANSWER_BYTES // 8:
            return
        before = self._kept.pop(asked, None)
        self._bytes += len(body) - (len(before[2]) if before is not None else 0)
        self._kept[asked] = team, minute, body, tag
        while self._bytes > KEPT_ANSWER_BYTES:
            _, (_, _, gone, _) = self._kept.popitem(last=False)
            self._bytes -= len(gone)


@dataclass(slots=True)
class _Look(Generic[T]):
    task: asyncio.Task[T]
    next_at: float
    """when the following one may begin, by the loop's time"""


class Looks(Generic[T]):
    """Work under a key that everybody who waits for it shares: one is under way, and one waits to begin.

    Who comes while one is under way, or just after it began, gets the result of the next, which begins after they came.
    """

    def __init__(self) -> None:
        self._running: dict[str, _Look[T]] = {}
        self._next: dict[str, asyncio.Task[T]] = {}

    async def share(self, key: str, work: Callable[[], Awaitable[T]]) -> T:
        """The result of this work, or of somebody else's that began since."""
        task = self._next.get(key)
        if task is None and (running := self._running.get(key)) is not None:
            task = self._next[key] = _begun(self._after(running, key, work))
        elif task is None:
            task = _begun(work())
            self._begins(key, task)
        # Whoever goes away takes nothing from the others.
        return await asyncio.shield(task)

    async def _after(self, running: _Look[T], key: str, work: Callable[[], Awaitable[T]]) -> T:
        await asyncio.wait([running.task])
        await asyncio.sleep(running.next_at - asyncio.get_running_loop().time())
        self._begins(key, self._next.pop(key))
        return await work()

    def _begins(self, key: str, task: asyncio.Task[T]) -> None:
        loop = asyncio.get_running_loop()
        look = self._running[key] = _Look(task, loop.time() + SPACED_SECONDS)
        loop.call_at(look.next_at, self._time_is_over, key, look)

    def _time_is_over(self, key: str, look: _Look[T]) -> None:
        look.task.add_done_callback(lambda _: self._ends(key, look))

    def _ends(self, key: str, look: _Look[T]) -> None:
        """Free the place, if nobody waits for it."""
        if self._running.get(key) is look and key not in self._next:
            del self._running[key]


def _begun(work: Awaitable[T]) -> asyncio.Task[T]:
    task = asyncio.ensure_future(work)
    task.add_done_callback(_heard)
    return task


def _heard(task: asyncio.Task[Any]) -> None:
    """All who wait may have gone: then nobody hears of a failure, and nobody needs to."""
    if not task.cancelled():
        task.exception()
