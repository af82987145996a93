"""Limits of a calendar and of a member: the list, the booking and the reasons say the same; races do not pass them."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from services.availability.domain.tallies import Tally
from tests.integration.saga.conftest import PATIENT, day
from tests.integration.saga.test_booking import slots
from tests.support.system import System, Tenant
from turnus_runtime.ids import RandomIds


async def reasons(system: System, tenant: Tenant, host: str, calendar: str, start: str) -> list[dict[str, Any]]:
    """Every reason against a start, of whichever host."""
    answer = await system.client.get(
        "/api/v1/slots/why", params={"calendar": calendar, "start": start}, headers=tenant.headers(host)
    )
    assert answer.status_code == 200, answer.text
    return [one for row in answer.json()["hosts"] for one in row["reasons"]]


async def codes(system: System, tenant: Tenant, host: str, calendar: str, start: str) -> list[str]:
    """Their codes."""
    return sorted({one["code"] for one in await reasons(system, tenant, host, calendar, start)})


async def test_a_full_day_is_neither_offered_nor_booked_and_a_cancellation_opens_it_again(
    core: System, tenant: Tenant, office: Any
) -> None:
    hosts = [await office.host(tenant, name) for name in ("Ada", "Grace")]
    calendar = await office.calendar(tenant, "beratung", hosts, limits={"day": 2})
    free, next_day = await slots(core, "demo/beratung"), await slots(core, "demo/beratung", 4)
    booked = [await office.book(core, "demo/beratung", start, n) for n, start in enumerate(free[:2])]
    assert [one.status_code for one in booked] == [201, 201]
    assert await slots(core, "demo/beratung") == []
    assert await slots(core, "demo/beratung", 4) == next_day
    for one in await reasons(core, tenant, hosts[0], "demo/beratung", free[5]):
        assert (one["code"], one["limit_of"], one["period"]) == ("LIMIT", "calendar", "day")
        assert (one["counted"], one["most"]) == (2, 2)
        assert one["detail"] == "The calendar has reached a limit of its own: 2 of 2 on this day."
    refused = await office.book(core, "demo/beratung", free[5], 3)
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    assert refused.json()["alternatives"][0][:10] != free[5][:10]
    token = booked[0].json()["token"]
    moved = await core.client.post(
        f"/api/v1/bookings/{booked[0].json()['id']}/reschedule",
        headers={"Authorization": f"Bearer {token}", **PATIENT},
        json={"start": free[6]},
    )
    assert moved.status_code == 200, moved.text  # within the day it counts once
    gone = await core.client.post(
        f"/api/v1/bookings/{booked[1].json()['id']}/cancel",
        headers={"Authorization": f"Bearer {booked[1].json()['token']}"},
    )
    assert gone.status_code == 200, gone.text
    while await codes(core, tenant, hosts[0], "demo/beratung", free[5]):  # noqa: ASYNC110 (what is given back is an event away)
        await asyncio.sleep(0.05)
    again = await office.book(core, "demo/beratung", free[5], 4)
    assert again.status_code == 201, again.text
    tally = await core.process.hosts["availability"].turn().records(Tally).get(calendar["id"])
    assert tally is not None
    assert len(tally.entries) == 2


async def test_of_guests_who_race_for_the_last_place_of_a_day_as_many_win_as_there_are(
    core: System, tenant: Tenant, office: Any
) -> None:
    hosts = [await office.host(tenant, name) for name in ("Ada", "Grace", "Joan")]
    await office.calendar(tenant, "beratung", hosts, limits={"day": 3})
    free = await slots(core, "demo/beratung")
    answers = await asyncio.gather(*(office.book(core, "demo/beratung", free[n % 8], n) for n in range(16)))
    assert Counter(one.status_code for one in answers) == {201: 3, 409: 13}
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"slot_taken"}


async def test_what_was_booked_before_a_calendar_had_limits_counts(core: System, tenant: Tenant, office: Any) -> None:
    host = await office.host(tenant, "Ada")
    calendar = await office.calendar(tenant, "beratung", [host])
    free = await slots(core, "demo/beratung")
    assert (await office.book(core, "demo/beratung", free[0])).status_code == 201
    headers = tenant.headers(host)
    path = f"/api/v1/calendars/{calendar['id']}"
    assert (await core.client.patch(path, headers=headers, json={"limits": {"day": 2}})).status_code == 200
    assert (await core.client.post(f"{path}/publish", headers={**headers, **PATIENT})).status_code == 200
    assert await slots(core, "demo/beratung") == free[1:]
    assert (await office.book(core, "demo/beratung", free[3], 2)).status_code == 201
    assert await slots(core, "demo/beratung") == []


@pytest.mark.parametrize("period", ["day", "week", "month"])
async def test_the_limits_of_a_member_hold_across_calendars(
    core: System, tenant: Tenant, office: Any, period: str
) -> None:
    host = await office.host(tenant, "Ada")
    for slug in ("beratung", "kennenlernen"):
        await office.calendar(tenant, slug, [host])
    headers = tenant.headers(host)
    limited = await core.client.put(f"/api/v1/limits/{host}", headers=headers, json={period: 1})
    assert limited.status_code == 200, limited.text
    free = await slots(core, "demo/beratung")
    assert (await office.book(core, "demo/beratung", free[0])).status_code == 201
    assert await slots(core, "demo/kennenlernen") == []
    (full,) = await reasons(core, tenant, host, "demo/kennenlernen", free[4])
    assert (full["code"], full["limit_of"], full["period"]) == ("LIMIT", "member", period)
    assert (full["counted"], full["most"]) == (1, 1)
    refused = await office.book(core, "demo/kennenlernen", free[4], 2)
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_taken")
    lifted = await core.client.put(f"/api/v1/limits/{host}", headers=headers, json={})
    assert lifted.status_code == 200
    assert (await office.book(core, "demo/kennenlernen", free[4], 3)).status_code == 201


async def test_limits_of_a_member_of_whom_nothing_was_heard_yet_wait_for_them(
    core: System, tenant: Tenant, office: Any
) -> None:
    owner = await office.host(tenant, "Ada")
    soon = RandomIds().fresh("mem")
    path, headers = f"/api/v1/limits/{soon}", tenant.headers(owner)
    patient = {**headers, "Prefer": "wait=30"}
    waiting = asyncio.create_task(core.client.put(path, headers=patient, json={"day": 3}))
    impatient = await core.client.put(path, headers={**headers, "Prefer": "wait=0"}, json={"day": 1})
    assert impatient.status_code == 404
    assert (await core.client.get(path, headers=headers)).status_code == 404, "what is only read waits for nobody"
    await tenant.member("Grace", "America/New_York", member_id=soon)
    kept = await waiting
    assert (kept.status_code, kept.json()["day"], kept.json()["tz"]) == (200, 3, "America/New_York")
    assert (await core.client.get(path, headers=headers)).json() == kept.json()


async def test_what_look_busy_hides_is_refused_to_guests_and_told_to_staff(
    core: System, tenant: Tenant, office: Any
) -> None:
    host = await office.host(tenant, "Ada")
    calendar = await office.calendar(tenant, "beratung", [host])
    free = await slots(core, "demo/beratung")
    headers = tenant.headers(host)
    path = f"/api/v1/calendars/{calendar['id']}"
    assert (await core.client.patch(path, headers=headers, json={"look_busy_percent": 50})).status_code == 200
    assert (await core.client.post(f"{path}/publish", headers={**headers, **PATIENT})).status_code == 200
    shown = await slots(core, "demo/beratung")
    assert len(shown) == len(free) - (len(free) + 1) // 2
    assert all(await asyncio.gather(*(_same(core, shown) for _ in range(20))))
    hidden = next(start for start in free if start not in shown)
    assert await codes(core, tenant, host, "demo/beratung", hidden) == ["LOOK_BUSY"]
    refused = await office.book(core, "demo/beratung", hidden)
    assert (refused.status_code, refused.json()["code"]) == (409, "slot_not_offered")
    by_staff = await core.client.post(
        "/api/v1/bookings",
        headers={**headers, **PATIENT},
        json={
            "calendar": "demo/beratung",
            "start": hidden,
            "tz": "Europe/Berlin",
            "guest": {"name": "Guest", "email": "guest@example.org"},
        },
    )
    assert by_staff.status_code == 201, by_staff.text
    assert day(3) == hidden[:10]


async def _same(core: System, shown: list[str]) -> bool:
    return await slots(core, "demo/beratung") == shown
