"""Look Busy through real servers: every read and every process shows the same; guests cannot book what is hidden."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.saga.conftest import PATIENT, day
from tests.integration.saga.test_booking import slots
from tests.support.processes import ServiceProcess
from tests.support.system import System, Tenant

CALENDARS: dict[str, dict[str, Any]] = {
    "third": {"look_busy_percent": 33, "interval_minutes": 15, "anchor": "clock"},
    "most": {"look_busy_percent": 90, "duration_minutes": 20, "interval_minutes": 20, "anchor": "opening"},
    "gapless": {"look_busy_percent": 50, "duration_minutes": 45, "interval_minutes": 45, "anchor": "gapless"},
}
READS = 100


@pytest.fixture
async def others(core: System, tmp_path: Path) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two processes of `availability` more, on the same store."""
    processes: list[ServiceProcess] = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        processes.append(ServiceProcess(["availability"], core.given, tmp_path / name, ["http"]))
    await asyncio.gather(*(one.start() for one in processes))
    try:
        await asyncio.gather(*(one.ready() for one in processes))
        clients = [httpx.AsyncClient(base_url=one.url, timeout=30) for one in processes]
        yield clients
        await asyncio.gather(*(one.aclose() for one in clients))
    finally:
        await asyncio.gather(*(one.stop() for one in processes))


async def read(client: httpx.AsyncClient, calendar: str) -> tuple[str, ...]:
    params = {"calendar": calendar, "start": day(3), "end": day(9), "tz": "Europe/Berlin"}
    answer = await client.get("/api/v1/slots", params=params)
    assert answer.status_code == 200, answer.text
    return tuple(start for starts in answer.json()["days"].values() for start in starts)


async def test_a_hundred_reads_and_two_more_processes_show_the_same(
    core: System, tenant: Tenant, office: Any, others: list[httpx.AsyncClient]
) -> None:
    hosts = [await office.host(tenant, "Ada"), await office.host(tenant, "Grace", "10:10", "19:00")]
    for slug, settings in CALENDARS.items():
        await office.calendar(tenant, slug, hosts, **settings)
    for slug in CALENDARS:
        address = f"demo/{slug}"
        clients = [(core.client, *others)[n % 3] for n in range(READS)]
        told = [await read(client, address) for client in clients]
        assert len(set(told)) == 1, slug
        assert len(told[0]) > 7
        # A booking brings nothing to light; with `gapless` the raster begins anew after it, on a finer grid.
        booked = await office.book(core, address, told[0][3])
        assert booked.status_code == 201, booked.text
        after = [await read(client, address) for client in (core.client, *others)]
        assert len(set(after)) == 1
        assert set(after[0]) <= set(told[0]) or slug == "gapless"


async def test_what_is_hidden_is_refused_to_guests_and_given_to_staff_and_everything_else_can_be_booked(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada", "09:00", "12:00")
    calendar = await office.calendar(tenant, "beratung", [host])
    address, headers = "demo/beratung", tenant.headers(host)
    every = await slots(core, address)
    path = f"/api/v1/calendars/{calendar['id']}"
    assert (await core.client.patch(path, headers=headers, json={"look_busy_percent": 50})).status_code == 200
    assert (await core.client.post(f"{path}/publish", headers={**headers, **PATIENT})).status_code == 200
    shown = await slots(core, address)
    hidden = [start for start in every if start not in shown]
    assert (len(every), len(hidden)) == (6, 3)
    refused = [await office.book(core, address, start, n) for n, start in enumerate(hidden)]
    assert [(one.status_code, one.json()["code"]) for one in refused] == [(409, "slot_not_offered")] * 3
    assert all(set(one.json()["alternatives"]).isdisjoint(hidden) for one in refused)
    assert await slots(core, address) == shown
    given = [await office.book(core, address, start, n + 3, **headers) for n, start in enumerate(hidden)]
    assert [one.status_code for one in given] == [201] * 3, [one.text for one in given]
    assert await slots(core, address) == shown
    taken = [await office.book(core, address, start, n + 6) for n, start in enumerate(shown)]
    assert [one.status_code for one in taken] == [201] * 3, [one.text for one in taken]
    assert await slots(core, address) == []
