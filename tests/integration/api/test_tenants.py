"""Workspaces are sealed from each other: with the keys of A nothing of B is seen, named or changed.

The routes come from the union OpenAPI: a new one is covered, and a new kind of id fails here until it is known.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.integration.api.conftest import SERVICES, Api
from tests.integration.api.described import Operation, Path, operations, put
from tests.integration.api.things import Things, things

pytestmark = pytest.mark.asyncio(loop_scope="session")
STAFF = [one for one in operations(SERVICES) if one.staff]
ALL = operations(SERVICES)
BY_LINK = ("/invitations/current", "/password-resets/current")
"""Take the token of a link and no other."""
FIGURES = tuple(f"/operations/{service}" for service in SERVICES)
"""Counts and lags of the whole installation, which no workspace owns."""
SAME_EVERYWHERE = {"template_key", "version", "country", "year"}
"""Names of what is called alike in every workspace, and is another thing in each."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def a(api: Api) -> Things:
    return await things(api, "a")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def b(api: Api) -> Things:
    return await things(api, "b")


def ids_in_bodies() -> Iterator[tuple[Operation, Path]]:
    for operation in ALL:
        for path, schema, _ in operation.fields():
            name = path[-1]
            kind = operation.resolved(schema).get("type")
            if isinstance(name, str) and name.endswith("_id") and kind == "string":
                yield operation, path
            if isinstance(name, str) and name.endswith("_ids") and kind == "array":
                yield operation, (*path, 0)


def ids_in_queries() -> Iterator[tuple[Operation, str]]:
    for operation in ALL:
        for name in operation.parameters("query"):
            if name.endswith("_id"):
                yield operation, name


def named(cases: Iterator[tuple[Any, ...]]) -> list[Any]:
    return [pytest.param(*one, id=f"{one[0]} {one[1]}") for one in cases]


def nothing_of(b: Things, answer: httpx.Response) -> None:
    """No id, no name and no address of B in the answer."""
    ids = [one for name, one in b.ids.items() if name not in SAME_EVERYWHERE]
    told = [*ids, b.office.slug, b.booking["token"]]
    assert [one for one in told if one in answer.text] == []


async def state_of(b: Things, api: Api) -> dict[str, Any]:
    """Everything that the staff of B can read."""
    found: dict[str, Any] = {}
    known = {**b.ids, "calendar": b.ids["calendar_id"], "start": "2027-03-02T10:00:00Z", "date": "2027-03-02"}
    for operation in STAFF:
        if operation.method != "GET" or operation.path in ("/audit-log", *BY_LINK, *FIGURES):
            continue
        query = {name: known[name] for name, one in operation.parameters("query").items() if one.get("required")}
        if operation.path == "/blocks":
            query = {"member_id": b.ids["member_id"]}
        answer = await api.send("GET", operation.path.format(**b.ids), None, b.office.staff, params=query)
        assert answer.status_code == 200, f"{operation}: {answer.text}"
        found[str(operation)] = answer.text
    return found


async def test_every_staff_route_with_an_id_of_b_in_its_path_answers_404_to_a(api: Api, a: Things, b: Things) -> None:
    before = await state_of(b, api)
    tried = [operation for operation in STAFF if operation.parameters("path").keys() - SAME_EVERYWHERE]
    assert len(tried) >= 28
    for operation in tried:
        body = operation.example(a.given())
        answer = await api.send(operation.method, operation.path.format(**b.ids), body, a.office.staff)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), f"{operation}: {answer.text}"
        nothing_of(b, answer)
    assert await state_of(b, api) == before


async def test_what_is_called_alike_in_every_workspace_is_another_thing_in_each(api: Api, a: Things, b: Things) -> None:
    before = await state_of(b, api)
    ours = ("/templates", "/notifications/settings")
    tried = [one for one in STAFF if one.path.startswith(ours) and one.method != "GET"]
    assert len(tried) == 6
    for operation in sorted(tried, key=lambda one: one.method != "PUT"):
        body = operation.example(a.given())
        answer = await api.send(operation.method, operation.path.format(**b.ids), body, a.office.staff)
        assert answer.status_code in (200, 202), f"{operation}: {answer.text}"
        nothing_of(b, answer)
        assert await state_of(b, api) == before


