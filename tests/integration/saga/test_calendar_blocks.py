"""Blocks of a calendar are kept in memory, by a version in the calendar's record, which its hosts' records know too."""

from datetime import datetime, timedelta
from typing import Any

from services.availability.domain.hosts import Host, Reply
from services.availability.domain.serving import ServedCalendar
from services.availability.handlers import reserving
from services.availability.store.teams import team
from tests.integration.saga.test_booking import slots
from tests.support.system import System, Tenant
from turnus_contracts import BookingRequested


async def test_a_block_of_a_calendar_counts_from_the_next_request_on_and_until_it_is_removed(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada")
    calendar = await office.calendar(tenant, "beratung", [host])
    free = await slots(core, "demo/beratung")
    staff = tenant.headers(host)
    made = await core.client.post(
        "/api/v1/blocks",
        headers=staff,
        json={"calendar_id": calendar["id"], "items": [{"start": free[2], "end": free[4]}]},
    )
    assert made.status_code == 201, made.text
    assert await slots(core, "demo/beratung") == free[:2] + free[4:]
    refused = await office.book(core, "demo/beratung", free[3])
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_not_offered")
    removed = await core.client.delete(f"/api/v1/blocks/{made.json()['items'][0]['id']}", headers=staff)
    assert removed.status_code == 204
    assert await slots(core, "demo/beratung") == free
    booked = await office.book(core, "demo/beratung", free[3], 2)
    assert booked.status_code == 201, booked.text


async def test_a_block_that_comes_between_the_look_and_the_reservation_leads_to_a_refusal(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada")
    calendar = await office.calendar(tenant, "beratung", [host])
    free = await slots(core, "demo/beratung")
    on = core.process.hosts["availability"].turn()
    looked = await on.records(ServedCalendar).get(calendar["id"])
    assert looked is not None
    members = await team(on, looked)
    start = datetime.fromisoformat(free[3])
    request = BookingRequested(
        workspace_id=tenant.workspace_id,
        calendar_id=looked.id,
        booking_id="bk_1",
        attempt=1,
        calendar_version=looked.version,
        start=start,
        duration_minutes=30,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        host_ids=(),
        same_host=False,
        requested_at=on.now,
    )
    attempt = await reserving._pin(request, looked, members, on)
    assert attempt is not None
    assert attempt.candidates == (host,)
    block = {"start": free[3], "end": (start + timedelta(minutes=30)).isoformat()}
    made = await core.client.post(
        "/api/v1/blocks", headers=tenant.headers(host), json={"calendar_id": looked.id, "items": [block]}
    )
    assert made.status_code == 201, made.text
    reply = await reserving._ask_host(request, looked, members, attempt, host, on)
    assert reply is Reply.STALE
    await reserving.reserve_slot(request, on)
    kept = await on.records(Host).get(host)
    assert kept is not None
    assert kept.reservations == ()
