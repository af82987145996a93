"""The walk-through with curl in README.md, typed as it stands there, beside `turnus up`."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.examples import ROOT

BIN = Path(sys.executable).parent


async def typed(*command: str, folder: Path) -> str:
    """What the command printed; the test fails if the command does."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TURNUS_")}
    with (folder / "said.txt").open("w+") as said:  # a file: what stays running would hold a pipe open
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env=inherited, stdin=asyncio.subprocess.DEVNULL, stdout=said, stderr=said
        )
        code = await asyncio.wait_for(process.wait(), 300)
        said.seek(0)
        text = said.read()
    assert code == 0, text
    return text


@pytest.fixture
async def checkout(tmp_path: Path) -> AsyncIterator[Path]:
    """A folder in which `make up` has run."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/bin").symlink_to(BIN)
    try:
        await typed(str(BIN / "turnus"), "up", "--detach", folder=tmp_path)
        yield tmp_path
    finally:
        await typed(str(BIN / "turnus"), "down", folder=tmp_path)


async def test_what_the_readme_tells_to_type_does_what_it_says(checkout: Path) -> None:
    text = (ROOT / "README.md").read_text()
    script = text.partition("## Try it with curl\n```sh\n")[2].partition("```")[0]
    assert "curl" in script
    said = await typed("bash", "-euo", "pipefail", "-c", script, folder=checkout)
    assert '"status": "confirmed"' in said
    assert "\ncancelled\n" in said
    for topic in ("AssigneeChosen", "BookingConfirmed", "BookingReleased"):
        assert f'{{"topic": "{topic}"' in said
    assert '"rule": "equal"' in said
