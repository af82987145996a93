"""The clock on a real store: as exact as the way there, aware of what it does not know, and movable."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.stack import Names
from turnus_runtime.clock import ORIGIN_ID, ORIGINS, StoreClock
from turnus_runtime.embedded import Endpoints
from turnus_runtime.mongo import MongoStore
from turnus_runtime.ports import Stored, StoreUnavailable

START = datetime(2031, 3, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
async def store(embedded_servers: Endpoints, names: Names) -> AsyncIterator[MongoStore]:
    adapter = MongoStore(embedded_servers.mongo_url, names.database("runtime"))
    yield adapter
    await adapter.close()


class Ticks:
    """The oscillator of a process, which may be off and may be stopped."""

    def __init__(self) -> None:
        self.jump = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.jump


async def test_the_clock_agrees_with_the_store_within_its_own_doubt(store: MongoStore) -> None:
    clock = StoreClock(store)
    await clock.open()
    before = clock.now()
    told = await store.now()
    after = clock.now()
    doubt = timedelta(seconds=clock.doubt_seconds + 0.001)
    assert before - doubt <= told <= after + doubt
    assert clock.doubt_seconds < 2
    assert before.tzinfo is UTC
    assert before.microsecond % 1000 == 0


async def test_before_it_is_open_it_tells_no_time_and_doubts_everything(store: MongoStore) -> None:
    clock = StoreClock(store)
    assert clock.doubt_seconds == float("inf")
    with pytest.raises(RuntimeError, match="not open"):
        clock.now()


async def test_a_process_that_was_stopped_is_unsure_until_it_measures_again(store: MongoStore) -> None:
    ticks = Ticks()
    clock = StoreClock(store, ticks=ticks)
    await clock.open()
    ticks.jump = 2 * 3600.0
    assert clock.doubt_seconds > 2
    await clock.measure()
    assert clock.doubt_seconds < 2
    assert abs((clock.now() - await store.now()).total_seconds()) < 2


async def test_a_store_that_does_not_answer_stops_the_start_and_not_the_clock(unused_tcp_port: int) -> None:
    away = MongoStore(f"mongodb://127.0.0.1:{unused_tcp_port}/", "none", timeout_seconds=0.2)
    with pytest.raises(StoreUnavailable):
        await StoreClock(away).open()
    await away.close()


async def test_a_moved_clock_begins_at_its_start_and_all_processes_agree(store: MongoStore) -> None:
    first = StoreClock(store, START)
    await first.open()
    assert START <= first.now() < START + timedelta(minutes=1)
    second = StoreClock(store, START)
    await second.open()
    gap = abs((second.now() - first.now()).total_seconds())
    assert gap <= first.doubt_seconds + second.doubt_seconds + 0.005


async def test_a_moved_clock_goes_on_after_a_day_without_running(store: MongoStore) -> None:
    yesterday = int(((await store.now()) - timedelta(days=1)).timestamp() * 1000)
    await store.prepare({ORIGINS: ()})
    assert await store.insert(ORIGINS, Stored(ORIGIN_ID, version=1, format=1, state={"first_start_ms": yesterday}))
    clock = StoreClock(store, START)
    await clock.open()
    assert START + timedelta(days=1) <= clock.now() < START + timedelta(days=1, minutes=1)


async def test_without_a_start_the_store_keeps_no_origin(store: MongoStore) -> None:
    await StoreClock(store).open()
    await store.prepare({ORIGINS: ()})
    assert await store.get(ORIGINS, ORIGIN_ID) is None
