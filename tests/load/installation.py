"""Installations to be measured: a process for each service, for each service and role, or one for everything."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from tests.load.machine import Meter, children
from tests.load.servers import Servers
from tests.support.cluster import SERVICES, Cluster
from tests.support.processes import ServiceProcess
from tests.support.system import UNLIMITED
from turnus_runtime.embedded import BROKER, CACHE, STORE
from turnus_runtime.installation import nearby
from turnus_runtime.process import ROLES, installed
from turnus_runtime.settings import Settings, load

LONGEST_REST = 600.0
BINARIES = {"secantusd-rs": STORE, "tansu": BROKER, "valkey-server": CACHE}


class Installation(Cluster):
    """Every service as a process of its own; `split`: every role of each too."""

    def __init__(self, servers: Servers, *, split: bool = False) -> None:
        self.folder = servers.folder
        super().__init__(servers.settings("bench"), self.folder)
        self._servers = servers.pids
        if split:
            self.processes = {
                f"{name} {role}": ServiceProcess([name], self.given, self.folder, [role])
                for name in SERVICES
                for role in ROLES
            }
            owners = [(resource, one.name) for one in installed(SERVICES) for resource in one.resources]
            self._owners = {resource: self.processes[f"{name} http"] for resource, name in owners}

    @property
    def pids(self) -> dict[str, int]:
        """All processes whose CPU counts."""
        ours = {name: one._process.pid for name, one in self.processes.items() if one._process is not None}
        return {**ours, **self._servers}

    @property
    def urls(self) -> list[str]:
        """Where guests are sent, in turn."""
        first = self._owners["bookings"]
        others = [one for one in self.processes.values() if one.names == ["booking"] and not one.roles]
        return [f"{one.url}/api/v1" for one in dict.fromkeys([first, *others])]

    def meter(self) -> Meter:
        """Measures from now on."""
        return Meter(self.pids)

    async def rest(self) -> float:
        """Wait until everything is done that is owed; the seconds it took."""
        began = time.perf_counter()
        await self.at_rest(LONGEST_REST)
        return time.perf_counter() - began

    @contextlib.asynccontextmanager
    async def another(self, names: Sequence[str]) -> AsyncIterator[None]:
        """One more process of each of these services."""
        more = {f"{name} 2": ServiceProcess([name], self.given, self.folder) for name in names}
        self.processes |= more
        try:
            await asyncio.gather(*(one.start() for one in more.values()))
            await asyncio.gather(*(one.ready() for one in more.values()))
            yield
        finally:
            await asyncio.gather(*(one.stop() for one in more.values()))
            for name in more:
                del self.processes[name]

    async def stop(self) -> None:
        """End all processes as an operator does."""
        await asyncio.gather(*(one.stop() for one in self.processes.values()))

    async def start(self) -> None:
        """Start what was stopped."""
        await asyncio.gather(*(one.start() for one in self.processes.values()))
        await asyncio.gather(*(one.ready() for one in self.processes.values()))


class Up(ServiceProcess):
    """`turnus up` on a data directory of its own, as `make up` runs it (the mails go to its own mailbox)."""

    def __init__(self, directory: Path) -> None:
        self.data = directory / "up"
        super().__init__(["up"], UNLIMITED, directory)

    async def start(self) -> None:
        command = [sys.executable, "-m", "turnus_runtime.cli", "up", "--data-dir", str(self.data)]
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL, env=self._environment
            )

    async def ready(self, seconds: float = 120.0) -> None:
        await super().ready(seconds)
        for _ in range(int(seconds / 0.1)):
            if (self.data / "demo.json").exists():
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"turnus up did not make its demo:\n{self.log()[-4000:]}")


class AllInOne(Installation):
    """All services and servers of `turnus up`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._up = Up(folder)
        self.processes = {"turnus up": self._up}
        self._names = SERVICES
        self._owners = {resource: self._up for one in installed(SERVICES) for resource in one.resources}
        self._servers = {}
        self.given: dict[str, Any] = {}

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["AllInOne"]:
        async with super().running():
            assert self._up._process is not None
            self._servers = {BINARIES[name]: pid for name, pid in children(self._up._process.pid).items()}
            self.given = nearby(load(Settings, data_dir=self._up.data))
            yield self


def disk_bytes(folder: Path) -> int:
    """What the files below `folder` take on the disk."""
    found = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                found += (Path(path) / name).stat().st_blocks * 512
    return found
