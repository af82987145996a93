"""What guests can book in a workspace: its groups in their order, and the calendars in none of them."""

import pytest

from tests.integration.api.conftest import Api, office
from tests.integration.api.groups import change, eventually_seen, group, names, seen, three
from tests.integration.api.test_bad_input import problem
from tests.support.system import eventually
from turnus_contracts import WorkspaceChanged

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_guests_see_only_active_groups_and_calendars_that_can_be_booked(api: Api) -> None:
    here, host, (one, two, three_) = await three(api, "hidden")
    drafted = await here.draft("drafted", [host])
    shown = await group(here, "shown", [drafted, one, two])
    hidden = await group(here, "hidden", [three_], status="inactive")
    assert names(await seen(here)) == {"shown": ["one", "two"], "": ["three"]}
    await here.made(f"/calendars/{one['id']}/retire", None)
    await here.made(f"/calendars/{three_['id']}/retire", None)
    assert names(await seen(here)) == {"shown": ["two"], "": []}
    await here.publish(drafted["id"])
    assert names(await seen(here)) == {"shown": ["drafted", "two"], "": []}
    assert (await change(here, shown, {"status": "inactive"})).status_code == 200
    assert (await change(here, hidden, {"status": "active"})).status_code == 200
    assert names(await seen(here)) == {"hidden": [], "": ["two", "drafted"]}


async def test_a_calendar_may_be_in_several_groups_and_one_in_none_is_paged_through(api: Api) -> None:
    here, _, (one, two, three_) = await three(api, "several")
    await group(here, "a", [one])
    await group(here, "b", [one])
    assert names(await seen(here)) == {"a": ["one"], "b": ["one"], "": ["two", "three"]}
    first = await seen(here, limit="1")
    assert [calendar["id"] for calendar in first["calendars"]] == [two["id"]]
    second = await seen(here, limit="1", after=first["next"])
    assert [calendar["id"] for calendar in second["calendars"]] == [three_["id"]]
    assert (second["next"], second["items"]) == (None, first["items"])


async def test_a_summary_names_ten_hosts_and_counts_the_others(api: Api) -> None:
    here = await office(api, "hosts")
    hosts = [await here.member(f"Host{n}") for n in range(12)]
    calendar = await here.calendar("team", hosts, location={"kind": "phone", "value": "+49 30 1234567"})
    await group(here, "a", [calendar])
    (card,) = (await seen(here))["items"][0]["calendars"]
    assert [one["id"] for one in card["hosts"]] == hosts[:10]
    assert (card["host_count"], card["location_kind"], card["kind"]) == (12, "phone", "round_robin")
    assert "1234567" not in str(card)


async def test_a_workspace_that_is_not_there_has_no_page(api: Api) -> None:
    for slug in ("nowhere", "a|b", "ÄÖ", "..", "x" * 40):
        problem(await api.send("GET", "/groups", params={"workspace": slug}), 404, "not_found")
    for slug in ("", "\0", "x" * 41):
        problem(await api.send("GET", "/groups", params={"workspace": slug}), 422, "validation_failed")
    found = problem(await api.send("GET", "/groups"), 422, "validation_failed")
    assert found["errors"][0]["field"] == "workspace"


async def test_any_web_page_may_ask_for_it_and_no_credentials_are_needed(api: Api) -> None:
    here = await office(api, "cors")
    await eventually_seen(here)
    origin = {"Origin": "https://praxis.example.org"}
    answer = await api.send("GET", "/groups", None, origin, params={"workspace": here.slug})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.json() == {
        "workspace": {"slug": here.slug, "name": answer.json()["workspace"]["name"]},
        "items": [],
        "calendars": [],
        "next": None,
    }
    other = await office(api, "other")
    assert (await api.send("GET", "/groups", None, other.staff, params={"workspace": here.slug})).status_code == 200


async def test_a_workspace_that_was_removed_has_no_page_any_more(api: Api) -> None:
    here = await office(api, "removed")
    await eventually_seen(here)
    workspace = (await api.call("GET", "/sessions/current", None, here.staff))["workspace_id"]
    told = WorkspaceChanged(
        workspace_id=workspace, version=9, status="removed", slug=here.slug, name="R", tz="UTC", locale="de"
    )
    await api.system.publish(told)

    async def gone() -> bool:
        return (await api.send("GET", "/groups", params={"workspace": here.slug})).status_code == 404

    await eventually(gone)
