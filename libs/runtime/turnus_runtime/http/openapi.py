"""OpenAPI 3.1 of one service: what FastAPI finds, plus what the conventions add to every operation."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from turnus_runtime.http.gates import (
    CREDENTIAL_EXPIRED,
    CREDENTIAL_INVALID,
    CREDENTIAL_MISSING,
    CREDENTIAL_REVOKED,
    FORBIDDEN,
    KEYS_UNKNOWN,
    bearer,
)
from turnus_runtime.http.params import if_match
from turnus_runtime.http.problems import (
    INTERNAL_ERROR,
    MALFORMED_JSON,
    MEDIA_TYPE,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    RATE_LIMITED,
    STALE_VERSION,
    TOO_LARGE,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION_FAILED,
    Declared,
    ProblemDocument,
)
from turnus_runtime.http.routing import Endpoint
from turnus_runtime.service import Service

REF = "#/components/schemas/"
SHARED = frozenset({"Problem", "FieldError"})
"""Components that are the same in every service and so carry no service's name."""

Json = dict[str, Any]


def openapi_of(service: Service, app: FastAPI, endpoints: Sequence[Endpoint]) -> Json:
    """The document of one service."""
    document: Json = json.loads(json.dumps(app.openapi()))
    schemas: Json = document.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    bodies = _request_schemas(endpoints, schemas)
    schemas |= _problem_schemas()
    for endpoint in endpoints:
        for method in endpoint.methods:
            operation: Json | None = document.get("paths", {}).get(endpoint.template, {}).get(method.lower())
            if operation is not None:
                _complete(operation, service, endpoint, method, bodies)
    document["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "Session token, API key, or the token of a link"}
    }
    return document


def _complete(operation: Json, service: Service, endpoint: Endpoint, method: str, bodies: Mapping[type, Json]) -> None:
    operation["tags"] = operation.get("tags") or [endpoint.template.split("/")[3]]
    operation["operationId"] = f"{service.name}_{operation['operationId']}"
    for parameter in cast("list[Json]", operation.get("parameters", [])):
        _without_null(parameter)
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": not endpoint.body.optional,
            "content": {"application/json": {"schema": bodies[endpoint.body.model]}},
        }
    if security := _security(endpoint):
        operation["security"] = security
    if endpoint.guest:
        operation["x-guest"] = True
    responses: Json = operation.setdefault("responses", {})
    _drop_fastapis_422(responses)
    for kind in _refusals(endpoint, method):
        _document(responses, kind)
    for status, response in responses.items():
        if status.isdigit() and int(status) >= 400:
            response["content"] = {MEDIA_TYPE: {"schema": {"$ref": f"{REF}Problem"}}}


def _security(endpoint: Endpoint) -> list[Json]:
    if endpoint.staff is not None:
        return [{}, {"bearer": []}] if endpoint.staff.optional else [{"bearer": []}]
    return [{"bearer": []}] if bearer in endpoint.calls else []


def _refusals(endpoint: Endpoint, method: str) -> Iterator[type[Declared]]:
    yield from (NOT_ACCEPTABLE, TOO_LARGE, VALIDATION_FAILED, RATE_LIMITED, INTERNAL_ERROR, UNAVAILABLE)
    if method != "GET":
        yield from (MALFORMED_JSON, UNSUPPORTED_MEDIA_TYPE)
    if "{" in endpoint.template:
        yield NOT_FOUND
    if if_match in endpoint.calls:
        yield STALE_VERSION
    if endpoint.staff is not None or bearer in endpoint.calls:
        yield from (
            CREDENTIAL_MISSING,
            CREDENTIAL_INVALID,
            CREDENTIAL_EXPIRED,
            CREDENTIAL_REVOKED,
            FORBIDDEN,
            KEYS_UNKNOWN,
        )


def _document(responses: Json, declared: type[Declared]) -> None:
    kind = declared.kind
    response: Json = responses.setdefault(str(kind.status), {"description": ""})
    codes: list[str] = response.setdefault("x-problem-codes", [])
    if kind.code not in codes:
        codes.append(kind.code)
        response["description"] = "; ".join(filter(None, [response["description"], f"`{kind.code}`: {kind.title}"]))
    if kind.status in {429, 503}:
        seconds = {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 1}}
        response.setdefault("headers", {})["Retry-After"] = seconds


def _drop_fastapis_422(responses: Json) -> None:
    if "HTTPValidationError" in json.dumps(responses.get("422", {})):
        del responses["422"]


def _without_null(parameter: Json) -> None:
    """A parameter is there or not; there is no null in an address or a header."""
    schema: Json = parameter.get("schema", {})
    branches = [branch for branch in schema.pop("anyOf", []) if branch != {"type": "null"}]
    if len(branches) == 1:
        parameter["schema"] = branches[0] | schema
    elif branches:
        schema["anyOf"] = branches


def _problem_schemas() -> Json:
    schema = ProblemDocument.model_json_schema(ref_template=f"{REF}{{model}}")
    nested: Json = schema.pop("$defs", {})
    return {"Problem": schema | {"title": "Problem"}, **nested}


def _request_schemas(endpoints: Sequence[Endpoint], schemas: Json) -> dict[type, Json]:
    """Add the models of all bodies to `schemas`; returns how each is referred to.

    What is answered under the same name with another shape (defaults are not required in a request) gets `Input`.
    """
    models = list({endpoint.body.model: None for endpoint in endpoints if endpoint.body is not None})
    if not models:
        return {}
    refs, found = models_json_schema([(model, "validation") for model in models], ref_template=f"{REF}{{model}}")
    definitions: Json = found.get("$defs", {})
    renamed: dict[str, str] = {}
    while clash := next(
        (
            name
            for name, schema in definitions.items()
            if name not in renamed and name in schemas and with_refs(schema, renamed) != schemas[name]
        ),
        None,
    ):
        renamed[clash] = f"{clash}Input"
    for name, schema in definitions.items():
        schemas[renamed.get(name, name)] = with_refs(schema, renamed)
    return {model: with_refs(refs[model, "validation"], renamed) for model in models}


def with_refs(node: Any, renamed: Mapping[str, str]) -> Any:
    """A copy of `node` in which references to renamed components point to their new names."""
    if isinstance(node, list):
        return [with_refs(item, renamed) for item in cast("list[Any]", node)]
    if not isinstance(node, dict):
        return node
    copy = {name: with_refs(value, renamed) for name, value in cast("Json", node).items()}
    reference = copy.get("$ref")
    if isinstance(reference, str) and reference.startswith(REF):
        name = reference.removeprefix(REF)
        copy["$ref"] = REF + renamed.get(name, name)
    return copy
