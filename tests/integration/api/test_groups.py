"""Calendar groups: made, filled and sorted by staff."""

import asyncio
from typing import Any

import pytest

from services.booking.domain.groups import MOST_CALENDARS, MOST_GROUPS, MOST_IN_ALL, Group, Groups
from tests.integration.api.conftest import Api, office
from tests.integration.api.groups import change, eventually_seen, group, names, seen, three
from tests.integration.api.test_bad_input import nothing_happens, problem
from tests.support.system import eventually
from turnus_contracts import GroupChanged
from turnus_runtime.ids import RandomIds, derived
from turnus_runtime.operations import republish
from turnus_runtime.records import Decision

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_group_is_made_filled_sorted_and_shown_in_its_order(api: Api) -> None:
    here, host, (one, two, three_) = await three(api, "sorted")
    made = await here.made("/groups", {"slug": "kundenbetreuung", "name": "Kundenbetreuung"})
    assert {**made, "created_at": "", "changed_at": "", "id": ""} == {
        "id": "", "version": 1, "status": "active", "slug": "kundenbetreuung", "name": "Kundenbetreuung",
        "description": "", "calendar_ids": [], "position": 1, "created_at": "", "changed_at": "",
    }  # fmt: skip
    changed = await change(
        here, made, {"calendar_ids": [three_["id"], one["id"]], "description": "Wir\nhelfen."}, '"1"'
    )
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == '"2"'
    assert changed.json()["calendar_ids"] == [three_["id"], one["id"]]
    found = await seen(here)
    assert found["workspace"] == {"slug": here.slug, "name": found["workspace"]["name"]}
    assert names(found) == {"kundenbetreuung": ["three", "one"], "": ["two"]}
    assert found["items"][0]["description"] == "Wir\nhelfen."
    assert found["items"][0]["calendars"][0] == {
        "id": three_["id"], "address": f"{here.slug}/three", "name": "Three", "description": "", "kind": "personal",
        "duration_minutes": 30, "location_kind": None, "hosts": [{"id": host, "name": "Ada"}], "host_count": 1,
    }  # fmt: skip
    assert found["calendars"][0]["id"] == two["id"]
    assert (await change(here, made, {"calendar_ids": [one["id"], three_["id"]]})).status_code == 200
    assert names(await seen(here))["kundenbetreuung"] == ["one", "three"]


async def test_groups_come_in_their_own_order_and_a_moved_one_takes_its_place(api: Api) -> None:
    here = await office(api, "order")
    made = {slug: await group(here, slug) for slug in ("a", "b", "c")}
    await eventually_seen(here)
    assert list(names(await seen(here))) == ["a", "b", "c", ""]
    assert (await change(here, made["c"], {"position": 0})).json()["position"] == 0
    assert list(names(await seen(here))) == ["c", "a", "b", ""]
    # Both move another group at the same time: neither knows of the other, and nothing is lost.
    for slug, position, match in (("a", 9, '"1"'), ("b", 1, '"2"')):
        assert (await change(here, made[slug], {"position": position}, match)).status_code == 200
    assert list(names(await seen(here))) == ["c", "b", "a", ""]
    listed = (await here.api.call("GET", "/groups", None, here.staff))["items"]
    assert [one["slug"] for one in listed] == ["c", "b", "a"]


async def test_staff_page_through_all_groups_inactive_ones_too(api: Api) -> None:
    here = await office(api, "pages")
    for n in range(5):
        await group(here, f"g{n}", position=9 - n, status="inactive" if n == 2 else "active")
    met: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = (await api.send("GET", "/groups", None, here.staff, params={"limit": "2", **after})).json()
        met += [one["slug"] for one in page["items"]]
        assert len(page["items"]) <= 2
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert met == ["g4", "g3", "g2", "g1", "g0"]


