"""What every request gets: one representation, idempotency, versions, patience, lists, ids, headers."""

import re

import httpx
import pytest
import structlog

from tests.unit.runtime.http.conftest import World
from tests.unit.runtime.http.problem import fields, problem
from turnus_runtime.http import Problem, cursor, declare, documented

NOTES = "/api/v1/notes"


async def made(world: World, title: str = "t", workspace: str = "ws_a", key: str | None = None) -> httpx.Response:
    headers = world.staff(workspace=workspace) | ({"Idempotency-Key": key} if key else {})
    return await world.http.post(NOTES, json={"title": title}, headers=headers)


async def test_post_get_list_and_action_show_the_same(world: World) -> None:
    posted = await made(world)
    at = posted.headers["location"]
    assert (posted.status_code, posted.headers["etag"]) == (201, '"1"')
    assert at == f"{NOTES}/{posted.json()['id']}"
    assert (await world.http.get(at, headers=world.staff())).json() == posted.json()
    listed = await world.http.get(NOTES, headers=world.staff())
    assert listed.json() == {"items": [posted.json()], "next": None}
    renamed = await world.http.patch(at, json={"title": "u"}, headers=world.staff())
    assert renamed.json() == posted.json() | {"title": "u", "version": 2}
    assert renamed.headers["etag"] == '"2"'


async def test_a_key_and_body_sent_again_give_the_same_thing_as_it_is_now(world: World) -> None:
    first = await made(world, key="k")
    await world.http.patch(first.headers["location"], json={"title": "later"}, headers=world.staff())
    again = await made(world, key="k")
    assert "idempotency-replayed" not in first.headers
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == first.json() | {"title": "later", "version": 2}
    assert world.notes == 1


async def test_the_same_body_written_otherwise_is_the_same_body(world: World) -> None:
    headers = world.staff() | {"Idempotency-Key": "k", "Content-Type": "application/json"}
    await world.http.post(NOTES, content=b'{"title":"a","text":"\xc3\xa4"}', headers=headers)
    again = await world.http.post(NOTES, content=b'{ "text": "\\u00e4", "title": "a" }', headers=headers)
    assert again.headers["idempotency-replayed"] == "true"


async def test_a_key_with_another_body_is_refused(world: World) -> None:
    await made(world, "a", key="k")
    found = problem(await made(world, "b", key="k"), 422, "idempotency_key_reused")
    assert found["errors"] == [{"field": "Idempotency-Key", "message": "belongs to another request"}]


async def test_a_key_means_something_in_its_own_workspace_only(world: World) -> None:
    first, second = await made(world, "a", key="k"), await made(world, "b", "ws_b", key="k")
    assert first.json()["id"] != second.json()["id"]


async def test_a_stale_version_is_412_and_nothing_is_lost(world: World) -> None:
    at = (await made(world)).headers["location"]
    for tag, status in [('"1"', 200), ('"1"', 412), ('"2"', 200), ('W/"3"', 412), ('"x"', 412), ("*", 200)]:
        answer = await world.http.patch(at, json={"title": tag}, headers=world.staff() | {"If-Match": tag})
        assert answer.status_code == status
    problem(
        stale := await world.http.patch(at, json={"title": "u"}, headers=world.staff() | {"If-Match": '"1"'}),
        412,
        "version_stale",
    )
    assert stale.headers["etag"] == '"4"'
    assert (await world.http.get(at, headers=world.staff())).json()["title"] == "*"


@pytest.mark.parametrize("tag", ["1", "'1'", '"1', '"1", "2"', "", '"1"x'])
async def test_a_malformed_if_match_is_refused(world: World, tag: str) -> None:
    at = (await made(world)).headers["location"]
    answer = await world.http.patch(at, json={"title": "u"}, headers=world.staff() | {"If-Match": tag})
    assert list(fields(answer)) == ["If-Match"]


