"""What is offered, and what can be booked, by the rules of `semantics.md`, over HTTP."""

import httpx
import pytest

from tests.integration.api.conftest import Api, Office, office
from tests.support.system import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
DAY = "2027-03-01"
"""A Monday; Berlin is an hour ahead of UTC."""


def at(*times: str, day: str = DAY) -> list[str]:
    return [f"{day}T{time}:00+01:00" for time in times]


def refused(answer: httpx.Response, code: str) -> list[str]:
    assert (answer.status_code, answer.json()["code"]) == (409, code), answer.text
    return list(answer.json()["alternatives"])


async def hourly(api: Api, name: str = "hourly", **more: object) -> tuple[Office, str, dict[str, object]]:
    """A workspace, its host from 9 to 12, and their personal calendar of an hour each."""
    here = await office(api, name)
    host = await here.host()
    return here, host, await here.calendar("work", [host], duration_minutes=60, **more)


async def test_an_override_replaces_its_date_and_an_empty_one_is_a_day_off(api: Api) -> None:
    here = await office(api, "override")
    overrides = [
        {"date": "2027-03-01", "ranges": [{"start": "14:00", "end": "16:00"}]},
        {"date": "2027-03-02", "ranges": []},
    ]
    host = await here.host(overrides=overrides)
    address = (await here.calendar("work", [host], duration_minutes=60))["address"]
    assert await api.slots(address, "2027-03-01", "2027-03-02") == at("14:00", "15:00")
    assert await api.slots(address, "2027-03-03") == at("09:00", "10:00", "11:00", day="2027-03-03")
    assert refused(await api.book(address, f"{DAY}T09:00:00+01:00"), "slot_not_offered")[:2] == at("14:00", "15:00")


async def test_a_changed_schedule_counts_at_once_and_bookings_that_stand_are_kept(api: Api) -> None:
    here = await office(api, "changed")
    host = await here.member()
    schedule = await here.hours(host)
    address = (await here.calendar("work", [host], duration_minutes=60))["address"]
    booked = await api.book(address, at("09:00")[0])
    assert booked.status_code == 201
    new = {"name": "Late", "tz": "Europe/Berlin", "weekly": [{"days": [1], "start": "11:00", "end": "13:00"}]}
    changed = await api.send("PUT", f"/schedules/{schedule['id']}", new, {**here.staff, "If-Match": '"1"'})
    assert changed.status_code == 200, changed.text
    assert await api.slots(address, DAY, "2027-03-02") == at("11:00", "12:00")
    refused(await api.book(address, at("10:00")[0]), "slot_not_offered")
    kept = await api.send("GET", f"/bookings/{booked.json()['id']}", None, here.staff)
    assert kept.json()["status"] == "confirmed"
    gone = await api.send("DELETE", f"/schedules/{schedule['id']}", None, here.staff)
    assert gone.status_code == 204
    assert await api.slots(address, DAY) == []


async def test_of_several_schedules_the_newest_default_one_counts(api: Api) -> None:
    here = await office(api, "default")
    host = await here.host()
    address = (await here.calendar("work", [host], duration_minutes=60))["address"]
    await here.hours(host, "14:00", "15:00")
    await here.hours(host, "18:00", "19:00", default=False)
    assert await api.slots(address, DAY) == at("14:00")


async def test_a_block_of_a_member_is_everywhere_and_one_of_a_calendar_there_only(api: Api) -> None:
    here = await office(api, "blocks")
    host = await here.host()
    one, other = [await here.calendar(name, [host], duration_minutes=60) for name in ("one", "other")]
    member = await here.made(
        "/blocks", {"member_id": host, "items": [{"start": at("09:30")[0], "end": at("09:40")[0]}]}
    )
    await here.made("/blocks", {"calendar_id": one["id"], "items": [{"start": at("11:59")[0], "end": at("12:00")[0]}]})
    assert await api.slots(one["address"], DAY) == at("10:00")
    assert await api.slots(other["address"], DAY) == at("10:00", "11:00")
    refused(await api.book(one["address"], at("11:00")[0]), "slot_not_offered")
    assert (await api.send("DELETE", f"/blocks/{member['items'][0]['id']}", None, here.staff)).status_code == 204
    assert await api.slots(one["address"], DAY) == at("09:00", "10:00")
    listed = await api.call("GET", f"/blocks?member_id={host}", None, here.staff)
    assert listed["items"] == []


