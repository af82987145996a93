"""Requests generated from the union OpenAPI meet no 5xx and no answer that it does not describe.

Three rounds: staff on things that exist, staff on things that do not, and nobody in particular. Only the first one goes
through every boundary of every field (schemathesis's phase "coverage"): the others end at the id or the credentials.
Deterministic: a fixed seed and no database of examples.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from tests.integration.api.conftest import Api, started
from tests.integration.api.things import Things, things
from turnus_runtime.embedded import Endpoints
from turnus_runtime.listening import listening

pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
)
SEED = 20270301


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def attacked(embedded_servers: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """A system of its own: what is generated need not keep to one workspace."""
    async with started(embedded_servers, tmp_path_factory) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def known(attacked: Api) -> Things:
    made = await things(attacked, "known")
    # Requests end this session; the one that they are sent with must go on.
    other = {"workspace": made.office.slug, "email": f"owner@{made.office.slug}.example.org"}
    session = await attacked.call("POST", "/sessions", {**other, "password": "correct horse battery staple"})
    made.ids["session_id"] = session["id"]
    return made


def attack(
    url: str, headers: Mapping[str, str], parameters: Mapping[str, str], *, boundaries: bool
) -> tuple[int, set[str], list[str]]:
    """How many requests were sent, to which operations, and what was wrong with which answers."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": SEED,
            "base-url": url,
            "headers": dict(headers),
            "parameters": dict(parameters),
            "continue-on-failure": True,
            "request-timeout": 40.0,
            "checks": {"enabled": False, **{name: {"enabled": True} for name in CHECKS}},
            "generation": {
                "max-examples": 3 if boundaries else 9,
                "deterministic": True,
                "database": "none",
                "no-shrink": True,
            },
            "phases": {"stateful": {"enabled": False}, "coverage": {"enabled": boundaries}},
        }
    )
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json", config=config)
    sent, seen, wrong = 0, set[str](), list[str]()
    for said in from_schema(schema).execute():
        if isinstance(said, events.NonFatalError | events.FatalError):
            wrong.append(f"error: {said!r} {getattr(said, 'value', '')} {getattr(said, 'exception', '')}")
        if isinstance(said, events.ScenarioFinished):
            sent += len(said.recorder.interactions)
            seen.add(said.recorder.label)
            wrong += _failures(said)
    return sent, seen, wrong


def _failures(said: events.ScenarioFinished) -> list[str]:
    found: list[str] = []
    for case_id, checks in said.recorder.checks.items():
        for check in checks:
            if check.failure_info is None:
                continue
            sent = said.recorder.interactions[case_id]
            answer = sent.response
            told = f"{answer.status_code} {answer.content[:300]!r}" if answer is not None else "no answer"
            request = f"{sent.request.method} {sent.request.uri} {(sent.request.body or b'')[:300]!r}"
            found.append(f"{said.recorder.label} [{check.name}] {request} -> {told}: {check.failure_info.failure}")
    return found


@pytest.mark.parametrize("who", ["staff on what exists", "staff on what does not", "nobody"])
async def test_generated_requests_meet_no_answer_outside_the_description(
    attacked: Api, known: Things, who: str
) -> None:
    known_ids = who == "staff on what exists"
    headers = {} if who == "nobody" else known.office.staff
    ids: dict[str, Any] = {f"path.{name}": one for name, one in known.ids.items()}
    async with listening(attacked.system.process.app(), "127.0.0.1", 0) as port:
        # A well-formed id that nobody has heard of is waited for as long as a request prefers: not here.
        given = {"header.Prefer": "wait=0"} | (ids if known_ids else {})
        sent, seen, wrong = await asyncio.to_thread(
            attack, f"http://127.0.0.1:{port}", headers, given, boundaries=known_ids
        )
    assert len(seen) >= 49, seen
    assert sent >= (1000 if known_ids else 300)
    assert wrong == [], "\n\n".join(wrong[:40])
