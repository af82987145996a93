"""The production clock: the store's time, measured, so that all processes agree about timers whatever theirs say."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from turnus_runtime.ports import Store, Stored, StoreUnavailable

SAMPLES = 5
MEASURE_EVERY_SECONDS = 10.0
RESOLUTION_SECONDS = 0.001
"""The store tells milliseconds."""
DRIFT = 500e-6
"""How much this process's oscillator may be off, generously; an old measurement is doubted that much more a second."""
ORIGINS = "clock"
ORIGIN_ID = "origin"

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Measurement:
    """Store time = ticks + `offset`, known to ± `doubt` seconds at tick `taken`."""

    offset: float
    doubt: float
    taken: float

    def doubt_at(self, ticks: float) -> float:
        """The doubt that is left of it later."""
        return self.doubt + DRIFT * (ticks - self.taken)

    def contradicts(self, later: "Measurement") -> bool:
        """Whether both cannot be true: one of the two clocks was set in between."""
        return abs(later.offset - self.offset) > later.doubt + self.doubt_at(later.taken)


def believed(known: Measurement | None, sample: Measurement) -> Measurement:
    """The better of two measurements: the newer one unless the older is still the less doubtful, and still possible."""
    if known is None or known.contradicts(sample) or sample.doubt < known.doubt_at(sample.taken):
        return sample
    return known


class StoreClock:
    """The port `Clock` on the store's own time.

    `open` first, then `run` for as long as the process lives. With `start` the time of the whole installation is moved:
    it began to run at `start`. The real time of that beginning is kept in `store` by whoever is first, so every process
    that is given the same store agrees, and a restart a day later goes on a day later instead of jumping back.
    `ticks` is any monotonic source of seconds.
    """

    def __init__(
        self, store: Store, start: datetime | None = None, *, ticks: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._start = start
        self._ticks = ticks
        self._moved = timedelta()
        self._measured: Measurement | None = None

    async def open(self) -> None:
        """Measure for the first time and find the origin. Raises `StoreUnavailable`."""
        await self.measure()
        if self._start is not None:
            self._moved = self._start.astimezone(UTC) - await self._first_start()

    async def run(self) -> None:
        """Measure regularly until cancelled; while the store does not answer, the doubt grows."""
        silent = False
        while True:
            await asyncio.sleep(MEASURE_EVERY_SECONDS)
            try:
                await self.measure()
            except StoreUnavailable:
                if not silent:
                    log.warning("clock_not_measured", doubt_seconds=round(self.doubt_seconds, 3))
                silent = True
            else:
                silent = False

    async def measure(self) -> None:
        """Ask the store a few times and believe the answer that took the shortest way."""
        best = min([await self._sample() for _ in range(SAMPLES)], key=lambda sample: sample.doubt)
        if self._measured is not None and self._measured.contradicts(best):
            log.warning("clock_stepped", by_seconds=round(best.offset - self._measured.offset, 3))
        self._measured = believed(self._measured, best)

    def now(self) -> datetime:
        """The store's time by now, moved if this installation's is, in whole milliseconds."""
        if self._measured is None:
            raise RuntimeError("the clock is not open yet: `await clock.open()`")
        instant = datetime.fromtimestamp(self._ticks() + self._measured.offset, UTC) + self._moved
        return instant.replace(microsecond=instant.microsecond // 1000 * 1000)

    async def sleep(self, seconds: float) -> None:
        """Sleep that long; moved time passes as fast as any other."""
        await asyncio.sleep(seconds)

    @property
    def doubt_seconds(self) -> float:
        """How far this clock may be off the store's; infinite before it is open."""
        return float("inf") if self._measured is None else self._measured.doubt_at(self._ticks())

    async def _sample(self) -> Measurement:
        sent = self._ticks()
        told = await self._store.now()
        received = self._ticks()
        way = (received - sent) / 2
        return Measurement(told.timestamp() - (sent + way), way + RESOLUTION_SECONDS, received)

    async def _first_start(self) -> datetime:
        await self._store.prepare({ORIGINS: ()})
        real_ms = int(self.now().timestamp() * 1000)
        await self._store.insert(ORIGINS, Stored(ORIGIN_ID, version=1, format=1, state={"first_start_ms": real_ms}))
        found = await self._store.get(ORIGINS, ORIGIN_ID)
        if found is None:
            raise StoreUnavailable("the store lost the origin of the clock right after it was written")
        return datetime.fromtimestamp(found.state["first_start_ms"] / 1000, UTC)
