"""Wake-ups between processes and counters for rate limits, in Redis or Valkey. The only module that imports `redis`.

Nothing here is needed for anything to be right: without Redis a waiter polls, and nobody is limited.
"""

import asyncio
import contextlib
import hashlib
import secrets
import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Any, cast

import structlog
from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

CONNECT_SECONDS = 2.0
COUNT_SECONDS = 0.25
"""What a rate limit may cost a request at most."""
PING_SECONDS = 5.0
"""A subscription that heard nothing for so long is asked whether it still lives."""
RECONNECT_SECONDS = (0.1, 0.5, 1.0, 2.0)
COUNT = """
local told = {}
for i, place in ipairs(KEYS) do
  redis.call('SET', place, 0, 'EX', ARGV[2 * i - 1], 'NX')
  told[2 * i - 1] = redis.call('INCRBY', place, ARGV[2 * i])
  told[2 * i] = redis.call('PTTL', place)
end
return told
"""
"""One command for all who are counted: a transaction of the same commands costs this process twice as much."""
REST_SECONDS = 1.0
"""After a failed count nobody is counted for so long: a stalled Redis must not slow every request."""
REMEMBERED_SECONDS = 1.0
REMEMBERED = 2_000

log = structlog.stdlib.get_logger(__name__)


def _client(url: str, timeout_seconds: float) -> Any:
    return cast("Any", redis.Redis).from_url(
        url,
        socket_timeout=timeout_seconds,
        socket_connect_timeout=min(timeout_seconds, CONNECT_SECONDS),
        retry=Retry(NoBackoff(), 0),
    )