async def test_absent_and_foreign_are_answered_alike(api: Api, a: Things, b: Things) -> None:
    absent = {name: one[:-1] + ("0" if one[-1] != "0" else "1") for name, one in b.ids.items()}
    for operation in (one for one in STAFF if one.parameters("path").keys() - SAME_EVERYWHERE):
        body = operation.example(a.given())
        foreign, missing = [
            await api.send(operation.method, operation.path.format(**ids), body, a.office.staff)
            for ids in (b.ids, absent)
        ]
        varies = {"request_id": "", "instance": ""}
        assert {**foreign.json(), **varies} == {**missing.json(), **varies}, operation


@pytest.mark.parametrize(("operation", "path"), named(ids_in_bodies()))
async def test_an_id_of_b_in_a_body_is_unknown_to_a(
    api: Api, a: Things, b: Things, operation: Operation, path: Path
) -> None:
    given = a.given()
    name = str(path[-2]).removesuffix("s") if path[-1] == 0 else str(path[-1])
    body = put(operation.example(given), path, b.ids[name])
    if operation.path == "/blocks" and path == ("calendar_id",):
        body = put(body, ("member_id",), None)
    headers = {**a.office.staff, "Prefer": "wait=0"} if operation.staff else {}
    answer = await api.send(operation.method, operation.path.format(**a.ids), body, headers)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in {"member_unknown", "calendar_unknown", "host_not_choosable"}
    nothing_of(b, answer)


async def test_a_calendar_of_b_is_booked_in_b_only(api: Api, a: Things, b: Things) -> None:
    """A public route ignores whose key it is: the booking of A's staff is a guest's, and not in A's list."""
    body = {
        "calendar": b.ids["calendar_id"],
        "start": "2027-03-03T10:00:00Z",
        "tz": "UTC",
        "guest": {"name": "A", "email": "a@example.org"},
    }
    booked = await api.send("POST", "/bookings", body, a.office.staff)
    assert booked.status_code == 201, booked.text
    seen = await api.send("GET", f"/bookings/{booked.json()['id']}", None, a.office.staff)
    assert seen.status_code == 404
    assert (await api.send("GET", f"/bookings/{booked.json()['id']}", None, b.office.staff)).status_code == 200


@pytest.mark.parametrize(("operation", "name"), named(ids_in_queries()))
async def test_an_id_of_b_in_a_query_finds_nothing(
    api: Api, a: Things, b: Things, operation: Operation, name: str
) -> None:
    query = {name: b.ids[name]}
    if operation.path == "/slots":
        query |= {"calendar": a.ids["calendar_id"], "start": "2027-03-01", "end": "2027-03-02"}
    answer = await api.send(operation.method, operation.path, None, a.office.staff, params=query)
    if answer.status_code == 200:
        assert answer.json() == {"items": [], "next": None}
    assert answer.status_code in {200, 404, 422}, answer.text
    nothing_of(b, answer)


async def test_lists_of_a_hold_nothing_of_b_also_after_a_place_in_a_list_of_b(api: Api, a: Things, b: Things) -> None:
    lists = [one for one in STAFF if one.method == "GET" and "limit" in one.parameters("query")]
    assert len(lists) >= 9
    for operation in lists:
        query = {name: a.ids[name] for name, one in operation.parameters("query").items() if one.get("required")}
        if operation.path == "/blocks":
            query = {"member_id": a.ids["member_id"]}
        foreign = {**query, **{name: b.ids[name] for name in query}, "limit": "1"}
        theirs = await api.send("GET", operation.path.format(**b.ids), None, b.office.staff, params=foreign)
        after = theirs.json()["next"]
        for more in ({}, {"after": after} if after else {}):
            answer = await api.send(
                "GET", operation.path.format(**a.ids), None, a.office.staff, params={**query, **more, "limit": "200"}
            )
            if not more:
                assert answer.json()["items"], f"{operation} shows nothing at all"
            nothing_of(b, answer)


async def test_a_guests_token_opens_its_own_booking_only(api: Api, a: Things, b: Things) -> None:
    guest = {"Authorization": f"Bearer {a.booking['token']}"}
    assert (await api.send("GET", f"/bookings/{a.ids['booking_id']}", None, guest)).status_code == 200
    for operation in (one for one in STAFF if "{booking_id}" in one.path):
        body = operation.example(a.given())
        answer = await api.send(operation.method, operation.path.format(**b.ids), body, guest)
        assert answer.status_code in {401, 404}, f"{operation}: {answer.text}"
        nothing_of(b, answer)
