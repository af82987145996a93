"""`turnus` against running servers, with a service that it finds by its entry point."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.stack import Names
from tests.support.system import System
from turnus_contracts import SlotRefused
from turnus_runtime import cli
from turnus_runtime.dead_letters import dead_letters
from turnus_runtime.embedded import Endpoints
from turnus_runtime.kafka.reading import KafkaReader
from turnus_runtime.listening import listening
from turnus_runtime.operations import connected, reader_of
from turnus_runtime.process import Process, installed, topics_of
from turnus_runtime.settings import Settings, load

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
def reader_alone(turnus: Turnus) -> KafkaReader:
    return reader_of(load(Settings))


@pytest.fixture
def reader(idle: Process) -> KafkaReader:
    return reader_of(idle.settings)


async def test_status_is_a_table_and_json(turnus: Turnus, idle: Process) -> None:
    await idle.hosts["shop"].relay.say([ThingSold(thing_id="t1", number=1)])
    code, out, _ = await turnus("status", "shop")
    assert code == 0
    head, line = out.splitlines()
    assert head.split() == ["service", "owed", "oldest", "under", "way", "lag", "dead", "letters"]
    assert line.split() == ["shop", "0", "0", "s", "0", "1", "0"]
    _, out, _ = await turnus("status", "shop", "--json")
    (shop,) = json.loads(out)
    owed = {"owed": 0, "oldest_owed_seconds": 0.0, "under_way": 0}
    assert shop == {"service": "shop", **owed, "lag": 1, "dead_letters": 0}


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


async def test_rewrite_says_how_much_it_wrote(turnus: Turnus, idle: Process) -> None:
    code, out, told = await turnus("rewrite", "shop")
    assert (code, out) == (0, "shop: everything is current\n"), told


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


async def test_topics_makes_what_is_missing_and_says_which(turnus: Turnus, reader_alone: KafkaReader) -> None:
    wanted = [spec.name for spec in topics_of(installed(), load(Settings))]
    assert await reader_alone.existing(wanted) == {}
    code, out, told = await turnus("topics")
    assert (code, sorted(out.split())) == (0, sorted(wanted)), told
    assert set(await reader_alone.existing(wanted)) == set(wanted)
    assert await turnus("topics") == (0, "", "")


async def test_schemas_are_written_and_checked_below_the_directory_where_it_is_said(
    turnus: Turnus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    monkeypatch.chdir(checkout)
    code, out, told = await turnus("schemas")
    assert (code, told) == (0, "")
    written = {str(path.relative_to(checkout)) for path in checkout.rglob("*") if path.is_file()}
    assert set(out.split()) == written
    assert {"docs/openapi.json", "docs/saga.md", "libs/contracts/schemas/BookingConfirmed.json"} <= written
    assert await turnus("schemas", "--check") == (0, "", "")
    page = checkout / "docs" / "saga.md"
    right = page.read_text()
    page.write_text(right + "\n")
    assert await turnus("schemas", "--check") == (1, "", "docs/saga.md is not current: run `make schemas`\n")
    assert page.read_text() == right + "\n"
    assert await turnus("schemas") == (0, "docs/saga.md\n", "")
    assert page.read_text() == right


async def test_schemas_refuse_a_contract_that_breaks_what_was_promised(
    turnus: Turnus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    golden = tmp_path / "libs" / "contracts" / "schemas" / "SlotRefused.json"
    golden.parent.mkdir(parents=True)
    promised = {**SlotRefused.model_json_schema(), "required": ["weather"]}
    promised["properties"] = {**promised["properties"], "weather": {"type": "string"}}
    golden.write_text(json.dumps(promised))
    monkeypatch.chdir(tmp_path)
    for typed in (("schemas",), ("schemas", "--check")):
        code, out, told = await turnus(*typed)
        assert (code, out) == (1, "")
        assert told.startswith("SlotRefused: ")
    assert json.loads(golden.read_text()) == promised


async def test_a_workspace_is_made_and_its_owner_signs_in_with_the_password_from_the_pipe(
    turnus: Turnus,
    embedded_servers: Endpoints,
    fresh_broker: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    system = System(embedded_servers, ("accounts",), kafka_url=fresh_broker)
    async with system.running(), listening(system.process.app(), "127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}"

        async def create(slug: str, *more: str) -> tuple[int, str, str]:
            secret = tmp_path / "password"
            secret.write_text("correct horse battery\n")
            with secret.open() as pipe:
                monkeypatch.setattr("sys.stdin", pipe)
                owner = ("--owner-name", "Ada", "--owner-email", "ada@example.org")
                return await turnus(
                    "workspace", "create", "--name", "Haus", "--slug", slug, *owner, "--url", url, *more
                )

        code, out, told = await create("haus", "--idempotency-key", "once", "--tz", "Europe/Vienna", "--locale", "de")
        assert code == 0, told
        made = printed(out)
        assert (made["slug"], made["tz"], made["locale"]) == ("haus", "Europe/Vienna", "de")
        body = {"workspace": "haus", "email": "ada@example.org", "password": "correct horse battery"}
        async with httpx.AsyncClient(base_url=url) as client:
            signed_in = await client.post("/api/v1/sessions", json=body)
        assert signed_in.status_code == 201, signed_in.text
        code, out, _ = await create("haus", "--idempotency-key", "once", "--tz", "Europe/Vienna", "--locale", "de")
        assert (code, printed(out)["id"]) == (0, made["id"])
        code, _, told = await create("haus")
        assert (code, told[:8], "horse" in told) == (1, "turnus: ", False)
        code, _, told = await create("Not A Slug")
        assert code == 1
        assert "slug: " in told


def printed(out: str) -> dict[str, Any]:
    """The JSON that the command printed: the service in this process logs to the same stdout around it."""
    return dict(json.JSONDecoder().raw_decode(out, out.index("{\n"))[0])
