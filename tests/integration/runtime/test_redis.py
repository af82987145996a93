"""Wake-ups and rate limits on a real Valkey, and without it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from tests.support.system import PATIENT_COUNTING
from turnus_runtime import redis
from turnus_runtime.redis import RateLimiter, RedisSignals

from .conftest import Cache, until

LONG = 30.0
"""Nobody waits this long unless a wake-up got lost."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*PATIENT_COUNTING)
    monkeypatch.setattr(redis, "REMEMBERED_SECONDS", LONG)


@pytest.fixture
async def process(cache: Cache) -> AsyncIterator[Callable[[str], RedisSignals]]:
    """Signals as another process of the installation would have them."""
    running: list[asyncio.Task[None]] = []

    def make(prefix: str = "turnus") -> RedisSignals:
        signals = RedisSignals(cache.url, prefix)
        running.append(asyncio.create_task(signals.run()))
        return signals

    yield make
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)


async def begun(signals: RedisSignals, key: str) -> asyncio.Task[bool]:
    """A waiter that really waits."""
    waiter = asyncio.create_task(signals.wait(key, LONG))
    await asyncio.sleep(0)
    return waiter


async def test_a_waiter_is_woken_by_another_process(cache: Cache, process: Callable[[str], RedisSignals]) -> None:
    await cache.start()
    here, there = process("turnus"), process("turnus")
    await asyncio.gather(here.connected.wait(), there.connected.wait())
    waiters = [await begun(here, "bookings:bk_1") for _ in range(3)]
    other = await begun(here, "bookings:bk_2")
    await there.wake("bookings:bk_1")
    assert await asyncio.gather(*waiters) == [True, True, True]
    assert not other.done()
    await there.wake("bookings:bk_2")
    assert await other


async def test_installations_that_share_a_redis_do_not_wake_each_other(
    cache: Cache, process: Callable[[str], RedisSignals]
) -> None:
    await cache.start()
    ours, theirs, also_ours = process("ours"), process("theirs"), process("ours")
    await asyncio.gather(*(signals.connected.wait() for signals in (ours, theirs, also_ours)))
    waiter = await begun(theirs, "k")
    witness = await begun(also_ours, "k")
    await ours.wake("k")
    assert await witness
    assert not waiter.done()
    waiter.cancel()


async def test_a_wake_up_between_reading_and_waiting_is_not_missed(
    cache: Cache, process: Callable[[str], RedisSignals]
) -> None:
    await cache.start()
    here, there = process("turnus"), process("turnus")
    await asyncio.gather(here.connected.wait(), there.connected.wait())
    witness = await begun(here, "second")
    await there.wake("first")
    await there.wake("second")
    assert await witness
    assert await here.wait("first", LONG)
    assert not await here.wait("first", 0)


async def test_without_redis_waits_time_out_and_wake_ups_stay_inside_the_process(
    process: Callable[[str], RedisSignals], cache: Cache
) -> None:
    alone = process("turnus")
    assert not await alone.wait("k", 0.01)
    waiter = await begun(alone, "k")
    await alone.wake("k")
    assert await waiter
    assert not alone.connected.is_set()


async def test_signals_travel_again_after_redis_was_lost(
    cache: Cache, process: Callable[[str], RedisSignals], capsys: pytest.CaptureFixture[str]
) -> None:
    await cache.start()
    here, there = process("turnus"), process("turnus")
    await asyncio.gather(here.connected.wait(), there.connected.wait())
    cache.stop()

    async def both_noticed() -> bool:
        return not (here.connected.is_set() or there.connected.is_set())

    await until(both_noticed)
    await there.wake("k")
    await cache.start()
    async with asyncio.timeout(LONG):
        await asyncio.gather(here.connected.wait(), there.connected.wait())
    waiter = await begun(here, "k")
    await there.wake("k")
    assert await waiter
    assert capsys.readouterr().out.count("wake_ups_do_not_travel") == 2  # once a process, however long it lasts


async def test_a_limit_allows_exactly_that_many_and_says_what_is_left(cache: Cache) -> None:
    await cache.start()
    limiter = RateLimiter(cache.url, "turnus")
    verdicts = [await limiter.hit("sign_ins", "10.0.0.1", 3, 60) for _ in range(5)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, True, False, False]
    assert [verdict.remaining for verdict in verdicts] == [2, 1, 0, 0, 0]
    assert all(0 < verdict.reset_seconds <= 60 for verdict in verdicts)
    assert (await limiter.hit("sign_ins", "10.0.0.2", 3, 60)).allowed
    assert (await limiter.hit("others", "10.0.0.1", 3, 60)).allowed
    await limiter.close()


