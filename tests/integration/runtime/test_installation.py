"""Tools find the servers of a `turnus up` by its data directory."""

from pathlib import Path

import pytest

from tests.support.stack import StackThread
from turnus_runtime.installation import nearby
from turnus_runtime.settings import Settings


async def test_the_servers_of_a_running_stack_are_found_by_its_directory(
    fresh_servers: StackThread, tmp_path: Path
) -> None:
    found = nearby(Settings(data_dir=tmp_path / "data"))
    endpoints = fresh_servers.endpoints
    assert found["kafka_url"] == endpoints.kafka_url
    assert found["mongo_url"] == endpoints.mongo_url
    assert found["redis_url"] == endpoints.redis_url
    assert found["kafka_idempotent"] is False
    assert "api_url" not in found  # nobody has written the demo's address yet
    (tmp_path / "data" / "demo.json").write_text('{"url": "http://127.0.0.1:8099"}')
    assert nearby(Settings(data_dir=tmp_path / "data"))["api_url"] == "http://127.0.0.1:8099"


async def test_the_environment_wins_over_what_is_found(
    fresh_servers: StackThread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TURNUS_KAFKA_URL", "elsewhere:9092")
    found = nearby(Settings(data_dir=tmp_path / "data"))
    assert "kafka_url" not in found
    assert "mongo_url" in found


async def test_where_nothing_runs_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text('{"store": 1, "broker": 2}')  # left by an earlier one
    assert nearby(Settings(data_dir=tmp_path)) == {}
