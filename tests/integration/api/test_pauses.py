"""What a pause of a member does to what is offered, booked, moved and handed over, over HTTP."""

from typing import Any

import httpx
import pytest

from tests.integration.api.conftest import Api, Office, office
from tests.integration.api.test_offers import DAY, at, refused
from tests.support.system import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")
NEXT = "2027-03-02"


async def pause(here: Office, member_id: str, **until: str) -> dict[str, Any]:
    return await here.made(f"/members/{member_id}/pause", until)


async def offered(api: Api, address: str, starts: list[str], last: str = DAY, **more: str) -> None:
    """Wait until exactly these starts are offered: a pause is known a moment after it was said."""

    async def is_so() -> bool:
        return await api.slots(address, DAY, last, **more) == starts

    await eventually(is_so)


async def moved(api: Api, booking: dict[str, Any], start: str) -> httpx.Response:
    guest = {"Authorization": f"Bearer {booking['token']}", "Prefer": "wait=30"}
    return await api.send("POST", f"/bookings/{booking['id']}/reschedule", {"start": start}, guest)


async def test_who_pauses_is_offered_nowhere_until_they_resume_and_what_is_booked_stays(api: Api) -> None:
    here = await office(api, "paused")
    host = await here.host(end="11:00")
    one, other = [(await here.calendar(name, [host], duration_minutes=60))["address"] for name in ("one", "other")]
    booked = (await api.book(one, at("09:00")[0])).json()
    await pause(here, host)
    for address in (one, other):
        await offered(api, address, [])
        assert refused(await api.book(address, at("10:00")[0], 2), "slot_not_offered") == []
    kept = await api.call("GET", f"/bookings/{booked['id']}", None, here.staff)
    assert (kept["status"], kept["host"]["id"]) == ("confirmed", host)
    await here.made(f"/members/{host}/resume", None)
    for address in (one, other):
        await offered(api, address, at("10:00"))
    assert (await api.book(other, at("10:00")[0], 3)).status_code == 201


async def test_a_pause_until_a_day_ends_where_that_day_begins_for_the_member_and_later_times_are_offered(
    api: Api,
) -> None:
    here = await office(api, "until")
    member = await here.member(tz="Europe/Berlin")
    await here.hours(member, "00:00", "24:00")
    address = (await here.calendar("work", [member], duration_minutes=720))["address"]
    await pause(here, member, until=NEXT)
    await offered(api, address, at("00:00", "12:00", day=NEXT), NEXT)
    first = refused(await api.book(address, at("12:00")[0]), "slot_not_offered")[0]
    assert first == at("00:00", day=NEXT)[0]
    assert (await api.book(address, first)).status_code == 201


async def test_in_a_team_the_others_get_the_bookings_and_whoever_pauses_gains_no_credit(api: Api) -> None:
    here = await office(api, "team")
    ada, bob, cem = [await here.host(name) for name in ("Ada", "Bob", "Cem")]
    team = await here.calendar("team", [ada, bob, cem], duration_minutes=60, optimize="equal", guest_chooses_host=True)
    await pause(here, ada)
    await offered(api, team["address"], [], host_id=ada)
    assert await api.slots(team["address"], DAY) == at("09:00", "10:00", "11:00")
    alternatives = refused(await api.book(team["address"], at("09:00")[0], host_id=ada), "slot_not_offered")
    assert alternatives == []
    served = [(await api.book(team["address"], at("09:00")[0], n)).json()["host"]["id"] for n in (1, 2)]
    assert sorted(served) == sorted((bob, cem))
    refused(await api.book(team["address"], at("09:00")[0], 3), "slot_taken")
    rotation = await api.call("GET", f"/rotations/{team['id']}", None, here.staff)
    resting = next(one for one in rotation["members"] if one["member_id"] == ada)
    assert (resting["credit"], resting["served"]) == (0, {})
    choices = await api.call("GET", f"/rotations/{team['id']}/choices", None, here.staff)
    assert all(ada not in [c["member_id"] for c in one["candidates"]] for one in choices["items"])


async def test_a_booking_of_whoever_pauses_moves_to_others_or_to_times_after_the_pause_as_the_calendar_has_it(
    api: Api,
) -> None:
    here = await office(api, "moves")
    ada, bob = await here.host("Ada", "09:00", "10:00"), await here.host("Bob", "10:00", "11:00")
    rules = ("reassign", "same_host")
    free, bound = [
        await here.calendar(rule.replace("_", "-"), [ada, bob], duration_minutes=60, reschedule_policy=rule)
        for rule in rules
    ]
    first = (await api.book(free["address"], at("09:00")[0], 1)).json()
    second = (await api.book(bound["address"], at("09:00", day="2027-03-03")[0], 2)).json()
    assert (first["host"]["id"], second["host"]["id"]) == (ada, ada)
    await pause(here, ada, until="2027-03-04")
    await offered(api, bound["address"], at("09:00", day="2027-03-04"), "2027-03-04", host_id=ada)
    gone = await moved(api, first, at("10:00")[0])
    assert (gone.status_code, gone.json()["host"]["id"]) == (200, bob), gone.text
    refused(await moved(api, second, at("09:00", day=NEXT)[0]), "slot_not_offered")
    later = await moved(api, second, at("09:00", day="2027-03-04")[0])
    assert (later.status_code, later.json()["host"]["id"]) == (200, ada), later.text


async def test_staff_cannot_hand_a_booking_over_to_whoever_pauses_but_theirs_to_others(api: Api) -> None:
    here = await office(api, "handed")
    ada, bob = await here.host("Ada", "09:00", "11:00"), await here.host("Bob", "09:00", "11:00")
    team = await here.calendar("team", [ada, bob], duration_minutes=60, guest_chooses_host=True)
    of_bob = (await api.book(team["address"], at("09:00")[0], 1, host_id=bob)).json()
    of_ada = (await api.book(team["address"], at("10:00")[0], 2, host_id=ada)).json()
    await pause(here, ada)
    await offered(api, team["address"], [], host_id=ada)
    for booking, to, status in ((of_bob, ada, 409), (of_ada, bob, 200)):
        headers = {**here.staff, "Prefer": "wait=30"}
        answer = await api.send("POST", f"/bookings/{booking['id']}/assign", {"host_id": to, "reason": "x"}, headers)
        assert answer.status_code == status, answer.text
        assert status == 200 or answer.json()["code"] == "slot_not_offered"
