"""Versions of a calendar over the public API: all of them, in order, with whoever made them."""

import asyncio
from typing import Any

import pytest

from services.booking.domain.calendars import KEEP_VERSION, Calendar
from services.booking.domain.versions import CalendarVersion
from tests.integration.api.conftest import Api, Office, office
from tests.support.system import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def change(at: Office, calendar_id: str, **settings: Any) -> dict[str, Any]:
    return await at.api.call("PATCH", f"/calendars/{calendar_id}", settings, at.staff)


async def versions(at: Office, calendar_id: str, **params: str) -> list[dict[str, Any]]:
    """All of them, page by page."""
    found: list[dict[str, Any]] = []
    after: str | None = None
    while True:
        asked = params | ({"after": after} if after else {})
        answer = await at.api.send("GET", f"/calendars/{calendar_id}/versions", None, at.staff, params=asked)
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        after = answer.json()["next"]
        if after is None:
            return found


async def filed(at: Office, calendar_id: str) -> None:
    """Nothing about this calendar is owed any more."""

    async def done() -> bool:
        record = await at.api.system.process.hosts["booking"].records.get(Calendar, calendar_id)
        return record is not None and not [entry for entry in record.owed if entry.name == KEEP_VERSION]

    await eventually(done)


async def test_a_draft_has_no_versions(api: Api) -> None:
    at = await office(api)
    made = await at.draft("talk", [await at.member()])
    assert await versions(at, made["id"]) == []
    assert made["unpublished_changes"] == []


async def test_every_publish_is_a_version_with_what_it_changed_and_who_did_it(api: Api) -> None:
    at = await office(api)
    first, second = await at.member("Ada"), await at.member("Bob")
    owner = (await api.call("GET", "/sessions/current", None, at.staff))["member_id"]
    made = await at.calendar("talk", [first, second])
    drafted = await change(at, made["id"], name="Chat", duration_minutes=45)
    assert [one["field"] for one in drafted["unpublished_changes"]] == ["name", "duration_minutes"]
    assert {one["actor_id"] for one in drafted["unpublished_changes"]} == {owner}
    await at.publish(made["id"])
    await at.made(f"/calendars/{made['id']}/retire", None)
    for _ in range(2):  # while they are being filed, and afterwards
        found = await versions(at, made["id"])
        assert [(one["version"], one["previous_version"], one["status"]) for one in found] == [
            (5, 4, "retired"), (4, 2, "active"), (2, None, "active"),
        ]  # fmt: skip
        assert [[field["field"] for field in one["changes"]] for one in found] == [[], ["name", "duration_minutes"], []]
        assert [one["settings"]["duration_minutes"] for one in found] == [45, 45, 30]
        assert {one["actor_id"] for one in found} == {owner}
        assert all(one["at"].endswith("Z") and one["key_id"] is None for one in found)
        assert [one["version"] for one in await versions(at, made["id"], limit="1")] == [5, 4, 2]
        for one in found:
            alone = await api.call("GET", f"/calendars/{made['id']}/versions/{one['version']}", None, at.staff)
            assert alone == one
        await filed(at, made["id"])
    assert (await api.call("GET", f"/calendars/{made['id']}", None, at.staff))["unpublished_changes"] == []


async def test_the_settings_of_a_version_can_be_sent_back_as_a_draft(api: Api) -> None:
    at = await office(api)
    made = await at.calendar("talk", [await at.member()], location={"kind": "phone", "value": "+49 30 1"})
    window = {"kind": "until", "date": "2027-06-01"}
    await change(at, made["id"], duration_minutes=60, location=None, window=window)
    await at.publish(made["id"])
    newest, oldest = await versions(at, made["id"])
    taken = {name: value for name, value in oldest["settings"].items() if name != "kind"}
    back = await change(at, made["id"], **taken)
    assert {name: back[name] for name in taken} == taken
    assert [one["field"] for one in back["unpublished_changes"]] == ["duration_minutes", "window", "location"]
    assert newest["settings"]["window"] == window