async def test_between_two_bookings_lie_the_buffers_of_both(api: Api) -> None:
    """15 after and 15 before are 30; at the edges of working hours they may lie outside."""
    _, _, calendar = await hourly(
        api, "buffers", interval_minutes=15, buffer_before_minutes=15, buffer_after_minutes=15
    )
    address = str(calendar["address"])
    assert (await api.slots(address, DAY))[0] == at("09:00")[0]
    assert (await api.book(address, at("10:00")[0])).status_code == 201
    assert await api.slots(address, DAY) == []
    refused(await api.book(address, at("11:00")[0]), "slot_taken")


async def test_two_bookings_with_thirty_minutes_between_them_fit_when_buffers_are_fifteen_each(api: Api) -> None:
    here = await office(api, "buffers")
    host = await here.host(end="11:30")
    address = (
        await here.calendar(
            "work", [host], duration_minutes=60, interval_minutes=15, buffer_before_minutes=15, buffer_after_minutes=15
        )
    )["address"]
    assert (await api.book(address, at("09:00")[0])).status_code == 201
    assert await api.slots(address, DAY) == at("10:30")
    assert (await api.book(address, at("10:30")[0], 2)).status_code == 201


async def test_a_promised_buffer_stays_when_the_calendar_changes_its_own(api: Api) -> None:
    here, _, calendar = await hourly(api, "promised", buffer_after_minutes=60)
    address = str(calendar["address"])
    assert (await api.book(address, at("09:00")[0])).status_code == 201
    changed = await api.send("PATCH", f"/calendars/{calendar['id']}", {"buffer_after_minutes": 0}, here.staff)
    assert changed.status_code == 200
    await here.publish(str(calendar["id"]))
    assert await api.slots(address, DAY) == at("11:00")


async def test_notice_counts_from_now(api: Api) -> None:
    here = await office(api, "notice")
    host = await here.host(start="00:00", end="24:00")
    address = (await here.calendar("work", [host], duration_minutes=60, notice_minutes=24 * 60))["address"]
    now = api.system.process.clock.now()
    offered = await api.slots(address, "2027-02-20", "2027-02-22", tz="UTC")
    assert len(offered) in {47, 48}
    assert offered[0][:13] > f"{now.replace(day=now.day + 1):%Y-%m-%dT%H}"
    refused(await api.book(address, "2027-02-20T12:00:00Z"), "slot_not_offered")


@pytest.mark.parametrize(
    ("window", "first", "last"),
    [
        pytest.param({"kind": "rolling", "count": 2, "unit": "days"}, "2027-02-20", "2027-02-22", id="days"),
        pytest.param({"kind": "rolling", "count": 1, "unit": "weeks"}, "2027-02-20", "2027-02-27", id="weeks"),
        pytest.param({"kind": "rolling", "count": 1, "unit": "months"}, "2027-02-20", "2027-03-20", id="months"),
        pytest.param(
            {"kind": "range", "start": "2027-03-02", "end": "2027-03-04"}, "2027-03-02", "2027-03-04", id="range"
        ),
        pytest.param({"kind": "until", "date": "2027-02-24"}, "2027-02-20", "2027-02-24", id="until"),
    ],
)
async def test_a_window_lets_its_days_be_booked_and_no_other(
    api: Api, window: dict[str, object], first: str, last: str
) -> None:
    _, _, calendar = await hourly(api, "window", window=window)
    offered = await api.slots(str(calendar["address"]), "2027-02-20", "2027-04-10")
    assert (offered[0][:10], offered[-1][:10]) == (first, last)
    refused(await api.book(str(calendar["address"]), "2027-04-05T09:00:00+02:00"), "slot_not_offered")


async def test_a_window_of_available_days_counts_only_days_on_which_somebody_works(api: Api) -> None:
    here = await office(api, "available")
    host = await here.member()
    await here.hours(host, weekly=[{"days": [1], "start": "09:00", "end": "10:00"}])
    window = {"kind": "rolling", "count": 2, "unit": "days", "counting": "available"}
    address = (await here.calendar("work", [host], duration_minutes=60, window=window))["address"]
    offered = await api.slots(address, "2027-02-20", "2027-04-10")
    assert [start[:10] for start in offered] == ["2027-02-22", "2027-03-01"]


