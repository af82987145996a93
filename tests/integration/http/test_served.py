"""The conventions over a real connection, a real store and a real limiter."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.integration.http.conftest import Served, serving
from tests.unit.runtime.http.notes import SERVICE
from tests.unit.runtime.http.problem import problem
from turnus_contracts import CredentialRevoked
from turnus_runtime.credentials import learn_revocation
from turnus_runtime.http import app_of, gateway, union_openapi
from turnus_runtime.mongo import MongoStore
from turnus_runtime.settings import Settings
from turnus_runtime.store import RecordStore

NOTES = "/api/v1/notes"


async def test_what_was_posted_is_read_listed_changed_and_replayed(served: Served) -> None:
    headers = served.staff() | {"Idempotency-Key": "k"}
    posted = await served.http.post(NOTES, json={"title": "t"}, headers=headers)
    at = posted.headers["location"]
    assert posted.status_code == 201
    assert (await served.http.get(at, headers=served.staff())).json() == posted.json()
    assert (await served.http.get(NOTES, headers=served.staff())).json()["items"] == [posted.json()]
    again = await served.http.post(NOTES, json={"title": "t"}, headers=headers)
    assert (again.json(), again.headers["idempotency-replayed"]) == (posted.json(), "true")
    problem(await served.http.post(NOTES, json={"title": "u"}, headers=headers), 422, "idempotency_key_reused")
    problem(await served.http.get(at, headers=served.staff("ws_b")), 404, "not_found")


async def test_of_many_changes_of_one_version_exactly_one_wins(served: Served) -> None:
    at = (await served.http.post(NOTES, json={"title": "t"}, headers=served.staff())).headers["location"]
    headers = served.staff() | {"If-Match": '"1"'}
    answers = await asyncio.gather(
        *(served.http.patch(at, json={"title": str(number)}, headers=headers) for number in range(20))
    )
    won = [answer for answer in answers if answer.status_code == 200]
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 19
    assert (await served.http.get(at, headers=served.staff())).json() == won[0].json()


async def test_pages_of_a_list_meet_every_thing_once(served: Served) -> None:
    for number in range(7):
        await served.http.post(NOTES, json={"title": str(number)}, headers=served.staff())
    await served.http.post(NOTES, json={"title": "foreign"}, headers=served.staff("ws_b"))
    seen, after = [], ""
    while True:
        page = (await served.http.get(f"{NOTES}?limit=3{after}", headers=served.staff())).json()
        seen += [item["title"] for item in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert sorted(seen) == [str(number) for number in range(7)]


async def test_a_revocation_counts_from_the_next_request(served: Served) -> None:
    assert (await served.http.get(NOTES, headers=served.staff())).status_code == 200
    event = CredentialRevoked(
        workspace_id="ws_a", credential_id="ses_ws_a", version=1, status="removed", member_id="mem_1"
    )
    await learn_revocation(event, served.turn)
    problem(await served.http.get(NOTES, headers=served.staff()), 401, "credential_revoked")


@pytest.mark.parametrize(
    "body",
    [
        {"title": "t", "answers": {"q": 2**53 - 1, "$where": 1, "a.b": {"$gt": ""}, "": None}},
        {"title": "$ne", "text": "\u2028 ✓ 🂡"},
        {"title": "x" * 200, "share": 1.7976931348623157e308},
    ],
)
async def test_odd_but_right_input_is_kept(served: Served, body: dict[str, Any]) -> None:
    answer = await served.http.post(NOTES, json=body, headers=served.staff())
    assert answer.status_code == 201
    assert answer.json()["title"] == body["title"]


@pytest.mark.parametrize(
    "name", ["%00", "nte_%00", "%ff", "$where", "nte_" + "a" * 5000, "nte_%F0%9F%82%A1", "..%2F..%2Fetc"]
)
async def test_odd_names_in_a_path_are_404(served: Served, name: str) -> None:
    problem(await served.http.get(f"{NOTES}/{name}", headers=served.staff()), 404, "not_found")


async def test_a_chunked_body_that_does_not_end_is_cut_off(served: Served) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 8192

    headers = served.staff() | {"Content-Type": "application/json"}
    problem(await served.http.post(NOTES, content=chunks(), headers=headers), 413, "body_too_large")
    assert (await served.http.get(NOTES, headers=served.staff())).json()["items"] == []


async def test_head_and_304_have_no_body_on_the_wire(served: Served) -> None:
    at = (await served.http.post(NOTES, json={"title": "t"}, headers=served.staff())).headers["location"]
    token = served.staff()["Authorization"]
    for method, extra in (("HEAD", ""), ("GET", 'If-None-Match: "1"\r\n')):
        request = f"{method} {at} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n{extra}Connection: close\r\n\r\n"
        head, _, body = (await served.raw(request.encode())).partition(b"\r\n\r\n")
        assert b'etag: "1"' in head.lower()
        assert body == b""


async def test_who_sends_too_much_is_told_to_wait(served: Served) -> None:
    answers = [await served.http.post("/api/v1/board") for _ in range(45)]
    refused = next(answer for answer in answers if answer.status_code != 202)
    problem(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert answers[0].headers["ratelimit"].startswith('"sign_ins";r=39;')


async def test_a_store_that_is_away_is_503_and_guests_without_it_are_served(served: Served) -> None:
    gone = MongoStore("mongodb://127.0.0.1:9/?retryWrites=false", "noting", timeout_seconds=0.3)
    turn = served.turn
    shelf = RecordStore(gone, turn.clock, turn.signals, lambda _: False)
    away = app_of(SERVICE, lambda: replace(turn, shelf=shelf), settings=Settings())
    async with (
        serving(gateway({"noting": away}, [SERVICE])) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client,
    ):
        answer = await client.get(NOTES, headers=served.staff())
        problem(answer, 503, "unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert (await client.get("/api/v1/board?start=2027-01-04T09:00:00Z")).status_code == 200
    await gone.close()


async def test_generated_requests_meet_no_answer_outside_the_description(served: Served) -> None:
    union = union_openapi([SERVICE])
    # How a service is needs a process around it: `tests/integration/api` asks for that.
    for path in [path for path in union["paths"] if "broken" in path or "/operations/" in path]:
        del union["paths"][path]
    schema = schemathesis.openapi.from_dict(union)
    checks = (not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance)
    base, staff = f"http://127.0.0.1:{served.port}", served.staff()

    def attack() -> int:
        tried = 0
        for found in schema.get_all_operations():
            operation = found.ok()

            @given(case=operation.as_strategy())
            @hypothesis_settings(
                max_examples=40, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            def once(case: schemathesis.Case) -> None:
                nonlocal tried
                tried += 1
                case.validate_response(case.call(base_url=base, headers=staff), checks=list(checks))

            once()
        return tried

    assert await asyncio.to_thread(attack) >= 200


async def test_the_description_is_served_as_one_document(served: Served) -> None:
    answer = await served.http.get("/api/v1/openapi.json")
    assert json.loads(answer.content)["paths"].keys() == union_openapi([SERVICE])["paths"].keys()