async def test_of_many_who_want_one_slug_at_once_one_gets_it_and_no_two_new_groups_share_a_place(api: Api) -> None:
    here = await office(api, "race")
    bodies = [{"slug": "same", "name": f"G{n}"} for n in range(8)] + [{"slug": f"g{n}", "name": "G"} for n in range(8)]
    answers = await asyncio.gather(*(api.send("POST", "/groups", body, here.staff) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] * 9 + [409] * 7
    listed = (await api.call("GET", "/groups", None, here.staff))["items"]
    assert [one["position"] for one in listed] == list(range(1, 10))
    moves = [change(here, one, {"position": 9 - n}) for n, one in enumerate(listed)]
    assert {answer.status_code for answer in await asyncio.gather(*moves)} == {200}
    after = (await api.call("GET", "/groups", None, here.staff))["items"]
    assert [one["id"] for one in after] == [one["id"] for one in listed][::-1]


async def test_what_a_group_may_hold_is_checked_and_nothing_is_stored(api: Api) -> None:
    here, host, (one, two, three_) = await three(api, "held")
    other, _, (foreign, *_) = await three(api, "foreign")
    await here.made(f"/calendars/{three_['id']}/retire", None)
    made = await group(here, "made", [two])
    refused = [
        ([one["id"], foreign["id"]], "calendar_unknown", "calendar_ids.1"),
        ([derived("cal", "nobody")], "calendar_unknown", "calendar_ids.0"),
        ([one["id"], two["id"], one["id"]], "validation_failed", "calendar_ids.2"),
        ([three_["id"]], "validation_failed", "calendar_ids.0"),
        ([host], "validation_failed", "calendar_ids.0"),
        ([one["address"]], "validation_failed", "calendar_ids.0"),
        ([RandomIds().fresh("cal") for _ in range(MOST_CALENDARS + 1)], "validation_failed", "calendar_ids"),
    ]
    async with nothing_happens(api):
        for ids, code, field in refused:
            body = {"slug": "another", "name": "Another", "calendar_ids": ids}
            for answer in (
                await api.send("POST", "/groups", body, here.staff),
                await change(here, made, {"calendar_ids": ids}),
            ):
                found = problem(answer, 422, code)
                assert found["errors"][0]["field"] == field
                assert foreign["id"] not in answer.text
    assert names(await seen(here)) == {"made": ["two"], "": ["one"]}
    assert names(await seen(other))[""] == ["one", "two", "three"]


async def test_a_calendar_that_was_retired_since_it_was_added_may_stay_in_its_group(api: Api) -> None:
    here, _, (one, two, _) = await three(api, "stays")
    made = await group(here, "made", [one])
    await here.made(f"/calendars/{one['id']}/retire", None)
    changed = await change(here, made, {"calendar_ids": [two["id"], one["id"]]})
    assert changed.json()["calendar_ids"] == [two["id"], one["id"]]
    assert names(await seen(here))["made"] == ["two"]


async def test_a_slug_is_unique_among_groups_and_shares_nothing_with_calendars_or_other_workspaces(api: Api) -> None:
    here, _, _ = await three(api, "slugs")
    other = await office(api, "slugs")
    await group(other, "one")
    first = await group(here, "one")
    second = await group(here, "two")
    async with nothing_happens(api):
        problem(await change(here, second, {"slug": "one"}), 409, "slug_taken")
        body = {"slug": "one", "name": "One"}
        problem(await api.send("POST", "/groups", body, here.staff), 409, "slug_taken")
    assert (await change(here, first, {"slug": "first"})).status_code == 200
    assert (await change(here, second, {"slug": "one"})).status_code == 200


async def test_a_stale_change_is_refused_with_the_version_that_is_and_loses_nothing(api: Api) -> None:
    here = await office(api, "stale")
    made = await group(here, "a")
    assert (await change(here, made, {"name": "Second"}, '"1"')).status_code == 200
    async with nothing_happens(api):
        refused = await change(here, made, {"name": "Third"}, '"1"')
        problem(refused, 412, "version_stale")
        assert refused.headers["etag"] == '"2"'
        gone = await api.send("DELETE", f"/groups/{made['id']}", None, {**here.staff, "If-Match": '"1"'})
        problem(gone, 412, "version_stale")
    assert (await here.api.call("GET", f"/groups/{made['id']}", None, here.staff))["name"] == "Second"


async def test_a_removed_group_is_gone_its_slug_is_free_and_its_calendars_stay(api: Api) -> None:
    here, _, (one, *_) = await three(api, "gone")
    body = {"slug": "a", "name": "A", "calendar_ids": [one["id"]]}
    key = {**here.staff, "Idempotency-Key": "a"}
    made = (await api.send("POST", "/groups", body, key)).json()
    for _ in range(2):
        assert (await api.send("DELETE", f"/groups/{made['id']}", None, here.staff)).status_code == 204
    problem(await api.send("GET", f"/groups/{made['id']}", None, here.staff), 404, "not_found")
    problem(await change(here, made, {"name": "B"}), 404, "not_found")
    problem(await api.send("POST", "/groups", body, key), 404, "not_found")
    problem(await api.send("DELETE", f"/groups/{derived('grp', 'nobody')}", None, here.staff), 404, "not_found")
    assert names(await seen(here)) == {"": ["one", "two", "three"]}
    assert (await group(here, "a", [one]))["id"] != made["id"]


async def test_the_same_key_and_body_give_the_same_group_as_it_is_now(api: Api) -> None:
    here, _, (one, *_) = await three(api, "again")
    body = {"slug": "a", "name": "A", "calendar_ids": [one["id"]]}
    headers = {**here.staff, "Idempotency-Key": "a"}
    made = await api.send("POST", "/groups", body, headers)
    assert made.status_code == 201, made.text
    assert made.headers["location"] == f"/api/v1/groups/{made.json()['id']}"
    await here.made(f"/calendars/{one['id']}/retire", None)
    renamed = await change(here, made.json(), {"name": "B"})
    again = await api.send("POST", "/groups", body, headers)
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == renamed.json()
    problem(await api.send("POST", "/groups", {**body, "name": "C"}, headers), 422, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("<script>alert(1)</script>", None),
        ("'; DROP TABLE groups; --", None),
        ('{"$gt": ""}', None),
        ("\u202egnp.exe", "validation_failed"),
        ("two\nlines", "validation_failed"),
        ("nul\0", "validation_failed"),
        (" ", "validation_failed"),
        ("x" * 201, "validation_failed"),
    ],
)
async def test_a_hostile_name_is_text_or_refused(api: Api, name: str, code: str | None) -> None:
    here = await office(api, "hostile")
    await eventually_seen(here)
    answer = await api.send("POST", "/groups", {"slug": "a", "name": name}, here.staff)
    if code is not None:
        found = problem(answer, 422, code)
        assert found["errors"][0]["field"] == "name"
        assert "x" * 201 not in answer.text
    else:
        assert answer.json()["name"] == name
        assert (await seen(here))["items"][0]["name"] == name


