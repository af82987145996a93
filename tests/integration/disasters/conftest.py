"""An installation whose stores are set back: all services in one process over real servers, and an SMTP server that
keeps every mail. One for all tests here; each makes a workspace of its own, breaks one store, and leaves all clean.

`TURNUS_TEST_SET_BACK` is how many bookings a store is set back by (12; the promise is shown with 200).
"""

import asyncio
import itertools
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from oversight.auditor import Auditor
from oversight.invariants.findings import Finding
from oversight.reading import reading
from oversight.repairing import Report, repaired
from oversight.writing import writing
from services.notify.domain.planning import Rules
from tests.integration.api.conftest import SERVICES, Api, Office, office
from tests.integration.notify.conftest import Inbox
from tests.support.stack import broker_in
from tests.support.system import System, eventually
from tests.support.workload import BEFORE
from turnus_runtime import backups, closing, host
from turnus_runtime.embedded import Endpoints
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.mongo import MongoStore
from turnus_runtime.process import RUNTIME, installed
from turnus_runtime.records import Record
from turnus_runtime.settings import Settings, load

R = TypeVar("R", bound=Record)
SET_BACK = int(os.environ.get("TURNUS_TEST_SET_BACK", "12"))
SERVED = ("availability", "assignment")
FIRST_DAY = date(2027, 3, 1)
AT_ONCE = 6
_GUESTS = itertools.count(1)
BOUND = timedelta(seconds=60)


