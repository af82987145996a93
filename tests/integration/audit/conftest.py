"""The stores of an installation that has taken bookings, moves, cancels and refusals, and stands still since.

It is made once; the auditor went round all the while. Tests put into the stores what must not be; afterwards each store
is put back as it was.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from oversight.auditor import Auditor
from oversight.invariants.findings import Finding
from oversight.reading import RECORDS, reading
from tests.integration.api.conftest import SERVICES, Api, Office, office
from tests.support.stack import broker_in
from tests.support.system import System, eventually
from tests.support.workload import BEFORE
from turnus_runtime.embedded import Endpoints
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.mongo import MongoStore
from turnus_runtime.records import Record
from turnus_runtime.settings import Settings, load

R = TypeVar("R", bound=Record)
GENEROUS = timedelta(seconds=60)
"""While bookings are under way everything is put right within this, however busy the machine."""
SHORT = timedelta(milliseconds=200)
"""Nothing is under way: whatever is found stays."""
DAYS = ("2027-03-02", "2027-03-03")


@dataclass
class Installation:
    """The stores, what the auditor saw while they were filled, and who is booked."""

    given: dict[str, Any]
    servers: Endpoints
    personal: str = ""
    """the id of the personal calendar"""
    team: str = ""
    """the id of the round robin, which has limits"""
    overbooked: str = ""
    """the id of a booking in the personal calendar that staff laid upon another one"""
    seen: list[Finding] = field(default_factory=list)
    """violations while it was under way"""
    rounds: int = 0
    kept: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return load(Settings, **self.given)

    def documents(self) -> dict[str, dict[str, dict[str, bytes]]]:
        """Every document of every database of this installation, as it is stored; indexes too."""
        found: dict[str, dict[str, dict[str, bytes]]] = {}
        with MongoClient[RawBSONDocument](self.given["mongo_url"], document_class=RawBSONDocument) as client:
            for name in client.list_database_names():
                if name.startswith(self.given["database_prefix"]):
                    database = client[name]
                    found[name] = {
                        collection: {
                            **{document["_id"]: document.raw for document in database[collection].find()},
                            "indexes": repr(sorted(database[collection].index_information())).encode(),
                        }
                        for collection in database.list_collection_names()
                    }
        return found

    def put_back(self) -> None:
        """Undo what a test has done."""
        now = self.documents()
        with MongoClient[Any](self.given["mongo_url"]) as client:
            for name, collections in self.kept.items():
                for collection, documents in collections.items():
                    for new in now[name][collection].keys() - documents.keys():
                        client[name][collection].delete_one({"_id": new})
                    for old, raw in documents.items():
                        if old != "indexes" and now[name][collection].get(old) != raw:
                            client[name][collection].replace_one({"_id": old}, RawBSONDocument(raw), upsert=True)

    async def audited(self, bound: timedelta = SHORT) -> list[Finding]:
        async with reading(self.settings) as on:
            return await Auditor(on, bound).audit()


@dataclass(frozen=True)
class Stores:
    """All stores, to put into them what no service would."""

    url: str
    prefix: str
    stores: dict[str, MongoStore]

    async def all(self, service: str, kind: type[R]) -> list[R]:
        await self.stores[service].prepare({kind.collection: [*kind.indexes, "self"]})
        found = await self.stores[service].find(kind.collection, "self", "", "\U0010ffff", limit=1000)
        return [loaded(kind, stored) for stored in found]

    async def get(self, service: str, kind: type[R], id: str) -> R:
        stored = await self.stores[service].get(kind.collection, id)
        assert stored is not None
        return loaded(kind, stored)

    async def put(self, service: str, record: Record) -> None:
        """Replace the record, or insert it."""
        store = self.stores[service]
        known = await store.get(record.collection, record.id)
        if known is None:
            assert await store.insert(record.collection, stored_form(record, 1))
        else:
            assert await store.replace(record.collection, stored_form(record, known.version + 1), known.version)

    async def remove(self, service: str, kind: type[Record], id: str) -> None:
        """Take a record away, which no service ever does."""
        with MongoClient[Any](self.url) as client:
            deleted = client[f"{self.prefix}_{service}"][kind.collection].delete_one({"_id": id})
        assert deleted.deleted_count == 1


async def _filled(api: Api, installation: Installation) -> None:
    at = await office(api, "audit")
    ada, *others = [await at.host(name, "09:00", "17:00") for name in ("Ada", "Bob", "Cleo", "Dora")]
    installation.personal = (await at.calendar("ada", [ada], buffer_after_minutes=15))["id"]
    terms = {"optimize": "equal", "reschedule_policy": "reassign", "buffer_before_minutes": 10}
    team = await at.calendar("team", others, **terms, limits={"day": 40, "month": 500})
    installation.team = team["id"]
    await api.call("PUT", f"/limits/{ada}", {"day": 40, "week": 400}, at.staff)
    first, second = [await api.slots(f"{at.slug}/ada", day) for day in DAYS]
    teams, later = [await api.slots(f"{at.slug}/team", day) for day in DAYS]
    asks = [api.book(f"{at.slug}/ada", start, n) for n, start in enumerate(first[:10:2] + first[:2] + second[:6:2])]
    asks += [api.book(f"{at.slug}/team", start, 20 + n) for n, start in enumerate(teams[:6] * 2 + later[:12:2])]
    booked = [answer.json() for answer in await asyncio.gather(*asks)]
    stand = [one for one in booked if one.get("status") == "confirmed"]
    assert len(stand) >= 20
    personal = [one for one in stand if one["calendar_id"] == installation.personal]
    teamed = [one for one in stand if one["calendar_id"] == installation.team]
    await asyncio.gather(
        *(_asked(at, one, "reschedule", start=second[7 + n]) for n, one in enumerate(personal[:2])),
        *(_asked(at, one, "reschedule", start=teams[8 + n]) for n, one in enumerate(teamed[:3])),
        *(_asked(at, one, "cancel") for one in (*personal[2:4], *teamed[2:6])),
    )
    over = {"host_id": ada, "overbook": True, "reason": "She asked for it", "start": second[0]}
    body = {"calendar": f"{at.slug}/ada", "tz": "Europe/Berlin", "guest": {"name": "Guest", "email": "g@example.org"}}
    installation.overbooked = (await at.made("/bookings", {**body, **over}, Prefer="wait=30"))["id"]


async def _asked(at: Office, booking: dict[str, Any], what: str, **body: Any) -> None:
    """As the guest; a move may find the booking moved or cancelled."""
    headers = {"Authorization": f"Bearer {booking['token']}"}
    answer = await at.api.send("POST", f"/bookings/{booking['id']}/{what}", body, headers)
    assert answer.status_code in (200, 202, 409), answer.text


async def _going_round(installation: Installation) -> None:
    async with reading(installation.settings) as on:
        auditor = Auditor(on, GENEROUS)
        while True:
            await auditor.round(whole=True)
            await auditor.look_again()
            installation.seen += auditor.violations
            installation.rounds += 1


async def _at_rest(installation: Installation) -> None:
    async with reading(installation.settings) as on:

        async def agree() -> bool:
            auditor = Auditor(on, GENEROUS)
            await auditor.round(whole=True)
            return not auditor.suspicions

        await eventually(agree, 60)


async def _made(servers: Endpoints, directory: Any) -> Installation:
    async with broker_in(directory / "broker") as kafka_url:
        system = System(servers, SERVICES, kafka_url=kafka_url, clock_start=BEFORE)
        installation = Installation(system.given, servers)
        async with system.running():
            audits = asyncio.create_task(_going_round(installation))
            await _filled(Api(system), installation)
            await system.quiet()
            await _at_rest(installation)
            audits.cancel()
            with suppress(asyncio.CancelledError):
                await audits
    installation.kept = installation.documents()
    return installation


@pytest.fixture(scope="package")
def made(embedded_servers: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return asyncio.run(_made(embedded_servers, tmp_path_factory.mktemp("audit")))


@pytest.fixture
def installation(made: Installation) -> Iterator[Installation]:
    """It, put back as it was when the test is over."""
    yield made
    made.put_back()


@pytest.fixture
async def stores(installation: Installation) -> AsyncGenerator[Stores]:
    async with opened(installation) as stores:
        yield stores


@asynccontextmanager
async def opened(installation: Installation) -> AsyncGenerator[Stores]:
    url, prefix = installation.given["mongo_url"], installation.given["database_prefix"]
    stores = {name: MongoStore(url, f"{prefix}_{name}") for name in RECORDS}
    try:
        yield Stores(url, prefix, stores)
    finally:
        for store in stores.values():
            await store.close()
