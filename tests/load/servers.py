"""The servers of a run: store, cache, broker, and somebody who takes the mails."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.support.kafka import ApacheKafka
from tests.support.system import given
from turnus_runtime.embedded import BROKER, CACHE, STORE, EmbeddedStack, Endpoints
from turnus_runtime.embedded.servers import HOST, Server
from turnus_runtime.embedded.supervisor import Options

KAFKA, EMBEDDED = "kafka", "embedded"
SYNC = "--sync-on-commit"
NO_RECYCLING_MB = 100_000


@dataclass(frozen=True)
class Servers:
    """Where they are, and their processes. `folder` holds the store's files."""

    broker: str
    endpoints: Endpoints
    pids: dict[str, int]
    folder: Path

    def settings(self, prefix: str) -> dict[str, Any]:
        """For processes on these servers."""
        kafka = self.broker == KAFKA
        return given(
            self.endpoints,
            prefix,
            kafka_idempotent=str(kafka).lower(),
            kafka_fetch_max_wait_ms=500 if kafka else 50,  # Kafka wakes long polls
            kafka_session_timeout_ms=6000 if kafka else 3000,
            topic_partitions=6 if kafka else 3,
        )


class Stack(EmbeddedStack):
    """The embedded servers, the store as fast as one that syncs in groups or on a replica."""

    sync = False

    def _makers(self, ports: Any) -> tuple[Callable[[], Server], ...]:
        store, *others = super()._makers(ports)

        def made() -> Server:
            server = store()
            return server if self.sync else replace(server, command=tuple(one for one in server.command if one != SYNC))

        return (made, *others)


class MailServer(asyncio.Protocol):
    """Takes every mail and keeps none: in production this is another machine."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._read = b""
        self._in_mail = False
        transport.write(b"220 bench\r\n")

    def data_received(self, data: bytes) -> None:
        self._read += data
        while True:
            if self._in_mail:
                _, end, rest = self._read.partition(b"\r\n.\r\n")
                if not end:
                    return
                self._in_mail = False
                self._transport.write(b"250 taken\r\n")
            else:
                line, end, rest = self._read.partition(b"\r\n")
                if not end:
                    return
                self._answer(line[:4].upper())
            self._read = rest

    def _answer(self, verb: bytes) -> None:
        if verb == b"DATA":
            self._in_mail = True
            self._transport.write(b"354 go on\r\n")
        elif verb == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:
            self._transport.write(b"250-bench\r\n250 8BITMIME\r\n" if verb == b"EHLO" else b"250 fine\r\n")


def missing_for_kafka() -> str | None:
    """Why Apache Kafka cannot run here; None: it can."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"{' and '.join(missing)} not found (openjdk-17-jre-headless, maven)" if missing else None


@contextlib.asynccontextmanager
async def running(broker: str, *, sync: bool) -> AsyncIterator[Servers]:
    """New servers with nothing in them, gone at the end."""
    async with contextlib.AsyncExitStack() as on:
        folder = Path(on.enter_context(tempfile.TemporaryDirectory(prefix="turnus-bench-", ignore_cleanup_errors=True)))
        stack = Stack(folder / "data", Options(broker_memory_mb=NO_RECYCLING_MB))
        stack.sync = sync
        endpoints = await stack.start()
        on.push_async_callback(stack.stop)
        pids = {name: stack.health[name].pid for name in (STORE, CACHE, BROKER)}
        mails = await asyncio.get_running_loop().create_server(MailServer, HOST, 0)
        on.callback(mails.close)
        endpoints = replace(endpoints, smtp_url=f"smtp://{HOST}:{mails.sockets[0].getsockname()[1]}")
        if broker == KAFKA:
            kafka = await asyncio.to_thread(ApacheKafka)
            on.push_async_callback(asyncio.to_thread, kafka.close)
            await asyncio.to_thread(kafka.start)
            assert kafka._process is not None
            pids[BROKER] = kafka._process.pid
            endpoints = replace(endpoints, kafka_url=kafka.url)
        yield Servers(broker, endpoints, pids, folder)
