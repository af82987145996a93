"""Compare-and-sets a second of the store adapter, gathered, on the embedded server or on `--url`.

`python -m tests.load.store_bench [--url mongodb://…] [--seconds 3]`. Cold: each caller has documents of its own.
Hot: all callers share four, so most writes must lose. `round trips` shows how well calls gather.
"""

import argparse
import asyncio
import secrets
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import uvloop

from tests.load.figures import percentile
from turnus_runtime.embedded import EmbeddedStack
from turnus_runtime.mongo import MongoStore
from turnus_runtime.ports import Stored

COLLECTION = "things"
CALLERS = (1, 16, 128)
HOT_DOCUMENTS = 4
STATE = {"reservations": [{"booking": f"bk_{n:026}", "start": n, "end": n + 30} for n in range(10)]}
"""About 1 kB."""


@dataclass(frozen=True)
class Measured:
    """What came of one measurement. `trips` a second; `cpu_ms` of this process for each try."""

    won: float
    lost: float
    p50_ms: float
    p99_ms: float
    trips: float
    cpu_ms: float

    def line(self) -> str:
        """For the table."""
        return (
            f"{self.won:9.0f} {self.lost:9.0f} {self.p50_ms:8.1f} {self.p99_ms:8.1f} "
            f"{self.trips:9.0f} {self.cpu_ms:8.2f}"
        )


async def measure(store: MongoStore, trips: dict[str, int], callers: int, seconds: float, *, hot: bool) -> Measured:
    """Compare-and-sets of so many callers at once."""
    run = secrets.token_hex(4)
    names = [f"{run}-{n % HOT_DOCUMENTS if hot else n}" for n in range(callers)]
    await asyncio.gather(*(store.insert(COLLECTION, Stored(name, 1, 1, STATE)) for name in set(names)))
    won = lost = 0
    waits: list[float] = []
    trips.clear()
    stop = time.perf_counter() + seconds

    async def call(name: str) -> None:
        nonlocal won, lost
        seen = await store.get(COLLECTION, name)
        while time.perf_counter() < stop:
            if seen is None:
                raise LookupError(name)
            started = time.perf_counter()
            new = replace(seen, version=seen.version + 1)
            done = await store.replace(COLLECTION, new, seen.version)
            waits.append(time.perf_counter() - started)
            won, lost = won + done, lost + (not done)
            seen = new if done else await store.get(COLLECTION, name)

    cpu = time.process_time()
    await asyncio.gather(*(call(name) for name in names))
    cpu = time.process_time() - cpu
    waits.sort()
    p50, p99 = (percentile(waits, share) * 1000 for share in (0.5, 0.99))
    a_second = sum(trips.values()) / seconds
    return Measured(won / seconds, lost / seconds, p50, p99, a_second, cpu / (won + lost) * 1000)


@asynccontextmanager
async def server(url: str | None) -> AsyncIterator[str]:
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        stack = EmbeddedStack(Path(folder) / "data")
        endpoints = await stack.start()
        try:
            yield endpoints.mongo_url
        finally:
            await stack.stop()


async def main(url: str | None, seconds: float) -> None:
    trips: dict[str, int] = {}

    def observe(verb: str, collection: str, seconds: float, count: int) -> None:
        trips[verb] = trips.get(verb, 0) + 1

    async with server(url) as address:
        store = MongoStore(address, f"bench_{secrets.token_hex(4)}", observe=observe)
        await store.prepare({COLLECTION: ()})
        print("      callers     won/s    lost/s   p50 ms   p99 ms   trips/s   cpu ms")  # noqa: T201
        for hot in (False, True):
            for callers in CALLERS:
                measured = await measure(store, trips, callers, seconds, hot=hot)
                print(f"{'hot' if hot else 'cold':5} {callers:7} {measured.line()}", flush=True)  # noqa: T201
        await store.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url")
    parser.add_argument("--seconds", type=float, default=3.0)
    given = parser.parse_args()
    uvloop.run(main(given.url, given.seconds))
