"""One service's HTTP app: its routes under `/api/v1`, with every convention of the API around them."""

from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from turnus_runtime.closing import ServiceClosed
from turnus_runtime.credentials import KeyRing
from turnus_runtime.http.again import Again
from turnus_runtime.http.edge import SECURITY, Edge
from turnus_runtime.http.exchange import Exchange, Surroundings, exchange, no_body_expected
from turnus_runtime.http.limits import RateLimiter
from turnus_runtime.http.messages import validation_problem
from turnus_runtime.http.openapi import openapi_of
from turnus_runtime.http.problems import (
    CLOSED,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    UNAVAILABLE,
    Problem,
    ProblemResponse,
)
from turnus_runtime.http.routing import Endpoint, acceptable, check_query, endpoints
from turnus_runtime.http.version import version_here
from turnus_runtime.ports import BrokerUnavailable, StoreUnavailable
from turnus_runtime.service import Service
from turnus_runtime.settings import Settings, load
from turnus_runtime.turn import Turn
from turnus_runtime.watch import Watch

PREFIX = "/api/v1"
ALLOWED_HEADERS = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer, X-Request-Id, traceparent"
)


Refusal = Callable[[Request, Problem], Response]
"""How pages show a problem to a person."""


class App:
    """The ASGI app of one service. `openapi()` is its own description, component names not yet prefixed."""

    def __init__(self, service: Service, around: Surroundings) -> None:
        self.service = service
        self.fastapi = _fastapi(service)
        self.keys = around.keys
        self._endpoints = endpoints(self.fastapi)
        self._edge = Edge(self.fastapi, name=service.name, around=around, route=self._route)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._edge(scope, receive, send)

    def openapi(self) -> dict[str, Any]:
        """The OpenAPI 3.1 document of this service."""
        return openapi_of(self.service, self.fastapi, self._endpoints)

    def _route(self, at: Exchange, scope: Scope) -> Endpoint | ASGIApp:
        path: str = scope["path"]
        if any(letter < " " or letter in "\x7f�" for letter in path):
            raise NOT_FOUND
        there = [endpoint for endpoint in self._endpoints if endpoint.pattern.match(path)]
        if not there:
            raise NOT_FOUND
        if scope["method"] == "OPTIONS":
            return _options(there, Headers(scope=scope))
        chosen = next((endpoint for endpoint in there if scope["method"] in endpoint.methods), None)
        at.endpoint = chosen
        if chosen is None:
            raise METHOD_NOT_ALLOWED(headers={"Allow": _allow(there)})
        accept = ",".join(Headers(scope=scope).getlist("accept"))
        if accept and not acceptable(accept, chosen.media_type):
            raise NOT_ACCEPTABLE(f"This is answered as {chosen.media_type}.")
        if chosen.again is not None and chosen.again.known(scope):
            return _answered_again(at, chosen, chosen.again)
        check_query(scope["query_string"], chosen.query)
        return chosen


def app_of(
    service: Service,
    turn: Callable[[], Turn],
    *,
    settings: Settings | None = None,
    limiter: RateLimiter | None = None,
    watch: Watch | None = None,
) -> App:
    """The app of `service`: `service.routes` under `/api/v1`.

    `turn` makes the turn of one request; `settings` default to the service's own from the environment; without a
    `limiter` nothing is limited; without a `watch` it does not tell how it is (503).
    """
    return App(
        service,
        Surroundings(service.name, turn, settings or load(service.settings), limiter, KeyRing(), watch),
    )


def pages_of(
    service: Service,
    turn: Callable[[], Turn],
    refusal: Refusal,
    *,
    settings: Settings | None = None,
    limiter: RateLimiter | None = None,
) -> Edge:
    """The app of a service that owns pages instead of resources: its routes from the root, for browsers.

    It gets request ids, traces, log lines, HEAD, limits and `refusal` for whatever is raised, also where no route is;
    not the API's strictness about queries, bodies and Accept, and no Content-Security-Policy: pages have their own.
    """
    if service.routes is None:
        raise ValueError(f"{service.name} has no routes")

    async def refuse(request: Request, error: Exception) -> Response:
        return refusal(request, _as_problem(error))

    app = FastAPI(
        title=service.name,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=dict.fromkeys(_HANDLERS, refuse),
    )
    app.include_router(service.routes)
    known = endpoints(app)

    def route(at: Exchange, scope: Scope) -> None:
        there = (one for one in known if scope["method"] in one.methods and one.pattern.match(scope["path"]))
        at.endpoint = next(there, None)

    around = Surroundings(service.name, turn, settings or load(service.settings), limiter, KeyRing())
    secure = {name: value for name, value in SECURITY.items() if name != "Content-Security-Policy"}
    return Edge(app, name=service.name, around=around, route=route, secure=secure)