async def test_days_are_those_of_the_asked_zone(api: Api) -> None:
    here = await office(api, "zones")
    host = await here.host(start="00:00", end="02:00")
    address = (await here.calendar("work", [host], duration_minutes=60))["address"]
    assert await api.slots(address, DAY, tz="America/New_York") == [
        "2027-03-01T18:00:00-05:00",
        "2027-03-01T19:00:00-05:00",
    ]


async def test_a_personal_calendar_with_anchor_opening_begins_its_raster_at_each_range(api: Api) -> None:
    here = await office(api, "opening")
    host = await here.member()
    weekly = [
        {"days": [1], "start": "08:30", "end": "09:40"},
        {"days": [1], "start": "13:05", "end": "13:50"},
    ]
    await here.hours(host, weekly=weekly)
    address = (await here.calendar("work", [host], duration_minutes=20, interval_minutes=20, anchor="opening"))[
        "address"
    ]
    assert await api.slots(address, DAY) == at("08:30", "08:50", "09:10", "13:05", "13:25")
    refused(await api.book(address, at("09:00")[0]), "slot_not_offered")
    assert (await api.book(address, at("13:25")[0])).status_code == 201


async def test_a_retired_calendar_takes_no_request_and_lets_its_bookings_be_moved_and_cancelled(api: Api) -> None:
    here, _, calendar = await hourly(api, "retired")
    address = str(calendar["address"])
    booked = (await api.book(address, at("09:00")[0])).json()
    retired = await api.send("POST", f"/calendars/{calendar['id']}/retire", None, here.staff)
    assert (retired.status_code, retired.json()["status"]) == (200, "retired")
    assert (await api.book(address, at("10:00")[0])).json()["code"] == "calendar_retired"

    async def unknown() -> bool:
        params = {"calendar": address, "start": DAY, "end": DAY}
        return (await api.send("GET", "/slots", params=params)).status_code == 422

    await eventually(unknown)
    guest = {"Authorization": f"Bearer {booked['token']}", "Prefer": "wait=30"}
    moved = await api.send("POST", f"/bookings/{booked['id']}/reschedule", {"start": at("10:00")[0]}, guest)
    assert (moved.status_code, moved.json()["revision"]) == (200, 1), moved.text
    cancelled = await api.send("POST", f"/bookings/{booked['id']}/cancel", {}, guest)
    assert cancelled.json()["status"] == "cancelled"


async def test_a_removed_member_is_offered_nowhere_and_a_personal_calendar_of_theirs_is_retired(api: Api) -> None:
    here = await office(api, "removed")
    ada, bob = await here.host("Ada", "09:00", "10:00"), await here.host("Bob", "10:00", "11:00")
    team = await here.calendar("team", [ada, bob], duration_minutes=60)
    own = await here.calendar("own", [ada], duration_minutes=60)
    booked = (await api.book(team["address"], at("09:00")[0])).json()
    assert booked["host"]["id"] == ada
    assert (await api.send("DELETE", f"/members/{ada}", None, here.staff)).status_code == 204

    async def without_ada() -> bool:
        return await api.slots(team["address"], DAY) == at("10:00")

    await eventually(without_ada)

    async def retired() -> bool:
        return (await api.call("GET", f"/calendars/{own['id']}", None, here.staff))["status"] == "retired"

    await eventually(retired)
    kept = await api.call("GET", f"/bookings/{booked['id']}", None, here.staff)
    assert kept["status"] == "confirmed"
    guest = {"Authorization": f"Bearer {booked['token']}", "Prefer": "wait=30"}
    moved = await api.send("POST", f"/bookings/{booked['id']}/reschedule", {"start": at("10:00")[0]}, guest)
    assert (moved.status_code, moved.json().get("host", {}).get("id")) == (200, bob), moved.text
    unknown = {"member_id": ada, "name": "Hours", "tz": "UTC", "weekly": []}

    async def has_none() -> bool:
        """The calendars without Ada are one event away, that she is gone another one of another topic."""
        answer = await api.send("POST", "/schedules", unknown, here.staff)
        return answer.json().get("code") == "member_unknown"

    await eventually(has_none)