@dataclass
class Team:
    """A workspace with a personal calendar and a round robin, and the bookings that were made there."""

    at: Office
    starts: dict[str, list[str]] = field(default_factory=dict)
    """by calendar: free times nobody was asked for yet"""
    ada: str = ""
    booked: list[dict[str, Any]] = field(default_factory=list)
    """as they were answered, all confirmed"""

    async def open(self) -> "Team":
        ada, *others = [await self.at.host(name, "08:00", "18:00") for name in ("Ada", "Bob", "Cleo", "Dora")]
        self.ada = ada
        await self.at.calendar("ada", [ada], buffer_after_minutes=15)
        terms = {"optimize": "equal", "reschedule_policy": "reassign", "buffer_before_minutes": 10}
        await self.at.calendar("team", others, **terms, limits={"month": 5000})
        last = FIRST_DAY + timedelta(days=10 + SET_BACK // 8)
        for name in ("ada", "team"):
            address = f"{self.at.slug}/{name}"
            self.starts[name] = await self.at.api.slots(address, FIRST_DAY.isoformat(), last.isoformat())
            self.starts[name] = self.starts[name][::2]  # buffers keep neighbours apart
        return self

    async def book(self, count: int, calendar: str | None = None) -> list[dict[str, Any]]:
        """Book, one guest after the other for each of the calendars; all are confirmed."""
        waiting = asyncio.Semaphore(AT_ONCE)

        async def one(name: str) -> dict[str, Any]:
            start = self.starts[name].pop(0)
            n = next(_GUESTS)
            guest = {"name": f"Guest {n}", "email": f"guest{n}@example.org"}
            body = {"calendar": f"{self.at.slug}/{name}", "start": start, "tz": "Europe/Berlin", "guest": guest}
            async with waiting:
                return await self.patiently("/bookings", body, f"guest-{n}", {})

        names = [calendar or ("ada", "team")[number % 2] for number in range(count)]
        made = list(await asyncio.gather(*map(one, names)))
        self.booked += made
        return made

    async def ask(self, booking: dict[str, Any], what: str, **body: Any) -> dict[str, Any]:
        """As the guest."""
        token = {"Authorization": f"Bearer {booking['token']}"}
        return await self.patiently(f"/bookings/{booking['id']}/{what}", body, f"ask-{next(_GUESTS)}", token)

    async def patiently(self, path: str, body: Any, key: str, headers: dict[str, str]) -> dict[str, Any]:
        """Done, however busy the machine is: whoever gets a 503 asks again with the same key."""
        answers: list[Any] = []

        async def answered() -> bool:
            told = {**headers, "Prefer": "wait=30", "Idempotency-Key": f"disaster-{key}"}
            answers.append(await self.at.api.send("POST", path, body, told))
            return answers[-1].status_code != 503

        await eventually(answered)
        assert answers[-1].status_code in (200, 201), answers[-1].text
        return dict(answers[-1].json())

    async def move(self, booking: dict[str, Any]) -> dict[str, Any]:
        name = "ada" if booking["calendar_id"] == self.booked[0]["calendar_id"] else "team"
        return await self.ask(booking, "reschedule", start=self.starts[name].pop(0))

    async def see(self, booking: dict[str, Any]) -> dict[str, Any]:
        return await self.at.api.call(
            "GET", f"/bookings/{booking['id']}", None, {"Authorization": f"Bearer {booking['token']}"}
        )

    async def live(self, count: int) -> None:
        """What happens after a backup: bookings old and new are made, moved, moved again and cancelled."""
        old = [one for one in self.booked if one["status"] == "confirmed"]
        new = await self.book(count)
        await asyncio.gather(*(self.move(one) for one in (*old[:2], *new[:2])))
        await self.move(new[0])
        await asyncio.gather(*(self.ask(one, "cancel") for one in (*old[2:4], *new[2:4], new[1])))
        await self.overbook((await self.see(new[4]))["start"])
        taken = await self.at.api.book(f"{self.at.slug}/ada", (await self.see(new[4]))["start"], next(_GUESTS))
        assert taken.json()["code"] == "slot_taken", taken.text

    async def overbook(self, start: str) -> None:
        """Staff lay a booking of Ada's upon whatever she has at that time."""
        n = next(_GUESTS)
        guest = {"name": f"Guest {n}", "email": f"guest{n}@example.org"}
        body = {"calendar": f"{self.at.slug}/ada", "start": start, "tz": "Europe/Berlin", "guest": guest}
        over = {"host_id": self.ada, "overbook": True, "reason": "She asked for it"}
        self.booked.append(await self.patiently("/bookings", {**body, **over}, f"over-{n}", self.at.staff))

    async def standing(self) -> list[tuple[str, str, str]]:
        """What guests see of the bookings made so far."""
        seen = await asyncio.gather(*(self.see(one) for one in self.booked))
        return [(one["id"], one["status"], one["start"]) for one in seen]


@dataclass
class Site:
    """The installation, what it sent, and the tools of its operator."""

    api: Api
    system: System
    inbox: Inbox
    files: Path

    @property
    def settings(self) -> Settings:
        return load(Settings, **self.system.given)

    async def team(self) -> Team:
        return await Team(await office(self.api, "disaster")).open()

    async def at_rest(self) -> None:
        """Nothing is owed, and the services agree."""
        await self.system.quiet()

        async def agree() -> bool:
            async with reading(self.settings) as on:
                auditor = Auditor(on, BOUND)
                await auditor.round(whole=True)
                return not auditor.suspicions

        await eventually(agree, 4)  # so many rounds: each takes its time

    def store(self, name: str) -> MongoStore:
        return MongoStore(self.settings.mongo_url, f"{self.settings.database_prefix}_{name}")

    async def back_up(self, service: str) -> backups.Backup:
        path = self.files / f"{service}.{len(list(self.files.iterdir()))}"
        store = self.store(service)
        try:
            return await backups.back_up(installed([service])[0], store, self.system.process.clock, path)
        finally:
            await store.close()

    async def restore(self, backup: backups.Backup) -> backups.Backup:
        store, beside = self.store(backup.service), self.store(RUNTIME)
        service = installed([backup.service])[0]
        try:
            found = backups.verified(service, backup.path)
            await backups.restore(service, store, beside, self.system.process.clock, found)
            return found
        finally:
            await store.close()
            await beside.close()

    async def close(self, service: str) -> None:
        beside, clock = self.store(RUNTIME), self.system.process.clock
        try:
            closure = await closing.close(beside, service, clock.now(), "by a test")
            await clock.sleep((closure.since - clock.now()).total_seconds())
        finally:
            await beside.close()

    async def repair(self, *, rehearsed: bool = False, open_anyway: bool = False) -> Report:
        async with writing(self.settings, rehearsed=rehearsed) as at:
            report = await repaired(at, Rules(), BOUND, open_anyway=open_anyway)
        if report.opened:
            await eventually(self.opened, 30)
        return report

    async def opened(self) -> bool:
        """Every service lets everybody in."""
        return not any(host.door is not None and host.door.shut for host in self.system.process.hosts.values())

    async def mended(self) -> Report:
        """Repair, and see that nothing disagrees."""
        report = await self.repair()
        assert (report.disagreeing, report.violations, report.opened) == ([], [], True)
        return report

    async def audited(self) -> list[Finding]:
        async with reading(self.settings) as on:
            return await Auditor(on, timedelta(seconds=10)).audit()

    def documents(self, service: str) -> dict[str, dict[str, bytes]]:
        """Every document of a service as it is stored."""
        with MongoClient[RawBSONDocument](self.settings.mongo_url, document_class=RawBSONDocument) as client:
            database = client[f"{self.settings.database_prefix}_{service}"]
            return {
                name: {document["_id"]: document.raw for document in database[name].find()}
                for name in database.list_collection_names()
            }

    async def put(self, service: str, record: Record) -> None:
        """Put into a store what no service would."""
        store = self.store(service)
        try:
            known = await store.get(record.collection, record.id)
            assert known is not None
            assert await store.replace(record.collection, stored_form(record, known.version + 1), known.version)
        finally:
            await store.close()

    async def all(self, service: str, kind: type[R]) -> list[R]:
        store = self.store(service)
        try:
            await store.prepare({kind.collection: [*kind.indexes, "self"]})
            found = await store.find(kind.collection, "self", "", "\U0010ffff", limit=5000)
            return [loaded(kind, stored) for stored in found]
        finally:
            await store.close()

    def sent(self) -> Counter[tuple[str, str]]:
        """How often each mail went out: by receiver and Message-ID, which is the same for the same message."""
        return Counter((str(mail["To"]), str(mail["Message-ID"])) for mail in self.inbox.mails)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def site(embedded_servers: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    async with AsyncExitStack() as stack:
        loop, inbox = asyncio.get_running_loop(), Inbox()
        server = await loop.create_server(lambda: SMTP(inbox, loop=loop, hostname="localhost"), "127.0.0.1", 0)
        stack.callback(server.close)
        smtp_url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        kafka_url = await stack.enter_async_context(broker_in(tmp_path_factory.mktemp("disasters") / "broker"))
        system = System(embedded_servers, SERVICES, kafka_url=kafka_url, clock_start=BEFORE, smtp_url=smtp_url)
        await stack.enter_async_context(system.running())
        made = Site(Api(system), system, inbox, tmp_path_factory.mktemp("backups"))
        with pytest.MonkeyPatch.context() as patched:
            # All clocks are one here: what a process believes is the whole of what must be waited for.
            patched.setattr(host, "LOOK_EVERY_SECONDS", 0.2)
            patched.setattr(closing, "BELIEVED_SECONDS", 0.5)
            patched.setattr(closing, "TAKES_EFFECT", timedelta(seconds=1))
            yield made
