"""`GET /slots` with a booking: the times to which it can be moved, also in a calendar that was retired."""

from typing import Any

from tests.integration.saga.conftest import PATIENT, day
from tests.integration.saga.test_booking import slots
from tests.support.system import System, Tenant


async def of_a_move(core: System, booking_id: str, status: int = 200, calendar: str = "demo/beratung") -> Any:
    params = {
        "calendar": calendar,
        "start": day(3),
        "end": day(3),
        "tz": "Europe/Berlin",
        "booking_id": booking_id,
    }
    answer = await core.client.get("/api/v1/slots", params=params)
    assert answer.status_code == status, answer.text
    return answer.json()


def starts(found: Any) -> list[str]:
    return [start for day in found["days"].values() for start in day]


async def test_a_booking_in_a_retired_calendar_is_offered_times_and_moved_and_nobody_else_is(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada")
    calendar = await office.calendar(tenant, "beratung", [host])
    free = await slots(core, "demo/beratung")
    booking = (await office.book(core, "demo/beratung", free[0])).json()
    staff, guest = tenant.headers(host), {"Authorization": f"Bearer {booking['token']}"}
    retired = await core.client.post(f"/api/v1/calendars/{calendar['id']}/retire", headers=staff)
    assert retired.status_code == 200, retired.text
    await core.quiet()
    params = {"calendar": "demo/beratung", "start": day(3), "end": day(3)}
    closed = await core.client.get("/api/v1/slots", params=params)
    assert (closed.status_code, closed.json()["code"]) == (422, "calendar_unknown")
    offered = starts(await of_a_move(core, booking["id"]))
    assert offered == free
    moved = await core.client.post(
        f"/api/v1/bookings/{booking['id']}/reschedule", headers={**guest, **PATIENT}, json={"start": offered[3]}
    )
    assert moved.status_code == 200, moved.text


async def test_what_is_offered_for_a_move_goes_by_what_was_promised_and_past_the_bookings_own_time(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada", "09:00", "12:00")
    more = {"duration_minutes": 60, "interval_minutes": 30, "buffer_after_minutes": 0}
    calendar = await office.calendar(tenant, "beratung", [host], **more)
    free = await slots(core, "demo/beratung")
    assert len(free) == 5
    booking = (await office.book(core, "demo/beratung", free[1])).json()
    headers = {**tenant.headers(host), "Prefer": "wait=30"}
    shorter = {"duration_minutes": 30, "buffer_after_minutes": 30}
    await core.client.patch(f"/api/v1/calendars/{calendar['id']}", headers=headers, json=shorter)
    published = await core.client.post(f"/api/v1/calendars/{calendar['id']}/publish", headers=headers)
    assert published.status_code == 200, published.text
    assert len(await slots(core, "demo/beratung")) == 3
    found = await of_a_move(core, booking["id"])
    assert starts(found) == free
    assert found["duration_minutes"] == 60
    guest = {"Authorization": f"Bearer {booking['token']}"}
    moved = await core.client.post(
        f"/api/v1/bookings/{booking['id']}/reschedule", headers={**guest, **PATIENT}, json={"start": free[2]}
    )
    assert moved.status_code == 200, moved.text


async def test_a_booking_of_another_calendar_and_one_that_is_over_are_not_known_to_the_times(
    core: System, tenant: Tenant, office: Any
) -> None:
    hosts = [await office.host(tenant, name) for name in ("Ada", "Bob")]
    for slug, host in zip(("beratung", "andere"), hosts, strict=True):
        await office.calendar(tenant, slug, [host])
    booking = (await office.book(core, "demo/beratung", (await slots(core, "demo/beratung"))[0])).json()
    assert (await of_a_move(core, booking["id"], 422, "demo/andere"))["code"] == "booking_unknown"
    assert (await of_a_move(core, f"{booking['id'][:-4]}0000", 422))["code"] == "booking_unknown"
    await of_a_move(core, booking["id"])
    guest = {"Authorization": f"Bearer {booking['token']}"}
    await core.client.post(f"/api/v1/bookings/{booking['id']}/cancel", headers=guest, json={})
    await core.quiet()
    assert (await of_a_move(core, booking["id"], 422))["code"] == "booking_unknown"
