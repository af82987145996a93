"""A guest books, moves and cancels, over real servers."""

import asyncio
from typing import Any

from tests.integration.saga.conftest import PATIENT, day
from tests.support.system import System, Tenant


async def slots(system: System, address: str, ahead: int = 3) -> list[str]:
    answer = await system.client.get(
        "/api/v1/slots", params={"calendar": address, "start": day(ahead), "end": day(ahead), "tz": "Europe/Berlin"}
    )
    assert answer.status_code == 200, answer.text
    return [start for starts in answer.json()["days"].values() for start in starts]


async def test_a_guest_books_moves_and_cancels_in_a_personal_calendar(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada")
    await office.calendar(tenant, "beratung", [host])
    free = await slots(core, "demo/beratung")
    assert len(free) == 16
    booked = await office.book(core, "demo/beratung", free[0])
    assert booked.status_code == 201, booked.text
    booking = booked.json()
    assert booking["status"] == "confirmed"
    assert booking["host"] == {"id": host, "name": "Ada"}
    assert free[0] not in await slots(core, "demo/beratung")
    guest = {"Authorization": f"Bearer {booking['token']}"}
    moved = await core.client.post(
        f"/api/v1/bookings/{booking['id']}/reschedule", headers={**guest, **PATIENT}, json={"start": free[4]}
    )
    assert moved.status_code == 200, moved.text
    assert moved.json()["revision"] == 1
    await core.quiet()
    left = await slots(core, "demo/beratung")
    assert free[0] in left
    assert free[4] not in left
    cancelled = await core.client.post(f"/api/v1/bookings/{booking['id']}/cancel", headers=guest, json={})
    assert cancelled.json()["status"] == "cancelled", cancelled.text
    await core.quiet()
    assert await slots(core, "demo/beratung") == free


async def test_of_fifty_guests_who_race_for_one_slot_one_gets_it_and_the_others_get_alternatives(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada")
    await office.calendar(tenant, "beratung", [host])
    start = (await slots(core, "demo/beratung"))[3]
    answers = await asyncio.gather(*(office.book(core, "demo/beratung", start, n) for n in range(50)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 49
    refused = [answer.json() for answer in answers if answer.status_code == 409]
    assert {problem["code"] for problem in refused} == {"slot_taken"}
    assert all(problem["alternatives"] for problem in refused)


async def test_a_round_robin_shares_the_bookings_and_a_person_in_two_calendars_is_never_booked_twice(
    core: System, tenant: Tenant, office: Any
) -> None:
    hosts = [await office.host(tenant, name) for name in ("Ada", "Bob", "Cleo")]
    await office.calendar(tenant, "team", hosts, optimize="equal")
    await office.calendar(tenant, "ada", hosts[:1])
    start = (await slots(core, "demo/team"))[0]
    answers = await asyncio.gather(
        *(office.book(core, "demo/team", start, n) for n in range(5)),
        *(office.book(core, "demo/ada", start, n) for n in range(5, 8)),
    )
    taken = [answer.json()["host"]["id"] for answer in answers if answer.status_code == 201]
    assert len(taken) == len(set(taken)) == 3
