"""The admin port of every process: `/healthz`, `/readyz` and `/metrics`. Not for the public; holds no personal data.

A check is a function without arguments that answers a mapping with `ok` and any details. `/healthz` asks whether the
loops of the process are alive *and* moving (restart it if not); `/readyz` asks that and whether the process can work
now: broker connected, store answering, clock sure (send it no requests if not). 200 or 503, with all details as JSON.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send

from turnus_runtime.ports import Clock

Check = Callable[[], Mapping[str, Any]]
MOST_DOUBT_SECONDS = 2.0
JSON = "application/json"
METRICS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True)
class Checks:
    """What the admin port asks, by name; entries may come and go while the process runs."""

    alive: dict[str, Check] = field(default_factory=dict[str, Check])
    ready: dict[str, Check] = field(default_factory=dict[str, Check])

    def health(self) -> dict[str, Any]:
        """Answers of all `alive` checks: `{"ok": bool, "checks": {name: {"ok": bool, …}}}`."""
        return _asked(self.alive)

    def readiness(self) -> dict[str, Any]:
        """Answers of all checks; a process whose loops are dead is not ready either."""
        return _asked({**self.alive, **self.ready})


def clock_check(clock: Clock) -> Check:
    """Ready while the clock is sure enough for timers."""

    def check() -> Mapping[str, Any]:
        doubt = clock.doubt_seconds
        # JSON has no infinity
        return {"ok": doubt <= MOST_DOUBT_SECONDS, "doubt_seconds": min(round(doubt, 3), 1e9)}

    return check


def admin_app(checks: Checks, metrics: Callable[[], bytes]) -> Callable[[Scope, Receive, Send], Any]:
    """The ASGI app; `metrics` gives the text for Prometheus and is called in a thread."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            return
        status, kind, body = await answer(scope["method"], scope["path"])
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def answer(method: str, path: str) -> tuple[int, str, bytes]:
        if method not in {"GET", "HEAD"}:
            return 405, JSON, b'{"error": "only GET"}'
        match path:
            case "/healthz":
                return _judged(checks.health())
            case "/readyz":
                return _judged(checks.readiness())
            case "/metrics":
                return 200, METRICS, await asyncio.to_thread(metrics)
            case _:
                return 404, JSON, b'{"error": "only /healthz, /readyz and /metrics"}'

    return app


def _judged(answers: Mapping[str, Any]) -> tuple[int, str, bytes]:
    return 200 if answers["ok"] else 503, JSON, json.dumps(answers, indent=1, default=str).encode()


def _asked(checks: Mapping[str, Check]) -> dict[str, Any]:
    answers = {name: _answer(check) for name, check in checks.items()}
    return {"ok": all(answer["ok"] for answer in answers.values()), "checks": answers}


def _answer(check: Check) -> dict[str, Any]:
    try:
        answer = dict(check())
    except Exception as error:  # noqa: BLE001 - a check that cannot tell is an answer
        return {"ok": False, "error": type(error).__qualname__}
    return {**answer, "ok": answer.get("ok") is True}


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
