"""Records over the store port: load, decide, compare-and-set; all that waits for one record goes into one write.

Group commit: while a record is being written, further decisions on it queue up in this process and are then folded, in
order, into the next write. A thousand asks for one host cost a few writes. `decide` is the only way to change a record.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from turnus_contracts import Event
from turnus_runtime import milestones
from turnus_runtime.closing import Door
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.owing import again_entry, owed_after
from turnus_runtime.ports import Clock, Signals, Store
from turnus_runtime.records import Decision, Owed, Projection, Record, millis
from turnus_runtime.telemetry import current_traceparent

R = TypeVar("R", bound=Record)
A = TypeVar("A")

KEPT_COPIES = 5_000
"""How many records just written or read by a decision are kept in memory; a stale copy costs a conflict, no more."""
FOLDED_AT_ONCE = 200
"""Decisions folded into one write at most."""


class Relay(Protocol):
    """What the record store needs of the relay (`turnus_runtime.relay`)."""

    def offer(self, record: Record) -> None:
        """These entries were just written: publish what is due to be published."""
        ...

    def sent(self, collection: str, id: str) -> frozenset[str]:
        """Ids of entries that were published and not cleared yet: the next write may leave them out."""
        ...

    def cleared(self, collection: str, id: str, owed_ids: frozenset[str]) -> None: ...

    async def say(self, events: Sequence[Event]) -> None: ...


class Works(Protocol):
    """What the record store needs of the sweeper, where one runs (`turnus_runtime.sweeper`)."""

    def claimed(self, entry: Owed, now: int) -> Owed | None:
        """A due job as this process claims it; None for what is no job or not due."""
        ...

    def take(self, record: Record, claims: Sequence[Owed], now: int) -> None:
        """Just written: run the jobs with these claims, and the timers that are due already."""
        ...


@dataclass(slots=True)
class _Call:
    decision: Callable[[Any], Decision[Any, Any]]
    answer: asyncio.Future[Any]
    trace: str


@dataclass(slots=True)
class _Copy:
    version: int
    record: Record | None


@dataclass(slots=True)
class _Fold:
    """The outcome of applying a batch of calls to one copy, before anything is written."""

    record: Record | None
    changed: bool = False
    results: list[tuple[_Call, Decision[Any, Any] | BaseException]] = field(
        default_factory=list[tuple[_Call, Decision[Any, Any] | BaseException]]
    )
    claims: list[Owed] = field(default_factory=list[Owed])
    """Jobs that this very write claims for this process."""


class RecordStore:
    """The records of one service in one process."""

    def __init__(self, store: Store, clock: Clock, signals: Signals, daily: Callable[[type[Record]], bool]) -> None:
        self._store = store
        self._clock = clock
        self._signals = signals
        self._daily = daily
        self._copies: OrderedDict[tuple[str, str], _Copy] = OrderedDict()
        self._queues: dict[tuple[str, str], list[_Call]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.relay: Relay | None = None
        self.works: Works | None = None
        """Set where this process runs jobs: what it writes and is due at once needs no sweep and no second write."""
        self.door: Door | None = None
        """Set where the service may be closed: nothing is read and nothing is written while it is."""

    async def get(self, kind: type[R], id: str) -> R | None:
        """A fresh, majority-committed read."""
        await self._enter()
        stored = await self._store.get(kind.collection, id)
        return None if stored is None else loaded(kind, stored)

    async def versions(self, kind: type[Record], ids: Sequence[str]) -> Mapping[str, int]:
        """See `Store.versions`."""
        await self._enter()
        return await self._store.versions(kind.collection, ids)

    async def find(
        self, kind: type[R], index: str, low: str | int, high: str | int, *, limit: int, reverse: bool = False
    ) -> list[R]:
        """Records by an index key, see `Store.find`; a long index is read from milestone to milestone."""
        await self._enter()
        if index in kind.long and isinstance(low, str) and isinstance(high, str):
            found = await milestones.find(self._store, kind.collection, index, low, high, limit=limit, reverse=reverse)
        else:
            found = await self._store.find(kind.collection, index, low, high, limit=limit, reverse=reverse)
        return [loaded(kind, stored) for stored in found]

    async def walk(self, kind: type[R], index: str, low: str | int, high: str | int) -> AsyncGenerator[R, None]:
        """All records by an index key, see `Store.walk`. Close it if it is broken off."""
        await self._enter()
        async with aclosing(self._store.walk(kind.collection, index, low, high)) as walk:
            async for stored in walk:
                yield loaded(kind, stored)

    async def say(self, events: Sequence[Event]) -> None:
        """Publish now, without storing."""
        if self.relay is not None and events:
            await self.relay.say(events)

    async def decide(self, kind: type[R], id: str, decision: Callable[[R | None], Decision[R, A]]) -> A:
        """See `Records.decide`. `says` of the decision are published before this returns."""
        call = _Call(decision, asyncio.get_running_loop().create_future(), current_traceparent())
        place = (kind.collection, id)
        queue = self._queues.get(place)
        if queue is not None:
            queue.append(call)
        else:
            self._queues[place] = [call]
            task = asyncio.create_task(self._drain(kind, place))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        decided = cast("Decision[R, A]", await call.answer)
        await self.say(decided.says)
        return decided.answer

    def forget(self, place: tuple[str, str], owed_ids: frozenset[str]) -> None:
        """These entries left the stored document without a new version: the kept copy must not bring them back."""
        copy = self._copies.get(place)
        if copy is not None and copy.record is not None:
            left = tuple(entry for entry in copy.record.owed if entry.id not in owed_ids)
            copy.record = copy.record.change(owed=left)

    def forget_all(self) -> None:
        """The store was set back: no copy of what it held is worth anything."""
        self._copies.clear()

    async def stop(self) -> None:
        """Let the writes under way end."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _drain(self, kind: type[Record], place: tuple[str, str]) -> None:
        queue = self._queues[place]
        while queue:
            batch = queue[:FOLDED_AT_ONCE]
            del queue[:FOLDED_AT_ONCE]
            try:
                await self._commit(kind, place, batch)
            except BaseException as problem:
                self._copies.pop(place, None)
                for call in batch:
                    if not call.answer.done():
                        call.answer.set_exception(problem)
                if not isinstance(problem, Exception):
                    del self._queues[place]
                    raise
        del self._queues[place]

    async def _commit(self, kind: type[Record], place: tuple[str, str], batch: list[_Call]) -> None:
        """Write what the batch decides; over again until nobody else was faster."""
        copy = self._copies.get(place)
        fresh = False
        while True:
            await self._enter()
            if copy is None:
                stored = await self._store.get(kind.collection, place[1])
                copy = _Copy(0, None) if stored is None else _Copy(stored.version, loaded(kind, stored))
                fresh = True
            sent = self.relay.sent(*place) if self.relay is not None else frozenset[str]()
            fold = self._fold(kind, copy, batch, sent)
            if fold.changed and fold.record is not None:
                if await self._write(copy.version, fold.record):
                    self._keep(place, _Copy(copy.version + 1, fold.record))
                    break
            elif fresh:
                # Nobody's decision changed anything, and the copy was read after every one of them was asked.
                self._keep(place, copy)
                break
            self._copies.pop(place, None)
            copy = None
        if fold.changed and fold.record is not None:
            self._after_write(place, fold.record, fold.claims, sent)
        for call, result in fold.results:
            if call.answer.done():
                continue
            if isinstance(result, BaseException):
                call.answer.set_exception(result)
            else:
                call.answer.set_result(result)

    def _fold(self, kind: type[Record], copy: _Copy, batch: list[_Call], sent: frozenset[str]) -> _Fold:
        now = millis(self._clock.now())
        fold = _Fold(copy.record)
        for call in batch:
            try:
                decided = call.decision(fold.record)
            except Exception as problem:  # noqa: BLE001 - whatever a decision raises is its answer
                fold.results.append((call, problem))
                continue
            fold.results.append((call, decided))
            if decided.record is not None:
                if decided.owes and issubclass(kind, Projection):
                    raise TypeError(f"{kind.collection}: a projection owes nothing")
                before = fold.record.owed if fold.record is not None else ()
                owed = owed_after(before, decided, copy.version + 1, now, call.trace)
                fold.record = decided.record.change(owed=owed)
                fold.changed = True
        if fold.changed and fold.record is not None:
            owed = tuple(entry for entry in fold.record.owed if entry.id not in sent)
            if self._daily(kind) and not any(entry.kind == "again" for entry in owed):
                owed = (*owed, again_entry(fold.record.id, now))
            fold.record = fold.record.change(owed=self._claim(copy.record, owed, fold.claims, now))
        return fold

    def _claim(self, before: Record | None, owed: tuple[Owed, ...], claims: list[Owed], now: int) -> tuple[Owed, ...]:
        """Claim the jobs that this write adds and that are due: whoever wins the write is the one to run them."""
        if self.works is None:
            return owed
        known = {(entry.id, entry.due, entry.tries) for entry in (before.owed if before is not None else ())}
        after: list[Owed] = []
        for entry in owed:
            claim = None if (entry.id, entry.due, entry.tries) in known else self.works.claimed(entry, now)
            if claim is not None:
                claims.append(claim)
            after.append(claim or entry)
        return tuple(after)

    async def _enter(self) -> None:
        if self.door is not None:
            await self.door.enter()

    async def _write(self, version: int, record: Record) -> bool:
        await self._enter()
        document = stored_form(record, version + 1)
        if version == 0:
            return await self._store.insert(record.collection, document)
        return await self._store.replace(record.collection, document, version)

    def _after_write(
        self, place: tuple[str, str], record: Record, claims: Sequence[Owed], sent: frozenset[str]
    ) -> None:
        if self.relay is not None:
            self.relay.cleared(*place, sent)
            self.relay.offer(record)
        if record.wakes:
            task = asyncio.create_task(self._signals.wake(f"{place[0]}:{place[1]}"))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if self.works is not None:
            self.works.take(record, claims, millis(self._clock.now()))

    def _keep(self, place: tuple[str, str], copy: _Copy) -> None:
        if copy.record is None:
            return
        self._copies[place] = copy
        self._copies.move_to_end(place)
        if len(self._copies) > KEPT_COPIES:
            self._copies.popitem(last=False)
