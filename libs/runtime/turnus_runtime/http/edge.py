"""The edge of an app: what every request and answer gets, whichever route it reaches, and whatever goes wrong."""

import asyncio
import logging
import re
import secrets
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from pathlib import Path

import structlog
from opentelemetry.trace import SpanKind
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from turnus_runtime import telemetry
from turnus_runtime.http.answers import etag_named
from turnus_runtime.http.exchange import LARGEST_BODY, Exchange, Surroundings
from turnus_runtime.http.problems import INTERNAL_ERROR, NOT_FOUND, TOO_LARGE, Problem, ProblemResponse
from turnus_runtime.http.routing import Endpoint

log = structlog.stdlib.get_logger("turnus.http")
_root = logging.getLogger()

EXPOSED = (
    "ETag, Location, Retry-After, RateLimit, RateLimit-Policy, X-Request-Id, Idempotency-Replayed, Preference-Applied"
)
SLOW_SECONDS = 1.0
"""A read that took longer has a line in the log although it went well."""
LINGERS_SECONDS = 2.0
"""How long a client that is refused in the middle of its body may go on sending."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,128}")
_LENGTH = re.compile(r"\d{1,18}", re.ASCII)
SECURITY: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}

Route = Callable[[Exchange, Scope], Endpoint | ASGIApp | None]
"""Finds who answers: the endpoint (then the app runs), or an app that answers at once; raises `Problem`s."""


class Edge:
    """Wraps an ASGI app: request id, trace, log, HEAD, 304, security headers, and a problem for whatever is raised.

    `secure` are headers that every answer gets unless it has them.
    """

    def __init__(
        self,
        app: ASGIApp | None = None,
        *,
        name: str,
        around: Surroundings | None = None,
        route: Route | None = None,
        secure: Mapping[str, str] = SECURITY,
    ) -> None:
        self.app = app
        self.name = name
        self.around = around
        self.route = route
        self.secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        at = Exchange(_request_id(headers), self.around)
        scope = dict(scope)
        at.put_into(scope)
        began = time.perf_counter()
        serving = telemetry.serving.set(self.name)
        # The span is named before the route is known to FastAPI, so the edge's own table of routes says the template.
        with (
            bound_contextvars(request_id=at.request_id),
            telemetry.continued(headers.get("traceparent", "")),
            telemetry.span(f"HTTP {scope['method']}", kind=SpanKind.SERVER) as span,
        ):
            at.headers["traceparent"] = telemetry.current_traceparent()
            sender = _Sender(_lingering(receive, send), at, scope["method"], headers, self.secure)
            status = await self._answer(at, scope, receive, sender)
            template = at.endpoint.template if at.endpoint else "-"
            span.update_name(f"{sender.method} {template}")
            span.set_attribute("http.request.method", sender.method)
            span.set_attribute("http.route", template)
            span.set_attribute("http.response.status_code", status)
            seconds = time.perf_counter() - began
            telemetry.observe_http(sender.method, template, status, seconds)
            self._say(sender.method, template, status, seconds)
        telemetry.serving.reset(serving)

    def _say(self, method: str, template: str, status: int, seconds: float) -> None:
        quiet = _is_quiet(method, status, seconds)
        if quiet and not _root.isEnabledFor(logging.DEBUG):
            return  # to be told by the logger that it will not be written costs more than many a read does
        say = log.debug if quiet else log.info
        say("request", service=self.name, method=method, route=template, status=status, ms=round(seconds * 1000, 1))

    async def _answer(self, at: Exchange, scope: Scope, receive: Receive, send: "_Sender") -> int:
        try:
            await self._run(at, scope, receive, send)
        except Problem as problem:
            await _refuse(problem, at, scope, receive, send)
        except ClientDisconnect:
            return send.status or 499
        except Exception as error:  # noqa: BLE001 - whatever it is, the client learns its id in the log and no more
            # Messages and local variables may name people, so the log gets the place and the type.
            log.error("request failed", service=self.name, error=type(error).__qualname__, at=_frames(error))  # noqa: TRY400
            await _refuse(INTERNAL_ERROR(), at, scope, receive, send)
        return send.status or 499

    async def _run(self, at: Exchange, scope: Scope, receive: Receive, send: "_Sender") -> None:
        length = Headers(scope=scope).get("content-length")
        if length is not None and (not _LENGTH.fullmatch(length) or int(length) > LARGEST_BODY):
            raise TOO_LARGE(headers={"Connection": "close"})
        if scope["method"] == "HEAD":
            scope["method"] = "GET"
        chosen = self.route(at, scope) if self.route else None
        app = self.app if chosen is None or isinstance(chosen, Endpoint) else chosen
        if app is None:
            raise NOT_FOUND
        await app(scope, receive, send)


def _is_quiet(method: str, status: int, seconds: float) -> bool:
    """Whether a line would say nothing that the figures do not: a read that went well, and not slowly."""
    return method in {"GET", "HEAD"} and status < 400 and seconds < SLOW_SECONDS


def _frames(error: Exception) -> list[str]:
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]


async def _refuse(problem: Problem, at: Exchange, scope: Scope, receive: Receive, send: "_Sender") -> None:
    if not send.status:
        with suppress(ClientDisconnect):
            await ProblemResponse(problem, at.request_id).build()(scope, receive, send)


def _lingering(receive: Receive, send: Send) -> Send:
    """Sends an answer at once; if it ends the connection, that waits until the client has stopped sending.

    A socket closed with bytes unread is reset, and the reset may destroy the answer before the client has read it
    (RFC 9112, section 9.6).
    """
    ends = False

    async def sent(message: Message) -> None:
        nonlocal ends
        if message["type"] == "http.response.start":
            ends = Headers(raw=message["headers"]).get("connection") == "close"
        elif ends and not message.get("more_body"):
            await send({**message, "more_body": True})
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGERS_SECONDS):
                    while (await receive()).get("more_body"):
                        pass
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    return sent


class _Sender:
    """Sends the answer with the headers that every answer has; turns it into 304 or strips the body where due."""

    def __init__(self, send: Send, at: Exchange, method: str, headers: Headers, secure: Mapping[str, str]) -> None:
        self._send = send
        self._at = at
        self._secure = secure
        self.method = method
        self._if_none_match = headers.get("if-none-match", "")
        self.status = 0
        self._empty = method == "HEAD"

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            message = self._start(message)
        elif message["type"] == "http.response.body" and self._empty:
            message = {**message, "body": b""}
        await self._send(message)

    def _start(self, message: Message) -> Message:
        headers = MutableHeaders(raw=list(message.get("headers", [])))
        self.status = message["status"]
        tag = headers.get("etag")
        if (
            self.status == 200
            and tag
            and self._if_none_match
            and self.method in {"GET", "HEAD"}
            and etag_named(self._if_none_match, tag)
        ):
            self.status = 304
            self._empty = True
            for name in ("content-length", "content-type"):
                del headers[name]
        for name, value in self._everywhere(headers).items():
            headers.setdefault(name, value)
        return {**message, "status": self.status, "headers": headers.raw}

    def _everywhere(self, headers: MutableHeaders) -> dict[str, str]:
        guest = self._at.endpoint is not None and self._at.endpoint.guest
        told = {"X-Request-Id": self._at.request_id, **self._at.headers, **self._secure}
        told["Cache-Control"] = "no-cache" if "etag" in headers and guest else "no-store"
        if "etag" in headers and not guest:
            told["Cache-Control"] = "private, no-cache"
        if guest:
            told |= {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
        return told


def _request_id(headers: Headers) -> str:
    given = headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(16)


async def lifespan(receive: Receive, send: Send) -> None:
    """Answer a server's lifespan messages: apps here have nothing to start, their hosts do."""
    steps: Mapping[str, Callable[[], Awaitable[None]]] = {
        "lifespan.startup": lambda: send({"type": "lifespan.startup.complete"}),
        "lifespan.shutdown": lambda: send({"type": "lifespan.shutdown.complete"}),
    }
    while True:
        message = await receive()
        await steps[message["type"]]()
        if message["type"] == "lifespan.shutdown":
            return
