"""What is generated from the tables that run: JSON Schemas, AsyncAPI, OpenAPI, `docs/saga.md`, the event matrix.

`turnus schemas` writes it, `turnus schemas --check` says what is not current. Neither lets a breaking change of a
contract pass: the golden schema in `libs/contracts/schemas` is what consumers were promised.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from turnus_contracts import EVENTS
from turnus_runtime.http import description_to_keep, union_openapi
from turnus_runtime.schemas.asyncapi import asyncapi
from turnus_runtime.schemas.compatibility import breaking_changes
from turnus_runtime.schemas.contracts import schema_of
from turnus_runtime.schemas.pages import event_matrix, saga
from turnus_runtime.service import Service

GOLDEN = Path("libs/contracts/schemas")


def run(services: Sequence[Service], *, check: bool, root: Path | None = None) -> int:
    """Write everything below `root` (the checkout), or with `check` only compare; 1 if something is wrong."""
    top = root or Path.cwd()
    broken = _broken_promises(top)
    for line in broken:
        print(line, file=sys.stderr)
    if broken:
        return 1
    wrong = 0
    for path, text in generated(services).items():
        target = top / path
        if target.exists() and target.read_text() == text:
            continue
        if check:
            print(f"{path} is not current: run `make schemas`", file=sys.stderr)
            wrong = 1
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
            print(path)
    return wrong


def _broken_promises(top: Path) -> list[str]:
    """What the golden schemas promise and the contracts do not keep."""
    said = {event.topic(): event for event in EVENTS}
    found: list[str] = []
    for golden in sorted((top / GOLDEN).glob("*.json")):
        event = said.get(golden.stem)
        if event is None:
            found.append(f"{golden.stem}: it is no longer said: delete {GOLDEN / golden.name} once no group reads it")
            continue
        changes = breaking_changes(json.loads(golden.read_text()), schema_of(event))
        found += [f"{golden.stem}: {change}: publish it as a new class and topic" for change in changes]
    return found


def generated(services: Sequence[Service]) -> Mapping[str, str]:
    """Path in the checkout -> content, of every generated file."""
    files = {f"{GOLDEN}/{event.topic()}.json": _json(schema_of(event)) for event in EVENTS}
    files["docs/asyncapi/turnus.json"] = _json(asyncapi(services))
    files["docs/openapi.json"] = _json(union_openapi(services))
    files["docs/event-matrix.md"] = event_matrix(services)
    files["docs/saga.md"] = saga(services)
    for service in services:
        if service.api_file:
            files[service.api_file] = _json(description_to_keep(services))
    return files


def _json(document: object) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
