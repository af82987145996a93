"""All services, each as a process of its own, behind their prefixes: what a gateway would give."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from oversight.auditor import Auditor
from oversight.invariants.findings import Finding
from oversight.reading import reading
from tests.support.processes import ServiceProcess
from turnus_runtime.http.equipment import equipped
from turnus_runtime.operations import connected, reader_of, status
from turnus_runtime.process import installed
from turnus_runtime.settings import Settings, load

SERVICES = ("accounts", "booking", "availability", "assignment", "notify")


class Refused(Exception):
    """The API said no; `answer` is what it said."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:500]}")
        self.answer = answer


async def answered(ask: Callable[[], Awaitable[httpx.Response]], what: str, times: int) -> dict[str, Any]:
    """The answer to `ask`, which is asked again while nobody answers or somebody says 503. Raises `Refused`."""
    for _ in range(times):
        with contextlib.suppress(httpx.TransportError):
            answer = await ask()
            if answer.status_code != 503:
                if not answer.is_success:
                    raise Refused(answer)
                return dict(answer.json()) if answer.content else {}
        await asyncio.sleep(0.1)
    raise AssertionError(f"{what} was not answered")


class Cluster:
    """One process for each service. `call` goes to whoever owns the resource."""

    def __init__(self, given: Mapping[str, Any], directory: Path, names: Sequence[str] = SERVICES) -> None:
        self.given = given
        self.processes = {name: ServiceProcess([name], given, directory) for name in names}
        self._owners = {
            resource: self.processes[service.name]
            for service in map(equipped, installed(names))
            for resource in service.resources
        }
        self._names = names

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Cluster"]:
        try:
            await asyncio.gather(*(process.start() for process in self.processes.values()))
            await asyncio.gather(*(process.ready() for process in self.processes.values()))
            async with httpx.AsyncClient(timeout=40) as self.client:
                yield self
        finally:
            await asyncio.gather(*(process.kill() for process in self.processes.values()))

    async def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        url = f"{self.owner(path).url}/api/v1{path}"
        return await self.client.request(method, url, json=body, headers=dict(headers or {}))

    def owner(self, path: str) -> ServiceProcess:
        """Who owns this path, which begins with a resource."""
        parts = path.partition("?")[0].split("/")[1:]
        return self._owners.get("/".join(parts[:2])) or self._owners[parts[0]]

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer; tried again while a service is not there, not ready, or does not know something yet."""
        return await answered(lambda: self.send(method, path, body, headers), f"{method} {path}", times=300)

    async def at_rest(self, seconds: float = 180.0) -> None:
        """Wait until nothing that is due is owed anywhere, nothing that was said waits for who listens, and no job is
        under way, three times in a row.
        """
        quiet = 0
        async with connected(installed(self._names), self.given) as process:
            reader = reader_of(process.settings)
            for _ in range(int(seconds / 0.5)):
                rows = await status(process, reader)
                quiet = quiet + 1 if not any(row.owed or row.under_way or row.lag for row in rows) else 0
                if quiet == 3:
                    assert not any(row.dead_letters for row in rows), rows
                    return
                await asyncio.sleep(0.5)
            raise AssertionError(f"still owed: {rows}")

    async def violations(self) -> list[Finding]:
        """What the auditor finds in all stores; what is still under way has its bound to be put right."""
        async with reading(load(Settings, **self.given)) as on:
            return await Auditor(on).audit()
