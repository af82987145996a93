"""Real servers for the adapters."""

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.support.logging_kept import logging_as_before
from tests.support.processes import free_port
from turnus_runtime.embedded import servers

__all__ = ["logging_as_before"]


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait for a condition of another process, which nothing here can signal."""
    async with asyncio.timeout(seconds):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


class Cache:
    """A Valkey of this test, which can be stopped and comes back empty on the same port."""

    def __init__(self, log: Path) -> None:
        self.port = free_port()
        self._server = servers.cache(self.port, 16_000_000)
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        self._spawn()
        await until(self._server.ready)

    def _spawn(self) -> None:
        with self._log.open("ab") as out:
            self._process = subprocess.Popen(self._server.command, stdout=out, stderr=out, cwd=self._log.parent)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stall(self) -> None:
        """It stays connected and says nothing any more."""
        assert self._process is not None
        self._process.send_signal(19)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(18)


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Cache]:
    server = Cache(tmp_path / "cache.log")
    yield server
    server.stop()
