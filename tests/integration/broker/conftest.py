import contextlib
import itertools
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.kafka import BrokerServer, new_broker
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.kafka.session import ConsumerOptions
from turnus_runtime.ports import BrokerUnavailable, Message, TopicSpec

ROOT = Path(__file__).parents[3]
_COUNTER = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[BrokerServer]:
    """One broker for the module; a test that kills it starts it again."""
    made = new_broker()
    made.start()
    yield made
    made.close()


@pytest.fixture
def spec() -> TopicSpec:
    return TopicSpec(f"Topic-{os.getpid()}-{next(_COUNTER)}", 4, compacted=False)


NewBroker = Callable[..., KafkaBroker]


@pytest.fixture
def new_client(server: BrokerServer) -> NewBroker:
    def make(*specs: TopicSpec, publish_timeout_seconds: float = 5.0, **options: float) -> KafkaBroker:
        usual: dict[str, Any] = {"commit_every": 0.1, "session_timeout_ms": server.session_timeout_ms}
        return KafkaBroker(
            server.url,
            client_id="test",
            idempotent=server.idempotent,
            fetch_max_wait_ms=server.fetch_max_wait_ms,
            specs=specs,
            publish_timeout_seconds=publish_timeout_seconds,
            consuming=ConsumerOptions(**(usual | options)),  # type: ignore[arg-type]
        )

    return make


async def said(broker: KafkaBroker, message: Message) -> None:
    """Publish like the relay: again and again, however long a busy broker takes for the first."""
    while True:
        with contextlib.suppress(BrokerUnavailable):
            await broker.publish([message])
            return


@dataclass
class Worker:
    """A running `worker.py`; `lines` grows while it talks."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list[str])

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def done(self) -> list[str]:
        return [line.split()[2] for line in list(self.lines) if line.startswith("done")]

    def began(self) -> list[str]:
        return [line.split()[2] for line in list(self.lines) if line.startswith("began")]

    @property
    def partitions(self) -> int:
        joined = [line.split()[1] for line in list(self.lines) if line.startswith("joined")]
        return int(joined[-1]) if joined else 0

    def signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self) -> None:
        """SIGKILL; then `lines` are all that it said."""
        self.signal(signal.SIGKILL)
        self.process.wait()
        self._reader.join()


@pytest.fixture
def new_worker(server: BrokerServer) -> Iterator[Callable[..., Worker]]:
    workers: list[Worker] = []

    def make(group: str, topic: str, slow_ms: int = 0) -> Worker:
        numbers = [slow_ms, int(server.idempotent), server.fetch_max_wait_ms, server.session_timeout_ms]
        arguments = [server.url, group, topic, *map(str, numbers)]
        paths = [str(ROOT), str(ROOT / "libs/runtime"), str(ROOT / "libs/contracts")]
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py")), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        )
        workers.append(Worker(process))
        return workers[-1]

    yield make
    for worker in workers:
        worker.kill()


@pytest.fixture
def stall_seconds(server: BrokerServer) -> float:
    """How long a broker or consumer is stopped: longer than the session timeout."""
    return float(os.environ.get("TURNUS_TEST_STALL_SECONDS") or 1.5 * server.session_timeout_ms / 1000)
