"""The analytics example beside running services: its tables agree with the API, whatever happens to it."""

import asyncio
import json
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.contracts.examples import ROOT
from tests.integration.saga.conftest import CLOCK_START, PATIENT, Office, day
from tests.support.system import System, eventually
from turnus_contracts import BookingConcluded, BookingConfirmed, BookingMoved, BookingReleased
from turnus_runtime.embedded import Endpoints
from turnus_runtime.operations import reader_of, republish

FACTS = (BookingConfirmed, BookingMoved, BookingReleased, BookingConcluded)
EXAMPLE = ROOT / "examples/analytics/analytics.py"
Totals = tuple[dict[str, tuple[int, int, int]], dict[str, tuple[int, int]]]
"""Calendar -> (bookings, moves, cancelled); host -> (bookings, minutes)."""


class Subscriber:
    """The example as a process of its own, as a stranger would run it."""

    def __init__(self, kafka: str, folder: Path) -> None:
        self.kafka = kafka
        self.file = folder / "analytics.duckdb"
        self.printed = folder / "printed.txt"
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.printed.open("w") as out:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, str(EXAMPLE), self.kafka, str(self.file), stdout=out, stderr=asyncio.subprocess.STDOUT
            )

    async def kill(self) -> None:
        assert self._process is not None
        assert self._process.returncode is None, self.printed.read_text()
        self._process.send_signal(signal.SIGKILL)
        await self._process.wait()

    def tables(self) -> Totals:
        """The last two tables that it printed."""
        texts = [text for text in re.split(r"(?=┌)", self.printed.read_text()) if "└" in text]
        calendars = [text for text in texts if "calendar_id" in text]
        hosts = [text for text in texts if "host_id" in text]
        if not hosts:
            return {}, {}
        return (
            {name: (one, two, three) for name, one, two, three in rows(calendars[-1], "cal_")},
            {name: (one, two) for name, one, two in rows(hosts[-1], "mem_")},
        )

    def stored(self) -> Totals:
        """What its file says, once it is dead."""
        with duckdb.connect(str(self.file), read_only=True) as db:
            calendars = db.sql("FROM calendars").fetchall()
            hosts = db.sql("FROM hosts").fetchall()
        return {row[0]: row[1:] for row in calendars}, {row[0]: row[1:] for row in hosts}

    def facts(self) -> list[Any]:
        """Once it is dead."""
        with duckdb.connect(str(self.file), read_only=True) as db:
            return db.sql("SELECT booking_id, version FROM facts ORDER BY ALL").fetchall()


def rows(table: str, kind: str) -> list[Any]:
    found = [[cell.strip() for cell in line.strip("│ ").split("│")] for line in table.splitlines() if kind in line]
    return [(cells[0], *map(int, cells[1:])) for cells in found]


@pytest.fixture
async def subscriber(core: System, tmp_path: Path) -> AsyncIterator[Subscriber]:
    made = Subscriber(core.given["kafka_url"], tmp_path)
    await made.start()
    yield made
    await made.kill()


@pytest.fixture
async def core(embedded_servers: Endpoints, fresh_broker: str) -> AsyncIterator[System]:
    services = ("booking", "availability", "assignment")
    system = System(embedded_servers, services, kafka_url=fresh_broker, clock_start=CLOCK_START)
    async with system.running():
        yield system


