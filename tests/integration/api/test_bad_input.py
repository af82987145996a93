"""Whatever is wrong with a request of booking or availability is a problem document: nothing stored, nothing published.

Fields, their types and bounds come from the union OpenAPI, so a new field is covered.
"""

import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from pymongo import MongoClient

from tests.integration.api.conftest import SERVICES, Api
from tests.integration.api.described import Json, Operation, Path, operations, put
from tests.integration.api.things import Things, things
from turnus_runtime.credentials import SCOPES, sign_token
from turnus_runtime.ids import RandomIds, derived
from turnus_runtime.ports import Message

pytestmark = pytest.mark.asyncio(loop_scope="session")
OURS = [one for one in operations(SERVICES) if one.told["operationId"].startswith(("booking_", "availability_"))]
WITH_BODY = [one for one in OURS if one.body is not None]
NOWHERE = "x" * 5000
FAR_YEARS = ["-5000-01-01", "262142-01-01"]
WRONG_INSTANTS = ["2027-03-01T09:00:00", "2027-03-01", "1700000000", "1999-12-31T23:59:59Z", "2027-02-30T09:00:00Z", ""]
WRONG_INSTANTS += [f"{day}T00:00:00Z" for day in FAR_YEARS]
WRONG_DAYS = ["2027-02-30", "20270301", "2101-01-01", "2027-3-1", "", *FAR_YEARS]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def here(api: Api) -> Things:
    return await things(api, "bad")


def stored(api: Api) -> dict[str, dict[str, int]]:
    """The version of every document of every service. Rotations forget errands whenever they like: theirs is 0."""
    with MongoClient[Json](api.system.given["mongo_url"]) as client:
        found: dict[str, dict[str, int]] = {}
        ours = [name for name in client.list_database_names() if name.startswith(f"{api.system.prefix}_")]
        for name in ours:
            for collection in client[name].list_collection_names():
                counts = collection != "rotations"
                known = client[name][collection].find({}, {"v": 1})
                found[f"{name}.{collection}"] = {one["_id"]: one["v"] * counts for one in known}
        return found


@asynccontextmanager
async def nothing_happens(api: Api) -> AsyncIterator[None]:
    """Fails if a document is written or a message published meanwhile."""
    await api.system.quiet()
    broker, published = api.system.process.broker, list[Message]()
    publish = broker.publish

    async def heard(messages: Sequence[Message]) -> None:
        published.extend(messages)
        await publish(messages)

    broker.publish = heard  # type: ignore[method-assign]  # hears, and does what it did
    before = stored(api)
    try:
        yield
        await api.system.quiet()
        assert stored(api) == before
        assert [message.topic for message in published] == []
    finally:
        broker.publish = publish  # type: ignore[method-assign]


def problem(answer: httpx.Response, status: int, code: str) -> Json:
    told = answer.json()
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    assert (answer.status_code, told["code"]) == (status, code), answer.text
    assert {"type", "title", "status", "detail", "request_id"} <= told.keys()
    return dict(told)


def wrong_values(operation: Operation, schema: Json) -> Iterator[Any]:
    """Values that a field does not take: null, other types, too long, out of its range."""
    if not any(one.get("type") == "null" for one in schema.get("anyOf", [])):
        yield None
    schema = operation.resolved(schema)
    kind = schema.get("type")
    if kind == "string" or "const" in schema or "enum" in schema:
        yield from (1, True, ["x"], {"x": "x"}, NOWHERE, "nul\0", "\ud800")
        yield from {"date-time": WRONG_INSTANTS, "date": WRONG_DAYS}.get(schema.get("format", ""), [])
        if schema.get("examples") == ["Europe/Berlin"]:
            yield from ("Mars/Olympus", "+01:00", "")
    elif kind == "integer":
        yield from ("1", 1.5, True, [1], 10**17, schema.get("minimum", 0) - 1, schema.get("maximum", 10**16) + 1)
    elif kind == "boolean":
        yield from ("true", 1, [])
    elif kind == "array":
        yield from ({}, "x", 1, [None])
    elif kind == "object":
        yield from ([], "x", 1, {"x" * 50: 1})


