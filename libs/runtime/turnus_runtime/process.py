"""One process: any set of services in any of the roles http, consume, jobs, over the real servers.

Everything a process needs is made here, from settings; a service's own parts come from its table.
"""

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import Any, Literal

import structlog
from starlette.types import ASGIApp

from turnus_contracts import EVENTS
from turnus_runtime import logs, telemetry, telemetry_sdk
from turnus_runtime.admin import Checks, admin_app, clock_check
from turnus_runtime.clock import StoreClock
from turnus_runtime.closing import Door
from turnus_runtime.host import Host, Ports, topic_of, topics
from turnus_runtime.http import app_of, gateway, pages_of
from turnus_runtime.http.equipment import equipped
from turnus_runtime.ids import RandomIds
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.kafka.reading import KafkaReader
from turnus_runtime.kafka.session import ConsumerOptions
from turnus_runtime.listening import listening
from turnus_runtime.mongo import MongoStore
from turnus_runtime.ports import BrokerUnavailable, StoreUnavailable, TopicSpec
from turnus_runtime.redis import RateLimiter, RedisSignals
from turnus_runtime.service import Service
from turnus_runtime.settings import SERVICES_GROUP, Settings, load
from turnus_runtime.watch import Watch

log = structlog.get_logger(__name__)

Role = Literal["http", "consume", "jobs"]
ROLES: tuple[Role, ...] = ("http", "consume", "jobs")
RUNTIME = "runtime"
"""The database of what belongs to no service: where the clock began, who is closed."""
RETRY_SECONDS = 0.5
GARBAGE_AFTER = 50_000
"""New objects before the collector looks at them. With its default of 700 it took a fifth of a busy process."""


def installed(names: Sequence[str] = ()) -> list[Service]:
    """The services by name, all installed ones by default. Raises `LookupError` for a name that is none."""
    found = {entry.name: entry for entry in entry_points(group=SERVICES_GROUP)}
    if unknown := [name for name in names if name not in found]:
        raise LookupError(f"no service is called {unknown[0]}; there are {', '.join(sorted(found))}")
    return [found[name].load() for name in (names or sorted(found))]


def topics_of(services: Sequence[Service], settings: Settings) -> list[TopicSpec]:
    """All topics of these services, each once."""
    specs = [spec for service in services for spec in topics(equipped(service), settings.topic_partitions)]
    return list({spec.name: spec for spec in specs}.values())


def makeable(services: Sequence[Service], settings: Settings) -> list[TopicSpec]:
    """What a process of these services makes when one of its topics is gone: the topics of all events, also others'.

    Whoever lost one has lost them all, and a group that was joined before the last of its topics is there loses seconds
    by being joined again.
    """
    every = (topic_of(contract, settings.topic_partitions) for contract in EVENTS)
    return list({spec.name: spec for spec in (*topics_of(services, settings), *every)}.values())