async def told_by_the_api(system: System, headers: dict[str, str]) -> Totals:
    """The same totals, from the API's list of bookings."""
    listed, after = [], ""
    while after is not None:
        answer = await system.client.get(
            "/api/v1/bookings", headers=headers, params={"limit": 10, "after": after} if after else {"limit": 10}
        )
        assert answer.status_code == 200, answer.text
        listed += answer.json()["items"]
        after = answer.json()["next"]
    bookings, moves, cancelled = Counter[str](), Counter[str](), Counter[str]()
    served, minutes = Counter[str](), Counter[str]()
    for one in listed:
        if one["status"] not in ("confirmed", "cancelled"):
            continue
        bookings[one["calendar_id"]] += 1
        moves[one["calendar_id"]] += one["revision"]
        if one["status"] == "cancelled":
            cancelled[one["calendar_id"]] += 1
        else:
            served[one["host"]["id"]] += 1
            length = datetime.fromisoformat(one["end"]) - datetime.fromisoformat(one["start"])
            minutes[one["host"]["id"]] += int(length.total_seconds() // 60)
    return (
        {name: (count, moves[name], cancelled[name]) for name, count in bookings.items()},
        {name: (count, minutes[name]) for name, count in served.items()},
    )


class Guests:
    """Bookings, of which every third is moved and every fourth cancelled."""

    def __init__(self, system: System, office: Office, addresses: list[str]) -> None:
        self.system, self.office, self.addresses = system, office, addresses
        self.made = 0

    async def come(self, count: int, ahead: int) -> None:
        for _ in range(count):
            address = self.addresses[self.made % len(self.addresses)]
            asked = {"calendar": address, "start": day(ahead), "end": day(ahead), "tz": "Europe/Berlin"}
            days = (await self.system.client.get("/api/v1/slots", params=asked)).json()["days"]
            free = [start for starts in days.values() for start in starts]
            booked = await self.office.book(self.system, address, free[0], self.made)
            assert booked.status_code == 201, booked.text
            booking = booked.json()
            guest = {"Authorization": f"Bearer {booking['token']}", **PATIENT}
            place = f"/api/v1/bookings/{booking['id']}"
            if self.made % 3 == 0:
                moved = await self.system.client.post(f"{place}/reschedule", headers=guest, json={"start": free[-1]})
                assert moved.status_code == 200, moved.text
            if self.made % 4 == 0:
                ended = await self.system.client.post(f"{place}/cancel", headers=guest, json={})
                assert ended.status_code == 200, ended.text
            self.made += 1


async def test_its_tables_agree_with_the_api_after_crashes_duplicates_and_a_full_replay(
    core: System, subscriber: Subscriber
) -> None:
    office, tenant = Office(), await core.tenant()
    hosts = [await office.host(tenant, name) for name in ("Ada", "Bob", "Cleo")]
    await office.calendar(tenant, "team", hosts, optimize="equal")
    await office.calendar(tenant, "ada", hosts[:1])
    guests = Guests(core, office, ["demo/team", "demo/ada"])
    staff = tenant.headers(hosts[0])

    async def agrees() -> None:
        told = await told_by_the_api(core, staff)
        await eventually(lambda: _holds(subscriber.tables() == told), 60)

    async def has_all() -> bool:
        """It is dead and had read everything: its tables may agree before it has, by the newest facts alone."""
        await subscriber.kill()
        said = await reader_of(core.process.settings).all_of([fact.topic() for fact in FACTS])
        told = [json.loads(message.value or b"") for message in said]
        if subscriber.facts() == sorted({(one["booking_id"], one["version"]) for one in told}):
            return True
        await subscriber.start()
        await agrees()
        return False

    await guests.come(7, ahead=3)
    await agrees()

    coming = asyncio.create_task(guests.come(7, ahead=4))
    await eventually(lambda: _holds(guests.made > 9))
    await subscriber.kill()  # in the middle, wherever it is
    await subscriber.start()
    await coming
    await agrees()

    said = await republish(core.process.hosts["booking"])  # everything again: duplicates by booking and version
    assert said["BookingReleased"] >= 1
    await guests.come(1, ahead=6)
    await agrees()
    await eventually(has_all)
    stored = subscriber.stored()

    subscriber.file.unlink()
    await subscriber.start()
    await agrees()
    await eventually(has_all)
    assert subscriber.stored() == stored == await told_by_the_api(core, staff)
    await subscriber.start()


async def _holds(value: bool) -> bool:
    return value