@pytest.mark.parametrize(
    ("tag", "status"), [('"1"', 304), ('W/"1"', 304), ('"0", "1"', 304), ("*", 304), ('"2"', 200), ("1", 200)]
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_who_has_the_newest_already_gets_304(world: World, method: str, tag: str, status: int) -> None:
    at = (await made(world)).headers["location"]
    answer = await world.http.request(method, at, headers=world.staff() | {"If-None-Match": tag})
    assert answer.status_code == status
    assert answer.headers["etag"] == '"1"'
    assert bool(answer.content) == (status == 200 and method == "GET")


async def test_head_answers_like_get_without_the_body(world: World) -> None:
    at = (await made(world)).headers["location"]
    got, head = await world.http.get(at, headers=world.staff()), await world.http.head(at, headers=world.staff())
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", got.headers["content-length"])


@pytest.mark.parametrize(
    ("prefer", "waited", "applied"),
    [
        (None, 5, None),
        ("wait=0", 0, "wait=0"),
        ("respond-async, wait=12", 12, "wait=12"),
        ('Wait="7"', 7, "wait=7"),
        ("wait=31", 30, "wait=30"),
        ("wait=-1", 5, None),
        ("wait=1.5", 5, None),
        ("awaits=3", 5, None),
    ],
)
async def test_prefer_says_how_long_the_client_waits(
    world: World, prefer: str | None, waited: int, applied: str | None
) -> None:
    answer = await world.http.post("/api/v1/board", headers={"Prefer": prefer} if prefer else {})
    assert (answer.status_code, answer.json()["waited"]) == (202, waited)
    assert answer.headers.get("preference-applied") == applied
    assert answer.headers["location"] == "/api/v1/board/1"


async def test_a_list_is_paged_in_a_stable_order_to_its_end(world: World) -> None:
    ids = sorted([(await made(world, str(number))).json()["id"] for number in range(5)])
    await made(world, "foreign", "ws_b")
    seen: list[str] = []
    after = ""
    for _ in range(3):
        page = (await world.http.get(f"{NOTES}?limit=2{after}", headers=world.staff())).json()
        seen += [item["id"] for item in page["items"]]
        after = f"&after={page['next']}"
    assert (seen, page["next"]) == (ids, None)


async def test_a_forged_cursor_reads_no_other_workspace(world: World) -> None:
    for workspace in ("ws_0", "ws_a", "ws_z"):
        await made(world, workspace, workspace)
    for position in ("", "ws_0|", "~", "../ws_0|", "\x01", "|", "ws_z"):
        answer = await world.http.get(f"{NOTES}?after={cursor(position) or 'IA'}", headers=world.staff())
        assert {item["title"] for item in answer.json()["items"]} <= {"ws_a"}


async def test_a_filter_looks_at_a_bounded_number_and_goes_on_from_there(world: World) -> None:
    for number in range(1200):
        await made(world, "rare" if number == 1199 else "common", key=str(number))
    seen, after, pages = 0, "", 0
    while True:
        page = (await world.http.get(f"{NOTES}?title=rare{after}", headers=world.staff())).json()
        seen, pages = seen + len(page["items"]), pages + 1
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert (seen, pages) == (1, 2)


async def test_instants_are_answered_in_rfc_3339(world: World) -> None:
    answer = await world.http.get("/api/v1/board?start=2027-01-04T09:00:00.1234567%2B01:00&tz=europe/berlin")
    assert answer.json()["start"] == "2027-01-04T08:00:00.123Z"
    assert answer.json()["tz"] == "Europe/Berlin"


@pytest.mark.parametrize(
    "path", [NOTES, "/api/v1/nothing", "/api/v1/board/broken/x", "/api/v1/board?start=2027-01-04T09:00:00Z"]
)
async def test_every_answer_has_request_id_trace_and_security_headers(world: World, path: str) -> None:
    answer = await world.http.get(path)
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-request-id"])
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", answer.headers["traceparent"])
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("given", "taken"),
    [("my-request.1", True), ("short", False), ("a b c d e f", False), ("x" * 129, False), ("inject\nline9", False)],
)
async def test_a_well_formed_request_id_is_taken_over(world: World, given: str, taken: bool) -> None:
    headers = httpx.Headers([(b"X-Request-Id", given.encode())])
    answer = await world.http.get(NOTES, headers=headers)
    assert (answer.headers["x-request-id"] == given) == taken
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_trace_is_carried_on(world: World) -> None:
    trace = "0af7651916cd43dd8448eb211c80319c"
    answer = await world.http.get(NOTES, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    assert answer.headers["traceparent"].split("-")[1] == trace
    answer = await world.http.get(NOTES, headers={"traceparent": "nonsense"})
    assert answer.headers["traceparent"].split("-")[1] != trace


async def test_the_access_log_has_the_template_and_no_query(world: World) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = await world.http.get(f"{NOTES}/nte_secret?colour=ada@example.org", headers=world.staff())
    (line,) = [line for line in lines if line["event"] == "request"]
    assert line.pop("ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "service": "noting",
        "method": "GET",
        "route": "/api/v1/notes/{note_id}",
        "status": 422,
        "request_id": answer.headers["x-request-id"],
    }


async def test_a_crash_is_500_and_tells_its_id_only_and_the_log_no_message(world: World) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as lines:
        answer = await world.http.get("/api/v1/board/broken/crash")
    problem(answer, 500, "internal_error")
    assert "secret" not in answer.text
    (line,) = [line for line in lines if line["event"] == "request failed"]
    assert (line["error"], line["request_id"]) == ("RuntimeError", answer.headers["x-request-id"])
    assert line["at"][-1].endswith(" broken")
    assert "secret" not in str(line)


@pytest.mark.parametrize("how", ["store", "broker"])
async def test_a_store_or_broker_that_is_away_is_503_with_retry_after(world: World, how: str) -> None:
    answer = await world.http.get(f"/api/v1/board/broken/{how}")
    problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert "secret" not in answer.text


async def test_a_refusal_of_the_service_has_its_own_members(world: World) -> None:
    at = (await made(world)).headers["location"]
    kept = ("notes", at.rpartition("/")[2])
    world.shelf.records[kept] = world.shelf.records[kept].change(locked=True)
    found = problem(await world.http.patch(at, json={"title": "u"}, headers=world.staff()), 409, "note_locked")
    assert (found["title"], found["detail"], found["locked_until"]) == ("The note is locked", "Unlock it first.", None)


def test_a_problem_that_nobody_declared_cannot_be_raised() -> None:
    with pytest.raises(LookupError, match="not declared"):
        Problem(409, "never_declared")


def test_a_code_is_declared_once() -> None:
    with pytest.raises(ValueError, match="twice"):
        declare("note_locked", 409, "Another title", en="a", de="b")
    same = declare(
        "note_locked", 409, "The note is locked", en="Unlock it first.", de="Entsperren Sie die Notiz zuerst."
    )
    assert documented(same)[409]["x-problem-codes"] == ["note_locked"]


BOARD = "/api/v1/board?start=2027-01-04T09:00:00Z"


async def test_guest_routes_may_be_called_from_any_page_without_credentials(world: World) -> None:
    answer = await world.http.get(BOARD, headers={"Origin": "https://example.org"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers
    refused = await world.http.get(BOARD + "&colour=1", headers={"Origin": "https://example.org"})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (422, "*")


async def test_a_preflight_of_a_guest_route_is_granted(world: World) -> None:
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    answer = await world.http.options("/api/v1/board", headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "Idempotency-Key" in answer.headers["access-control-allow-headers"]


async def test_staff_routes_are_for_no_other_page(world: World) -> None:
    headers = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    preflight = await world.http.options(NOTES, headers=headers)
    assert (preflight.status_code, preflight.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    got = await world.http.get(NOTES, headers=world.staff() | headers)
    assert not [name for answer in (preflight, got) for name in answer.headers if name.startswith("access-control")]