def named(found: Json, path: Path) -> bool:
    """Whether a problem's errors name this field, at least by its first part (a null may be refused as a whole)."""
    return any(one["field"].split(".")[0] == str(path[0]) for one in found["errors"])


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
async def test_every_field_that_is_missing_null_of_another_type_or_out_of_bounds_is_named(
    api: Api, here: Things, operation: Operation
) -> None:
    path, body = operation.path.format(**here.ids), operation.example(here.given())
    tried = 0
    async with nothing_happens(api):
        for field, schema, required in operation.fields():
            for value in [*([...] if required else []), *wrong_values(operation, schema)]:
                sent = put(body, field, value)
                content = json.dumps(sent).encode()
                headers = {**here.office.staff, "Content-Type": "application/json", "Prefer": "wait=0"}
                answer = await api.send(operation.method, path, None, headers, content=content)
                found = answer.json()
                assert (answer.status_code, found["code"]) == (422, "validation_failed"), f"{field} {value!r}: {found}"
                assert named(found, field), f"{field} {value!r}: {found}"
                assert NOWHERE not in answer.text
                tried += 1
        unknown = await api.send(operation.method, path, {**body, "surprise": 1}, here.office.staff)
        assert [one["field"] for one in problem(unknown, 422, "validation_failed")["errors"]] == ["surprise"]
    assert tried


RAW = [
    pytest.param(b'{"a": ', 400, "malformed_json", id="broken JSON"),
    pytest.param(b'{"start": NaN}', 400, "malformed_json", id="NaN"),
    pytest.param(b'{"start": "\xff"}', 400, "malformed_json", id="broken UTF-8"),
    pytest.param(b'{"start": 1e400}', 422, "validation_failed", id="1e400"),
    pytest.param(b'{"start": "a", "start": "b"}', 422, "validation_failed", id="a name twice"),
    pytest.param(b"[]", 422, "validation_failed", id="no object"),
    pytest.param(b'{"a":' * 50 + b"1" + b"}" * 50, 422, "validation_failed", id="too deep"),
    pytest.param(b'{"a": "' + b"x" * 300_000 + b'"}', 413, "body_too_large", id="too large"),
]


@pytest.mark.parametrize(("raw", "status", "code"), RAW)
async def test_a_body_that_is_no_json_object_is_refused_by_every_route(
    api: Api, here: Things, raw: bytes, status: int, code: str
) -> None:
    async with nothing_happens(api):
        for operation in WITH_BODY:
            headers = {**here.office.staff, "Content-Type": "application/json"}
            path = operation.path.format(**here.ids)
            problem(await api.send(operation.method, path, None, headers, content=raw), status, code)
            if code == "malformed_json":
                other = {**headers, "Content-Type": "text/plain"}
                answer = await api.send(operation.method, path, None, other, content=b"{}")
                problem(answer, 415, "unsupported_media_type")


HOURS = {"days": [1], "start": "09:00", "end": "12:00"}
OVERLAPPING = [{"start": "01:00", "end": "03:00"}, {"start": "02:30", "end": "24:00"}]
MEANT_WRONG = [
    ("POST", "/calendars", {"window": {"kind": "range", "start": "2027-03-02", "end": "2027-03-01"}}, "window.end"),
    ("POST", "/calendars", {"kind": "personal"}, "members"),
    ("PATCH", "/calendars/{calendar_id}", {"members": [{"member_id": "A"}, {"member_id": "A"}]}, "members.1.member_id"),
    ("PATCH", "/calendars/{calendar_id}", {"name": None}, "name"),
    ("POST", "/groups", {"description": None}, "description"),
    ("PATCH", "/groups/{group_id}", {"slug": None}, "slug"),
    ("PATCH", "/groups/{group_id}", {"calendar_ids": None}, "calendar_ids"),
    ("POST", "/schedules", {"weekly": [{**HOURS, "end": "09:00"}]}, "weekly.0.end"),
    ("POST", "/schedules", {"weekly": [{**HOURS, "start": "24:00"}]}, "weekly.0.start"),
    ("POST", "/schedules", {"weekly": [HOURS, {**HOURS, "start": "11:00"}]}, "weekly.1"),
    ("POST", "/schedules", {"overrides": [{"date": "2027-03-01", "ranges": []}] * 2}, "overrides.1.date"),
    (
        "POST",
        "/schedules",
        {"overrides": [{"date": "2027-03-28", "ranges": OVERLAPPING}]},
        "overrides.2027-03-28.ranges.1",
    ),
    (
        "POST",
        "/schedules",
        {"overrides": [{"date": "2027-03-01", "ranges": [{"start": "9:00", "end": "10:00"}]}]},
        None,
    ),
    ("POST", "/blocks", {"items": [{"start": "2027-03-01T10:00:00Z", "end": "2027-03-01T10:00:00Z"}]}, "items.0.end"),
    ("POST", "/blocks", {"items": [{"start": "2027-03-01T10:00:00Z", "end": "2027-03-01T09:00:00Z"}]}, "items.0.end"),
    ("POST", "/blocks", {"member_id": None}, "member_id"),
    ("POST", "/blocks", {"items": []}, "items"),
    ("POST", "/bookings", {"metadata": {f"k{n}": "v" for n in range(21)}}, "metadata"),
    ("POST", "/bookings", {"guest": {"name": "A", "email": "no address"}}, "guest.email"),
]


