"""The installation under test: servers, lines, processes, and what an operator does with it."""

# ruff: noqa: ASYNC110 (other processes are waited for, which set no event of ours)

import asyncio
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.chaos import servers
from tests.chaos.mail import MailServer
from tests.chaos.processes import Kept
from tests.support.cluster import answered
from tests.support.kafka import ApacheKafka
from tests.support.processes import environment, free_port
from tests.support.system import UNLIMITED
from tests.support.toxiproxy import Toxiproxy
from turnus_runtime.process import ROLES, installed
from turnus_runtime.settings import Settings, load

SERVICES = ("accounts", "booking", "availability", "assignment", "notify")
PAGES = "web"
SESSION_TIMEOUT_MS = 6000
PREFIX = "chaos"
ASKED_AGAIN = 600
START_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Line:
    """The connections of one service to one server; they run through a proxy of that name."""

    service: str
    server: str

    @property
    def name(self) -> str:
        return f"{self.service}-{self.server}"


class World:
    """`together`: one process a service, in all its roles; else one for each role. `proxied`: lines can fail."""

    def __init__(self, folder: Path, *, together: bool = False, proxied: bool = True) -> None:
        self.folder = folder
        self.together = together
        self.proxied = proxied
        self.toxiproxy = Toxiproxy()
        self.mail = MailServer()
        self.store = servers.store(folder)
        self.cache = servers.cache(folder)
        self.lines: list[Line] = []
        self.processes: dict[str, Kept] = {}
        self.client = httpx.AsyncClient(timeout=40)
        self.broker: ApacheKafka
        self._owners: dict[str, str] = {}

    async def start(self) -> None:
        """Servers, lines, then the processes; returns when all are ready."""
        links, ports = await self._lines() if self.proxied else ({}, {})
        self.broker = await asyncio.to_thread(ApacheKafka, links)
        await asyncio.gather(
            self.store.start(), self.cache.start(), self.mail.start(), asyncio.to_thread(self.broker.start)
        )
        (self.folder / "logs").mkdir()
        await self._start_processes(ports)

    async def _lines(self) -> tuple[dict[int, int], dict[str, dict[str, int]]]:
        """Listeners of the broker with the ports that their clients are told, and each service's ports of servers."""
        await self.toxiproxy.start()
        links: dict[int, int] = {}
        ports: dict[str, dict[str, int]] = {}
        for service in (*SERVICES, PAGES):
            broker = free_port()
            upstreams = {"broker": broker, "store": self.store.port, "cache": self.cache.port}
            if service == "notify":
                upstreams["mail"] = self.mail.port
            ports[service] = {}
            for server, port in upstreams.items():
                line = Line(service, server)
                self.lines.append(line)
                ports[service][server] = await self.toxiproxy.proxy(line.name, port)
            links[broker] = ports[service]["broker"]
        return links, ports

    async def _start_processes(self, ports: Mapping[str, Mapping[str, int]]) -> None:
        for service in installed([*SERVICES, PAGES]):
            given = self.settings(**ports.get(service.name, {}))
            roles = [[]] if self.together else [[role] for role in ROLES]
            if service.name == PAGES:
                roles = [["http"]]
            for these in roles:
                one = Kept(service.name, these, given, self.folder / "logs")
                self.processes[one.name] = one
                if these in ([], ["http"]):
                    self._owners |= dict.fromkeys(service.resources, one.name)
        code, _, complained = await self.operate("topics")  # as an installation begins: docker-compose.yml
        if code:
            raise AssertionError(f"turnus topics ended with {code}: {complained[-2000:]}")
        for one in self.processes.values():
            one.keep()
        await asyncio.gather(*(self.ready(name, START_SECONDS) for name in self.processes))

    async def stop(self) -> None:
        """End everything."""
        await asyncio.gather(*(one.give_up() for one in self.processes.values()))
        await self.client.aclose()
        await self.mail.stop()
        await asyncio.gather(self.store.kill(), self.cache.kill(), self.toxiproxy.stop())
        if hasattr(self, "broker"):
            await asyncio.to_thread(self.broker.close)

    def settings(self, *, broker: int = 0, store: int = 0, cache: int = 0, mail: int = 0) -> dict[str, Any]:
        """Settings of a process whose servers are at these ports; of an operator's, who needs no line, without."""
        store, cache = store or self.store.port, cache or self.cache.port
        return {
            "environment": "chaos",
            "mongo_url": f"mongodb://127.0.0.1:{store}/?retryWrites=false&w=majority&directConnection=true",
            "kafka_url": f"127.0.0.1:{broker or self.broker.port}",
            "redis_url": f"redis://127.0.0.1:{cache}/0",
            "smtp_url": f"smtp://127.0.0.1:{mail or self.mail.port}",
            "database_prefix": PREFIX,
            "kafka_session_timeout_ms": SESSION_TIMEOUT_MS,
            "topic_partitions": 2,
            "data_dir": str(self.folder / "data"),
            **UNLIMITED,
        }

    def operator(self) -> Settings:
        """What an operator's commands are told."""
        return load(Settings, **self.settings())

    async def operate(self, *command: str, seconds: float = 600) -> tuple[int, str, str]:
        """`turnus COMMAND`; its exit code, what it said, and what it complained about."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "turnus_runtime.cli", *command),
            env=environment(self.settings()),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(seconds):
                out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        return process.returncode or 0, out.decode(errors="replace"), err.decode(errors="replace")

    async def ready(self, name: str, seconds: float = 180) -> None:
        """Wait for a process."""
        try:
            async with asyncio.timeout(seconds):
                while not await self.processes[name].is_ready(self.client):
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{name} is not ready:\n{self.processes[name].log()[-4000:]}") from None

    def url(self, service: str) -> str:
        """Where a service answers HTTP."""
        return self.processes[service if self.together else f"{service}-http"].url

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer of whoever owns the first path segment; tried again while nobody answers."""
        process = self.processes[self._owners[path.split("/")[1].partition("?")[0]]]

        async def ask() -> httpx.Response:
            url = f"{process.url}/api/v1{path}"
            return await self.client.request(method, url, json=body, headers=dict(headers or {}))

        return await answered(ask, f"{method} {path}", times=ASKED_AGAIN)

    async def audit(self) -> dict[str, Any]:
        """`turnus audit`: `{"checked", "under_way", "violations"}`."""
        code, said, complained = await self.operate("audit", "--json")
        if code not in {0, 1} or not said:
            raise AssertionError(f"turnus audit ended with {code}: {complained[-2000:]}")
        return dict(json.loads(said))