@pytest.mark.parametrize("slug", ["", "A", "a b", "a/b", "-a", "a-", "ä", "x" * 64, "a\n"])
async def test_a_slug_that_is_none_is_refused(api: Api, slug: str) -> None:
    here = await office(api, "slug")
    found = problem(
        await api.send("POST", "/groups", {"slug": slug, "name": "A"}, here.staff), 422, "validation_failed"
    )
    assert found["errors"][0]["field"] == "slug"


async def test_a_full_workspace_takes_no_more_groups_and_no_more_calendars_in_them(api: Api) -> None:
    here, _, (one, two, _) = await three(api, "full")
    made = await group(here, "a", [one])
    records = api.system.process.hosts["booking"].turn().records(Groups)
    workspace = (await api.call("GET", "/sessions/current", None, here.staff))["workspace_id"]

    def filled(current: Groups | None) -> Decision[Groups, None]:
        """As if staff had made the others."""
        assert current is not None
        given = {"created_at": current.groups[0].created_at, "changed_at": current.groups[0].changed_at}
        ids = tuple(derived("cal", n) for n in range(MOST_CALENDARS))
        more = tuple(
            Group(
                id=derived("grp", n), version=n, slug=f"g{n}", name="G", position=n,
                calendar_ids=ids[:99] if n == 1 else ids if n <= MOST_IN_ALL // MOST_CALENDARS else (), **given,
            )
            for n in range(1, MOST_GROUPS)
        )  # fmt: skip
        return Decision(None, current.change(groups=(*current.groups, *more), version=MOST_GROUPS))

    await records.decide(workspace, filled)
    async with nothing_happens(api):
        problem(await api.send("POST", "/groups", {"slug": "more", "name": "M"}, here.staff), 409, "too_many_groups")
        found = problem(await change(here, made, {"calendar_ids": [one["id"], two["id"]]}), 422, "validation_failed")
        assert found["errors"][0]["field"] == "calendar_ids"
    assert (await change(here, made, {"calendar_ids": [two["id"]]})).status_code == 200
    listed = (await api.send("GET", "/groups", None, here.staff, params={"limit": "200"})).json()
    assert len(listed["items"]) == MOST_GROUPS
    assert len((await seen(here))["items"]) == MOST_GROUPS
    assert made["id"] in {item["id"] for item in listed["items"]}


