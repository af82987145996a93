"""Starts, watches, restarts, recycles and stops the embedded servers of one data directory."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self
from urllib.parse import quote

import structlog

from turnus_runtime.embedded import servers
from turnus_runtime.embedded.datadir import DataDirectory
from turnus_runtime.embedded.ports import PortBook, is_free
from turnus_runtime.embedded.process import ServerProcess, resident_bytes
from turnus_runtime.embedded.servers import BROKER, CACHE, STORE, Server

if TYPE_CHECKING:
    from turnus_runtime.embedded.mailbox import MailboxServer, MailboxStore

MAILBOX = "mailbox"
_MB = 1024 * 1024
_READY_POLL_SECONDS = 0.01
_START_TRIES = 5
_LONGEST_PAUSE_SECONDS = 5.0


class EventLog(Protocol):
    """What is asked of a logger: structlog's fits."""

    def info(self, event: str, /, **fields: object) -> object:
        """Something expected happened."""
        ...

    def warning(self, event: str, /, **fields: object) -> object:
        """Something failed and is being repaired."""
        ...

    def exception(self, event: str, /, **fields: object) -> object:
        """Something raised; called while it is handled."""
        ...


OnRestarted = Callable[[str, bool], Awaitable[None]]
"""Called as ``await on_restarted(name, came_up_empty)`` after a server is back, one call at a time."""


@dataclass(frozen=True)
class Options:
    """Settings of the stack; a port of None is chosen and remembered."""

    broker_port: int | None = None
    store_port: int | None = None
    cache_port: int | None = None
    """Given or not, only used where the data directory's path is too long for a unix socket."""
    mailbox_port: int | None = None
    broker_memory_mb: int = 400
    """The broker keeps everything in memory and is restarted, empty, when it holds more than this."""
    cache_memory_mb: int = 32
    mailbox_keep: int = 2_000
    memory_check_seconds: float = 5.0
    recycle_pause_seconds: float = 300.0
    """Least time between two recycles, lest a limit below what is said again recycles without end."""
    start_seconds: float = 60.0
    """After a crash the store first replays its log."""


@dataclass(frozen=True)
class Endpoints:
    """Where the embedded servers are; the same after every restart of them."""

    kafka_url: str
    """``127.0.0.1:PORT``"""
    mongo_url: str
    redis_url: str
    """``unix:///…`` or ``redis://127.0.0.1:PORT/0``"""
    smtp_url: str
    """``smtp://127.0.0.1:PORT``"""
    mailbox: "MailboxStore"


class ServerDidNotStart(Exception):
    """A server ended, or did not answer in time, while starting. The message names its log."""


@dataclass
class _Watched:
    """One server and its present process."""

    make: Callable[[], Server]
    server: Server
    process: ServerProcess
    restarts: int = 0
    up: bool = False


@dataclass(frozen=True)
class Health:
    """State of one server, for health checks and `turnus status`."""

    up: bool
    pid: int
    restarts: int