class RedisSignals:
    """The port `Signals`: one channel per installation, on which keys are said; every process hears all of them.

    `run` must be running for wake-ups of other processes to arrive and leave; those of this process always work.
    A wake-up just before `wait` counts too: who reads a record and then waits must not miss what came in between.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self._channel = f"{prefix}:wake"
        self._me = secrets.token_hex(8)
        self._client = _client(url, PING_SECONDS)
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}
        self._recent: OrderedDict[str, float] = OrderedDict()
        self._unsaid: set[str] = set()
        self._something = asyncio.Event()
        self.connected = asyncio.Event()
        """Set while wake-ups travel; nobody needs to wait for it but tests and health."""

    async def wake(self, key: str) -> None:
        """Wake those who wait for `key`, here at once and elsewhere soon. Never fails and never waits for Redis."""
        self._heard(key)
        if self.connected.is_set():
            self._unsaid.add(key)
            self._something.set()

    async def wait(self, key: str, seconds: float) -> bool:
        """True if woken, False after `seconds`."""
        if time.monotonic() - self._recent.pop(key, float("-inf")) < REMEMBERED_SECONDS:
            return True
        future = asyncio.get_running_loop().create_future()
        waiting = self._waiting.setdefault(key, set())
        waiting.add(future)
        try:
            await asyncio.wait_for(future, seconds)
        except TimeoutError:
            return False
        else:
            return True
        finally:
            waiting.discard(future)
            if not waiting and self._waiting.get(key) is waiting:
                del self._waiting[key]

    async def run(self) -> None:
        """Hear and say wake-ups until cancelled, connecting again whenever the connection is lost."""
        failures = 0
        try:
            while True:
                try:
                    async with self._connection() as hears:
                        if failures:
                            log.info("wake_ups_travel_again")
                        failures = 0
                        await _first_of(self._hear(hears), self._say())
                except (RedisError, OSError) as problem:
                    if not failures:
                        log.warning("wake_ups_do_not_travel", problem=type(problem).__name__)
                    await asyncio.sleep(RECONNECT_SECONDS[min(failures, len(RECONNECT_SECONDS) - 1)])
                    failures += 1
        finally:
            with contextlib.suppress(RedisError, OSError):
                await self._client.aclose()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncGenerator[Any]:
        hears = self._client.pubsub()
        try:
            await hears.subscribe(self._channel)
            self.connected.set()
            yield hears
        finally:
            self.connected.clear()
            self._unsaid.clear()
            with contextlib.suppress(RedisError, OSError):
                await hears.aclose()

    async def _hear(self, hears: Any) -> None:
        while True:
            message = await hears.get_message(ignore_subscribe_messages=True, timeout=PING_SECONDS)
            if message is None:
                await self._client.ping()  # raises if nobody is there any more
                continue
            sender, *keys = message["data"].decode(errors="replace").split("\n")
            if sender != self._me:
                for key in keys:
                    self._heard(key)

    async def _say(self) -> None:
        while True:
            await self._something.wait()
            self._something.clear()
            keys, self._unsaid = self._unsaid, set()
            if keys:
                await self._client.publish(self._channel, "\n".join((self._me, *keys)))

    def _heard(self, key: str) -> None:
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            for future in waiting:
                if not future.done():
                    future.set_result(None)
            return
        self._recent[key] = time.monotonic()
        self._recent.move_to_end(key)
        if len(self._recent) > REMEMBERED:
            self._recent.popitem(last=False)


async def _first_of(*works: Any) -> None:
    """Run until the first one ends, by an error as a rule, which is raised; the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether one more is allowed, how many are left, and in how many seconds the counting begins anew."""

    allowed: bool
    remaining: int
    reset_seconds: int


class RateLimiter:
    """Counts what happens per key in fixed windows that begin with the first hit. Fails open.

    Keys are addresses and accounts: Redis holds only their hash, and forgets it with the window.
    """

    def __init__(self, url: str, prefix: str) -> None:
        self._prefix = prefix
        self._client = _client(url, COUNT_SECONDS)
        self._rests_until = 0.0
        self._waiting: dict[tuple[str, str, int], list[asyncio.Future[tuple[int, int] | None]]] = {}
        self._counting: set[asyncio.Task[None]] = set()

    async def hit(self, name: str, key: str, limit: int, per_seconds: int) -> Verdict:
        """Count one for `key` under the limit called `name`: at most `limit` in `per_seconds`."""
        if time.monotonic() < self._rests_until:
            return Verdict(allowed=True, remaining=limit, reset_seconds=per_seconds)
        counted: asyncio.Future[tuple[int, int] | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault((name, key, per_seconds), []).append(counted)
        if not self._counting:
            self._count_soon()
        told = await counted
        if told is None:
            return Verdict(allowed=True, remaining=limit, reset_seconds=per_seconds)
        count, left_ms = told
        return Verdict(count <= limit, max(limit - count, 0), -(-max(left_ms, 0) // 1000))

    async def close(self) -> None:
        """End what is being counted, and close the connections."""
        await asyncio.gather(*self._counting, return_exceptions=True)
        with contextlib.suppress(RedisError, OSError):
            await self._client.aclose()

    def _count_soon(self) -> None:
        """Whoever comes in this round of the event loop, or while a count is under way, goes into one command."""
        task = asyncio.create_task(self._count_all())
        self._counting.add(task)
        task.add_done_callback(self._counted)

    def _counted(self, task: asyncio.Task[None]) -> None:
        self._counting.discard(task)
        if self._waiting:
            self._count_soon()

    async def _count_all(self) -> None:
        waiting, self._waiting = self._waiting, {}
        try:
            async with asyncio.timeout(2 * COUNT_SECONDS):
                told = await self._count([(*place, len(those)) for place, those in waiting.items()])
            for those, (count, left_ms) in zip(waiting.values(), told, strict=True):
                for before, one in enumerate(reversed(those)):
                    if not one.done():
                        # Each has a number of their own, as if they had come one after the other.
                        one.set_result((count - before, left_ms))
        except Exception as problem:  # noqa: BLE001 - whatever it is, nobody waits for ever, and nobody is limited
            self._rests_until = time.monotonic() + REST_SECONDS
            log.warning("rate_limits_are_off", problem=type(problem).__name__)
            nobody, self._waiting = self._waiting, {}
            for one in (one for those in (*waiting.values(), *nobody.values()) for one in those):
                if not one.done():
                    one.set_result(None)

    async def _count(self, hits: Sequence[tuple[str, str, int, int]]) -> list[tuple[int, int]]:
        """For each (name, key, seconds, how many more): how many there are now, and the milliseconds that are left."""
        places = [f"{self._prefix}:limit:{name}:{_hidden(key)}" for name, key, _, _ in hits]
        counts = [number for _, _, per_seconds, more in hits for number in (per_seconds, more)]
        told = await self._client.eval(COUNT, len(places), *places, *counts)
        return list(zip(told[::2], told[1::2], strict=True))


def _hidden(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