@pytest.mark.parametrize(("method", "path", "values", "field"), MEANT_WRONG)
async def test_what_is_well_formed_and_makes_no_sense_is_refused_by_the_field(
    api: Api, here: Things, method: str, path: str, values: Json, field: str | None
) -> None:
    operation = next(one for one in WITH_BODY if (one.method, one.path) == (method, path))
    body = {**operation.example(here.given()), **values}
    if path == "/calendars" and "kind" in values:
        body["members"] = [{"member_id": here.ids[name]} for name in ("member_id", "host_id")]
    if "members" in values:
        body["members"] = [{"member_id": here.ids["member_id"]}] * 2
    async with nothing_happens(api):
        found = problem(
            await api.send(method, path.format(**here.ids), body, here.office.staff), 422, "validation_failed"
        )
    assert field is None or found["errors"][0]["field"] == field


@pytest.mark.parametrize(
    "query",
    [
        {"start": "2027-03-02", "end": "2027-03-01"},
        {"start": "2027-01-01", "end": "2027-12-31"},
        {"start": "2027-03-01", "end": "2027-06-01"},  # 93 days
        {"start": "2027-03-01T00:00:00Z"},
        {"start": "tomorrow"},
        {"tz": "Mars/Olympus"},
        {"calendar": ""},
        {"calendar": "x" * 201},
        {"host_id": "mem_1"},
        {"host_id": derived("mem", "nobody")},
        {"with": "everything"},
        {"surprise": "1"},
    ],
    ids=str,
)
async def test_a_wrong_question_about_slots_is_refused_by_the_field(api: Api, here: Things, query: Json) -> None:
    right = {"calendar": here.ids["calendar_id"], "start": "2027-03-01", "end": "2027-03-02"}
    answer = await api.send("GET", "/slots", params={**right, **query})
    assert {one["field"] for one in problem(answer, 422, "validation_failed")["errors"]} <= {*query, "end"}


@pytest.mark.parametrize("named_as", ["nowhere/at-all", "a|b", "cal_x", "/", "ÄÖ/ü", derived("cal", "none")])
async def test_a_calendar_that_is_nowhere_is_unknown(api: Api, here: Things, named_as: str) -> None:
    query = {"calendar": named_as, "start": "2027-03-01", "end": "2027-03-02"}
    problem(await api.send("GET", "/slots", params=query), 422, "calendar_unknown")
    async with nothing_happens(api):
        booked = await api.book(named_as if len(named_as) > 2 else "///", "2027-03-05T10:00:00Z")
        problem(booked, 422, "calendar_unknown")


@pytest.mark.parametrize(
    "query",
    [{"limit": "0"}, {"limit": "201"}, {"limit": "1e1"}, {"after": "?"}, {"after": "x" * 1025}, {"x": "1"}],
    ids=str,
)
async def test_a_wrong_place_in_a_list_is_refused(api: Api, here: Things, query: Json) -> None:
    for operation in (one for one in OURS if "limit" in one.parameters("query")):
        known = {name: here.ids[name] for name in operation.parameters("query") if name == "member_id"}
        answer = await api.send("GET", operation.path, None, here.office.staff, params={**known, **query})
        problem(answer, 422, "validation_failed")