async def test_a_member_who_leaves_the_calendar_is_not_kept_by_a_move(api: Api) -> None:
    here = await office(api, "left")
    ada, bob = await here.host("Ada", "09:00", "10:00"), await here.host("Bob", "10:00", "11:00")
    team = await here.calendar("team", [ada, bob], duration_minutes=60)
    booked = (await api.book(team["address"], at("09:00")[0])).json()
    changed = await api.send("PATCH", f"/calendars/{team['id']}", {"members": [{"member_id": bob}]}, here.staff)
    assert changed.status_code == 200
    await here.publish(team["id"])
    guest = {"Authorization": f"Bearer {booked['token']}", "Prefer": "wait=30"}
    moved = await api.send("POST", f"/bookings/{booked['id']}/reschedule", {"start": at("10:00")[0]}, guest)
    assert (moved.status_code, moved.json().get("host", {}).get("id")) == (200, bob), moved.text


async def test_a_host_can_be_asked_for_where_the_calendar_lets_guests_choose(api: Api) -> None:
    here = await office(api, "chosen")
    ada, bob = await here.host("Ada", "09:00", "11:00"), await here.host("Bob", "10:00", "12:00")
    closed = await here.calendar("closed", [ada, bob], duration_minutes=60)
    open_ = await here.calendar("open", [ada, bob], duration_minutes=60, guest_chooses_host=True)
    assert await api.slots(open_["address"], DAY) == at("09:00", "10:00", "11:00")
    assert await api.slots(open_["address"], DAY, host_id=bob) == at("10:00", "11:00")
    refused(await api.book(open_["address"], at("09:00")[0], host_id=bob), "slot_not_offered")
    booked = await api.book(open_["address"], at("10:00")[0], host_id=bob)
    assert booked.json()["host"]["id"] == bob
    others = refused(await api.book(open_["address"], at("10:00")[0], 2, host_id=bob), "slot_taken")
    assert others[0] == at("11:00")[0]
    assert {start[11:16] for start in others} == {"10:00", "11:00"}
    assert (await api.book(closed["address"], at("09:00")[0], host_id=ada)).json()["code"] == "host_not_choosable"


async def test_details_name_the_free_hosts_of_each_start(api: Api) -> None:
    here = await office(api, "details")
    ada, bob = await here.host("Ada", "09:00", "11:00"), await here.host("Bob", "10:00", "12:00")
    address = (await here.calendar("team", [ada, bob], duration_minutes=60))["address"]
    params = {"calendar": address, "start": DAY, "end": DAY, "with": "hosts"}
    told = (await api.send("GET", "/slots", params=params)).json()["details"]
    assert [one["hosts"] for one in told.values()] == [[ada], [ada, bob], [bob]]
    assert list(told) == at("09:00", "10:00", "11:00")


async def test_unchanged_slots_are_304_and_a_booking_changes_their_tag(api: Api) -> None:
    _, _, calendar = await hourly(api, "etag")
    params = {"calendar": str(calendar["address"]), "start": DAY, "end": DAY}
    first = await api.send("GET", "/slots", params=params)
    again = await api.send("GET", "/slots", None, {"If-None-Match": first.headers["etag"]}, params=params)
    assert again.status_code == 304
    assert (await api.book(str(calendar["address"]), at("09:00")[0])).status_code == 201
    changed = await api.send("GET", "/slots", None, {"If-None-Match": first.headers["etag"]}, params=params)
    assert changed.status_code == 200


async def test_a_cut_off_stays_as_it_was_promised(api: Api) -> None:
    here, _, calendar = await hourly(api, "cutoff", cancel_cutoff_minutes=0)
    booked = (await api.book(str(calendar["address"]), at("09:00")[0])).json()
    year = {"cancel_cutoff_minutes": 525_600, "reschedule_cutoff_minutes": 525_600}
    assert (await api.send("PATCH", f"/calendars/{calendar['id']}", year, here.staff)).status_code == 200
    await here.publish(str(calendar["id"]))
    later = (await api.book(str(calendar["address"]), at("10:00")[0], 2)).json()
    strict, free = ({"Authorization": f"Bearer {one['token']}"} for one in (later, booked))
    for action, body in (("cancel", {}), ("reschedule", {"start": at("11:00")[0]})):
        answer = await api.send("POST", f"/bookings/{later['id']}/{action}", body, strict)
        assert (answer.status_code, answer.json()["code"]) == (409, "cutoff_passed")
    assert (await api.send("POST", f"/bookings/{booked['id']}/cancel", {}, free)).status_code == 200
    assert (await api.send("POST", f"/bookings/{later['id']}/cancel", {}, here.staff)).status_code == 200
