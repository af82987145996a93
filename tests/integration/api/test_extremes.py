"""Availability at its bounds, over HTTP: 10,000 busy times, 500 members, no free day, a member who moves elsewhere."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from tests.integration.api.conftest import Api, office
from tests.integration.api.test_offers import DAY, at, hourly, refused
from tests.support.system import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
STRETCHES = [
    ((date(2027, 2, 20) + timedelta(days=n)).isoformat(), (date(2027, 2, 20) + timedelta(days=n + 91)).isoformat())
    for n in range(0, 368, 92)
]
"""A year and a bit in as many days as can be asked for at once."""


async def test_a_calendar_whose_hosts_are_away_for_a_year_offers_nothing_and_refuses_without_alternatives(
    api: Api,
) -> None:
    here, host, calendar = await hourly(api, "away")
    away = {"start": "2027-02-19T00:00:00Z", "end": "2028-03-01T00:00:00Z"}
    await here.made("/blocks", {"member_id": host, "items": [away]})
    for start, end in STRETCHES:
        assert await api.slots(str(calendar["address"]), start, end) == []
    assert refused(await api.book(str(calendar["address"]), at("09:00")[0]), "slot_not_offered") == []


async def test_a_member_with_ten_thousand_busy_times_is_offered_where_they_are_not(api: Api) -> None:
    here = await office(api, "busy")
    host = await here.host(start="00:00", end="24:00", tz="UTC")
    address = (await here.calendar("work", [host], duration_minutes=30, interval_minutes=15, tz="UTC"))["address"]
    rng, first = Random("busy"), datetime(2027, 2, 20, tzinfo=UTC)
    busy = [first + timedelta(minutes=rng.randrange(92 * 1440)) for _ in range(10_000)]
    length = timedelta(minutes=10)
    for n in range(0, len(busy), 1000):
        items = [{"start": one.isoformat(), "end": (one + length).isoformat()} for one in busy[n : n + 1000]]
        await here.made("/blocks", {"member_id": host, "items": items})
    taken = {int((one - first).total_seconds()) // 60 + m for one in busy for m in range(10)}
    found = await api.slots(address, *STRETCHES[0], tz="UTC")
    now = int((api.system.process.clock.now() - first).total_seconds()) // 60
    free = [m for m in range(0, 92 * 1440, 15) if taken.isdisjoint(range(m, m + 30))]
    assert [start for start in found if start > found[0]] == [
        (first + timedelta(minutes=m)).isoformat()
        for m in free
        if first + timedelta(minutes=m) > datetime.fromisoformat(found[0])
    ]
    assert len(free) - len(found) <= now
    asked = free[len(free) // 2]
    assert (await api.book(address, (first + timedelta(minutes=asked)).isoformat())).status_code == 201
    away = next(m for m in taken if m % 15 == 0 and m > 1440)
    assert (
        len(refused(await api.book(address, (first + timedelta(minutes=away)).isoformat(), 2), "slot_not_offered")) == 5
    )


async def test_ninety_two_days_are_answered_at_once(api: Api) -> None:
    _, _, calendar = await hourly(api, "range")
    found = await api.slots(str(calendar["address"]), "2027-03-01", "2027-05-31")
    assert (len(found), found[0][:10], found[-1][:10]) == (3 * 92, "2027-03-01", "2027-05-31")


async def test_a_member_who_moves_to_another_zone_keeps_bookings_and_hours_and_their_limits_count_there(
    api: Api,
) -> None:
    here = await office(api, "moves")
    host = await here.host(start="09:00", end="24:00")
    address = (await here.calendar("work", [host], duration_minutes=60))["address"]
    await api.call("PUT", f"/limits/{host}", {"day": 1}, here.staff)
    late = await api.book(address, at("23:00")[0])  # 03:45 on the next day in Kathmandu
    assert late.status_code == 201, late.text
    assert await api.slots(address, DAY) == []
    assert len(await api.slots(address, "2027-03-02")) == 15
    changed = await api.send("PATCH", f"/members/{host}", {"tz": "Asia/Kathmandu"}, here.staff)
    assert changed.status_code == 200, changed.text

    async def counted_there() -> bool:
        # 2 March in Kathmandu is from 19:15 on 1 March in Berlin: the schedule's hours are Berlin's as before.
        return await api.slots(address, DAY) == at(*(f"{hour:02}:00" for hour in range(9, 20)))

    await eventually(counted_there)
    assert await api.slots(address, "2027-03-02") == at(*(f"{h:02}:00" for h in range(20, 24)), day="2027-03-02")
    kept = await api.call("GET", f"/bookings/{late.json()['id']}", None, here.staff)
    assert (kept["status"], kept["start"]) == ("confirmed", at("23:00")[0])
    refused(await api.book(address, at("20:00")[0], 2), "slot_taken")
    refused(await api.book(address, at("19:00", day="2027-03-02")[0], 3), "slot_taken")
    assert (await api.book(address, at("19:00")[0], 4)).status_code == 201
    guest = {"Authorization": f"Bearer {late.json()['token']}", "Prefer": "wait=30"}
    moved = await api.send(
        "POST", f"/bookings/{late.json()['id']}/reschedule", {"start": at("10:00", day="2027-03-02")[0]}, guest
    )
    assert (moved.status_code, moved.json().get("revision")) == (200, 1), moved.text


async def test_a_team_of_five_hundred_is_offered_explained_and_booked(api: Api) -> None:
    here = await office(api, "crowd")
    gate = asyncio.Semaphore(16)

    async def member(n: int) -> str:
        async with gate:
            return await here.host(f"Host{n}", f"{8 + n % 3:02}:00", f"{12 + n % 5:02}:00")

    members = await asyncio.gather(*(member(n) for n in range(500)))
    calendar = await here.calendar("team", list(members), duration_minutes=60)
    params = {"calendar": calendar["address"], "start": DAY, "end": DAY, "with": "hosts"}
    details = (await api.send("GET", "/slots", params=params)).json()["details"]
    expected = {
        at(f"{hour:02}:00")[0]: [one for n, one in enumerate(members) if 8 + n % 3 <= hour < 12 + n % 5]
        for hour in range(8, 16)
    }
    assert {start: told["hosts"] for start, told in details.items()} == expected
    why = await api.send(
        "GET", "/slots/why", None, here.staff, params={"calendar": calendar["id"], "start": at("08:00")[0]}
    )
    assert [one["host_id"] for one in why.json()["hosts"] if one["offered"]] == expected[at("08:00")[0]]
    booked = [await api.book(calendar["address"], at("15:00")[0], n) for n in range(3)]
    assert [one.status_code for one in booked] == [201] * 3, booked[0].text
    served = {one.json()["host"]["id"] for one in booked}
    assert len(served) == 3
    assert served <= set(expected[at("15:00")[0]])
