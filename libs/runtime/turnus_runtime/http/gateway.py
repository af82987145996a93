"""The embedded gateway: every service behind one address, as a real gateway's prefix routes would have it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from turnus_runtime.http.app import PREFIX
from turnus_runtime.http.edge import SECURITY, Edge, lifespan
from turnus_runtime.http.exchange import Exchange
from turnus_runtime.http.pages import PAGE_SECURITY, asset, documentation, explanation
from turnus_runtime.http.problems import METHOD_NOT_ALLOWED, NOT_FOUND
from turnus_runtime.http.union import Description, description, kept_description
from turnus_runtime.service import Service


def gateway(
    apps: Mapping[str, ASGIApp],
    services: Sequence[Service],
    *,
    mounts: Mapping[str, ASGIApp] | None = None,
    api_file: str = "",
) -> ASGIApp:
    """One ASGI app for all services.

    `/api/v1/<resource>/…` goes to the app (by service name) that owns the resource, `/api/v1/openapi.json`,
    `/api/docs` and `/problems/<code>` are served here, `mounts` (`{"/mailbox": app}`) by their prefix, which the app
    sees as `root_path`, and everything else by the app `web`. `api_file`: see `shared_pages`.
    """
    owners = {
        resource: apps[service.name] for service in services if service.name in apps for resource in service.resources
    }
    shared = shared_pages(services, api_file)

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
        first, _, rest = path.removeprefix(f"{PREFIX}/").partition("/")
        return owners.get(f"{first}/{rest.partition('/')[0]}") or owners.get(first, shared)
    if web is None or path == "/api" or path.startswith(("/api/", "/problems/")):
        return shared
    return web


def shared_pages(services: Sequence[Service], api_file: str = "") -> ASGIApp:
    """What belongs to no single service: the union's OpenAPI, its viewer, the pages that explain problems; else 404.

    They tell of `services`, or with `api_file` of whatever that file tells (`Service.api_file`).
    """

    @cache
    def told() -> Description:
        return kept_description(api_file) if api_file else description(services)

    def route(_: Exchange, scope: Scope) -> ASGIApp:
        request = Request(scope)
        made = _page(scope["path"], request, told)
        if made is None:
            raise NOT_FOUND
        if scope["method"] != "GET":
            raise METHOD_NOT_ALLOWED(headers={"Allow": "GET, HEAD"})
        return made

    return Edge(route=route, name="gateway", secure=SECURITY)


def _page(path: str, request: Request, told: Callable[[], Description]) -> Response | None:
    if path == f"{PREFIX}/openapi.json":
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-cache"}
        return Response(told().openapi, media_type="application/json", headers=headers)
    if path in {"/api/docs", "/api/docs/"}:
        return HTMLResponse(documentation(), headers=dict(PAGE_SECURITY))
    if path.startswith("/api/docs/"):
        return asset(path.removeprefix("/api/docs/"))
    if path.startswith("/problems/"):
        kind = told().kinds.get(path.removeprefix("/problems/"))
        if kind is None:
            return None
        page = explanation(kind, request.headers.get("accept-language", ""))
        return HTMLResponse(page, headers={**PAGE_SECURITY, "Vary": "Accept-Language"})
    return None
