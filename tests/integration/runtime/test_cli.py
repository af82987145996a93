"""`turnus` against running servers, with a service that it finds by its entry point."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.stack import Names
from turnus_runtime import cli
from turnus_runtime.embedded import Endpoints
from turnus_runtime.kafka.reading import KafkaReader
from turnus_runtime.operations import connected, dead_letters, reader_of
from turnus_runtime.process import Process

from .conftest import until
from .shop import BuyerNamed, ThingSold, service

Turnus = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
async def turnus(
    embedded_servers: Endpoints,
    fresh_broker: str,
    names: Names,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Turnus:
    """Run the command as typed; its exit code, stdout and stderr."""
    info = tmp_path / "shop-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[turnus.services]\nshop = {service_module()}:service\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, value in {
        "MONGO_URL": embedded_servers.mongo_url,
        "REDIS_URL": embedded_servers.redis_url,
        "KAFKA_URL": fresh_broker,
        "KAFKA_IDEMPOTENT": "false",
        "KAFKA_FETCH_MAX_WAIT_MS": "10",
        "TOPIC_PARTITIONS": "2",
        "DATABASE_PREFIX": f"x{names.prefix}",
        "DATA_DIR": str(tmp_path / "data"),
    }.items():
        monkeypatch.setenv(f"TURNUS_{name}", value)

    async def run(*typed: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(cli.main, typed)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def service_module() -> str:
    return ThingSold.__module__


@pytest.fixture
async def idle(turnus: Turnus) -> AsyncIterator[Process]:
    async with connected([service], {}) as process:
        yield process


@pytest.fixture
def reader(idle: Process) -> KafkaReader:
    return reader_of(idle.settings)


async def test_status_is_a_table_and_json(turnus: Turnus, idle: Process) -> None:
    await idle.hosts["shop"].relay.say([ThingSold(thing_id="t1", number=1)])
    code, out, _ = await turnus("status", "shop")
    assert code == 0
    head, line = out.splitlines()
    assert head.split() == ["service", "owed", "oldest", "lag", "dead", "letters"]
    assert line.split() == ["shop", "0", "0", "s", "1", "0"]
    _, out, _ = await turnus("status", "shop", "--json")
    assert json.loads(out) == [{"service": "shop", "owed": 0, "oldest_owed_seconds": 0.0, "lag": 1, "dead_letters": 0}]


async def test_events_are_one_json_object_a_line(turnus: Turnus, idle: Process) -> None:
    await idle.hosts["shop"].relay.say([ThingSold(thing_id="t1", number=1), ThingSold(thing_id="t1", number=2)])
    code, out, _ = await turnus("events", "tail", "ThingSold", "--no-follow", "--since", "1h")
    assert code == 0
    lines: list[dict[str, Any]] = [json.loads(line) for line in out.splitlines()]
    assert [line["payload"]["number"] for line in lines] == [1, 2]
    assert {(line["topic"], line["key"]) for line in lines} == {("ThingSold", "t1")}
    code, out, _ = await turnus("events", "tail", "ThingSold", "--no-follow")
    assert (code, out) == (0, "")  # from now on, and nothing came


async def test_dead_letters_are_listed_shown_and_replayed_by_id(
    turnus: Turnus, idle: Process, reader: KafkaReader
) -> None:
    code, out, _ = await turnus("dead-letters", "list", "shop")
    assert (code, out) == (0, "There are no dead letters.\n")
    consuming = Process([service], roles=("consume",))
    await consuming.start()
    await idle.hosts["shop"].relay.say([ThingSold(thing_id="t1", number=13), BuyerNamed(thing_id="t1", name="Ada")])

    async def both() -> bool:
        return len(await dead_letters(reader, [service])) == 2

    await until(both)
    await consuming.stop()
    code, out, _ = await turnus("dead-letters", "list", "shop", "--json")
    listed: list[dict[str, Any]] = json.loads(out)
    by_topic = {letter["origin"]["topic"]: letter for letter in listed}
    assert by_topic["ThingSold"]["payload"] == {"thing_id": "t1", "number": 13}
    assert by_topic["BuyerNamed"]["payload"] is None
    assert "Ada" not in out
    code, out, _ = await turnus("dead-letters", "show", by_topic["ThingSold"]["id"])
    assert json.loads(out)["error"] == "ValueError"
    code, out, _ = await turnus("dead-letters", "replay", by_topic["ThingSold"]["id"])
    assert (code, out) == (0, "1 replayed\n")
    _, out, _ = await turnus("dead-letters", "list", "shop", "--json")
    assert [letter["origin"]["topic"] for letter in json.loads(out)] == ["BuyerNamed"]
    code, _, told = await turnus("dead-letters", "replay", by_topic["BuyerNamed"]["id"])
    assert code == 1
    assert told.startswith("turnus: dead letter shop:0:")
    code, _, told = await turnus("dead-letters", "show", "shop:0:99")
    assert (code, told) == (
        1,
        "turnus: there is no dead letter shop:0:99: `turnus dead-letters list` shows all\n",
    )


async def test_republish_says_how_much_it_said(turnus: Turnus, idle: Process) -> None:
    code, out, told = await turnus("republish", "shop")
    assert (code, out) == (0, "shop: nothing to say\n"), told


async def test_what_the_runtime_has_to_say_goes_to_stderr_so_that_stdout_can_be_read_on(
    turnus: Turnus, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, out, _ = await turnus("republish", "shop")
    monkeypatch.setenv("TURNUS_TOPIC_PARTITIONS", "5")
    code, out, told = await turnus("republish", "shop")
    assert (code, out) == (0, "shop: nothing to say\n")
    assert all(json.loads(line)["event"] == "topic_has_other_partitions" for line in told.splitlines())
    assert told


async def test_a_workspace_cannot_be_made_where_nobody_listens(
    turnus: Turnus, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = tmp_path / "password"
    secret.write_text("correct horse\n")
    with secret.open() as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        typed = "workspace create --name N --slug s --owner-name O --owner-email o@example.org".split()  # noqa: SIM905
        code, _, told = await turnus(*typed, "--url", f"http://127.0.0.1:{unused_tcp_port}")
    assert code == 1
    assert told.startswith(f"turnus: http://127.0.0.1:{unused_tcp_port} does not answer (ConnectError)")
    assert "horse" not in told
