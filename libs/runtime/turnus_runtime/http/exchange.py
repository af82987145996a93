"""One request and its answer: what the conventions need to know of it, kept in the ASGI scope."""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request
from starlette.types import Scope

from turnus_runtime.http.problems import TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, invalid
from turnus_runtime.http.strict import parse
from turnus_runtime.settings import Settings

if TYPE_CHECKING:
    from turnus_runtime.credentials import KeyRing
    from turnus_runtime.http.limits import RateLimiter
    from turnus_runtime.http.routing import Endpoint
    from turnus_runtime.turn import Turn
    from turnus_runtime.watch import Watch

LARGEST_BODY = 262_144
"""Bytes."""

_SCOPE_KEY = "turnus"
_JSON = re.compile(r'application/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?', re.IGNORECASE)
_UNREAD: Any = object()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the routes of one service stand in."""

    name: str
    turn: "Callable[[], Turn]"
    settings: Settings
    limiter: "RateLimiter | None"
    keys: "KeyRing"
    watch: "Watch | None" = None


@dataclass(slots=True)
class Exchange:
    """One request and its answer. `headers` are put on whatever answer it gets."""

    request_id: str
    around: Surroundings | None = None
    endpoint: "Endpoint | None" = None
    headers: dict[str, str] = field(default_factory=dict[str, str])
    _raw: bytes | None = None
    _tree: Any = _UNREAD
    _turn: "Turn | None" = None

    def put_into(self, scope: Scope) -> None:
        """Let the scope carry this exchange."""
        scope[_SCOPE_KEY] = self

    @property
    def here(self) -> Surroundings:
        """The surroundings; only requests that reached a service have them."""
        if self.around is None:
            raise RuntimeError("this request belongs to no service: its app was not made by app_of")
        return self.around

    @property
    def turn(self) -> "Turn":
        """The turn of this request, made when it is first asked for."""
        if self._turn is None:
            self._turn = self.here.turn()
        return self._turn

    async def raw(self, request: Request) -> bytes:
        """The body, at most `LARGEST_BODY` bytes however it is sent. Raises 413."""
        if self._raw is None:
            chunks: list[bytes] = []
            size = 0
            async for chunk in request.stream():
                size += len(chunk)
                if size > LARGEST_BODY:
                    raise TOO_LARGE(headers={"Connection": "close"})
                chunks.append(chunk)
            self._raw = b"".join(chunks)
        return self._raw

    async def tree(self, request: Request) -> Any:
        """The body as JSON, read strictly; None when there is none. Raises 400, 413, 415, 422."""
        raw = await self.raw(request)
        if self._tree is _UNREAD:
            if raw:
                _understood(request.headers)
            self._tree = parse(raw) if raw else None
        return self._tree

    async def digest(self, request: Request) -> str:
        """SHA-256 of method, path and what the body says; white space and the order of fields do not matter."""
        tree = await self.tree(request)
        told = json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(f"{request.method} {request.scope['path']}\n{told}".encode()).hexdigest()


def exchange_of(scope: Scope) -> Exchange:
    """The exchange in this scope."""
    return cast("Exchange", scope[_SCOPE_KEY])


def exchange(request: Request) -> Exchange:
    """The exchange of this request."""
    return exchange_of(request.scope)


def _understood(headers: Mapping[str, str]) -> None:
    if not _JSON.fullmatch(headers.get("content-type", "").strip()):
        raise UNSUPPORTED_MEDIA_TYPE
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise UNSUPPORTED_MEDIA_TYPE("Send the body without Content-Encoding.")


def no_body_expected(tree: Any) -> None:
    """A request without a body may send `{}`; anything else would be dropped silently, so it is refused."""
    if tree is not None and tree != {}:
        raise invalid("body", "is not taken by this request")
