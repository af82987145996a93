"""Reminder times over HTTP: they reach every booking to come, each reminder goes once, and none is lost."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from services.notify import handlers
from services.notify.domain.notices import Notice
from services.notify.domain.reminding import KEEP_TIMES, ReminderTimes
from services.notify.handlers import learn_details, learn_fact
from tests.integration.notify.conftest import Notify, Staff, details, known, soon, staff_of, until
from tests.unit.notify.given import confirmed
from turnus_contracts import ReminderDue

PATH = "/notifications/settings"
BOOKINGS = [f"bk_{number:026d}" for number in range(5)]


@pytest.fixture
async def staff(notify: Notify) -> AsyncIterator[Staff]:
    """Staff of a process that does everything."""
    host = await notify.new_host()
    async with staff_of(host) as client:
        yield client


def times(guests: list[int], hosts: list[int]) -> dict[str, list[int]]:
    return {"guest_reminder_minutes": guests, "host_reminder_minutes": hosts}


async def planned(staff: Staff, booking_id: str) -> list[tuple[int, str]]:
    items = (await staff.get(booking_id=booking_id, status="planned")).json()["items"]
    return sorted((one["offset_minutes"], one["receiver"]) for one in items)


async def all_go_by(notify: Notify, staff: Staff) -> None:
    """The walk is over."""

    async def over() -> bool:
        found = await staff.host.records.get(ReminderTimes, "ws_1")
        return found is not None and found.owes(KEEP_TIMES) is None

    await until(over, "all bookings go by the new times")


async def test_the_installations_times_hold_until_others_are_chosen(staff: Staff) -> None:
    first = await staff.send("GET", PATH)
    assert first.json() == {**times([1440, 60], [1440, 60]), "customised": False, "version": 0}
    put = await staff.send("PUT", PATH, times([5, 43_200, 60], []), headers={"If-Match": first.headers["etag"]})
    assert put.json() == {**times([43_200, 60, 5], []), "customised": True, "version": 1}
    assert (await staff.send("GET", PATH)).json() == put.json()
    same = await staff.send("PUT", PATH, times([60, 5, 43_200], []))
    assert same.json()["version"] == 1
    stale = await staff.send("PUT", PATH, times([], []), headers={"If-Match": '"0"'})
    assert (stale.status_code, stale.headers["etag"]) == (412, '"1"')
    reset = await staff.send("DELETE", PATH, headers={"If-Match": '"1"'})
    assert reset.json() == {**times([1440, 60], [1440, 60]), "customised": False, "version": 2}
    assert (await staff.send("GET", PATH, workspace="ws_2")).json()["version"] == 0


WRONG: list[tuple[Any, str]] = [
    (times([4], []), "guest_reminder_minutes.0"),
    (times([], [60, 43_201]), "host_reminder_minutes.1"),
    (times([5, 6, 7, 8, 9, 10], []), "guest_reminder_minutes"),
    (times([60, 1440, 60], []), "guest_reminder_minutes.2"),
    ({"guest_reminder_minutes": [60]}, "host_reminder_minutes"),
    ({**times([], []), "guest_reminder_minutes": ["60"]}, "guest_reminder_minutes.0"),
    ({**times([], []), "guest_reminder_minutes": [True]}, "guest_reminder_minutes.0"),
    ({**times([], []), "host_reminder_minutes": None}, "host_reminder_minutes"),
    ({**times([], []), "quiet": True}, "quiet"),
]


async def test_times_that_make_no_sense_are_refused_by_the_field(staff: Staff) -> None:
    for body, field in WRONG:
        answer = await staff.send("PUT", PATH, body)
        assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
        assert answer.json()["errors"][0]["field"] == field
    assert (await staff.send("GET", PATH)).json()["version"] == 0


async def test_a_change_reaches_bookings_that_exist_and_those_that_come(
    notify: Notify, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "KEPT_AT_ONCE", 2)  # several pages
    host = staff.host
    for number, booking_id in enumerate(BOOKINGS):
        await learn_details(details(booking_id=booking_id), host.turn())
        await learn_fact(confirmed(booking_id=booking_id, **soon(host, days=1 + number)), host.turn())
    assert await planned(staff, BOOKINGS[1]) == [(60, "guest"), (60, "host"), (1440, "guest"), (1440, "host")]
    await staff.send("PUT", PATH, times([30, 2880], [60]))
    await all_go_by(notify, staff)
    assert await planned(staff, BOOKINGS[0]) == [(30, "guest"), (60, "host")], "two days before is over"
    for booking_id in BOOKINGS[2:]:
        assert await planned(staff, booking_id) == [(30, "guest"), (60, "host"), (2880, "guest")]
    new = "bk_00000000000000000000000009"
    await learn_fact(confirmed(booking_id=new, **soon(host)), host.turn())
    await learn_details(details(booking_id=new), host.turn())
    assert await planned(staff, new) == [(30, "guest"), (60, "host"), (2880, "guest")]
    await staff.send("DELETE", PATH)
    await all_go_by(notify, staff)
    assert await planned(staff, new) == [(60, "guest"), (60, "host"), (1440, "guest"), (1440, "host")]


async def test_a_booking_that_is_written_while_times_change_goes_by_the_new_ones(
    staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The times are read, then changed and walked through, and only then is the booking written."""
    host = staff.host
    await learn_details(details(booking_id=BOOKINGS[0]), host.turn())
    store, changed = host.ports.store, False
    get = store.get

    async def read(collection: str, id: str) -> Any:
        nonlocal changed
        found = await get(collection, id)
        if collection == "reminder_times" and not changed:
            changed = True
            assert (await staff.send("PUT", PATH, times([15], []))).status_code == 200
        return found

    monkeypatch.setattr(store, "get", read)
    await learn_fact(confirmed(booking_id=BOOKINGS[0], **soon(host)), host.turn())
    assert await planned(staff, BOOKINGS[0]) == [(15, "guest")]


