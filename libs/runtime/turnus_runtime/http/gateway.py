"""The embedded gateway: every service behind one address, as a real gateway's prefix routes would have it."""

import json
from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from turnus_runtime.http.app import PREFIX, described
from turnus_runtime.http.edge import SECURITY, Edge, lifespan
from turnus_runtime.http.exchange import Exchange
from turnus_runtime.http.openapi import SHARED, with_refs
from turnus_runtime.http.pages import PAGE_SECURITY, asset, documentation, explanation
from turnus_runtime.http.problems import METHOD_NOT_ALLOWED, NOT_FOUND
from turnus_runtime.service import Service


def gateway(
    apps: Mapping[str, ASGIApp],
    services: Sequence[Service],
    *,
    mounts: Mapping[str, ASGIApp] | None = None,
) -> ASGIApp:
    """One ASGI app for all services.

    `/api/v1/<resource>/…` goes to the app (by service name) that owns the resource, `/api/v1/openapi.json`,
    `/api/docs` and `/problems/<code>` are served here, `mounts` (`{"/mailbox": app}`) by their prefix, which the app
    sees as `root_path`, and everything else by the app `web`.
    """
    owners = {
        resource: apps[service.name] for service in services if service.name in apps for resource in service.resources
    }
    shared = shared_pages(services)

    async def dispatch(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        path: str = scope.get("path", "/")
        for prefix, app in (mounts or {}).items():
            if path == prefix or path.startswith(f"{prefix}/"):
                await app({**scope, "root_path": scope.get("root_path", "") + prefix}, receive, send)
                return
        await _owner(path, owners, shared, apps.get("web"))(scope, receive, send)

    return dispatch


def _owner(path: str, owners: Mapping[str, ASGIApp], shared: ASGIApp, web: ASGIApp | None) -> ASGIApp:
    if path.startswith(f"{PREFIX}/"):
        return owners.get(path.removeprefix(f"{PREFIX}/").partition("/")[0], shared)
    if web is None or path == "/api" or path.startswith(("/api/", "/problems/")):
        return shared
    return web


def shared_pages(services: Sequence[Service]) -> ASGIApp:
    """What belongs to no single service: the union's OpenAPI, its viewer, the pages that explain problems; else 404."""

    @cache
    def union() -> bytes:
        return json.dumps(union_openapi(services), ensure_ascii=False, indent=1).encode()

    def route(_: Exchange, scope: Scope) -> ASGIApp:
        request = Request(scope)
        made = _page(scope["path"], request, union)
        if made is None:
            raise NOT_FOUND
        if scope["method"] != "GET":
            raise METHOD_NOT_ALLOWED(headers={"Allow": "GET, HEAD"})
        return made

    return Edge(route=route, name="gateway", secure=SECURITY)


def _page(path: str, request: Request, union: Any) -> Response | None:
    if path == f"{PREFIX}/openapi.json":
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
        return Response(union(), media_type="application/json", headers=headers)
    if path in {"/api/docs", "/api/docs/"}:
        return HTMLResponse(documentation(), headers=dict(PAGE_SECURITY))
    if path.startswith("/api/docs/"):
        return asset(path.removeprefix("/api/docs/"))
    if path.startswith("/problems/"):
        page = explanation(path.removeprefix("/problems/"), request.headers.get("accept-language", ""))
        return None if page is None else HTMLResponse(page, headers={**PAGE_SECURITY, "Vary": "Accept-Language"})
    return None


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
    for service in services:
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
