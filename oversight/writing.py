"""The stores of all services, to be repaired: records change as services change them, by compare-and-set."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar

from oversight.reading import RECORDS, Reading, reading
from services.accounts.domain.credentials import ApiKey, Session
from services.accounts.domain.members import Member
from services.accounts.domain.signing import SigningPair
from services.accounts.domain.workspaces import Workspace
from services.booking.domain import calendars
from services.booking.domain.bookings import Booking
from services.booking.domain.groups import Groups
from turnus_runtime.closing import Closure, closure_of
from turnus_runtime.mongo import MongoStore
from turnus_runtime.ports import Store
from turnus_runtime.process import RUNTIME
from turnus_runtime.records import Decision, Record
from turnus_runtime.redis import RedisSignals
from turnus_runtime.settings import Settings
from turnus_runtime.store import RecordStore

SAID_AGAIN: frozenset[type[Record]] = frozenset(
    {Workspace, Member, SigningPair, Session, ApiKey, Booking, calendars.Calendar, Groups}
)
"""Records that are said again once a day, as the tables of their services say (a test compares them)."""

R = TypeVar("R", bound=Record)
A = TypeVar("A")


class Writing:
    """What a repair reads and writes. `shelves` None: a rehearsal, in which nothing is written.

    What a changed record owes is published by its own service, once that is open.
    """

    def __init__(self, on: Reading, beside: Store, shelves: Mapping[str, RecordStore] | None) -> None:
        self.on = on
        self.beside = beside
        self.changed: Counter[str] = Counter()
        """records changed, or to be changed, by `service.collection`"""
        self._shelves = shelves

    @property
    def rehearsed(self) -> bool:
        """Whether nothing is written."""
        return self._shelves is None

    async def change(self, service: str, kind: type[R], id: str, decision: Callable[[R | None], Decision[R, A]]) -> A:
        """Decide on one record; its answer. Raises `StoreUnavailable`."""
        wrote = False

        def noted(record: R | None) -> Decision[R, A]:
            nonlocal wrote
            decided = decision(record)
            wrote = decided.record is not None
            return decided

        if self._shelves is None:
            answer = noted(await self.on.get(service, kind, id)).answer
        else:
            answer = await self._shelves[service].decide(kind, id, noted)
        self.changed[f"{service}.{kind.collection}"] += wrote
        return answer

    async def closures(self) -> dict[str, Closure]:
        """The services that are closed."""
        found = [await closure_of(self.beside, name) for name in RECORDS]
        return {one.id: one for one in found if one is not None and one.closed}


@asynccontextmanager
async def writing(settings: Settings, *, rehearsed: bool) -> AsyncGenerator[Writing]:
    """The stores of the installation that these settings name. Raises `StoreUnavailable` if one does not answer."""
    opened: list[MongoStore] = []

    def store(name: str) -> MongoStore:
        opened.append(MongoStore(settings.mongo_url, f"{settings.database_prefix}_{name}"))
        return opened[-1]

    signals = RedisSignals(settings.redis_url, settings.database_prefix)
    async with reading(settings) as on:
        shelves = {name: RecordStore(store(name), on.clock, signals, SAID_AGAIN.__contains__) for name in RECORDS}
        try:
            yield Writing(on, store(RUNTIME), None if rehearsed else shelves)
        finally:
            for shelf in shelves.values():
                await shelf.stop()
            for each in opened:
                await each.close()
