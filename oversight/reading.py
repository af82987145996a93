"""The stores of all services, to be looked at and never written."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import TypeVar

from services.accounts.domain.auditing import AuditEntry
from services.accounts.domain.credentials import ApiKey, Session
from services.accounts.domain.identities import Identity, StandIn
from services.accounts.domain.members import AddressClaim, Member
from services.accounts.domain.requests import RequestKey
from services.accounts.domain.signing import SigningPair
from services.accounts.domain.tokens import TokenSecret
from services.accounts.domain.workspaces import SlugClaim, Workspace
from services.assignment.domain.choice import Choice
from services.assignment.domain.rotation import Rotation
from services.availability.domain import rules, serving
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.domain.tallies import Tally
from services.booking.domain import calendars, directory, groups, versions
from services.booking.domain.bookings import Booking
from services.booking.domain.tokens import LinkSecret
from services.notify.domain import projections
from services.notify.domain.notices import Notice
from services.notify.domain.reminding import ReminderTimes
from services.notify.domain.templates import Template
from services.notify.domain.trials import Trial
from turnus_runtime.clock import StoreClock
from turnus_runtime.credentials import Revocation, SigningKey
from turnus_runtime.forms import loaded
from turnus_runtime.letterbox import FiledLetter, ReadUpTo
from turnus_runtime.mongo import MongoStore
from turnus_runtime.ports import Clock, Store, Stored
from turnus_runtime.records import Record
from turnus_runtime.settings import Settings

EVERYWHERE: tuple[type[Record], ...] = (SigningKey, Revocation, FiledLetter, ReadUpTo)
"""What every service with resources keeps, beside its own records."""
RECORDS: Mapping[str, tuple[type[Record], ...]] = {
    "accounts": (
        *(Workspace, SlugClaim, Member, AddressClaim, Identity, StandIn),
        *(Session, ApiKey, SigningPair, TokenSecret, RequestKey, AuditEntry),
        *EVERYWHERE,
    ),
    "booking": (
        *(Booking, calendars.Calendar, versions.CalendarVersion, groups.Groups),
        *(directory.Address, directory.CalendarOfMember),
        *(directory.Member, directory.Workspace, directory.WorkspaceAddress, LinkSecret),
        *EVERYWHERE,
    ),
    "availability": (
        *(Host, Claim, Tally, serving.ServedCalendar),
        *(rules.MemberSchedule, rules.Blocks, rules.MemberLimits, rules.Member),
        *EVERYWHERE,
    ),
    "assignment": (Rotation, Choice, *EVERYWHERE),
    "notify": (
        *(Notice, ReminderTimes, Template, Trial),
        *(projections.Member, projections.Calendar, projections.Workspace),
        *EVERYWHERE,
    ),
}
"""All records of all services. Their tables say the same (a test compares them), but need everything that the services
need; this needs their decisions only, so that every image can look at the whole installation."""
PAGE = 200
LAST_TEXT = "\U0010ffff"
LAST_INT = 1 << 62

R = TypeVar("R", bound=Record)


class ReadOnlyStore(MongoStore):
    """A store in which nothing is made and nothing is written, not even what is missing."""

    async def prepare(self, collections: Mapping[str, Sequence[str]]) -> None:
        """Know the indexes that the service has made."""
        for name, indexes in collections.items():
            self._indexes.setdefault(name, set()).update(indexes)

    async def insert(self, collection: str, document: Stored) -> bool:
        """What is asked to be there first is there already, or is not ours to make."""
        return False

    async def replace(self, collection: str, document: Stored, expected: int) -> bool:
        """Never."""
        raise PermissionError(f"{collection} is only read here")

    async def clear(self, collection: str, id: str, owed_ids: Sequence[str]) -> None:
        """Never."""
        raise PermissionError(f"{collection} is only read here")


class Reading:
    """Records of all services. Every method raises `StoreUnavailable`."""

    def __init__(self, stores: Mapping[str, Store], clock: Clock) -> None:
        self.stores = stores
        self.clock = clock

    async def open(self) -> None:
        """Say which indexes there are."""
        for name, store in self.stores.items():
            await store.prepare({kind.collection: [*kind.indexes, "self"] for kind in RECORDS[name]})

    async def get(self, service: str, kind: type[R], id: str) -> R | None:
        """One record as it is now."""
        stored = await self.stores[service].get(kind.collection, id)
        return None if stored is None else loaded(kind, stored)

    async def many(self, service: str, kind: type[R], ids: Sequence[str]) -> dict[str, R]:
        """Those of these records that are there, by id."""
        found = await asyncio.gather(*(self.get(service, kind, wanted) for wanted in ids))
        return {record.id: record for record in found if record is not None}

    async def pages(
        self, service: str, kind: type[R], index: str = "self", low: str | int = "", high: str | None = None
    ) -> AsyncGenerator[list[R]]:
        """All records of this kind from `low` on, up to `high`, in the order of `index`, in pages."""
        page: list[R] = []
        last = LAST_INT if isinstance(low, int) else high or LAST_TEXT
        async with aclosing(self.stores[service].walk(kind.collection, index, low, last)) as walk:
            async for stored in walk:
                page.append(loaded(kind, stored))
                if len(page) == PAGE:
                    yield page
                    page = []
        if page:
            yield page

    async def overdue(self, service: str, kind: type[R], before_ms: int) -> list[R]:
        """Records that owe something that was due before, the oldest ones first, a page of them."""
        found = await self.stores[service].find(kind.collection, "next_due", 0, before_ms, limit=PAGE)
        return [loaded(kind, stored) for stored in found]


@asynccontextmanager
async def reading(settings: Settings) -> AsyncGenerator[Reading]:
    """The stores of the installation that these settings name. Raises `StoreUnavailable` if one does not answer."""
    names = (*RECORDS, "runtime")
    opened = {name: ReadOnlyStore(settings.mongo_url, f"{settings.database_prefix}_{name}") for name in names}
    clock = StoreClock(opened["runtime"], settings.clock_start)
    ticking: asyncio.Task[None] | None = None
    try:
        await clock.open()
        ticking = asyncio.create_task(clock.run())
        found = Reading({name: opened[name] for name in RECORDS}, clock)
        await found.open()
        yield found
    finally:
        if ticking is not None:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        for store in opened.values():
            await store.close()
