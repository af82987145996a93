"""The sweeper: whatever is owed and due, and was left by a dead process or was always meant for later.

One mechanism for events that nobody published, timers, jobs and the daily saying again. Several sweepers may run:
events become duplicates, timers leave by versioned writes, and jobs are claimed before they run. A job that is due when
it is owed is claimed by the write that owes it, if the writing process runs jobs: then nobody has to look for it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from turnus_runtime import telemetry
from turnus_runtime.closing import ServiceClosed
from turnus_runtime.owing import again_entry
from turnus_runtime.ports import BrokerUnavailable, Clock, StoreUnavailable
from turnus_runtime.records import Decision, Owed, Projection, Record, millis
from turnus_runtime.relay import Relay, described
from turnus_runtime.service import Job, Service
from turnus_runtime.store import RecordStore
from turnus_runtime.telemetry import continued, span
from turnus_runtime.turn import Turn

SWEEP_EVERY_SECONDS = 1.0
SWEPT_AT_ONCE = 200
AT_ONCE = 32
"""Timers and jobs handled concurrently in one process."""
WAITS_MS = 5_000
"""How long a claimed job may wait for its turn in its process before it has to be claimed anew."""
BACKOFF_LIMIT_MS = 3_600_000
FAR_MS = 4_102_444_800_000
"""2100-01-01: a record that has nothing to say any more still holds its entry, so that no new one is made."""

log = structlog.get_logger(__name__)


def backoff_ms(tries: int) -> int:
    """1, 2, 4 … seconds, at most an hour."""
    return min(1000 * 2 ** min(tries, 20), BACKOFF_LIMIT_MS)


def lease_ms(job: Job) -> int:
    """How long a claim holds: as long as the job may take, after it waited a little for its turn in its process."""
    return job.time_limit_seconds * 1000 + WAITS_MS


class Sweeper:
    """Sweeps one service's records in one process."""

    def __init__(
        self, service: Service, records: RecordStore, relay: Relay, clock: Clock, turn: Callable[[], Turn]
    ) -> None:
        self._service = service
        self._kinds = [kind for kind in service.records if not issubclass(kind, Projection)]
        self._records = records
        self._relay = relay
        self._clock = clock
        self._turn = turn
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._under_way: set[tuple[str, str, str]] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.last_sweep_ms = 0
        self.oldest_due_ms: int | None = None
        """Due time of the oldest entry seen by the last sweep; the age of what is owed."""

    def claimed(self, entry: Owed, now: int) -> Owed | None:
        """See `turnus_runtime.store.Works`."""
        if entry.kind != "job" or entry.due > now:
            return None
        return replace(entry, due=now + self._lease_ms(entry), tries=entry.tries + 1)

    def take(self, record: Record, claims: Sequence[Owed], now: int) -> None:
        """See `turnus_runtime.store.Works`."""
        for claim in claims:
            # An earlier entry of this name may still be waiting for its turn here, with a claim that it will not get.
            place = (record.collection, record.id, f"{claim.id}@{claim.due}")
            self._start(place, partial(self._run_in_time, record, claim))
        self._take(record, [entry for entry in record.owed if entry.kind == "timer" and entry.due <= now])

    async def run(self) -> None:
        """Sweep until cancelled."""
        while True:
            try:
                await self.sweep()
            except ServiceClosed:
                self.last_sweep_ms = millis(self._clock.now())  # alive, and told to do nothing
            except StoreUnavailable:
                log.warning("sweeper_waits_for_store", service=self._service.name)
            await self._clock.sleep(SWEEP_EVERY_SECONDS)

    async def stop(self) -> None:
        """Let jobs and timers under way end."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    @property
    def idle(self) -> bool:
        """Nothing under way in this process."""
        return not self._tasks

    async def sweep(self) -> None:
        """Take everything that is due now, once."""
        now = millis(self._clock.now())
        oldest: int | None = None
        for kind in self._kinds:
            for record in await self._records.find(kind, "next_due", 0, now + 1, limit=SWEPT_AT_ONCE):
                due = [entry for entry in record.owed if entry.due <= now]
                oldest = min([oldest or now, *(entry.due for entry in due)])
                self._take(record, due)
        self.oldest_due_ms = oldest
        self.last_sweep_ms = now

    def _take(self, record: Record, due: list[Owed]) -> None:
        events = [entry for entry in due if entry.kind in ("event", "state")]
        if events:
            self._start((record.collection, record.id, "events"), partial(self._publish, record, events))
        works = {"timer": self._fire, "job": self._work, "again": self._say_again}
        for entry in due:
            if (work := works.get(entry.kind)) is not None:
                self._start((record.collection, record.id, entry.id), partial(work, record, entry))

    def _start(self, place: tuple[str, str, str], work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if place in self._under_way:
            return
        self._under_way.add(place)
        task = asyncio.create_task(self._guarded(place, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, place: tuple[str, str, str], work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        structlog.contextvars.bind_contextvars(record=place[1])
        try:
            async with self._slots:
                await work()
        except (StoreUnavailable, BrokerUnavailable) as problem:
            telemetry.count_retry(place[2])
            log.warning("sweeper_put_off", collection=place[0], entry=place[2], problem=type(problem).__name__)
        except Exception:
            log.exception("sweeper_failed", collection=place[0], id=place[1], entry=place[2])
        finally:
            self._under_way.discard(place)

    async def _publish(self, record: Record, entries: list[Owed]) -> None:
        await self._relay.publish_owed(record, entries)

    async def _fire(self, record: Record, entry: Owed) -> None:
        """Call the timer's handler; if the timer is still due afterwards, it fires again with backoff."""
        handler = self._service.timers[entry.name]
        try:
            with continued(entry.trace), span(f"timer {entry.name}", record=record.id):
                await handler(record.id, entry, self._turn())
        finally:
            await self._put_off(record, entry, backoff_ms(entry.tries))

    async def _work(self, record: Record, entry: Owed) -> None:
        """Claim the job, then run it: whoever moves its due time first is the only one to run it."""
        claim = await self._put_off(record, entry, self._lease_ms(entry))
        if claim is not None:
            await self._run(record, claim)

    async def _run_in_time(self, record: Record, claim: Owed) -> None:
        """Run a job claimed before it had its turn here: a claim that might end under it is made anew first."""
        job = self._service.jobs[claim.name]
        if claim.due - millis(self._clock.now()) < job.time_limit_seconds * 1000:
            renewed = await self._put_off(record, claim, self._lease_ms(claim), counted=False)
            if renewed is None:
                return
            claim = renewed
        await self._run(record, claim)

    async def _run(self, record: Record, claim: Owed) -> None:
        """Run a job that is ours until its claim is due; if it fails, it is due again after a pause."""
        job = self._service.jobs[claim.name]
        try:
            with continued(claim.trace), span(f"job {claim.name}", record=record.id):
                async with asyncio.timeout(job.time_limit_seconds):
                    await job.run(record.id, claim, self._turn())
        except BaseException:
            await self._put_off(record, claim, backoff_ms(claim.tries))
            raise

    def _lease_ms(self, entry: Owed) -> int:
        return lease_ms(self._service.jobs[entry.name])

    async def _say_again(self, record: Record, entry: Owed) -> None:
        """Once a day: publish the full states of the record, until it has nothing to say any more."""
        events = described(self._service, record, self._clock.now(), daily=True)
        await self._records.say(events)
        now = millis(self._clock.now())

        def spoken(current: Record | None) -> Decision[Record, None]:
            if current is None or current.owes(entry.id) != entry:
                return Decision(None)
            if not events:
                return Decision(None, current, owes=[replace(entry, due=FAR_MS)])
            return Decision(None, current, owes=[again_entry(record.id, now)])

        await self._records.decide(type(record), record.id, spoken)

    async def _put_off(self, record: Record, entry: Owed, by_ms: int, *, counted: bool = True) -> Owed | None:
        """Move the entry's due time if it is still as it was; the moved entry, or None if it is not."""
        later = replace(entry, due=millis(self._clock.now()) + by_ms, tries=entry.tries + counted)

        def moved(current: Record | None) -> Decision[Record, Owed | None]:
            if current is None or current.owes(entry.id) != entry:
                return Decision(None)
            return Decision(later, current, owes=[later])

        return await self._records.decide(type(record), record.id, moved)
