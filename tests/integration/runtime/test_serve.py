"""`turnus serve` as a process of its own: ready, watched, stopped by SIGTERM, with nothing of people in its log."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import free_port
from tests.support.stack import Names
from turnus_runtime.embedded import Endpoints
from turnus_runtime.operations import connected

from .conftest import until
from .shop import BuyerNamed, Thing, ThingSold, service

ROOT = Path(__file__).parents[3]


class Serving:
    """A running `turnus serve shop`."""

    def __init__(self, environment: dict[str, str], log: Path, *typed: str) -> None:
        self.admin = f"http://127.0.0.1:{environment['TURNUS_ADMIN_PORT']}"
        self._log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "turnus_runtime.cli", "serve", "shop", *typed],
                env={name: value for name, value in os.environ.items() if not name.startswith("TURNUS_")} | environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
            )

    async def ready(self) -> bool:
        assert self.process.poll() is None, self._log.read_text()
        try:
            async with httpx.AsyncClient() as http:
                return (await http.get(f"{self.admin}/readyz")).status_code == 200
        except httpx.TransportError:
            return False

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._log.read_text().splitlines()]


@pytest.fixture
def environment(embedded_servers: Endpoints, fresh_broker: str, names: Names, tmp_path: Path) -> dict[str, str]:
    info = tmp_path / "found" / "shop-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[turnus.services]\nshop = tests.integration.runtime.shop:service\n")
    return {
        "PYTHONPATH": os.pathsep.join((str(tmp_path / "found"), str(ROOT))),
        "TURNUS_MONGO_URL": embedded_servers.mongo_url,
        "TURNUS_REDIS_URL": embedded_servers.redis_url,
        "TURNUS_KAFKA_URL": fresh_broker,
        "TURNUS_KAFKA_IDEMPOTENT": "false",
        "TURNUS_KAFKA_FETCH_MAX_WAIT_MS": "10",
        "TURNUS_TOPIC_PARTITIONS": "2",
        "TURNUS_DATABASE_PREFIX": f"x{names.prefix}",
        "TURNUS_DATA_DIR": str(tmp_path / "data"),
        "TURNUS_ADMIN_PORT": str(free_port()),
        "TURNUS_HTTP_PORT": "0",
    }


@pytest.fixture
def serving(environment: dict[str, str], tmp_path: Path) -> Iterator[Serving]:
    running = Serving(environment, tmp_path / "serve.log", "--role", "consume")
    yield running
    running.process.kill()
    running.process.wait()


def given(environment: dict[str, str]) -> dict[str, Any]:
    return {
        name.removeprefix("TURNUS_").lower(): value for name, value in environment.items() if name.startswith("TURNUS_")
    }


async def test_a_served_process_works_tells_and_stops(serving: Serving, environment: dict[str, str]) -> None:
    await until(serving.ready)
    async with connected([service], given(environment)) as asking:
        host = asking.hosts["shop"]
        poison = ThingSold(thing_id="ada@example.org", number=13)
        await host.relay.say(
            [poison, BuyerNamed(thing_id="t1", name="Ada Lovelace"), ThingSold(thing_id="t1", number=2)]
        )

        async def handled() -> bool:
            return await host.records.get(Thing, "t1") is not None

        await until(handled)

        async def both_buried() -> bool:
            return sum(line["event"] == "dead_letter" for line in serving.lines) == 2

        await until(both_buried)
    labels = 'kind="event",name="ThingSold",outcome="done",service="shop"'
    async with httpx.AsyncClient() as http:

        async def counted() -> bool:
            """A message that is buried is counted once its letter is with the broker, after the line about it."""
            text = (await http.get(f"{serving.admin}/metrics")).text
            return f"turnus_handler_duration_seconds_count{{{labels}}} 2.0" in text

        await until(counted)
        health = await http.get(f"{serving.admin}/healthz")
        metrics = await http.get(f"{serving.admin}/metrics")
    assert health.status_code == 200
    assert health.json()["ok"] is True
    assert "process_resident_memory_bytes" in metrics.text
    assert "turnus_store_duration_seconds_count" in metrics.text
    assert 'turnus_dead_letters_total{service="shop",topic="ThingSold"} 1.0' in metrics.text
    serving.process.send_signal(signal.SIGTERM)
    assert serving.process.wait(timeout=30) == 0
    text = json.dumps(serving.lines)
    assert "Ada Lovelace" not in text
    assert "example.org" not in text
    buried = [line for line in serving.lines if line["event"] == "dead_letter"]
    assert all(line["trace_id"] and line["timestamp"] and line["level"] == "error" for line in buried)


async def test_a_broken_setting_ends_the_process_before_it_serves(environment: dict[str, str], tmp_path: Path) -> None:
    broken = Serving({**environment, "TURNUS_KAFKA_URI": "x"}, tmp_path / "broken.log")
    assert broken.process.wait(timeout=30) == 1
    assert (tmp_path / "broken.log").read_text() == (
        "turnus: TURNUS_KAFKA_URI is not a setting: did you mean TURNUS_KAFKA_URL?\n"
    )
