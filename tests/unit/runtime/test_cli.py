"""What can be typed, what is refused, and how it is said."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from turnus_runtime import cli
from turnus_runtime.cli.parser import parsed
from turnus_runtime.cli.tables import span, table


@pytest.mark.parametrize(
    "typed",
    [
        "up --detach --data-dir x",
        "down",
        "serve all",
        "serve booking availability --role consume --role jobs",
        "topics",
        "status --json",
        "events tail BookingConfirmed --since 10m",
        "events tail --no-follow --since all",
        "dead-letters list --all",
        "dead-letters show booking:0:1",
        "dead-letters replay booking:0:1",
        "dead-letters replay --all",
        "republish booking",
        "config",
        "workspace create --name N --slug s --owner-name O --owner-email o@example.org",
        "schemas --check",
    ],
)
def test_every_command_names_a_function_that_exists(typed: str) -> None:
    module, _, function = parsed(typed.split()).run.partition(":")
    assert callable(getattr(import_module(f"turnus_runtime.cli.{module}"), function))


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "start",
        "serve",
        "serve all --role worker",
        "events",
        "events tail --since yesterday",
        "dead-letters replay --all booking:0:1",
        "workspace create --name N",
        "status --nonsense",
    ],
)
def test_wrong_usage_ends_with_2_and_says_why(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(typed.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: turnus")


def test_what_a_person_can_mend_is_one_sentence_and_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TURNUS_HTP_PORT", "1")
    assert cli.main(["config"]) == 1
    assert capsys.readouterr().err == ("turnus: TURNUS_HTP_PORT is not a setting: did you mean TURNUS_HTTP_PORT?\n")
    monkeypatch.delenv("TURNUS_HTP_PORT")
    assert cli.main(["serve", "nobody"]) == 1
    assert "no service is called nobody; there are " in capsys.readouterr().err


def test_servers_that_are_away_are_named_with_their_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int, tmp_path: Path
) -> None:
    monkeypatch.setenv("TURNUS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TURNUS_KAFKA_URL", f"127.0.0.1:{unused_tcp_port}")
    assert cli.main(["events", "tail", "Anything", "--no-follow"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("turnus: the broker does not answer")
    assert "TURNUS_KAFKA_URL" in told
    assert "Traceback" not in told


def test_a_store_that_is_away_is_told_in_one_short_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], unused_tcp_port: int, tmp_path: Path
) -> None:
    monkeypatch.setenv("TURNUS_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("TURNUS_MONGO_URL", f"mongodb://127.0.0.1:{unused_tcp_port}/?serverSelectionTimeoutMS=100")
    assert cli.main(["status", "assignment"]) == 1
    (told,) = capsys.readouterr().err.splitlines()
    assert told.startswith("turnus: the store does not answer (127.0.0.1:")
    assert told.endswith("is it running, and is TURNUS_MONGO_URL right?")
    assert len(told) < 200


def test_a_defect_of_ours_is_not_hidden_behind_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    making = import_module("turnus_runtime.cli.making")

    class SettingsError(Exception):
        """Not the runtime's, only called the same."""

    def defect(_: object) -> None:
        raise SettingsError("a defect")

    monkeypatch.setattr(making, "config", defect)
    with pytest.raises(SettingsError):
        cli.main(["config"])


def test_config_masks_passwords(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("TURNUS_MONGO_URL", "mongodb://app:hunter2@db/")
    assert cli.main(["config"]) == 0
    out = capsys.readouterr().out
    assert "mongodb://app:***@db/" in out
    assert "environment" in out
    assert "hunter2" not in out


def test_down_where_nothing_runs_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["down", "--data-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "Turnus was not running.\n"


def test_quick_commands_do_not_import_what_services_need() -> None:
    code = (
        "import sys; from turnus_runtime import cli; cli.main(['config']); cli.main(['down', '--data-dir', '/none']);"
        "print([name for name in ('fastapi', 'aiokafka', 'motor', 'faststream', 'uvicorn') if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines()[-1] == "[]"


def test_tables_are_as_wide_as_they_must_be() -> None:
    assert table(("service", "owed"), [("booking", "12"), ("web", "3")]).splitlines() == [
        "service  owed",
        "booking    12",
        "web         3",
    ]
    assert table(("service", "owed"), []) == "service  owed"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (119, "119 s"), (120, "2 min"), (7_199, "120 min"), (7_200, "2 h"), (180_000, "2 d")],
)
def test_spans_have_the_largest_unit_that_still_tells(seconds: float, text: str) -> None:
    assert span(seconds) == text
