"""What a process keeps of calendars is as new as each question, whoever wrote; and it is read once for all who wait."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from services.availability.domain.rules import Block, Blocks
from services.availability.domain.tallies import Entry, Tally
from services.availability.domain.zones import epoch_minute
from services.availability.routes.slots import Asked, Slots, slots_json
from services.availability.store import kept as kept_module
from services.availability.store.kept import Answers, Kept, Looks
from tests.load.slots.state import BEFORE, StoredBytes, Workload, turn, workload
from turnus_contracts import Limits
from turnus_runtime.http.problems import Problem
from turnus_runtime.records import Record


class Counting(StoredBytes):
    """Counts what is read, and lets others go on in the middle of it."""

    def __init__(self, records: Sequence[Record]) -> None:
        super().__init__(records)
        self.read: list[str] = []

    async def get(self, kind: type[Any], id: str) -> Any:
        self.read.append(kind.collection)
        await asyncio.sleep(0)
        return await super().get(kind, id)

    async def versions(self, kind: type[Record], ids: Sequence[str]) -> Mapping[str, int]:
        found = await super().versions(kind, ids)
        await asyncio.sleep(0)
        return found


class Process:
    """One process that answers about this workload."""

    def __init__(self, work: Workload, shelf: StoredBytes | None = None) -> None:
        self.work = work
        self.shelf = shelf or Counting(work.records)
        self.kept = Kept()

    async def offered(self, asked: Asked | None = None) -> set[str]:
        body, _ = await slots_json(asked or self.work.asked, turn(self.shelf, self.work.now, self.kept))
        return {start for day in Slots.model_validate_json(body).days.values() for start in day}


async def test_nothing_is_read_again_and_only_what_was_written() -> None:
    work = workload(10)
    process = Process(work)
    shelf = process.shelf
    assert isinstance(shelf, Counting)
    await process.offered()
    shelf.read.clear()
    await process.offered()
    assert shelf.read == []
    shelf.write(work.hosts[3].change(reservations=()), 2)
    await process.offered()
    assert shelf.read == ["hosts"]


async def test_whoever_wrote_the_next_answer_shows_it() -> None:
    """Hosts, their blocks, the calendar and its tally, written by somebody else."""
    work = workload(1)
    process = Process(work)
    calendar, host = work.calendar, work.hosts[0]
    before = await process.offered()
    process.shelf.write(host.change(reservations=()), 2)
    free = await process.offered()
    assert free > before
    everything = Block(start=0, end=2**31)
    blocks = Blocks(
        id="blk_1",
        workspace_id=calendar.workspace_id,
        owner_id=host.id,
        version=1,
        items=(everything,),
        created_at=BEFORE,
    )
    process.shelf.write(blocks, 1)
    process.shelf.write(host.change(reservations=(), rules_version=2), 3)
    assert await process.offered() == set()
    process.shelf.write(blocks.change(items=(everything.model_copy(update={"removed": True}),), version=2), 2)
    process.shelf.write(host.change(reservations=(), rules_version=3), 4)
    assert await process.offered() == free
    process.shelf.write(calendar.change(version=2, interval_minutes=60), 2)
    hourly = await process.offered()
    assert hourly < free
    limited = calendar.change(version=3, interval_minutes=60, limits=Limits(month=1), limited_since=3)
    process.shelf.write(limited, 3)
    assert await process.offered() == hourly
    first = epoch_minute(datetime.fromisoformat(min(hourly)))
    entry = Entry(booking_id="bk_1", attempt=1, start=first, calendar_version=3)
    process.shelf.write(Tally(id=calendar.id, filled_for=3, entries=(entry,)), 1)
    assert {start[:7] for start in hourly - await process.offered()} == {min(hourly)[:7]}


async def test_what_is_written_in_the_middle_of_a_look_is_shown_by_the_next() -> None:
    work = workload(10)
    rng = Random(1)
    process, version = Process(work), dict.fromkeys((host.id for host in work.hosts), 1)
    ended = False

    async def writes() -> None:
        for _ in range(60):
            host = rng.choice(work.hosts)
            version[host.id] += 1
            process.shelf.write(host.change(reservations=host.reservations[rng.randrange(100) :]), version[host.id])
            for _ in range(rng.randrange(4)):
                await asyncio.sleep(0)

    async def asks() -> None:
        while not ended:
            await process.offered()

    asking = asyncio.gather(*(asks() for _ in range(3)))
    await writes()
    shown = await process.offered()
    ended = True
    await asking
    assert shown == await Process(work, process.shelf).offered()


async def test_a_cold_calendar_is_read_once_for_all_who_wait() -> None:
    work = workload(10)
    process = Process(work)
    answers = await asyncio.gather(*(process.offered() for _ in range(40)))
    assert all(one == answers[0] for one in answers)
    assert isinstance(process.shelf, Counting)
    assert process.shelf.read.count("hosts") == 10


async def test_an_address_leads_to_the_calendar_that_has_it_now() -> None:
    work, other = workload(1), workload(1)
    process = Process(work, Counting([*work.records, *other.records]))
    asked = replace(work.asked, calendar=work.calendar.address)
    process.shelf.write(other.calendar.change(address="bench/other"), 2)
    await process.offered(asked)
    process.shelf.write(work.calendar.change(address="bench/renamed"), 2)
    with pytest.raises(Problem, match="calendar_unknown"):
        await process.offered(asked)
    await process.offered(replace(asked, calendar="bench/renamed"))
    process.shelf.write(work.calendar.change(address="bench/renamed", status="retired"), 3)
    with pytest.raises(Problem, match="calendar_unknown"):
        await process.offered(replace(asked, calendar="bench/renamed"))


async def test_the_least_asked_calendars_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_module, "KEPT_CALENDARS", 2)
    works = [workload(1) for _ in range(4)]
    process = Process(works[0], Counting([record for work in works for record in work.records]))
    for work in works:
        await process.offered(work.asked)
    assert list(process.kept._calendars) == [work.calendar.id for work in works[2:]]


async def test_an_answer_is_kept_for_its_minute_and_its_team() -> None:
    work = workload(1)
    process = Process(work)
    first = await process.offered()
    later = replace(work, now=work.now + timedelta(days=30))
    process.work = later
    assert await process.offered() < first


def test_answers_take_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_module, "KEPT_ANSWER_BYTES", 1000)
    answers = Answers()
    team: Any = object()
    for n in range(12):
        answers.keep(n, team, 1, b"x" * 100, str(n))
    assert [answers.get(n, team, 1) is not None for n in range(12)] == [False, False, *[True] * 10]
    answers.keep(4, team, 2, b"y" * 120, "new")
    assert (answers.get(4, team, 1), answers.get(4, team, 2)) == (None, (b"y" * 120, "new"))
    answers.keep(12, team, 1, b"z" * 126, "huge")
    assert answers.get(12, team, 1) is None


async def test_a_look_begins_after_each_who_shares_it_came() -> None:
    looks, began = Looks[int](), 0

    async def look() -> int:
        nonlocal began
        began += 1
        mine = began
        await asyncio.sleep(0.003)
        return mine

    async def ask(after: float) -> None:
        await asyncio.sleep(after)
        seen = began
        assert await looks.share("a", look) > seen

    await asyncio.gather(*(ask(n / 5000) for n in range(200)))
    assert began < 30
    await asyncio.sleep(0.02)
    assert (looks._running, looks._next) == ({}, {})


async def test_who_goes_away_or_fails_takes_nothing_from_the_others() -> None:
    looks = Looks[str]()
    go = asyncio.Event()

    async def look() -> str:
        await go.wait()
        return "seen"

    async def fails() -> str:
        raise ValueError("away")

    waiting = [asyncio.create_task(looks.share("a", look)) for _ in range(4)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    waiting[2].cancel()
    failing = [asyncio.create_task(looks.share("b", fails)) for _ in range(3)]
    go.set()
    assert [await waiting[1], await waiting[3]] == ["seen", "seen"]
    for one in failing:
        with pytest.raises(ValueError, match="away"):
            await one
