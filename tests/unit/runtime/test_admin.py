"""The admin port says what is wrong, in the status and in words."""

from typing import Any

import httpx
import pytest

from turnus_runtime import telemetry, telemetry_sdk
from turnus_runtime.admin import Checks, admin_app, clock_check
from turnus_runtime.clock import StoreClock
from turnus_runtime.settings import Settings


def client(checks: Checks, metrics: Any = lambda: b"") -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(admin_app(checks, metrics)), base_url="http://admin")


async def test_all_well_is_200_with_details() -> None:
    checks = Checks(alive={"booking": lambda: {"ok": True, "lag": 3}}, ready={"broker": lambda: {"ok": True}})
    async with client(checks) as http:
        health, ready = await http.get("/healthz"), await http.get("/readyz")
    assert (health.status_code, ready.status_code) == (200, 200)
    assert health.json() == {"ok": True, "checks": {"booking": {"ok": True, "lag": 3}}}
    assert set(ready.json()["checks"]) == {"booking", "broker"}


async def test_a_loop_that_does_not_move_fails_both_and_a_lost_broker_readiness_only() -> None:
    moving = {"ok": True}
    connected = {"ok": False, "error": "no broker"}
    checks = Checks(alive={"sweeper": lambda: moving}, ready={"broker": lambda: connected})
    async with client(checks) as http:
        assert (await http.get("/healthz")).status_code == 200
        assert (await http.get("/readyz")).status_code == 503
        moving["ok"], connected["ok"] = False, True
        assert (await http.get("/healthz")).status_code == 503
        ready = await http.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["checks"]["broker"]["ok"] is True


@pytest.mark.parametrize("answer", [{}, {"ok": "yes"}, {"ok": 1}, {"alive": True}])
async def test_a_check_that_does_not_clearly_say_ok_is_not_ok(answer: dict[str, Any]) -> None:
    async with client(Checks(alive={"loop": lambda: answer})) as http:
        assert (await http.get("/healthz")).status_code == 503


async def test_a_check_that_raises_is_named_without_its_message() -> None:
    def check() -> dict[str, Any]:
        raise KeyError("ada@example.org")

    async with client(Checks(alive={"loop": check, "other": lambda: {"ok": True}})) as http:
        answer = await http.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["checks"] == {"loop": {"ok": False, "error": "KeyError"}, "other": {"ok": True}}


async def test_a_clock_that_was_never_measured_is_not_ready() -> None:
    clock = StoreClock(store=None)  # pyright: ignore[reportArgumentType] - never asked
    async with client(Checks(ready={"clock": clock_check(clock)})) as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["clock"] == {"ok": False, "doubt_seconds": 1e9}


async def test_metrics_are_those_of_the_process() -> None:
    sink = telemetry_sdk.start(Settings())
    telemetry.count_retry("Sold")
    async with client(Checks(), sink.metrics_text) as http:
        answer = await http.get("/metrics")
    sink.stop()
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert 'turnus_retries_total{name="Sold",service=""} 1.0' in answer.text


async def test_there_is_nothing_else_and_nothing_to_write() -> None:
    async with client(Checks()) as http:
        assert (await http.get("/")).status_code == 404
        assert (await http.post("/healthz")).status_code == 405
        head = await http.head("/healthz")
    assert (head.status_code, head.content) == (200, b"")
