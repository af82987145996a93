"""Blocks of a calendar are kept in memory, by a version in the calendar's record."""

from typing import Any

from tests.integration.saga.test_booking import slots
from tests.support.system import System, Tenant


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