async def test_a_window_ends_even_for_those_who_go_on_trying(cache: Cache) -> None:
    await cache.start()
    limiter = RateLimiter(cache.url, "turnus")
    assert (await limiter.hit("sign_ins", "a", 1, 1)).allowed

    async def allowed_again() -> bool:
        return (await limiter.hit("sign_ins", "a", 1, 1)).allowed

    await until(allowed_again)
    await limiter.close()


async def test_processes_count_together(cache: Cache) -> None:
    await cache.start()
    limiters = [RateLimiter(cache.url, "turnus") for _ in range(4)]
    verdicts = await asyncio.gather(*(limiter.hit("x", "a", 10, 60) for limiter in limiters for _ in range(5)))
    assert sum(verdict.allowed for verdict in verdicts) == 10
    for limiter in limiters:
        await limiter.close()


async def test_who_is_counted_at_the_same_time_is_counted_one_after_the_other(cache: Cache) -> None:
    await cache.start()
    limiter = RateLimiter(cache.url, "turnus")
    hits = [(name, key) for _ in range(20) for name, key in (("x", "a"), ("x", "b"), ("y", "a"))]
    verdicts = await asyncio.gather(*(limiter.hit(name, key, 12, 60) for name, key in hits))
    for place in {*hits}:
        own = [verdict for hit, verdict in zip(hits, verdicts, strict=True) if hit == place]
        assert [one.allowed for one in own] == [True] * 12 + [False] * 8
        assert [one.remaining for one in own] == [*range(11, -1, -1), *[0] * 8]
    await limiter.close()


async def test_a_count_that_nobody_understands_lets_everybody_go_on(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter = RateLimiter(cache.url, "turnus")

    async def nonsense(*_: object) -> list[tuple[int, int]]:
        return []

    monkeypatch.setattr(limiter, "_count", nonsense)
    async with asyncio.timeout(5):
        verdicts = await asyncio.gather(*(limiter.hit("x", "a", 1, 60) for _ in range(3)))
    assert all(one.allowed for one in verdicts)
    await limiter.close()


async def test_who_does_not_wait_to_be_counted_takes_nothing_from_the_others(cache: Cache) -> None:
    await cache.start()
    limiter = RateLimiter(cache.url, "turnus")
    tasks = [asyncio.create_task(limiter.hit("x", "a", 12, 60)) for _ in range(20)]
    await asyncio.sleep(0)
    for one in tasks[::2]:
        one.cancel()
    verdicts = await asyncio.gather(*tasks[1::2])
    assert all(one.reset_seconds > 0 for one in verdicts)
    assert not (await asyncio.gather(*(limiter.hit("x", "a", 12, 60) for _ in range(12))))[-1].allowed
    await limiter.close()


async def test_what_is_counted_is_not_readable_in_redis(cache: Cache) -> None:
    await cache.start()
    limiter = RateLimiter(cache.url, "turnus")
    await limiter.hit("sign_ins", "ada@example.org", 3, 60)
    reader, writer = await asyncio.open_connection("127.0.0.1", cache.port)
    writer.write(b"KEYS *\r\n")
    answer = await reader.readline() + await reader.readline() + await reader.readline()
    writer.close()
    assert answer.startswith(b"*1\r\n")
    assert b"turnus:limit:sign_ins:" in answer
    assert b"ada@" not in answer
    await limiter.close()


async def test_nobody_is_limited_while_redis_is_away_and_a_stalled_one_is_asked_only_now_and_then(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis, "COUNT_SECONDS", 2.0)
    limiter = RateLimiter(cache.url, "turnus")
    assert (await limiter.hit("x", "a", 0, 60)).allowed
    monkeypatch.setattr(redis, "REST_SECONDS", 3600.0)
    await cache.start()
    limiter = RateLimiter(cache.url, "turnus")
    assert not (await limiter.hit("x", "a", 0, 60)).allowed
    cache.stall()
    assert (await limiter.hit("x", "a", 0, 60)).allowed
    cache.go_on()
    begun_at = time.monotonic()
    assert (await limiter.hit("x", "a", 0, 60)).allowed  # it rests: Redis would have said no
    assert begun_at < limiter._rests_until
    await limiter.close()
