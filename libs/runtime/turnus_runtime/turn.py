"""A turn: one handling of an event, a request, a timer or a job, and what it may reach."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, cast

from turnus_contracts import Event
from turnus_runtime.ports import Clock, Ids, Signals
from turnus_runtime.records import Decision, Record
from turnus_runtime.settings import Settings

R = TypeVar("R", bound=Record)
A = TypeVar("A")

POLL_SECONDS = 0.5
"""How often a waiter looks by itself, for when a wake-up got lost."""


class Shelf(Protocol):
    """The records of one service, as `turnus_runtime.store.RecordStore` serves them."""

    async def get(self, kind: type[R], id: str) -> R | None: ...

    async def versions(self, kind: type[Record], ids: Sequence[str]) -> Mapping[str, int]: ...

    async def find(
        self, kind: type[R], index: str, low: str | int, high: str | int, *, limit: int, reverse: bool
    ) -> list[R]: ...

    async def decide(self, kind: type[R], id: str, decision: Callable[[R | None], Decision[R, A]]) -> A: ...

    async def say(self, events: Sequence[Event]) -> None: ...


class Records(Generic[R]):
    """The records of one type. `decide` is the only door for changes."""

    def __init__(self, shelf: Shelf, kind: type[R], signals: Signals) -> None:
        self._shelf = shelf
        self._kind = kind
        self._signals = signals

    async def get(self, id: str) -> R | None:
        """A majority-committed read."""
        return await self._shelf.get(self._kind, id)

    async def versions(self, ids: Sequence[str]) -> Mapping[str, int]:
        """Which versions these records are at, majority-committed; those that do not exist are left out.

        Every write of a record raises its version: what was made of records is as it would be now, if these are the
        versions that were read before the records were.
        """
        return await self._shelf.versions(self._kind, ids)

    async def find(
        self, index: str, low: str | int, high: str | int, *, limit: int = 200, reverse: bool = False
    ) -> list[R]:
        """Records whose key `index` lies in the half-open [low, high), in the order of that key.

        Some stores read a whole range before they cut it at `limit`: a range that may be wide needs a `long` index.
        """
        return await self._shelf.find(self._kind, index, low, high, limit=limit, reverse=reverse)

    async def with_prefix(
        self, index: str, prefix: str, *, limit: int = 200, after: str | None = None, reverse: bool = False
    ) -> list[R]:
        """Records whose key begins with the parts `prefix` (made by `key`), after the key `after` in that order."""
        low, high = f"{prefix}|", f"{prefix}}}"
        if after is not None:
            low, high = (low, after) if reverse else (after + "\0", high)
        return await self.find(index, low, high, limit=limit, reverse=reverse)

    async def decide(self, id: str, decision: Callable[[R | None], Decision[R, A]]) -> A:
        """Load the record, apply the pure `decision`, write state, answer and what is owed in one compare-and-set.

        Applied again whenever somebody else was faster. What `decision` raises reaches the caller, after a fresh read.
        """
        return await self._shelf.decide(self._kind, id, decision)

    async def wait(
        self, id: str, done: Callable[[R | None], bool], seconds: float, *, seen: R | None = None
    ) -> R | None:
        """The record once `done` holds, or as it is after `seconds`. Woken by writes of types with `wakes`.

        `seen` is the record as the caller has just written or read it: it is not read again before the first waiting.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            record, seen = seen or await self.get(id), None
            left = deadline - asyncio.get_running_loop().time()
            if done(record) or left <= 0:
                return record
            await self._signals.wait(f"{self._kind.collection}:{id}", min(left, POLL_SECONDS))

    @asynccontextmanager
    async def watched(self, ids: Iterable[str], seconds: float) -> AsyncGenerator["Watch"]:
        """Hear of every write of these records from now on, for so many seconds: what is read inside is not older.

        For types with `wakes`. Wake-ups may be lost: who must know looks again by itself, now and then.
        """
        waits = [asyncio.create_task(self._signals.wait(f"{self._kind.collection}:{one}", seconds)) for one in ids]
        await asyncio.sleep(0)  # all of them listen before anything is read
        try:
            yield Watch(waits)
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)


@dataclass(frozen=True, slots=True)
class Watch:
    """Some records that are listened to."""

    waits: Sequence["asyncio.Task[bool]"]

    async def first(self) -> None:
        """Until one of them was written, or the time is over."""
        if self.waits:
            await asyncio.wait(self.waits, return_when=asyncio.FIRST_COMPLETED)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one handling may reach. `now` is the store's time when the turn began and does not move."""

    now: datetime
    shelf: Shelf
    ids: Ids
    clock: Clock
    signals: Signals
    settings: Settings
    effects: Any = None
    """Adapters of outside effects, made by `Service.effects` (a `Mailer`)."""

    def records(self, kind: type[R]) -> Records[R]:
        """The records of one type."""
        return Records(self.shelf, kind, self.signals)

    async def say(self, *events: Event) -> None:
        """Publish without storing: only for repeating what a record says anyway."""
        await self.shelf.say(events)

    def configured(self, kind: type["S"]) -> "S":
        """The service's settings, as its own settings class."""
        return cast("S", self.settings)


S = TypeVar("S", bound=Settings)