async def test_a_walk_that_a_process_left_is_ended_by_another_and_reminders_go_once(notify: Notify) -> None:
    web = await notify.new_host(consume=False, jobs=False)
    asking = await notify.new_host(jobs=False)
    await notify.publish(*known(), details(), confirmed(**soon(asking, days=0.5)))
    await until(notify.all_known, "the booking is known")
    assert await notify.message("0.reminder-60.host"), "its reminders are planned"
    async with staff_of(web) as staff:
        assert (await staff.send("PUT", PATH, times([60, 120], [120]))).status_code == 200
        await asking.stop()
        notify.inbox.mails.clear()
        working = await notify.new_host(consume=False)
        await all_go_by(notify, staff)
        notice = await working.records.get(Notice, "bk_1")
        assert notice is not None
        assert {one.key for one in notice.messages if one.status == "planned"} == {
            "0.reminder-120.guest",
            "0.reminder-120.host",
            "0.reminder-60.guest",
        }
        await working.stop()
    await notify.new_host(consume=False, later=12 * 60 - 119)
    await until(lambda: notify.settled("0.reminder-120.guest", "0.reminder-120.host"), "the first reminders are sent")
    await notify.hosts[-1].stop()
    await notify.new_host(consume=False, later=12 * 60 - 59)
    await until(lambda: notify.settled("0.reminder-60.guest"), "the second reminder is sent")
    reminders = [one for one in notify.inbox.subjects() if one.startswith(("Erinnerung", "Reminder"))]
    assert len(reminders) == 3

    async def said() -> Any:
        found = notify.said(ReminderDue)
        return found if len(found) == 2 else None

    assert {one.offset_minutes for one in await until(said, "both are said")} == {120, 60}


async def test_a_notice_that_began_is_left_alone(notify: Notify, staff: Staff) -> None:
    host = staff.host
    now = host.turn().now
    begun = confirmed(booking_id=BOOKINGS[0], start=now - timedelta(minutes=1), at=now)
    await learn_details(details(booking_id=BOOKINGS[0]), host.turn())
    await learn_fact(begun, host.turn())
    before = await host.records.get(Notice, BOOKINGS[0])
    await staff.send("PUT", PATH, times([15], [15]))
    await all_go_by(notify, staff)
    after = await host.records.get(Notice, BOOKINGS[0])
    assert before is not None
    assert after is not None
    assert [one.key for one in after.messages] == [one.key for one in before.messages]
