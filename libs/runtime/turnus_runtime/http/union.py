"""What the whole API says of itself: the OpenAPI of all services, and what each problem code means.

A process that runs every service makes it from their tables. One that runs a part of them cannot: an image holds the
parts of one service. So `turnus schemas` also writes it into a file of the service that shows it (`Service.api_file`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib import resources
from typing import Any

from turnus_runtime.http import problems
from turnus_runtime.http.app import described
from turnus_runtime.http.equipment import equipped
from turnus_runtime.http.openapi import SHARED, with_refs
from turnus_runtime.http.problems import KINDS, Declared, Kind
from turnus_runtime.service import Service


@dataclass(frozen=True, slots=True)
class Description:
    """The union's OpenAPI 3.1 as JSON, and the problem codes."""

    openapi: bytes
    kinds: Mapping[str, Kind]


def description(services: Sequence[Service]) -> Description:
    """What these services say, with every code that this process knows."""
    return Description(_json(union_openapi(services)), {code: known.kind for code, known in KINDS.items()})


def kept_description(api_file: str) -> Description:
    """What the installed file at this path (`package/…/name.json`) says."""
    package, _, name = api_file.rpartition("/")
    kept = json.loads(resources.files(package.replace("/", ".")).joinpath(name).read_bytes())
    return Description(_json(kept["openapi"]), {kind["code"]: Kind(**kind) for kind in kept["problems"]})


def description_to_keep(services: Sequence[Service]) -> dict[str, Any]:
    """The content of that file: the union, its problem codes, and those that any address may answer with."""
    union = union_openapi(services)
    anywhere = [one for one in vars(problems).values() if isinstance(one, type) and issubclass(one, Declared)]
    codes = {one.kind.code for one in anywhere if one is not Declared}
    for path in union["paths"].values():
        for operation in path.values():
            for answer in operation["responses"].values():
                codes.update(answer.get("x-problem-codes", ()))
    return {"problems": [asdict(KINDS[code].kind) for code in sorted(codes)], "openapi": union}


def _json(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def union_openapi(services: Sequence[Service]) -> dict[str, Any]:
    """The OpenAPI 3.1 of the whole API. Component names get their service's name in front.

    Raises `ValueError` where two services clash: in a path, an operation or a component.
    """
    union: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {
            "title": "Turnus",
            "summary": "Event-driven appointment booking: the public API",
            "version": "1",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [],
        "paths": {},
        "components": {"schemas": {}, "securitySchemes": {}},
    }
    operations: set[str] = set()
    for service in map(equipped, services):
        if service.resources and service.routes is not None:
            _join(union, service, _prefixed(described(service), service.name), operations)
    return union


def _prefixed(document: dict[str, Any], prefix: str) -> dict[str, Any]:
    schemas: dict[str, Any] = document["components"]["schemas"]
    renamed = {name: name if name in SHARED else f"{prefix}_{name}" for name in schemas}
    document = with_refs(document, renamed)
    document["components"]["schemas"] = {
        renamed[name]: schema for name, schema in document["components"]["schemas"].items()
    }
    return document


def _join(union: dict[str, Any], service: Service, document: dict[str, Any], operations: set[str]) -> None:
    union["tags"] += [{"name": resource, "description": service.summary} for resource in service.resources]
    for path, item in document.get("paths", {}).items():
        if path in union["paths"]:
            raise ValueError(f"two services have the path {path}; one is {service.name}")
        union["paths"][path] = item
        for operation in item.values():
            if operation["operationId"] in operations:
                raise ValueError(f"two operations are called {operation['operationId']}")
            operations.add(operation["operationId"])
    add = partial(_add, union["components"]["schemas"])
    for name, schema in document["components"]["schemas"].items():
        add(name, schema)
    union["components"]["securitySchemes"] |= document["components"]["securitySchemes"]


def _add(schemas: dict[str, Any], name: str, schema: dict[str, Any]) -> None:
    if schemas.setdefault(name, schema) != schema:
        raise ValueError(f"two services have a component {name} of different shape")