@dataclass(slots=True)
class Process:
    """Services running in this process. `given` are settings that win over the environment."""

    services: Sequence[Service]
    roles: Sequence[Role] = ROLES
    given: Mapping[str, Any] = field(default_factory=dict[str, Any])
    mounts: Mapping[str, ASGIApp] = field(default_factory=dict[str, ASGIApp])
    hosts: dict[str, Host] = field(default_factory=dict[str, Host], init=False)
    apps: dict[str, ASGIApp] = field(default_factory=dict[str, ASGIApp], init=False)
    settings: Settings = field(init=False)
    broker: KafkaBroker = field(init=False)
    clock: StoreClock = field(init=False)
    beside: MongoStore = field(init=False)
    """the store that belongs to no service"""
    _signals: RedisSignals = field(init=False)
    _limiter: RateLimiter = field(init=False)
    _reader: KafkaReader = field(init=False)
    _stores: list[MongoStore] = field(default_factory=list[MongoStore], init=False)
    _loops: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]], init=False)
    ready: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Make the parts; nothing is connected yet."""
        self.settings = settings = load(Settings, **self.given)
        self.broker = KafkaBroker(
            settings.kafka_url,
            client_id="turnus",
            idempotent=settings.kafka_idempotent,
            fetch_max_wait_ms=settings.kafka_fetch_max_wait_ms,
            specs=makeable(self.services, settings),
            replication=settings.topic_replication,
            consuming=ConsumerOptions(session_timeout_ms=settings.kafka_session_timeout_ms),
            observe=telemetry.observe_broker,
        )
        self.beside = self._store(RUNTIME)
        self.clock = StoreClock(self.beside, settings.clock_start)
        self._signals = RedisSignals(settings.redis_url, settings.database_prefix)
        self._limiter = RateLimiter(settings.redis_url, settings.database_prefix)
        self._reader = KafkaReader(
            settings.kafka_url, client_id="turnus-watch", fetch_max_wait_ms=settings.kafka_fetch_max_wait_ms
        )
        for service in self.services:
            self._host(service)

    async def start(self) -> None:
        """Connect, make collections and topics, start the loops. Waits for servers that are not there yet."""
        await _patiently("store", self.clock.open)
        self._loop(self.clock.run())
        self._loop(self._signals.run())
        await _patiently("broker", self.broker.start)
        specs = topics_of(self.services, self.settings)
        await _patiently("topics", lambda: self.broker.provision(specs))
        await asyncio.gather(*(_patiently(name, host.open) for name, host in self.hosts.items()))
        for host in self.hosts.values():
            if host.door is not None:
                self._loop(host.watch_door())
        await asyncio.gather(
            *(host.start(consume="consume" in self.roles, jobs="jobs" in self.roles) for host in self.hosts.values())
        )
        self.ready = True

    def app(self) -> ASGIApp:
        """The HTTP app of this process: its services behind their prefixes."""
        services = [host.service for host in self.hosts.values()]
        # Only a process that runs them all knows what all of them say.
        everybody = {entry.name for entry in entry_points(group=SERVICES_GROUP)} <= self.hosts.keys()
        kept = "" if everybody else next((one.api_file for one in services if one.api_file), "")
        return gateway(self.apps, services, mounts=self.mounts, api_file=kept)

    async def stop(self) -> None:
        """Stop taking work, end what is under way, publish what it owes, disconnect."""
        self.ready = False
        await asyncio.gather(*(host.stop() for host in self.hosts.values()))
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.broker.stop()
        await self._limiter.close()
        for store in self._stores:
            await store.close()

    @property
    def idle(self) -> bool:
        """Nothing under way in this process."""
        return all(host.idle for host in self.hosts.values())

    def alive(self) -> dict[str, Any]:
        """Check of the admin port: every loop of the process is alive and moving."""
        loops = all(not loop.done() for loop in self._loops)
        hosts = {name: host.health() for name, host in self.hosts.items()}
        return {"ok": loops and all(host["alive"] for host in hosts.values()), "services": hosts}

    def started(self) -> dict[str, Any]:
        """Check of the admin port: connected, and everything was made that the services need."""
        return {"ok": self.ready}

    def opened(self) -> dict[str, Any]:
        """Check of the admin port: no service of this process is closed."""
        closed = {name: host.closure for name, host in self.hosts.items() if host.closure is not None}
        told = {name: {"since": one.since.isoformat(), "why": one.why} for name, one in closed.items()}
        return {"ok": not told, "closed": told}

    def _host(self, service: Service) -> None:
        settings = load(service.settings, **self.given)
        ports = Ports(
            store=self._store(service.name),
            broker=self.broker,
            clock=self.clock,
            ids=RandomIds(),
            signals=self._signals,
            effects=service.effects(settings) if service.effects is not None else None,
        )
        door = Door(service.name, self.beside) if service.records else None
        host = Host(service, ports, settings, observe=telemetry.observe_host, door=door)
        self.hosts[service.name] = host
        if "http" in self.roles and service.routes is not None:
            if service.refusal is None:
                watch = Watch(host, self._reader, self._can_work)
                app = app_of(host.service, host.admitted, settings=settings, limiter=self._limiter, watch=watch)
            else:
                app = pages_of(host.service, host.admitted, service.refusal, settings=settings, limiter=self._limiter)
            self.apps[service.name] = app

    def _can_work(self) -> bool:
        return self.ready and clock_check(self.clock)()["ok"] is True

    def _store(self, name: str) -> MongoStore:
        database = f"{self.settings.database_prefix}_{name}"
        store = MongoStore(self.settings.mongo_url, database, observe=telemetry.observe_store)
        self._stores.append(store)
        return store

    def _loop(self, work: Coroutine[Any, Any, None]) -> None:
        self._loops.append(asyncio.create_task(work))


async def _patiently(what: str, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
    """Wait for a server that does not answer yet, saying so once."""
    said = False
    while True:
        try:
            await work()
        except (StoreUnavailable, BrokerUnavailable):
            if not said:
                log.warning("waiting_for_server", what=what)
            said = True
            await asyncio.sleep(RETRY_SECONDS)
        else:
            return


async def serve(services: Sequence[Service], roles: Sequence[Role], given: Mapping[str, Any]) -> None:
    """Run services in this process until SIGTERM or SIGINT: their loops, their HTTP port, and the admin port."""
    process = Process(services, roles, given)
    async with running(process):
        await stop_asked()


@contextlib.asynccontextmanager
async def running(process: Process) -> AsyncGenerator[int | None]:
    """A process with everything around it: logs, telemetry, admin port, HTTP port (which it gives, None without)."""
    settings = process.settings
    logs.configure(settings)
    measured = telemetry_sdk.start(settings)
    checks = Checks(
        {"loops": process.alive},
        {"started": process.started, "opened": process.opened, "clock": clock_check(process.clock)},
    )
    try:
        async with contextlib.AsyncExitStack() as stack:
            admin = admin_app(checks, measured.metrics_text)
            await stack.enter_async_context(listening(admin, settings.admin_host, settings.admin_port))
            stack.push_async_callback(process.stop)
            await process.start()
            port: int | None = None
            if process.apps:
                port = await stack.enter_async_context(listening(process.app(), settings.http_host, settings.http_port))
            spare_the_collector()
            log.info("ready", services=[service.name for service in process.services], roles=process.roles, port=port)
            yield port
            log.info("stopping")
    finally:
        await asyncio.to_thread(measured.stop)


def spare_the_collector() -> None:
    """What was made by now stays for good: the collector need not look at it again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_AFTER)


async def stop_asked() -> None:
    """Return when the process is told to stop."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    await asked.wait()