async def test_a_stale_version_is_412_everywhere_and_changes_nothing(api: Api, here: Things) -> None:
    tried = 0
    async with nothing_happens(api):
        for operation in (one for one in OURS if "If-Match" in one.parameters("header")):
            body, path = operation.example(here.given()), operation.path.format(**here.ids)
            for tag in ('"999"', 'W/"1"', '"other"'):
                answer = await api.send(operation.method, path, body, {**here.office.staff, "If-Match": tag})
                problem(answer, 412, "version_stale")
                assert answer.headers["etag"]
                tried += 1
            answer = await api.send(operation.method, path, body, {**here.office.staff, "If-Match": "7"})
            problem(answer, 422, "validation_failed")
    assert tried >= 3 * 9


async def test_an_idempotency_key_gives_the_same_thing_again_and_nothing_else(api: Api, here: Things) -> None:
    posts = [one for one in WITH_BODY if one.method == "POST" and "Idempotency-Key" in one.parameters("header")]
    assert len(posts) >= 7
    for number, operation in enumerate(posts):
        path, body = operation.path.format(**here.ids), operation.example({**here.given(), "slug": f"again-{number}"})
        headers = {**here.office.staff, "Idempotency-Key": f"key {number}", "Prefer": "wait=20"}
        first = await api.send(operation.method, path, body, headers)
        assert first.status_code in {200, 201, 409}, f"{operation}: {first.text}"
        async with nothing_happens(api):
            again = await api.send(operation.method, path, body, headers)
            assert again.headers["idempotency-replayed"] == "true", f"{operation}: {again.text}"
            assert again.json().get("id") == first.json().get("id")
            other = _otherwise(operation, body)
            problem(await api.send(operation.method, path, other, headers), 422, "idempotency_key_reused")


def _otherwise(operation: Operation, body: Json) -> Json:
    """Another valid body: of the same guest for the same calendar, as far as it is about a booking."""
    name = next(one for one in ("name", "reason", "start", "items", "tz") if one in body)
    other = {
        "items": [{"start": "2027-04-01T10:00:00Z", "end": "2027-04-01T11:00:00Z"}],
        "start": "2027-03-05T12:00:00Z",
    }
    return {**body, name: other.get(name, "Another"), **({"slug": "quite-another"} if "slug" in body else {})}


async def test_a_refused_second_use_of_a_key_leaves_no_address_taken(api: Api, here: Things) -> None:
    headers = {**here.office.staff, "Idempotency-Key": "address"}
    body = {"kind": "personal", "slug": "first-address", "name": "A", "tz": "UTC"}
    assert (await api.send("POST", "/calendars", body, headers)).status_code == 201
    body["slug"] = "second-address"
    problem(await api.send("POST", "/calendars", body, headers), 422, "idempotency_key_reused")
    assert (await api.send("POST", "/calendars", body, here.office.staff)).status_code == 201


async def test_an_address_that_was_drafted_only_is_free_again_when_the_draft_is_changed(api: Api, here: Things) -> None:
    body = {"kind": "personal", "slug": "drafted", "name": "A", "tz": "UTC"}
    made = (await api.send("POST", "/calendars", body, here.office.staff)).json()
    problem(await api.send("POST", "/calendars", body, here.office.staff), 409, "slug_taken")
    path = f"/calendars/{made['id']}"
    stale = await api.send("PATCH", path, {"slug": "redrafted"}, {**here.office.staff, "If-Match": '"9"'})
    problem(stale, 412, "version_stale")
    assert (await api.send("PATCH", path, {"slug": "redrafted"}, here.office.staff)).status_code == 200
    assert (await api.send("POST", "/calendars", body, here.office.staff)).status_code == 201
    problem(await api.send("GET", "/calendars", params={"address": f"{here.office.slug}/redrafted"}), 404, "not_found")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tkey", "ä"])
async def test_a_key_that_is_none_is_refused(api: Api, here: Things, key: str) -> None:
    body = {"kind": "personal", "slug": "no-key", "name": "A", "tz": "UTC"}
    async with nothing_happens(api):
        answer = await api.send("POST", "/calendars", body, {**here.office.staff, "Idempotency-Key": key.encode()})
        problem(answer, 422, "validation_failed")


