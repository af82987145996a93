"""The embedded servers for tests.

- `embedded_servers`: one stack for the whole test session (per xdist worker), started at first use. Tests share
  it, so they keep apart by `names`.
- `names`: a prefix of the test's own for databases, topics and consumer groups.
- `fresh_servers`: a stack of the test's own, for tests that kill servers (about 1 s).
- `fresh_broker`: only a broker of the test's own, empty (some milliseconds): isolation for topics, whose names
  are fixed by the contracts.
"""

import asyncio
import contextlib
import itertools
import os
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.kafka import APACHE, wiped_kafka
from turnus_runtime.embedded import EmbeddedStack, Endpoints, Health, servers
from turnus_runtime.embedded.datadir import DataDirectory
from turnus_runtime.embedded.ports import PortBook
from turnus_runtime.embedded.process import ServerProcess

PORTS_TRIED = 3
"""Another test process may take the port that was chosen before the server does."""
_COUNTER = itertools.count(1)


@dataclass(frozen=True)
class Names:
    """Names that no other test uses. Databases, topics and groups of a test start with `prefix`."""

    prefix: str

    def database(self, service: str) -> str:
        return f"{self.prefix}{service}"

    def topic(self, event: str) -> str:
        return f"{self.prefix}{event}"

    def group(self, name: str) -> str:
        return f"{self.prefix}{name}"


class StackThread:
    """An `EmbeddedStack` on a loop of its own, so that it may outlive the loop of any one test."""

    def __init__(self, data_dir: Path) -> None:
        self.stack = EmbeddedStack(data_dir)
        self._started: Future[Endpoints] = Future()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()

    @property
    def endpoints(self) -> Endpoints:
        """Waits for the start."""
        return self._started.result()

    @property
    def health(self) -> dict[str, Health]:
        return self.stack.health

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        try:
            endpoints = await self.stack.start()
        except BaseException as error:
            self._started.set_exception(error)
            raise
        self._started.set_result(endpoints)
        await self._stop.wait()
        await self.stack.stop()


@pytest.fixture(scope="session")
def embedded_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoints]:
    """Endpoints of the session's stack."""
    running = StackThread(tmp_path_factory.mktemp("servers") / "data")
    try:
        yield running.endpoints
    finally:
        running.stop()


@pytest.fixture
def names() -> Names:
    """A new prefix, such as ``t4711_3_``."""
    return Names(f"t{os.getpid()}_{next(_COUNTER)}_")


@pytest.fixture
def fresh_servers(tmp_path: Path) -> Iterator[StackThread]:
    """A stack of the test's own: ``.endpoints``, and ``.health[name].pid`` to kill a server by."""
    running = StackThread(tmp_path / "data")
    try:
        _ = running.endpoints
        yield running
    finally:
        running.stop()


@contextlib.asynccontextmanager
async def broker_in(path: Path) -> AsyncIterator[str]:
    """Address (``127.0.0.1:PORT``) of an empty broker that keeps its files in `path`."""
    directory = DataDirectory(path)
    await directory.hold()
    ports, log = PortBook(directory.ports), directory.logs / "broker.log"
    try:
        for _ in range(PORTS_TRIED):
            server = servers.broker(ports.take(servers.BROKER))
            process = ServerProcess(
                server.command, log=log, home=directory.path, lock_fd=directory.servers_lock, says=server.says
            )
            try:
                await until(_said_or_gone(process), f"the broker listens, see {log}")
                if process.said.is_set():
                    yield f"{servers.HOST}:{server.port}"
                    return
            finally:
                await process.stop()
            ports.forget(servers.BROKER)
        raise AssertionError(f"the broker does not start, see {log}")
    finally:
        directory.release()


def _said_or_gone(process: ServerProcess) -> Callable[[], bool]:
    return lambda: process.said.is_set() or process.exited.is_set()


@pytest.fixture
async def fresh_broker(tmp_path: Path) -> AsyncIterator[str]:
    """Address (``127.0.0.1:PORT``) of an empty broker of the test's own."""
    if APACHE:
        yield await wiped_kafka()
        return
    async with broker_in(tmp_path / "broker") as address:
        yield address


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and only waits to be reaped does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    if Path("/proc/self").exists():
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def until(condition: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
    """Wait until `condition` holds; fails the test, saying `what` was awaited, after a bound that only a hang meets."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"still not so after {seconds:.0f} s: {what}"
        await asyncio.sleep(0.01)