def _fastapi(service: Service) -> FastAPI:
    app = FastAPI(
        title=f"Turnus: {service.name}",
        summary=service.summary,
        version=version_here(),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=_HANDLERS,
        generate_unique_id_function=_operation_id,
    )
    if service.routes is not None:
        _refuse_foreign(service, service.routes)
        app.include_router(service.routes, prefix=PREFIX, dependencies=[Depends(_no_stray_body)])
    return app


def described(service: Service) -> dict[str, Any]:
    """The OpenAPI 3.1 document of a service, without running it; component names are not yet prefixed."""
    app = _fastapi(service)
    return openapi_of(service, app, endpoints(app))


def _refuse_foreign(service: Service, routes: APIRouter) -> None:
    """Each resource belongs to one service: the gateway sends it nowhere else."""
    probe = FastAPI()
    probe.include_router(routes)
    for endpoint in endpoints(probe):
        if not any(f"{endpoint.template}/".startswith(f"/{resource}/") for resource in service.resources):
            raise ValueError(f"{service.name} has a route {endpoint.template} but no such resource")


def _operation_id(route: APIRoute) -> str:
    return route.name


def _allow(there: Sequence[Endpoint]) -> str:
    methods = {method for endpoint in there for method in endpoint.methods} | {"OPTIONS"}
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))


def _options(there: Sequence[Endpoint], headers: Headers) -> ASGIApp:
    """204 with Allow; for a browser's preflight (Fetch, 4.8) of a guest route also what other pages may send."""
    told = {"Allow": _allow(there)}
    wanted = headers.get("access-control-request-method")
    if wanted and any(endpoint.guest and wanted in endpoint.methods for endpoint in there):
        told |= {
            "Access-Control-Allow-Origin": "*",
            "Access-Control-Allow-Methods": _allow([endpoint for endpoint in there if endpoint.guest]),
            "Access-Control-Allow-Headers": ALLOWED_HEADERS,
            "Access-Control-Max-Age": "600",
        }
    return Response(status_code=204, headers=told)


def _answered_again(at: Exchange, endpoint: Endpoint, again: Again[Any]) -> ASGIApp:
    """Answers a question that was read before."""

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            if endpoint.gate is not None:
                await endpoint.gate(request)
            response = await again.answer(request, at.turn)
        except (StoreUnavailable, BrokerUnavailable) as error:
            raise _as_problem(error) from error
        await response(scope, receive, send)

    return answered


async def _no_stray_body(request: Request) -> None:
    at = exchange(request)
    if at.endpoint is not None and at.endpoint.body is None and request.method not in {"GET", "HEAD"}:
        no_body_expected(await at.tree(request))


async def _problem(request: Request, error: Exception) -> Response:
    return ProblemResponse(_as_problem(error), exchange(request).request_id).build()


def _as_problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, RequestValidationError):
        # The first part of a location says where from: query, path, header.
        return validation_problem({**found, "loc": found["loc"][1:]} for found in error.errors())
    if isinstance(error, HTTPException) and error.status_code == 405:
        return METHOD_NOT_ALLOWED(headers=error.headers)
    if isinstance(error, HTTPException) and error.status_code == 404:
        return NOT_FOUND()
    if isinstance(error, StoreUnavailable | BrokerUnavailable):
        kind, seconds = (CLOSED, "30") if isinstance(error, ServiceClosed) else (UNAVAILABLE, "1")
        return kind(headers={"Retry-After": seconds})
    return INTERNAL_ERROR()


_HANDLERS: dict[int | type[Exception], Any] = {
    Problem: _problem,
    RequestValidationError: _problem,
    HTTPException: _problem,
    StoreUnavailable: _problem,
    BrokerUnavailable: _problem,
    # Starlette answers with this and raises the error on to the edge, which logs it.
    Exception: _problem,
}
