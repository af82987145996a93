"""The delivery log over HTTP: what staff can read, page by page, and that strangers read nothing."""

import json
from collections.abc import AsyncIterator

import pytest

from services.notify.handlers import learn_details, learn_fact
from tests.integration.notify.conftest import Notify, Staff, details, soon, staff_of
from tests.unit.notify.given import confirmed, moved
from turnus_contracts import Guest

BOOKINGS = [f"bk_{number:026d}" for number in range(5)]


@pytest.fixture
async def staff(notify: Notify) -> AsyncIterator[Staff]:
    """Five bookings, each with an additional guest, the first one moved; nothing is sent."""
    host = await notify.make()
    others = (Guest(name="Bob", email="bob@example.org"),)
    for booking_id in BOOKINGS:
        await learn_details(details(booking_id=booking_id, additional_guests=others), host.turn())
        await learn_fact(confirmed(booking_id=booking_id, **soon(host)), host.turn())
    await learn_fact(moved(4, 1, booking_id=BOOKINGS[0], **soon(host, days=4)), host.turn())
    async with staff_of(host) as client:
        yield client


async def test_the_messages_of_a_booking_are_listed_in_order(staff: Staff) -> None:
    items = (await staff.get(booking_id=BOOKINGS[1])).json()["items"]
    assert [(one["event"], one["offset_minutes"], one["receiver"], one["status"]) for one in items] == [
        ("booked", None, "guest", "queued"),
        ("booked", None, "additional_guest", "queued"),
        ("booked", None, "host", "queued"),
        *(("reminder", 1440, who, "planned") for who in ("guest", "additional_guest", "host")),
        *(("reminder", 60, who, "planned") for who in ("guest", "additional_guest", "host")),
    ]
    moved_one = (await staff.get(booking_id=BOOKINGS[0])).json()["items"]
    assert {one["reason"] for one in moved_one if one["event"] == "reminder" and one["revision"] == 0} == {"superseded"}


@pytest.mark.parametrize("limit", [1, 4, 9, 18, 50])
async def test_all_messages_of_the_workspace_are_listed_once_in_pages_of_any_size(staff: Staff, limit: int) -> None:
    items = await staff.all(limit)
    assert len(items) == len({one["id"] for one in items}) == 5 * 9 + 9
    bookings = list(dict.fromkeys(one["booking_id"] for one in items))
    assert bookings == BOOKINGS[::-1]
    one_booking = await staff.all(limit, booking_id=BOOKINGS[0])
    assert [one["id"] for one in one_booking] == [one["id"] for one in items if one["booking_id"] == BOOKINGS[0]]


@pytest.mark.parametrize("limit", [1, 4, 50])
@pytest.mark.parametrize("status", ["planned", "queued", "skipped", "failed"])
async def test_messages_in_one_state_are_listed_of_a_booking_and_of_the_workspace(
    staff: Staff, status: str, limit: int
) -> None:
    for query in ({}, {"booking_id": BOOKINGS[0]}):
        everything = await staff.all(50, **query)
        wanted = [one["id"] for one in everything if one["status"] == status]
        assert [one["id"] for one in await staff.all(limit, status=status, **query)] == wanted
        assert (status == "failed") == (wanted == [])


async def test_a_reminder_to_come_says_when(staff: Staff) -> None:
    (first, *_) = (await staff.get(booking_id=BOOKINGS[1], status="planned")).json()["items"]
    assert (first["event"], first["offset_minutes"], first["settled_at"]) == ("reminder", 1440, None)
    assert first["due"] > first["planned_at"]


async def test_one_message_is_found_by_its_id(staff: Staff) -> None:
    (first, *_) = (await staff.get(booking_id=BOOKINGS[1])).json()["items"]
    answer = await staff.get(f"/{first['id']}")
    assert answer.status_code == 200
    assert answer.json() == first


async def test_nothing_shown_is_personal(staff: Staff) -> None:
    shown = json.dumps(await staff.all(200))
    assert [personal for personal in ("Ada", "Bob", "@", "bkt_", "Grace") if personal in shown] == []


@pytest.mark.parametrize(
    "path",
    ["/ntf_{}.0.booked.guest", "/ntf_{}.9.booked.guest", "/ntf_{}", "/ntf_x.y", "/nonsense", "/ntf_.", "/ntf_../x"],
)
async def test_what_is_foreign_or_absent_is_404_alike(staff: Staff, path: str) -> None:
    answer = await staff.get(path.format(BOOKINGS[1].removeprefix("bk_")), workspace="ws_2")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_another_workspace_sees_nothing(staff: Staff) -> None:
    assert (await staff.get(workspace="ws_2")).json() == {"items": [], "next": None}
    assert (await staff.get(workspace="ws_2", booking_id=BOOKINGS[0])).status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        {"booking_id": "x"},
        {"booking_id": "bk_1"},
        {"limit": 0},
        {"limit": 201},
        {"after": "!"},
        {"after": "eA"},
        {"status": "lost"},
        {"x": "1"},
    ],
)
async def test_bad_queries_are_422(staff: Staff, query: dict[str, str | int]) -> None:
    answer = await staff.get(**query)
    assert answer.status_code == 422, answer.text


async def test_the_permission_to_see_bookings_is_needed(staff: Staff) -> None:
    assert (await staff.get(scopes=("calendars:view",))).status_code == 403
    assert (await staff.client.get("/api/v1/notifications")).status_code == 401
