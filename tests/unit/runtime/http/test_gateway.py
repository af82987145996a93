"""One address for all services: dispatch, the union's description, and the pages of the API itself."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from jsonschema import Draft202012Validator
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from tests.unit.runtime.http.conftest import World
from tests.unit.runtime.http.notes import SERVICE
from tests.unit.runtime.http.problem import problem
from turnus_runtime.http import Answer, Problem, app_of, gateway, guest, pages_of, union_openapi
from turnus_runtime.http.problems import KINDS
from turnus_runtime.service import Service
from turnus_runtime.settings import Settings


class NoteView(Answer):
    """The same name as one of the notes service's, and another shape."""

    other: int


def other_service(name: str = "othering", resource: str = "others") -> Service:
    router = APIRouter()

    @router.get(f"/{resource}", dependencies=[guest()])
    async def list_others() -> NoteView:
        return NoteView(other=1)

    return Service(name=name, summary="Others", resources=(resource,), routes=router)


async def mailbox(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse(f"{scope['root_path']} {scope['path']}")(scope, receive, send)


def web(world: World) -> Any:
    router = APIRouter()

    @router.get("/{anything:path}")
    async def page(anything: str) -> Response:
        if anything == "gone":
            raise KINDS["not_found"]
        return PlainTextResponse(f"page {anything}")

    def refusal(request: HttpRequest, refused: Problem) -> Response:
        return PlainTextResponse(f"sorry: {refused.title}", status_code=refused.status)

    service = Service(name="web", summary="Pages", routes=router)
    return pages_of(service, world.turn, refusal, settings=Settings())


@pytest.fixture
async def front(world: World) -> AsyncIterator[httpx.AsyncClient]:
    other = other_service()
    app = gateway(
        {"noting": world.app, "othering": app_of(other, world.turn, settings=Settings()), "web": web(world)},
        [SERVICE, other, Service(name="web", summary="Pages")],
        mounts={"/mailbox": mailbox},
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        yield client


async def test_the_first_segment_says_which_service_answers(front: httpx.AsyncClient, world: World) -> None:
    assert (await front.get("/api/v1/notes", headers=world.staff())).json() == {"items": [], "next": None}
    assert (await front.get("/api/v1/others")).json() == {"other": 1}
    assert (await front.get("/mailbox/1")).text == "/mailbox /mailbox/1"
    assert (await front.get("/demo/beratung")).text == "page demo/beratung"
    assert (await front.get("/apiary")).text == "page apiary"
    assert (await front.get("/mailboxes")).text == "page mailboxes"


@pytest.mark.parametrize(
    "path",
    ["/api", "/api/", "/api/v2/notes", "/api/v1", "/api/v1/unknown", "/api/v1/notes2", "/problems/unknown",
     "/problems/", "/api/docs/x.js", "/api/docs/%2e%2e/gateway.py", "/api/docs/viewer.py"],
)  # fmt: skip
async def test_an_address_of_the_api_that_nobody_owns_is_a_problem(front: httpx.AsyncClient, path: str) -> None:
    problem(await front.get(path), 404, "not_found")


async def test_the_pages_of_the_api_are_only_read(front: httpx.AsyncClient) -> None:
    answer = await front.post("/api/v1/openapi.json")
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD"


async def test_pages_show_problems_their_own_way_and_have_the_common_headers(front: httpx.AsyncClient) -> None:
    answer = await front.get("/gone")
    assert (answer.status_code, answer.text) == (404, "sorry: There is nothing here")
    assert answer.headers["x-request-id"]
    assert "content-security-policy" not in answer.headers
    assert (await front.get("/any?utm_source=x")).status_code == 200
    assert (await front.post("/any")).text == "sorry: This address does not take that method"


async def test_the_union_describes_every_operation_with_prefixed_names(front: httpx.AsyncClient) -> None:
    union = (await front.get("/api/v1/openapi.json")).json()
    assert union["openapi"].startswith("3.1")
    operations = {path for path in union["paths"] if path.startswith("/api/v1/operations/")}
    assert operations == {
        f"/api/v1/operations/{name}{rest}"
        for name in ("noting", "othering")
        for rest in ("", "/dead-letters", "/dead-letters/{letter_id}/replay")
    }
    assert set(union["paths"]) - operations == {
        "/api/v1/notes", "/api/v1/notes/{note_id}", "/api/v1/notes/{note_id}/text", "/api/v1/notes/{note_id}/lock",
        "/api/v1/board", "/api/v1/board/who", "/api/v1/board/own", "/api/v1/board/broken/{how}", "/api/v1/board/holes",
        "/api/v1/others",
    }  # fmt: skip
    schemas = union["components"]["schemas"]
    assert {"noting_NoteView", "othering_NoteView", "noting_NewNote", "noting_Rolling", "Problem", "FieldError"} <= set(
        schemas
    )
    for reference in references(union):
        assert reference.removeprefix("#/components/schemas/") in schemas
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def references(node: Any) -> set[str]:
    if isinstance(node, list):
        return {found for item in node for found in references(item)}
    if not isinstance(node, dict):
        return set()
    own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
    return own | {found for value in node.values() for found in references(value)}


def test_every_operation_documents_its_body_its_credentials_and_all_its_problems() -> None:
    paths = union_openapi([SERVICE])["paths"]
    post, get = paths["/api/v1/notes"]["post"], paths["/api/v1/board"]["get"]
    assert post["operationId"] == "noting_create_note"
    assert post["requestBody"] == {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/noting_NewNote"}}},
    }
    assert not paths["/api/v1/board"]["post"]["requestBody"]["required"]
    assert post["security"] == [{"bearer": []}]
    assert set(post["responses"]) == {"201", "400", "401", "403", "406", "413", "415", "422", "429", "500", "503"}
    assert post["responses"]["422"]["x-problem-codes"] == ["idempotency_key_reused", "validation_failed"]
    assert set(paths["/api/v1/notes/{note_id}"]["patch"]["responses"]) >= {"404", "409", "412"}
    assert "security" not in get
    assert get["x-guest"]
    documented = json.dumps(paths)
    assert "HTTPValidationError" not in documented
    for item in paths.values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"]
                    assert set(response["x-problem-codes"]) <= set(KINDS)


def test_two_services_with_the_same_path_are_an_error() -> None:
    with pytest.raises(ValueError, match="/api/v1/others"):
        union_openapi([other_service(), other_service("thirding")])


def test_two_components_of_one_name_and_different_shape_are_an_error() -> None:
    # A service named `a` with `b_NoteView` meets a service `a_b` with `NoteView`.
    class b_NoteView(Answer):  # noqa: N801
        mine: str

    router = APIRouter()

    @router.get("/mine")
    async def mine() -> b_NoteView:
        return b_NoteView(mine="")

    with pytest.raises(ValueError, match="a_b_NoteView"):
        union_openapi([Service(name="a", summary="", resources=("mine",), routes=router), other_service("a_b")])


def test_a_route_under_a_resource_of_another_service_is_an_error(world: World) -> None:
    with pytest.raises(ValueError, match="no such resource"):
        app_of(replace(SERVICE, resources=("notes",)), world.turn, settings=Settings())


async def test_the_documentation_needs_no_other_host(front: httpx.AsyncClient) -> None:
    page = await front.get("/api/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for name, kind in (("viewer.js", "text/javascript"), ("viewer.css", "text/css")):
        assert f'"/api/docs/{name}"' in page.text
        asset = await front.get(f"/api/docs/{name}")
        assert asset.headers["content-type"].startswith(kind)
        assert "//" not in asset.text.replace("// ", "")
    assert "http" not in page.text


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9", "de"),
        ("en-GB,de;q=0.8", "en"),
        ("de;q=0.3, en;q=0.5", "en"),
        ("fr", "en"),
        ("de;q=0", "en"),
    ],
)
async def test_every_code_has_a_page_in_german_and_english(
    front: httpx.AsyncClient, accept: str, language: str
) -> None:
    for code, declared in KINDS.items():
        page = await front.get(f"/problems/{code}", headers={"Accept-Language": accept})
        assert page.status_code == 200
        assert f'<html lang="{language}">' in page.text
        assert getattr(declared.kind, language).split(".")[0].split(" ")[0] in page.text
        assert page.headers["vary"] == "Accept-Language"
