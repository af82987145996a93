"""The workload in a real store, an `availability` that serves it over HTTP, guests, and bookings beside them."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from services.availability.domain.hosts import Host
from tests.load.machine import cpu_seconds
from tests.load.servers import EMBEDDED, Servers, running
from tests.load.slots.state import Workload
from tests.support.processes import ServiceProcess
from turnus_runtime.forms import stored_form
from turnus_runtime.host import collections
from turnus_runtime.mongo import MongoStore
from turnus_runtime.process import installed

PREFIX = "slots"
BOOKINGS_PER_SECOND = 10
GUESTS = 10


@contextlib.asynccontextmanager
async def serving() -> AsyncIterator["Serving"]:
    """Servers, and one process of availability in the role http, on one core alone where the system allows it."""
    async with running(EMBEDDED, sync=False) as servers:
        settings = servers.settings(PREFIX)
        process = ServiceProcess(["availability"], settings, servers.folder, ["http"])
        store = MongoStore(settings["mongo_url"], f"{PREFIX}_availability")
        try:
            (service,) = installed(["availability"])
            await store.prepare(collections(service))
            await process.start()
            await process.ready()
            yield Serving(servers, process, store)
        finally:
            await process.stop()
            await store.close()


class Serving:
    """Asks the process; `store` is where it reads."""

    def __init__(self, servers: Servers, process: ServiceProcess, store: MongoStore) -> None:
        self.process, self.store = process, store
        assert process._process is not None
        self.pid = process._process.pid
        self._others = [os.getpid(), *servers.pids.values()]
        _alone(self.pid, self._others)

    async def asked(self, work: Workload, seconds: float) -> Mapping[str, float]:
        """The figures of guests who ask for this workload while it is booked."""
        for record in work.records:
            assert await self.store.insert(record.collection, stored_form(record, 1))
        asked = work.asked
        path = f"/api/v1/slots?calendar={asked.calendar}&start={asked.start}&end={asked.end}"
        booking = asyncio.create_task(self._book(work))
        used = cpu_seconds(self.pid)
        try:
            found = await _guests("127.0.0.1", self.process.http_port, path, seconds)
        finally:
            booking.cancel()
            await asyncio.gather(booking, return_exceptions=True)
        assert not found["bad"], self.process.log()[-4000:]
        cpu = cpu_seconds(self.pid) - used
        bare = await self._bare(int(found["bytes"]), seconds / 4)
        return {
            "http_p50_ms": round(found["p50_ms"], 2),
            "http_p99_ms": round(found["p99_ms"], 2),
            "http_per_second": round(found["answers"] / seconds),
            "http_cpu_ms": round(1000 * cpu / found["answers"], 3),
            "http_bare_per_second": round(bare),
        }

    async def _bare(self, size: int, seconds: float) -> float:
        """Answers a second of a server that does nothing else, on the same core with the same guests."""
        command = [sys.executable, "-m", "tests.load.slots.bare", str(size)]
        server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=Path.cwd())
        assert server.stdout is not None
        try:
            port = int(await server.stdout.readline())
            _alone(server.pid, self._others)
            found = await _guests("127.0.0.1", port, "/", seconds)
            return found["answers"] / seconds
        finally:
            server.terminate()
            await server.wait()

    async def _book(self, work: Workload) -> None:
        """Ten bookings a second: each writes a host twice, once to reserve and once to settle."""
        version = dict.fromkeys((host.id for host in work.hosts), 1)
        n = 0
        while True:
            n += 1
            host: Host = work.hosts[n % len(work.hosts)]
            for held in (host.reservations[1:], host.reservations):
                version[host.id] += 1
                document = stored_form(host.change(reservations=held), version[host.id])
                assert await self.store.replace(host.collection, document, version[host.id] - 1)
                await asyncio.sleep(1 / BOOKINGS_PER_SECOND / 2)


async def _guests(host: str, port: int, path: str, seconds: float) -> dict[str, float]:
    options = ["--guests", str(GUESTS), "--seconds", str(seconds)]
    command = [sys.executable, "-m", "tests.load.slots.guests", host, str(port), path, *options]
    guests = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, cwd=Path.cwd())
    told, _ = await guests.communicate()
    assert guests.returncode == 0
    return dict(json.loads(told))


def _alone(pid: int, others: list[int]) -> None:
    """This process has the first core for itself, everybody else of ours the rest."""
    if not hasattr(os, "sched_setaffinity") or len(os.sched_getaffinity(0)) < 2:
        return
    first, *rest = sorted(os.sched_getaffinity(0))
    for one, cores in ((pid, {first}), *((other, set(rest)) for other in others)):
        for task in Path(f"/proc/{one}/task").iterdir():
            os.sched_setaffinity(int(task.name), cores)