async def test_publishing_at_the_same_time_loses_no_version(api: Api) -> None:
    at = await office(api)
    made = await at.calendar("talk", [await at.member()])
    published: set[int] = {made["published_version"]}

    async def hurry(minutes: int) -> None:
        await change(at, made["id"], duration_minutes=minutes)
        published.add((await at.publish(made["id"]))["published_version"])

    await asyncio.gather(*(hurry(minutes) for minutes in range(35, 75, 5)))
    found = await versions(at, made["id"], limit="3")
    numbers = [one["version"] for one in found]
    assert published <= set(numbers)
    assert numbers == sorted(set(numbers), reverse=True)
    assert [one["previous_version"] for one in found] == [*numbers[1:], None]
    await filed(at, made["id"])
    assert await versions(at, made["id"]) == found


async def test_a_version_whose_filing_a_crash_prevented_is_listed_all_the_same(api: Api) -> None:
    at = await office(api)
    made = await at.calendar("talk", [await at.member()])
    host = api.system.process.hosts["booking"]
    known = dict(host.service.timers)
    host.service.timers.clear()  # pyright: ignore[reportAttributeAccessIssue]
    host.service.timers.update({**known, KEEP_VERSION: _dies})  # pyright: ignore[reportAttributeAccessIssue]
    try:
        for minutes in (45, 60):
            await change(at, made["id"], duration_minutes=minutes)
            await at.publish(made["id"])
        found = await versions(at, made["id"])
        assert [one["settings"]["duration_minutes"] for one in found] == [60, 45, 30]
        assert await host.records.get(CalendarVersion, f"{made['id']}.{found[-1]['version']}") is None
    finally:
        host.service.timers.update(known)  # pyright: ignore[reportAttributeAccessIssue]
    await filed(at, made["id"])
    assert await versions(at, made["id"]) == found


async def _dies(*_: object) -> None:
    raise RuntimeError("as if the process had ended")


async def test_what_is_done_with_a_key_names_the_key(api: Api) -> None:
    at = await office(api)
    made = await at.calendar("talk", [await at.member()])
    key = await at.made("/api-keys", {"name": "import", "scopes": ["calendars:view", "calendars:manage"]})
    bearer = {"Authorization": f"Bearer {key['key']}"}
    await api.call("PATCH", f"/calendars/{made['id']}", {"name": "Chat"}, bearer)
    await api.call("POST", f"/calendars/{made['id']}/publish", None, bearer)
    newest = (await versions(at, made["id"]))[0]
    assert (newest["actor_id"], newest["key_id"]) == (key["member_id"], key["id"])
    assert newest["changes"][0]["key_id"] == key["id"]


async def test_a_removed_member_makes_a_version_by_turnus(api: Api) -> None:
    at = await office(api)
    first, second = await at.member("Ada"), await at.member("Bob")
    made = await at.calendar("talk", [first, second])
    assert (await api.send("DELETE", f"/members/{second}", None, at.staff)).is_success

    async def left() -> bool:
        return len(await versions(at, made["id"])) == 2

    await eventually(left)
    newest = (await versions(at, made["id"]))[0]
    assert newest["actor_id"] == "turnus"
    assert [(one["field"], one["actor_id"]) for one in newest["changes"]] == [("members", "turnus")]


async def test_who_sees_what(api: Api) -> None:
    at, other = await office(api), await office(api)
    made = await at.calendar("talk", [await at.member()])
    path = f"/calendars/{made['id']}/versions"
    for one in (path, f"{path}/2"):
        assert (await api.send("GET", one, None, at.staff)).status_code == 200
        assert (await api.send("GET", one, None, other.staff)).status_code == 404
        assert (await api.send("GET", one)).status_code == 401
        key = await at.made("/api-keys", {"name": "k", "scopes": ["bookings:view"]})
        assert (await api.send("GET", one, None, {"Authorization": f"Bearer {key['key']}"})).status_code == 403
    for number in ("1", "3", "0", "-1", "x", "2.0", "99999999999", "²", "02"):
        assert (await api.send("GET", f"{path}/{number}", None, at.staff)).status_code == 404, number
    for after in ("x", "eA", "LTE"):
        assert (await api.send("GET", path, None, at.staff, params={"after": after})).status_code == 422, after
