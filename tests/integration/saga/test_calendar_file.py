"""`GET /bookings/{id}/ics`, over real servers."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import httpx
import pytest
from icalendar import Calendar

from tests.integration.saga.conftest import CLOCK_START, PATIENT, day
from tests.integration.saga.test_booking import slots
from tests.support.system import System, Tenant
from tests.unit.notify import ical
from turnus_runtime.embedded import Endpoints
from turnus_runtime.ids import derived

PLACE = {"kind": "phone", "value": "+49 30 1234567"}


async def file_of(core: System, booking_id: str, headers: dict[str, str], status: int = 200) -> httpx.Response:
    answer = await core.client.get(f"/api/v1/bookings/{booking_id}/ics", headers=headers)
    assert answer.status_code == status, answer.text
    return answer


def entry_of(answer: httpx.Response) -> Any:
    assert ical.problems(answer.text, to_anybody=True) == []
    calendar: Any = Calendar.from_ical(answer.text)
    (entry,) = calendar.walk("VEVENT")
    return entry


async def test_a_guest_downloads_the_appointment_and_its_changes_until_it_is_cancelled(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada")
    await office.calendar(tenant, "beratung", [host], location=PLACE)
    free = await slots(core, "demo/beratung")
    booking = (await office.book(core, "demo/beratung", free[0])).json()
    guest = {"Authorization": f"Bearer {booking['token']}"}
    first = await file_of(core, booking["id"], guest)
    assert first.headers["content-type"] == "text/calendar; charset=utf-8; method=PUBLISH"
    assert first.headers["content-disposition"] == 'attachment; filename="appointment.ics"'
    entry = entry_of(first)
    assert (entry["UID"], entry["SEQUENCE"], entry["STATUS"]) == (f"{booking['id']}@127.0.0.1", 0, "CONFIRMED")
    assert entry["DTSTART"].dt == datetime.fromisoformat(free[0])
    assert (str(entry["SUMMARY"]), str(entry["LOCATION"])) == ("Beratung: Ada", PLACE["value"])
    assert str(entry["URL"]) == booking["manage_url"]
    assert entry["ORGANIZER"].params["CN"] == "Demo"

    kept = {**guest, "If-None-Match": first.headers["etag"]}
    assert (await file_of(core, "current", kept, 304)).content == b""
    moved = await core.client.post(
        f"/api/v1/bookings/{booking['id']}/reschedule", headers={**guest, **PATIENT}, json={"start": free[4]}
    )
    assert moved.status_code == 200, moved.text
    second = entry_of(await file_of(core, "current", kept))
    assert (second["UID"], second["SEQUENCE"]) == (entry["UID"], 1)
    assert second["DTSTART"].dt > entry["DTSTART"].dt

    await core.client.post(f"/api/v1/bookings/{booking['id']}/cancel", headers=guest, json={})
    last = await file_of(core, booking["id"], guest)
    assert last.headers["content-type"] == "text/calendar; charset=utf-8; method=CANCEL"
    gone = entry_of(last)
    assert (gone["UID"], gone["SEQUENCE"], gone["STATUS"]) == (entry["UID"], 2, "CANCELLED")
    assert "URL" not in gone


async def test_staff_get_a_file_with_the_guests_name_and_without_the_guests_link(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada")
    await office.calendar(tenant, "beratung", [host])
    start = (await slots(core, "demo/beratung"))[0]
    booking = (await office.book(core, "demo/beratung", start)).json()
    entry = entry_of(await file_of(core, booking["id"], tenant.headers(host)))
    assert str(entry["SUMMARY"]) == "Beratung: Guest 1"
    assert "URL" not in entry
    await file_of(core, booking["id"], tenant.headers(host, ["calendars:view"]), 403)
    await file_of(core, booking["id"], {}, 401)
    stranger = (await office.book(core, "demo/beratung", (await slots(core, "demo/beratung"))[3])).json()["token"]
    await file_of(core, booking["id"], {"Authorization": f"Bearer {stranger}"}, 404)
    json_only = {**tenant.headers(host), "Accept": "application/json"}
    await file_of(core, booking["id"], json_only, 406)


async def test_what_never_was_an_appointment_has_no_file(core: System, tenant: Tenant, office: Any) -> None:
    host = await office.host(tenant, "Ada")
    calendar = await office.calendar(tenant, "beratung", [host])
    headers = {"Idempotency-Key": "once"}
    refused = await office.book(core, "demo/beratung", f"{day(3)}T03:00:00Z", **headers)
    assert refused.status_code == 409
    rejected = derived("bk", calendar["id"], "guest1@example.org", "once")
    seen = await core.client.get(f"/api/v1/bookings/{rejected}", headers=tenant.headers(host))
    assert seen.json()["status"] == "rejected"
    await file_of(core, rejected, tenant.headers(host), 404)


@pytest.fixture
async def alone(embedded_servers: Endpoints, fresh_broker: str) -> AsyncIterator[System]:
    """booking without availability: nothing is decided."""
    system = System(embedded_servers, ("booking",), kafka_url=fresh_broker, clock_start=CLOCK_START)
    async with system.running():
        yield system


async def test_while_it_is_undecided_there_is_no_file_yet(alone: System, office: Any) -> None:
    tenant = await alone.tenant()
    host = await tenant.member("Ada")
    staff = tenant.headers(host)
    body = {"kind": "personal", "slug": "beratung", "name": "B", "tz": "UTC", "members": [{"member_id": host}]}
    made = await alone.client.post("/api/v1/calendars", headers={**staff, **PATIENT}, json=body)
    assert made.status_code == 201, made.text
    await alone.client.post(f"/api/v1/calendars/{made.json()['id']}/publish", headers={**staff, "Prefer": "wait=0"})
    asked = await office.book(alone, "demo/beratung", f"{day(3)}T09:00:00Z", Prefer="wait=0")
    assert asked.status_code == 202, asked.text
    answer = await file_of(alone, asked.json()["id"], {"Authorization": f"Bearer {asked.json()['token']}"}, 409)
    assert answer.json()["code"] == "booking_undecided"