@dataclass
class EmbeddedStack:
    """The embedded servers of `data_dir`.

    Start it on a loop whose thread lives as long as the stack (the main thread): the kernel ends the servers with
    that thread. Everything is on 127.0.0.1; nothing asks for a password, so it trusts the machine's users.
    """

    data_dir: Path
    options: Options = field(default_factory=Options)
    on_restarted: OnRestarted | None = None
    log: EventLog = field(default_factory=lambda: structlog.get_logger("turnus.embedded"))

    def __post_init__(self) -> None:
        self._directory = DataDirectory(self.data_dir)
        self._watched: dict[str, _Watched] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._restarted: asyncio.Queue[tuple[str, bool]] = asyncio.Queue()
        self._mailbox: MailboxServer | None = None
        self._ports: PortBook | None = None
        self._endpoints: Endpoints | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def endpoints(self) -> Endpoints:
        """Where the servers are; only between `start` and `stop`."""
        if self._endpoints is None:
            raise RuntimeError("the embedded stack is not started")
        return self._endpoints

    @property
    def ports(self) -> PortBook:
        """The directory's remembered ports, for other listeners too (``ports.take("http")``); once started."""
        if self._ports is None:
            raise RuntimeError("the embedded stack is not started")
        return self._ports

    @property
    def health(self) -> dict[str, Health]:
        """By server name: broker, store, cache."""
        return {
            name: Health(watched.up, watched.process.pid, watched.restarts) for name, watched in self._watched.items()
        }

    async def start(self) -> Endpoints:
        """Take the data directory, start all servers at once, return when all answer.

        The processes are started before this first yields: ``task = create_task(stack.start())``,
        ``await sleep(0)``, then import what takes long, then ``await task``.

        Raises `DataDirectoryInUse`, `PortInUse`, `ServerUnavailable` or `ServerDidNotStart`; nothing runs then.
        """
        await self._directory.hold()
        try:
            self._ports = PortBook(self._directory.ports)
            for make in self._makers(self._ports):
                server = make()
                self._watched[server.name] = _Watched(make, server, self._spawn(server))
            mailbox, smtp_port = await self._start_mailbox(self._ports)
            await asyncio.gather(*map(self._first_start, self._watched.values()))
        except BaseException:
            await self.stop()
            raise
        self._endpoints = self._addresses(mailbox, smtp_port)
        self._tasks = [asyncio.create_task(self._watch(watched)) for watched in self._watched.values()]
        self._tasks.append(asyncio.create_task(self._bound_broker()))
        self._tasks.append(asyncio.create_task(self._tell_restarts()))
        return self._endpoints

    async def stop(self) -> None:
        """End all servers and give the data directory back; harmless when already stopped."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks = []
        if self._mailbox is not None:
            await self._mailbox.stop()
            self._mailbox = None
        await asyncio.gather(*(watched.process.stop() for watched in self._watched.values()))
        self._watched = {}
        self._endpoints = None
        self._directory.release()

    def _makers(self, ports: PortBook) -> tuple[Callable[[], Server], ...]:
        """How to make each server, the slowest to start first."""
        options, directory = self.options, self._directory
        socket = servers.cache_socket(directory.path)
        memory = options.cache_memory_mb * _MB
        return (
            lambda: servers.store(ports.take(STORE, options.store_port), directory.store),
            lambda: servers.broker(ports.take(BROKER, options.broker_port)),
            lambda: servers.cache(socket or ports.take(CACHE, options.cache_port), memory),
        )

    def _spawn(self, server: Server) -> ServerProcess:
        return ServerProcess(
            server.command,
            log=self._directory.logs / f"{server.name}.log",
            home=self._directory.path,
            lock_fd=self._directory.servers_lock,
            says=server.says,
        )

    async def _first_start(self, watched: _Watched) -> None:
        """Wait until it answers; if somebody took a chosen port in between, choose another one."""
        for _ in range(_START_TRIES):
            try:
                await self._ready(watched)
            except ServerDidNotStart:
                port = watched.server.port
                if port is None or is_free(port):
                    raise
                self.ports.forget(watched.server.name)
                watched.server = watched.make()  # a port that was set, not chosen, raises PortInUse here
                watched.process = self._spawn(watched.server)
            else:
                return
        raise ServerDidNotStart(f"the embedded {watched.server.name} found {_START_TRIES} ports taken")

    async def _ready(self, watched: _Watched) -> None:
        """Return when the process answers; raises `ServerDidNotStart` when it has ended or takes too long."""
        process, name = watched.process, watched.server.name
        deadline = asyncio.get_running_loop().time() + self.options.start_seconds
        while not process.exited.is_set():
            if process.said.is_set() and await watched.server.ready():
                watched.up = True
                return
            if asyncio.get_running_loop().time() > deadline:
                await process.stop()
                break
            await asyncio.sleep(_READY_POLL_SECONDS)
        await process.exited.wait()
        log = self._directory.logs / f"{name}.log"
        raise ServerDidNotStart(f"the embedded {name} did not start (exit code {process.returncode}): see {log}")

    async def _start_mailbox(self, ports: PortBook) -> "tuple[MailboxStore, int]":
        # Imported here: the servers start while Python reads it.
        from turnus_runtime.embedded.mailbox import MailboxServer, MailboxStore  # noqa: PLC0415

        mailbox = MailboxStore(self._directory.mailbox, keep=self.options.mailbox_keep)
        self._mailbox = MailboxServer(mailbox)
        for _ in range(_START_TRIES):
            port = ports.take(MAILBOX, self.options.mailbox_port)
            try:
                await self._mailbox.start(port)
            except OSError:
                ports.forget(MAILBOX)
            else:
                return mailbox, port
        raise ServerDidNotStart(f"the embedded mailbox found {_START_TRIES} ports taken")

    def _addresses(self, mailbox: "MailboxStore", smtp_port: int) -> Endpoints:
        store_port, cache_port = self._watched[STORE].server.port, self._watched[CACHE].server.port
        socket = servers.cache_socket(self._directory.path)
        return Endpoints(
            kafka_url=f"{servers.HOST}:{self._watched[BROKER].server.port}",
            mongo_url=f"mongodb://{servers.HOST}:{store_port}/?retryWrites=false&w=majority&directConnection=true",
            redis_url=f"unix://{quote(str(socket))}" if socket else f"redis://{servers.HOST}:{cache_port}/0",
            smtp_url=f"smtp://{servers.HOST}:{smtp_port}",
            mailbox=mailbox,
        )

    async def _watch(self, watched: _Watched) -> None:
        name = watched.server.name
        while True:
            await watched.process.exited.wait()
            watched.up = False
            self.log.warning("embedded_server_ended", server=name, exit_code=watched.process.returncode)
            await self._bring_back(watched)
            watched.restarts += 1
            self.log.info("embedded_server_restarted", server=name, came_up_empty=watched.server.forgets)
            self._restarted.put_nowait((name, watched.server.forgets))

    async def _bring_back(self, watched: _Watched) -> None:
        """Start it again at the same address, without limit: its clients know no other."""
        pause = 0.05
        while True:
            watched.process = self._spawn(watched.server)
            try:
                await self._ready(watched)
            except ServerDidNotStart as error:
                self.log.warning("embedded_server_not_restarted", server=watched.server.name, error=str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                return

    async def _bound_broker(self) -> None:
        """Restart the broker when it holds too much; `_watch` brings it back, empty."""
        watched, limit = self._watched[BROKER], self.options.broker_memory_mb * _MB
        while True:
            await asyncio.sleep(self.options.memory_check_seconds)
            process = watched.process
            size = await asyncio.to_thread(resident_bytes, process.pid)
            if watched.up and size > limit:
                self.log.info("embedded_broker_recycled", resident_mb=size // _MB, limit_mb=limit // _MB)
                process.terminate()
                await asyncio.sleep(self.options.recycle_pause_seconds)

    async def _tell_restarts(self) -> None:
        """One call at a time, apart from the watching: a server may end again while the caller repairs."""
        while True:
            name, came_up_empty = await self._restarted.get()
            if self.on_restarted is None:
                continue
            try:
                await self.on_restarted(name, came_up_empty)
            except Exception:  # the caller's; the next restart must still be told
                self.log.exception("embedded_restart_callback_failed", server=name)
