"""The commands as operators type them, beside services that run."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable

import pytest

from tests.integration.disasters.conftest import Site
from tests.support.logging_kept import logging_as_before
from tests.support.system import eventually
from turnus_runtime.cli import main
from turnus_runtime.settings import env_name

__all__ = ["logging_as_before"]

pytestmark = pytest.mark.asyncio(loop_scope="session")


Turnus = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture
def turnus(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    logging_as_before: None,
) -> Turnus:
    """Runs a command; its exit code and what it printed."""
    for name in [name for name in os.environ if name.startswith("TURNUS_")]:
        monkeypatch.delenv(name)
    for name, value in site.system.given.items():
        monkeypatch.setenv(env_name(name), str(value))

    async def run(*typed: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = await asyncio.to_thread(main, typed)
        printed = capsys.readouterr()
        # The services log to the same stream here.
        told = [line for line in printed.err.splitlines(keepends=True) if line.startswith("turnus: ")]
        return code, printed.out, "".join(told)

    return run


async def test_a_store_is_backed_up_restored_and_repaired_by_four_commands(site: Site, turnus: Turnus) -> None:
    team = await site.team()
    await team.book(2)
    await site.at_rest()
    file = str(site.files / "typed")

    code, out, problem = await turnus("backup", "notify", "--to", file)
    assert (code, problem) == (0, "")
    assert out.startswith("notify: ")
    assert f" written to {file}\n" in out
    code, _, problem = await turnus("backup", "notify", "--to", file)
    assert (code, problem) == (1, f"turnus: {file} is there already: name another file, or say --force\n")
    code, _, problem = await turnus("restore", "booking", "--from", file)
    assert (code, problem) == (1, f"turnus: {file} is a backup of notify, not of booking\n")
    code, _, problem = await turnus("close", "web")
    assert (code, problem) == (1, "turnus: web keeps nothing: there is nothing to close\n")
    code, out, _ = await turnus("repair")
    assert (code, out) == (0, "nothing is closed: there is nothing to repair\n")

    code, out, problem = await turnus("restore", "notify", "--from", file)
    assert (code, problem) == (0, "")
    assert out.endswith("notify is closed until `turnus repair` has compared it with the other services\n")
    code, _, problem = await turnus("republish", "notify")
    assert code == 0, "notify says nothing of itself"
    code, out, problem = await turnus("repair", "--dry-run")
    assert (code, problem) == (0, "")
    assert "would be changed: " in out
    assert not site.system.process.opened()["ok"]
    code, out, problem = await turnus("repair", "--json")
    assert (code, problem) == (0, ""), out
    report = json.loads(out)
    assert (list(report["closed"]), report["opened"], report["disagreeing"]) == (["notify"], True, [])
    await eventually(site.opened, 30)
    await site.at_rest()


async def test_what_a_closed_service_would_say_is_not_published(site: Site, turnus: Turnus) -> None:
    await site.close("accounts")
    code, _, problem = await turnus("republish", "accounts")
    assert (code, problem) == (1, "turnus: accounts is closed (by a test) until `turnus repair`\n")
    await site.mended()
