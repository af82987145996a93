"""Closed services: a store that was set back is neither read nor written until it has been repaired.

Whether a service is closed is written beside its store (the database `runtime`), not in it: whatever tool sets the
store back, the service stays closed. Every process looks every second. What it saw is believed for a moment only, so a
process that cannot look stops by itself; and a closure takes effect so much later than it is written that nobody is at
work any more then.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import ClassVar

from turnus_contracts import Instant
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.ports import Store, StoreUnavailable
from turnus_runtime.records import Record

LOOK_EVERY_SECONDS = 1.0
BELIEVED_SECONDS = 2.5
"""How long a look that found the service open is believed."""
TAKES_EFFECT = timedelta(seconds=5)
"""Between writing a closure and relying on it: `BELIEVED_SECONDS`, and what two clocks may differ."""


class ServiceClosed(StoreUnavailable):
    """The service is closed: whoever asks waits, as for a store that is away."""

    def __init__(self, service: str, why: str) -> None:
        super().__init__(f"{service} is closed ({why}) until `turnus repair`")


class Closure(Record):
    """Whether one service is closed; the id is its name.

    `since`: from then on nothing of it is at work. `backup_of`: when the backup was begun that it was set back to.
    """

    collection: ClassVar[str] = "closures"

    closed: bool
    since: Instant
    why: str
    backup_of: Instant | None = None


async def closure_of(store: Store, service: str) -> Closure | None:
    """What was last written about this service, in the store `runtime`. Raises `StoreUnavailable`."""
    stored = await store.get(Closure.collection, service)
    return None if stored is None else loaded(Closure, stored)


async def close(
    store: Store, service: str, now: datetime, why: str, backup_of: datetime | None = None, *, anew: bool = False
) -> Closure:
    """Close a service; the closure as it is then. One that is closed stays closed since it was.

    `anew`: since now, and for this reason.
    """

    def closed(current: Closure | None) -> Closure:
        if current is not None and current.closed and not anew:
            return current
        since = current.since if current is not None and current.closed else now + TAKES_EFFECT
        return Closure(id=service, closed=True, since=since, why=why, backup_of=backup_of)

    return await _change(store, service, closed)


async def reopen(store: Store, closure: Closure) -> Closure:
    """Open the service again, unless it was closed another time since; the closure as it is then."""

    def opened(current: Closure | None) -> Closure:
        return closure.change(closed=False) if current is None or current == closure else current

    return await _change(store, closure.id, opened)


async def _change(store: Store, service: str, decision: Callable[[Closure | None], Closure]) -> Closure:
    await store.prepare({Closure.collection: ()})
    while True:
        stored = await store.get(Closure.collection, service)
        current = None if stored is None else loaded(Closure, stored)
        new = decision(current)
        if new == current:
            return new
        document = stored_form(new, 1 if stored is None else stored.version + 1)
        if stored is None and await store.insert(Closure.collection, document):
            return new
        if stored is not None and await store.replace(Closure.collection, document, stored.version):
            return new


class Door:
    """Through which every read and write of a service's records goes. `ticks` is any monotonic source of seconds."""

    def __init__(self, service: str, store: Store, *, ticks: Callable[[], float] = time.monotonic) -> None:
        self.service = service
        self._store = store
        self._ticks = ticks
        self._looked = float("-inf")
        self._closure: Closure | None = None
        self.shut = True
        """Whether the service is, as far as this process knows, not to be worked for; whoever holds the door unlocks
        it (`unlock`) once everything is ready behind it."""

    @property
    def closure(self) -> Closure | None:
        """Why the service is closed, if the last look found it so."""
        return self._closure if self._closure is not None and self._closure.closed else None

    async def look(self) -> Closure | None:
        """Look now; the closure, if it is closed. Raises `StoreUnavailable`, and then nothing is known any more."""
        began = self._ticks()
        self._closure = await closure_of(self._store, self.service)
        self._looked = began
        if self.closure is not None:
            self.shut = True
        return self.closure

    def unlock(self) -> None:
        """Let everybody through, if the last look found the service open."""
        self.shut = self.closure is not None

    async def enter(self) -> None:
        """Pass, or `ServiceClosed`. A belief that is too old is renewed first, which may raise `StoreUnavailable`."""
        if self._ticks() - self._looked >= BELIEVED_SECONDS:
            await self.look()
        self.check()

    def check(self) -> None:
        """As `enter`, by what is known now."""
        if self.shut:
            closure = self.closure
            raise ServiceClosed(self.service, closure.why if closure is not None else "it is about to open")