async def test_groups_are_said_once_more_on_demand_and_every_change_is_audited(api: Api) -> None:
    here, _, (one, *_) = await three(api, "audited")
    said: list[GroupChanged] = []
    broker = api.system.process.broker
    publish = broker.publish

    async def heard(messages: Any) -> None:
        said.extend(GroupChanged.model_validate_json(m.value) for m in messages if m.topic == "GroupChanged")
        await publish(messages)

    broker.publish = heard  # type: ignore[method-assign]  # hears, and does what it did
    try:
        made = await group(here, "a", [one])
        assert (await change(here, made, {"status": "inactive", "name": "A"})).status_code == 200
        assert (await api.send("DELETE", f"/groups/{made['id']}", None, here.staff)).status_code == 204
        await api.system.quiet()
        newest = max((one for one in said if one.group_id == made["id"]), key=lambda one: one.version)
        assert (newest.version, newest.status, newest.calendar_ids) == (3, "removed", ())
        said.clear()
        await republish(api.system.process.hosts["booking"])
        assert newest in said
    finally:
        broker.publish = publish  # type: ignore[method-assign]
    logged: list[dict[str, Any]] = []

    async def audited() -> bool:
        answer = await api.send("GET", "/audit-log", None, here.staff, params={"thing_id": made["id"]})
        logged[:] = answer.json()["items"]
        return len(logged) == 3

    await eventually(audited)
    assert {(one["action"], one["thing"], one["service"], tuple(one["fields"])) for one in logged} == {
        ("created", "group", "booking", ()),
        ("changed", "group", "booking", ("status",)),
        ("removed", "group", "booking", ()),
    }
    owner = (await api.call("GET", "/sessions/current", None, here.staff))["member_id"]
    assert {one["actor_id"] for one in logged} == {owner}


async def test_whoever_may_view_groups_does_not_change_them_and_calendars_are_another_matter(api: Api) -> None:
    here, _, (one, *_) = await three(api, "roles")
    made = await group(here, "a", [one])
    mia = await here.member("Mia")
    refused = await api.send(
        "POST", "/api-keys", {"name": "k", "scopes": ["groups:manage"], "member_id": mia}, here.staff
    )
    problem(refused, 403, "forbidden")
    keys = {
        name: {"Authorization": f"Bearer {(await here.made('/api-keys', {'name': name, **told}))['key']}"}
        for name, told in {
            "views": {"scopes": ["groups:view"], "member_id": mia},
            "manages": {"scopes": ["groups:manage"]},
            "calendars": {"scopes": ["calendars:view", "calendars:manage"]},
        }.items()
    }
    path = f"/groups/{made['id']}"
    body = {"slug": "b", "name": "B"}
    async with nothing_happens(api):
        for name, method, at, sent in (
            ("views", "POST", "/groups", body),
            ("views", "PATCH", path, {"name": "B"}),
            ("views", "DELETE", path, None),
            ("manages", "GET", path, None),
            ("manages", "GET", "/groups", None),
            ("calendars", "GET", "/groups", None),
            ("calendars", "PATCH", path, {"name": "B"}),
        ):
            problem(await api.send(method, at, sent, keys[name]), 403, "forbidden")
        for at in (path, "/groups"):
            assert (await api.send("GET", at, None, keys["views"])).status_code == 200
    assert (await api.send("POST", "/groups", body, keys["manages"])).status_code == 201
