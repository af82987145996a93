"""Processes of services, and a supervisor that starts whatever ended, as an orchestrator would."""

# ruff: noqa: ASYNC110 (other processes are waited for, which set no event of ours)

import asyncio
import os
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.support.processes import ServiceProcess

BACK_AFTER_SECONDS = 0.2
GRACE_SECONDS = 40.0
"""As `stop_grace_period` in docker-compose.yml: then SIGKILL."""


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended. `asked`: by a signal of ours; `code` as in `subprocess`."""

    name: str
    at: float
    code: int
    asked: bool


class Kept(ServiceProcess):
    """One process that is brought back whenever it ends."""

    def __init__(self, service: str, roles: Sequence[str], given: Mapping[str, Any], folder: Path) -> None:
        super().__init__([service], given, folder, roles)
        self.name = "-".join([service, *roles])
        self.service = service
        self.ends: list[End] = []
        self._asked = False
        self._keeping: asyncio.Task[None] | None = None

    def keep(self) -> None:
        """Begin."""
        self._keeping = asyncio.create_task(self._keep())

    async def give_up(self) -> None:
        """SIGKILL, and do not bring it back."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def hit(self, number: int) -> bool:
        """Send a signal; False when the process is not there just now."""
        if self._process is None or self._process.returncode is not None:
            return False
        if number in {signal.SIGKILL, signal.SIGTERM}:
            self._asked = True
        os.kill(self._process.pid, number)
        return True

    async def ended(self, since: float) -> None:
        """Wait for an end after `since`; SIGKILL when the grace is over."""
        try:
            async with asyncio.timeout(GRACE_SECONDS):
                while not (self.ends and self.ends[-1].at >= since):
                    await asyncio.sleep(0.02)
        except TimeoutError:
            self.hit(signal.SIGKILL)

    async def is_ready(self, client: httpx.AsyncClient) -> bool:
        """What its admin port says."""
        try:
            return (await client.get(f"http://127.0.0.1:{self.admin_port}/readyz")).status_code == 200
        except httpx.HTTPError:
            return False

    async def _keep(self) -> None:
        while True:
            await self.start()
            assert self._process is not None
            code = await self._process.wait()
            self.ends.append(End(self.name, time.time(), code, self._asked))
            self._asked = False
            await asyncio.sleep(BACK_AFTER_SECONDS)
