"""Every service as a process of its own (`turnus serve NAME`), to be killed and started again."""

import asyncio
import contextlib
import itertools
import os
import random
import signal
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from turnus_runtime.settings import env_name

_FIRST_PORT, _PAST_PORT, _LANES = 10_000, 15_000, 16


def _ports() -> Iterator[int]:
    """The ports of this test process: every 16th, another one for each of those that run side by side."""
    lane = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % _LANES
    own = range(_FIRST_PORT + lane, _PAST_PORT, _LANES)
    return itertools.islice(itertools.cycle(own), random.randrange(len(own)), None)


_OWN_PORTS = _ports()


def free_port() -> int:
    """A port that nobody takes before it is used: none of this process twice, none of another test process, and below
    those that embedded servers choose (from 15,000 on) and those that systems give to outgoing connections.
    """
    for port in _OWN_PORTS:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no end of ports")


BYTECODE = Path.home() / ".cache" / "turnus" / "bytecode"
"""Where processes keep what Python compiles, as the image does: without it a start costs twice as much."""


def environment(settings: Mapping[str, Any]) -> dict[str, str]:
    """What a process of ours is told: these settings and no others, and everything else of this process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TURNUS_")}
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    inherited.setdefault("PYTHONPYCACHEPREFIX", str(BYTECODE))
    return {**inherited, **{env_name(name): str(value) for name, value in settings.items()}}


class ServiceProcess:
    """One `turnus serve NAME…` with ports of its own and its log in `directory`."""

    def __init__(
        self, names: Sequence[str], given: Mapping[str, Any], directory: Path, roles: Sequence[str] = ()
    ) -> None:
        self.names = list(names)
        self.roles = list(roles)
        self.http_port, self.admin_port = free_port(), free_port()
        self._log = directory / f"{'-'.join(names)}{'-'.join(roles)}.log"
        self._environment = environment({**given, "http_port": self.http_port, "admin_port": self.admin_port})
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    async def start(self) -> None:
        command = [sys.executable, "-m", "turnus_runtime.cli", "serve", *self.names]
        for role in self.roles:
            command += ["--role", role]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL, env=self._environment
            )

    async def ready(self, seconds: float = 180.0) -> None:
        async with httpx.AsyncClient() as client:
            for _ in range(int(seconds / 0.1)):
                if self._process is not None and self._process.returncode is not None:
                    break
                try:
                    if (await client.get(f"http://127.0.0.1:{self.admin_port}/readyz")).status_code == 200:
                        return
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(0.1)
        raise AssertionError(f"{self.names} did not get ready:\n{self.log()[-4000:]}")

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and wait for the end; SIGKILL after 30 s."""
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(number)
        try:
            return await asyncio.wait_for(self._process.wait(), 30)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise AssertionError(f"{self.names} did not stop:\n{self.log()[-4000:]}") from None

    async def kill(self) -> None:
        await self.stop(signal.SIGKILL)

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""
