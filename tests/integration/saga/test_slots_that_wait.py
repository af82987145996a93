"""`GET /slots` with `If-None-Match` and `Prefer: wait=N`: answered as soon as other times are free."""

import asyncio
from typing import Any

import pytest

from tests.integration.saga.conftest import day
from tests.integration.saga.test_booking import slots
from tests.support.system import System, Tenant
from turnus_runtime.redis import RedisSignals

PARAMS = {"calendar": "demo/beratung", "start": day(3), "end": day(3), "tz": "Europe/Berlin"}


async def ask(core: System, tag: str | None = None, wait: int = 0) -> Any:
    headers = ({"If-None-Match": tag} if tag else {}) | {"Prefer": f"wait={wait}"}
    return await core.client.get("/api/v1/slots", params=PARAMS, headers=headers)


@pytest.fixture
async def host(core: System, tenant: Tenant, office: Any) -> str:
    host: str = await office.host(tenant, "Ada")
    await office.calendar(tenant, "beratung", [host])
    await slots(core, "demo/beratung")
    return host


async def test_who_waits_is_told_of_a_booking_a_block_and_other_hours(
    core: System, tenant: Tenant, office: Any, host: str
) -> None:
    headers = tenant.headers(host)

    async def book() -> None:
        assert (await office.book(core, "demo/beratung", first["days"][day(3)][0])).status_code == 201

    async def block() -> None:
        times = {"start": f"{day(3)}T12:00:00Z", "end": f"{day(3)}T13:00:00Z"}
        body = {"member_id": host, "items": [times]}
        assert (await core.client.post("/api/v1/blocks", headers=headers, json=body)).status_code == 201

    async def shorten() -> None:
        found = await core.client.get("/api/v1/schedules", params={"member_id": host}, headers=headers)
        (schedule,) = found.json()["items"]
        weekly = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "09:00", "end": "11:00"}]
        body = {"name": "Hours", "tz": "Europe/Berlin", "weekly": weekly}
        changed = await core.client.put(f"/api/v1/schedules/{schedule['id']}", headers=headers, json=body)
        assert changed.status_code == 200, changed.text

    for happens in (book, block, shorten):
        answer = await ask(core)
        first = answer.json()
        waiting = asyncio.create_task(ask(core, answer.headers["ETag"], wait=30))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await happens()
        # Well before the 30 s are over: it was woken.
        told = await asyncio.wait_for(waiting, 20)
        assert told.status_code == 200, happens.__name__
        assert told.json()["days"] != first["days"]


async def test_nothing_new_is_said_after_the_wait_and_at_once_to_who_knows_something_else(
    core: System, host: str
) -> None:
    assert host
    tag = (await ask(core)).headers["ETag"]
    assert (await ask(core, tag)).status_code == 304
    assert (await ask(core, tag, wait=1)).status_code == 304
    told = await asyncio.wait_for(ask(core, '"0123"', wait=30), 20)
    assert told.status_code == 200
    assert told.headers["ETag"] == tag


async def test_a_wake_up_that_got_lost_delays_the_news_to_the_end_of_the_wait(
    core: System, tenant: Tenant, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(_: Any, key: str) -> None:
        del key

    answer = await ask(core)
    staff = tenant.headers(host)
    monkeypatch.setattr(RedisSignals, "wake", lost)
    waiting = asyncio.create_task(ask(core, answer.headers["ETag"], wait=5))
    await asyncio.sleep(0.1)
    # A block is there when it is answered. A booking is decided some events later, which may be after the wait.
    times = {"start": f"{day(3)}T12:00:00Z", "end": f"{day(3)}T13:00:00Z"}
    made = await core.client.post("/api/v1/blocks", headers=staff, json={"member_id": host, "items": [times]})
    assert made.status_code == 201, made.text
    assert (await waiting).status_code == 200
