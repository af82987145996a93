"""`config` and `workspace create`, which need no service."""

import getpass
import json
import secrets
import sys
from argparse import Namespace
from dataclasses import asdict
from typing import Any

import httpx

from turnus_runtime.cli.tables import table
from turnus_runtime.installation import OperationError, nearby
from turnus_runtime.settings import Settings, load, shown

ANSWER_SECONDS = 40.0


def config(arguments: Namespace) -> None:
    """Every setting of every installed service."""
    rows = shown()
    if arguments.json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    print(table(("setting", "value", "from", "what"), [(r.name, r.value, r.source, r.description) for r in rows]))


def create_workspace(arguments: Namespace) -> None:
    """`POST /api/v1/workspaces`; prints the answer. The password is asked for, or read from a pipe."""
    settings = load(Settings)
    url = (arguments.url or load(Settings, **nearby(settings)).api_url).rstrip("/")
    body = {
        "name": arguments.name,
        "slug": arguments.slug,
        "tz": arguments.tz,
        "locale": arguments.locale,
        "owner": {"name": arguments.owner_name, "email": arguments.owner_email, "password": _password()},
    }
    headers = {"Idempotency-Key": arguments.idempotency_key or secrets.token_urlsafe(24), "Prefer": "wait=30"}
    try:
        answer = httpx.post(f"{url}/api/v1/workspaces", json=body, headers=headers, timeout=ANSWER_SECONDS)
    except httpx.HTTPError as problem:
        raise OperationError(f"{url} does not answer ({type(problem).__name__}): is Turnus running there?") from None
    if not answer.is_success:
        raise OperationError(_refusal(answer))
    print(json.dumps(answer.json(), indent=1, ensure_ascii=False))


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass.getpass("Password of the owner: ")
    if password != getpass.getpass("Again: "):
        raise OperationError("the two passwords differ")
    return password


def _refusal(answer: httpx.Response) -> str:
    """What a problem document says, field by field."""
    try:
        problem: dict[str, Any] = answer.json()
    except ValueError:
        return f"the answer was {answer.status_code} and no JSON: is this the address of Turnus?"
    fields = "; ".join(f"{error['field']}: {error['message']}" for error in problem.get("errors", []))
    told = problem.get("detail") or problem.get("title") or answer.reason_phrase
    return f"{told} ({fields})" if fields else str(told)
