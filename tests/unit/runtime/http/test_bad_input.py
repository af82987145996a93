"""Bad input: a problem document each, nothing stored, no input echoed."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.types import Message

from tests.unit.runtime.http.conftest import World
from tests.unit.runtime.http.problem import fields, problem
from turnus_runtime.http import edge

NOTES = "/api/v1/notes"
NO_TEXT = "holds a character that is no text (NUL or half a surrogate pair)"
NO_EMAIL = "must be an e-mail address, such as ada@example.org"
ADA = {"name": "Ada", "email": "ada@example.org"}
MARK = "zqxj"
"""Stands in every bad value; it must not come back."""


async def post(world: World, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    told = {"Content-Type": "application/json", **world.staff(), **headers}
    answer = await world.http.post(NOTES, content=content, headers=told)
    assert world.notes == 0 or answer.status_code < 300
    assert MARK not in answer.text
    return answer


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("title", None, "must be text"),
        ("title", 7, "must be text"),
        ("title", "", "must have at least 1 characters"),
        ("title", "  ", "must have at least 1 characters"),
        ("title", MARK * 51, "must have at most 200 characters"),
        ("title", MARK + "a\nb", "must not hold control characters"),
        ("title", MARK + "\u202eb", "must not hold control characters"),
        ("text", MARK + "\x07", "must not hold control characters"),
        ("weight", "1", "must be a whole number"),
        ("weight", True, "must be a whole number"),
        ("weight", 1.0, "must be a whole number"),
        ("weight", 0, "must be at least 1"),
        ("weight", 101, "must be at most 100"),
        ("weight", 2**63, "is too large a number"),
        ("share", "1.5", "must be a number"),
        ("share", True, "must be a number"),
        ("urgent", 1, "must be true or false"),
        ("urgent", "true", "must be true or false"),
        ("remind_at", 0, "must be an instant as text: 2027-01-04T09:00:00+01:00"),
        ("remind_at", "1700000000", "must be an instant with offset: 2027-01-04T09:00:00+01:00"),
        ("remind_at", "2027-01-04T09:00:00", "must be an instant with offset: 2027-01-04T09:00:00+01:00"),
        ("remind_at", "2027-01-04", "must be an instant with offset: 2027-01-04T09:00:00+01:00"),
        ("remind_at", "2027-01-04 09:00:00+01:00", "must be an instant with offset: 2027-01-04T09:00:00+01:00"),
        ("remind_at", "2027-02-30T09:00:00Z", "is no date and time that exists"),
        ("remind_at", "1999-12-31T23:59:59Z", "must lie between the years 2000 and 2100"),
        ("remind_at", "2101-01-01T00:00:00Z", "must lie between the years 2000 and 2100"),
        ("remind_at", "2027-01-04T09:00:00+99:00", "is no date and time that exists"),
        ("day", "2027-1-4", "must be a day as YYYY-MM-DD"),
        ("day", "2027-02-29", "is no day that exists"),
        ("day", "2101-01-01", "must lie between the years 2000 and 2100"),
        ("day", 20270104, "must be a day as YYYY-MM-DD"),
        ("day", "2027-01-04T00:00:00Z", "must be a day as YYYY-MM-DD"),
        ("tz", "Mars/Phobos", "must be a time zone of the IANA list, such as Europe/Berlin"),
        ("tz", "../../etc/passwd", "must be a time zone of the IANA list, such as Europe/Berlin"),
        ("tz", "", "must be a time zone of the IANA list, such as Europe/Berlin"),
        ("tz", 1, "must be a time zone of the IANA list, such as Europe/Berlin"),
        ("locale", "fr", "must be 'de' or 'en'"),
        ("author", [], "must be an object"),
        ("lines", {}, "must be a list"),
        ("lines", [{"name": "a", "email": "a@b.de"}] * 4, "must have at most 3 entries"),
        ("member_id", "bk_00000000000000000000000000", "does not have the right form"),
        ("member_id", "mem_", "does not have the right form"),
        ("answers", [], "must be an object"),
        ("answers", None, "must be an object"),
    ],
)
async def test_a_field_with_a_wrong_value_is_named_with_a_sentence(
    world: World, field: str, value: Any, says: str
) -> None:
    answer = await post(world, {"title": "t", field: value})
    assert fields(answer) == {field: says}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"title": "is required"}),
        ({"title": "t", "colour": MARK}, {"colour": "is not a field of this request"}),
        ({"title": "t", MARK + " <b>": 1}, {"…": "is not a field of this request"}),
        ({"title": "t", "author": {"name": "a"}}, {"author.email": "is required"}),
        ({"title": "t", "author": {"name": "a", "email": MARK}}, {"author.email": NO_EMAIL}),
        ({"title": "t", "lines": [ADA, ADA | {"name": 1}]}, {"lines.1.name": "must be text"}),
        ({"title": "t", "window": {"count": 1}}, {"window": "must say its 'kind'"}),
        ({"title": "t", "window": {"kind": MARK}}, {"window": "must have as 'kind' one of 'rolling', 'until'"}),
        ({"title": "t", "window": {"kind": "rolling", "count": 0}}, {"window.count": "must be at least 1"}),
        ({"title": "t", "window": {"kind": "until"}}, {"window.date": "is required"}),
        ([], {"body": "must be an object"}),
        ("text", {"body": "must be an object"}),
        (None, {"body": "must be an object"}),
        ({"title": 1, "weight": 0}, {"title": "must be text", "weight": "must be at least 1"}),
    ],
)  # fmt: skip
async def test_each_wrong_field_is_found_by_its_path(world: World, body: Any, expected: dict[str, str]) -> None:
    assert fields(await post(world, body)) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b'{"title": "t"} x',
        b"{'title': 't'}",
        b'{"title": "t",}',
        b'{"title": NaN}',
        b'{"title": "t", "share": Infinity}',
        b'{"title": "t", "share": -Infinity}',
        b'{"title": "\xff"}',
        b'{"title": "\xc0\xaf"}',
        b'{"title": "\xed\xa0\x80"}',
        '{"title": "t"}'.encode("utf-16"),
        b'\xef\xbb\xbf{"title": "t"}',
        b'{"title": "a\nb"}',
        b'{"title": "\\x41"}',
    ],
)
async def test_what_is_not_json_is_400(world: World, raw: bytes) -> None:
    problem(await post(world, raw), 400, "malformed_json")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'{"title": "a", "title": "b"}', {"title": "is given twice"}),
        (b'{"title": "t", "author": {"name": "a", "email": "a@b.de", "name": "b"}}', {"author.name": "is given twice"}),
        (b'{"title": "t", "lines": [{"name": "a", "name": "a"}]}', {"lines.0.name": "is given twice"}),
        (b'{"title": "t", "share": 1e400}', {"share": "is too large a number"}),
        (b'{"title": "t", "share": -1e400}', {"share": "is too large a number"}),
        (b'{"title": "t", "answers": {"q": 1e400}}', {"answers.q": "is too large a number"}),
        (b'{"title": "t", "answers": {"q": 9223372036854775808}}', {"answers.q": "is too large a number"}),
        (b'{"title": "t", "answers": {"q": ' + b"9" * 5000 + b"}}", {"answers.q": "is too large a number"}),
        (b'{"title": "t\\u0000"}', {"title": NO_TEXT}),
        (b'{"title": "t", "answers": {"q": ["\\ud800"]}}', {"answers.q.0": NO_TEXT}),
        (b'{"title": "t", "answers": {"\\u0000": 1}}', {"answers.…": NO_TEXT}),
    ],
)  # fmt: skip
async def test_json_that_two_readers_could_read_differently_is_refused(
    world: World, raw: bytes, expected: dict[str, str]
) -> None:
    assert fields(await post(world, raw)) == expected


@pytest.mark.parametrize("deep", [25, 900, 5_000, 100_000])
async def test_needless_depth_is_refused(world: World, deep: int) -> None:
    raw = b'{"title": "t", "answers": {"q": ' + b"[" * deep + b"]" * deep + b"}}"
    assert "levels deep" in next(iter(fields(await post(world, raw)).values()))


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp",
     "application/json; charset=latin-1", "application/json; charset=utf-16", "application/merge-patch+json"],
)  # fmt: skip
async def test_another_content_type_is_415(world: World, content_type: str) -> None:
    problem(await post(world, {"title": "t"}, **{"Content-Type": content_type}), 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON;charset=UTF-8", 'application/json; charset="utf-8"']
)
async def test_json_may_say_that_it_is_utf_8(world: World, content_type: str) -> None:
    assert (await post(world, {"title": "t"}, **{"Content-Type": content_type})).status_code == 201


async def test_a_compressed_body_is_415(world: World) -> None:
    problem(await post(world, {"title": "t"}, **{"Content-Encoding": "gzip"}), 415, "unsupported_media_type")


async def test_a_body_over_256_kib_is_413_by_its_announced_length(world: World) -> None:
    problem(await post(world, {"title": "t", "text": "a" * 262_144}), 413, "body_too_large")
    problem(await post(world, {"title": "t"}, **{"Content-Length": "x"}), 413, "body_too_large")


def _posting(headers: dict[str, str]) -> dict[str, Any]:
    told = {"content-type": "application/json"} | headers
    return {
        "type": "http", "method": "POST", "path": NOTES, "raw_path": NOTES.encode(), "query_string": b"",
        "headers": [(name.lower().encode(), value.encode()) for name, value in told.items()],
        "client": ("192.0.2.1", 1), "scheme": "http", "server": ("t", 80), "http_version": "1.1",
    }  # fmt: skip


async def test_a_body_over_256_kib_is_answered_at_once_and_the_connection_ends_when_all_of_it_came(
    world: World,
) -> None:
    happened: list[str] = []

    async def receive() -> Message:
        happened.append("in")
        return {"type": "http.request", "body": b" " * 8192, "more_body": happened.count("in") < 40}

    async def send(message: Message) -> None:
        assert message.get("status", 413) == 413
        happened.append("more" if message.get("more_body") else message["type"])

    await world.app(_posting(world.staff()), receive, send)
    assert happened == ["in"] * 33 + ["http.response.start", "more"] + ["in"] * 7 + ["http.response.body"]


async def test_a_client_that_never_stops_sending_is_cut_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "LINGERS_SECONDS", 0.01)
    sent: list[Message] = []

    async def receive() -> Message:
        await asyncio.sleep(0)
        return {"type": "http.request", "body": b" " * 8192, "more_body": True}

    async def send(message: Message) -> None:
        sent.append(message)

    await world.app(_posting(world.staff()), receive, send)
    assert [message.get("more_body", False) for message in sent] == [False, True, False]


async def test_a_body_of_exactly_256_kib_is_read(world: World) -> None:
    raw = json.dumps({"title": "t"}).encode()
    assert (await post(world, raw + b" " * (262_144 - len(raw)))).status_code == 201


async def test_a_request_that_takes_no_body_refuses_one(world: World) -> None:
    lock = f"{NOTES}/nte_1/lock"
    assert (await world.http.post(lock, headers=world.staff())).status_code == 204
    assert (await world.http.post(lock, headers=world.staff(), json={})).status_code == 204
    answer = await world.http.post(lock, headers=world.staff(), json={"now": True})
    assert fields(answer) == {"body": "is not taken by this request"}


async def test_a_body_of_which_nothing_is_required_may_be_left_out(world: World) -> None:
    answer = await world.http.post("/api/v1/board")
    assert (answer.status_code, answer.json()["reason"]) == (202, None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"start": "is required"}),
        ("start=2027-01-04T09:00:00Z&colour=1", {"colour": "is not a parameter of this request"}),
        ("start=2027-01-04T09:00:00Z&start=2027-01-04T09:00:00Z", {"start": "is given twice"}),
        ("start=2027-01-04T09:00:00Z&tz=a%00b", {"tz": "holds a character that is no text"}),
        ("start=2027-01-04T09:00:00Z&tz=%ff", {"tz": "holds a character that is no text"}),
        ("start=2027-01-04T09:00:00Z&tz=Mars", {"tz": "must be a time zone of the IANA list, such as Europe/Berlin"}),
        ("start=2027-01-04T09:00:00+01:00", {"start": "has a space for its +: write %2B in an address"}),
        ("start=1700000000", {"start": "must be an instant with offset: 2027-01-04T09:00:00+01:00"}),
        ("start=2027-01-04T09:00:00Z&depth=1.0", {"depth": "must be a whole number"}),
        ("start=2027-01-04T09:00:00Z&depth=1_0", {"depth": "must be a whole number"}),
        ("start=2027-01-04T09:00:00Z&depth=%201", {"depth": "must be a whole number"}),
        ("start=2027-01-04T09:00:00Z&depth=99999999999999999999", {"depth": "must be a whole number"}),
        ("start=2027-01-04T09:00:00Z&deep=1", {"deep": "must be true or false"}),
        ("start=2027-01-04T09:00:00Z&deep=yes", {"deep": "must be true or false"}),
    ],
)
async def test_a_query_is_read_as_strictly_as_a_body(world: World, query: str, expected: dict[str, str]) -> None:
    assert fields(await world.http.get(f"/api/v1/board?{query}")) == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=201", "limit"), ("limit=ten", "limit"), ("after=%21", "after"), ("after=", "after"),
     ("after=" + "A" * 2000, "after"), ("after=AA", "after"), ("after=_w", "after"), ("limit=1&limit=2", "limit")],
)  # fmt: skip
async def test_a_list_refuses_a_bad_limit_or_cursor(world: World, query: str, field: str) -> None:
    assert list(fields(await world.http.get(f"{NOTES}?{query}", headers=world.staff()))) == [field]


@pytest.mark.parametrize(
    "path",
    ["/", "/api", "/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v1/notes/", "/api/v1/notes/a/b/c", "/openapi.json",
     "/docs", "/api/v1/notes/%00", "/api/v1/notes/%ff", "/api/v1/notes/a%0Ab"],
)  # fmt: skip
async def test_an_unknown_address_is_404(world: World, path: str) -> None:
    problem(await world.http.get(path, headers=world.staff()), 404, "not_found")


@pytest.mark.parametrize("name", ["%00", "%ff", "a%0Ab", "a%7F"])
async def test_a_name_that_is_no_text_never_reaches_the_store(world: World, name: str) -> None:
    problem(await world.http.get(f"{NOTES}/{name}", headers=world.staff()), 404, "not_found")
    assert world.shelf.reads == []


async def test_another_method_is_405_and_says_which_are_taken(world: World) -> None:
    answer = await world.http.put(NOTES, headers=world.staff())
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    answer = await world.http.delete(f"{NOTES}/nte_1")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, PATCH"


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        "application/xml",
        "application/json;q=0",
        "application/json;q=0, */*",
        "text/*",
        "nonsense",
        "application/problem+json",
    ],
)
async def test_an_answer_nobody_accepts_is_406(world: World, accept: str) -> None:
    problem(await world.http.get(NOTES, headers={"Accept": accept, **world.staff()}), 406, "not_acceptable")


@pytest.mark.parametrize(
    "accept",
    ["*/*", "application/*", "application/json", "text/html, application/json;q=0.1", "application/json; indent=2"],
)
async def test_json_is_answered_to_whoever_accepts_it(world: World, accept: str) -> None:
    assert (await world.http.get(NOTES, headers={"Accept": accept, **world.staff()})).status_code == 200


async def test_a_route_with_another_media_type_is_negotiated_by_that(world: World) -> None:
    text = f"{NOTES}/nte_1/text"
    problem(await world.http.get(text, headers={"Accept": "application/json", **world.staff()}), 406, "not_acceptable")
    problem(await world.http.get(text, headers={"Accept": "text/plain", **world.staff()}), 404, "not_found")


@pytest.mark.parametrize("key", ["", "ä", "a" * 256, "a\tb"])
async def test_an_idempotency_key_has_1_to_255_printable_characters(world: World, key: str) -> None:
    headers = httpx.Headers([(b"Idempotency-Key", key.encode())], encoding="utf-8")
    answer = await world.http.post("/api/v1/board", headers=headers)
    assert fields(answer) == {"Idempotency-Key": "must have 1 to 255 printable ASCII characters"}


async def test_two_idempotency_keys_are_none(world: World) -> None:
    answer = await world.http.post("/api/v1/board", headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    assert fields(answer) == {"Idempotency-Key": "is given twice"}


async def test_credentials_are_asked_for_before_the_body_is_judged(world: World) -> None:
    problem(await world.http.post(NOTES, json={"title": 1}), 401, "credential_missing")


async def test_an_announced_length_over_256_kib_is_413_on_every_route(world: World) -> None:
    headers = {"Content-Length": "262145", **world.staff()}
    problem(await world.http.get(NOTES, headers=headers), 413, "body_too_large")