async def test_no_expired_forged_ended_or_foreign_kind_of_token_is_let_in(api: Api, here: Things) -> None:
    tenant = await api.system.tenant("forged")
    now = api.system.process.clock.now()
    expired = _signed(tenant, here, now - timedelta(days=2), now - timedelta(days=1))
    right = here.office.staff["Authorization"].removeprefix("Bearer ")
    head, payload, signature = right.split(".")
    other = {"workspace": here.office.slug, "email": f"owner@{here.office.slug}.example.org"}
    session = await api.call("POST", "/sessions", {**other, "password": "correct horse battery staple"})
    ended = {"Authorization": f"Bearer {session['token']}"}
    assert (await api.send("DELETE", "/sessions/current", None, ended)).status_code == 204
    await api.system.quiet()
    tokens = {
        "credential_expired": [expired],
        "credential_revoked": [session["token"]],
        "credential_invalid": ["x", f"{head}.{payload}.", f"{head}.{payload}.{signature[::-1]}", right[:-5], "a.b.c"],
    }
    routes = [one for one in OURS if one.staff]
    assert len(routes) >= 23
    async with nothing_happens(api):
        for operation in routes:
            body, path = operation.example(here.given()), operation.path.format(**here.ids)
            for code, those in tokens.items():
                for token in those:
                    headers = {"Authorization": f"Bearer {token}"}
                    problem(await api.send(operation.method, path, body, headers), 401, code)
            if {} not in operation.told["security"]:
                problem(await api.send(operation.method, path, body), 401, "credential_missing")


def _signed(tenant: Any, here: Things, issued: Any, expires: Any) -> str:
    session = here.ids["session_id"]
    return sign_token(
        tenant.key,
        tenant.kid,
        credential_id=session,
        member_id=here.ids["actor_id"],
        workspace_id=here.ids["workspace_id"],
        role="owner",
        scopes=list(SCOPES),
        issued_at=issued,
        expires_at=expires,
    )


async def test_a_forged_token_of_a_guest_is_answered_like_an_absent_booking(api: Api, here: Things) -> None:
    token = here.booking["token"]
    forged = [token[:-1] + ("A" if token[-1] != "A" else "B"), token[:40], f"{token}x", "bkt_", token.upper()]
    async with nothing_happens(api):
        for one in forged:
            for method, path in (("GET", ""), ("POST", "/cancel")):
                headers = {"Authorization": f"Bearer {one}"}
                answer = await api.send(method, f"/bookings/{here.ids['booking_id']}{path}", None, headers)
                assert answer.status_code in {401, 404}, answer.text
    same = {"Authorization": f"Bearer {token}"}
    problem(await api.send("GET", f"/bookings/{RandomIds().fresh('bk')}", None, same), 404, "not_found")


async def test_a_key_with_fewer_scopes_is_403_where_it_lacks_one(api: Api, here: Things) -> None:
    made = await here.office.made("/api-keys", {"name": "viewer", "scopes": ["calendars:view", "bookings:view"]})
    viewer = {"Authorization": f"Bearer {made['key']}"}
    body = {"kind": "personal", "slug": "viewer", "name": "A", "tz": "UTC"}
    booking = f"/bookings/{here.ids['booking_id']}"
    async with nothing_happens(api):
        for method, path, sent in (
            ("POST", "/calendars", body),
            ("PATCH", f"/calendars/{here.ids['calendar_id']}", {"name": "B"}),
            ("POST", f"/calendars/{here.ids['calendar_id']}/retire", None),
            ("POST", "/groups", {"slug": "viewer", "name": "A"}),
            ("PATCH", f"/groups/{here.ids['group_id']}", {"name": "B"}),
            ("DELETE", f"/groups/{here.ids['group_id']}", None),
            ("POST", f"{booking}/cancel", {}),
            ("POST", f"{booking}/attendance", {"status": "attended"}),
            ("DELETE", f"/blocks/{here.ids['block_id']}", None),
            ("DELETE", f"/schedules/{here.ids['schedule_id']}", None),
        ):
            problem(await api.send(method, path, sent, viewer), 403, "forbidden")
    assert (await api.send("GET", booking, None, viewer)).status_code == 200
