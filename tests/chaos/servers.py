"""The servers that services stand on, each to be killed and brought back at the same address."""

import asyncio
import contextlib
import os
import signal
import subprocess
from pathlib import Path

from tests.support.processes import free_port
from turnus_runtime.embedded import servers
from turnus_runtime.embedded.servers import Server

START_SECONDS = 60.0
CACHE_BYTES = 64 * 1024 * 1024


class Running:
    """One server as a plain process."""

    def __init__(self, server: Server, log: Path) -> None:
        assert server.port is not None
        self.server = server
        self.port = server.port
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Start it and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: ASYNC220 (it outlives the loop that waits for it)
                self.server.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        async with asyncio.timeout(START_SECONDS):
            while not await self.server.ready():
                if self._process.poll() is not None:
                    raise RuntimeError(f"{self.server.name} ended: {self._log.read_text(errors='replace')[-2000:]}")
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """SIGKILL."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            await asyncio.to_thread(self._process.wait)
            self._process = None


def store(folder: Path) -> Running:
    """The store, every commit synced."""
    return Running(servers.store(free_port(), folder / "store"), folder / "store.log")


def cache(folder: Path) -> Running:
    """Valkey on a port."""
    return Running(servers.cache(free_port(), CACHE_BYTES), folder / "cache.log")
