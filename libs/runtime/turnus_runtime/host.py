"""One service in one process: its records, relay, sweeper and consumer over the ports it is given.

Production gives it the real adapters (`turnus_runtime.process`), the simulation its own; the host is the same.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog

from turnus_contracts import Event
from turnus_runtime import milestones, telemetry
from turnus_runtime.closing import LOOK_EVERY_SECONDS, Closure, Door
from turnus_runtime.consume import Receiver, dead_letter_topic
from turnus_runtime.http.equipment import equipped
from turnus_runtime.ports import Broker, Clock, Consumer, Ids, Signals, Store, StoreUnavailable, TopicSpec
from turnus_runtime.records import Record, millis
from turnus_runtime.relay import Relay
from turnus_runtime.service import Service
from turnus_runtime.settings import Settings
from turnus_runtime.store import RecordStore
from turnus_runtime.sweeper import SWEEP_EVERY_SECONDS, Sweeper
from turnus_runtime.turn import Turn

log = structlog.get_logger(__name__)

Observe = Callable[[str, str, float, int], None]
STUCK_SECONDS = 60
"""A sweeper that has not swept for so long is not alive."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The world as one host sees it."""

    store: Store
    broker: Broker
    clock: Clock
    ids: Ids
    signals: Signals
    effects: Any = None


class Host:
    """One service, running in any of the roles `http`, `consume`, `jobs`.

    With a `door` it works only while the service is open (`watch_door` must run then).
    """

    def __init__(
        self,
        service: Service,
        ports: Ports,
        settings: Settings,
        observe: Observe | None = None,
        door: Door | None = None,
    ) -> None:
        self.service = service = equipped(service)
        self.ports = ports
        self.settings = settings
        self.door = door
        self.records = self._shelf()
        self.records.door = door
        self.relay = Relay(service, ports.broker, ports.store, ports.clock)
        self.records.relay = self.relay
        self.relay.on_cleared = self.records.forget
        self.sweeper = Sweeper(service, self.records, self.relay, ports.clock, self.turn)
        self.receiver = Receiver(service, ports.broker, ports.clock, self.turn, observe)
        self.consumer: Consumer | None = None
        self._sweeping: asyncio.Task[None] | None = None

    def turn(self) -> Turn:
        """A new turn: now."""
        return self._turn(self.records)

    def admitted(self) -> Turn:
        """A new turn for somebody who asks from outside; raises `ServiceClosed`."""
        if self.door is not None:
            self.door.check()
        return self.turn()

    def _turn(self, shelf: RecordStore) -> Turn:
        return Turn(
            now=self.ports.clock.now(),
            shelf=shelf,
            ids=self.ports.ids,
            clock=self.ports.clock,
            signals=self.ports.signals,
            settings=self.settings,
            effects=self.ports.effects,
        )

    async def open(self) -> None:
        """Make collections and indexes, and whatever the service needs before it serves, unless it is closed."""
        if self.door is not None and await self.door.look() is not None:
            return
        await self._open()

    async def watch_door(self) -> None:
        """Notice that the service was closed, and when it is open again; until cancelled."""
        said: Closure | None = None
        while self.door is not None:
            if (closure := self.closure) is not None and closure != said:
                log.warning("closed", service=self.service.name, why=closure.why, since=closure.since.isoformat())
            said = closure
            await self.ports.clock.sleep(LOOK_EVERY_SECONDS)
            try:
                if await self.door.look() is None and self.door.shut:
                    await self._reopen()
            except StoreUnavailable as problem:
                log.debug("door_not_seen", service=self.service.name, problem=str(problem))

    @property
    def closure(self) -> Closure | None:
        """Why the service is closed, if it is."""
        return self.door.closure if self.door is not None else None

    async def _reopen(self) -> None:
        """Begin anew: nothing that was known of the store as it was is worth anything now."""
        self.records.forget_all()
        before = self.ports.effects
        if self.service.effects is not None:
            self.ports = replace(self.ports, effects=self.service.effects(self.settings))
        await _ended(before)
        await self._open()
        log.warning("opened", service=self.service.name)

    async def _open(self) -> None:
        await self.ports.store.prepare(collections(self.service))
        if self.service.open is not None:
            # Nobody else is let in before this is done. What it owes is said by the sweeper.
            behind = self._shelf()
            await self.service.open(self._turn(behind if self.door is not None else self.records))
            await behind.stop()
        if self.door is not None:
            self.door.unlock()

    def _shelf(self) -> RecordStore:
        daily = {says.record for says in self.service.says if says.daily}
        return RecordStore(self.ports.store, self.ports.clock, self.ports.signals, daily.__contains__)

    async def start(self, *, consume: bool, jobs: bool) -> None:
        """Start the loops of these roles. In the role http the host has none: routes use `turn`."""
        if consume and self.service.consumes:
            heard = self.receiver
            self.consumer = self.ports.broker.consumer(self.service.name, heard.topics, heard.receive, heard.lane)
            await self.consumer.start()
        self._watch()
        if jobs and self.service.records:
            self.records.works = self.sweeper
            self.sweeper.last_sweep_ms = millis(self.ports.clock.now())
            self._sweeping = asyncio.create_task(self._sweep_for_ever())

    async def stop(self) -> None:
        """Stop taking work, end what is under way, publish what it owes."""
        if self.consumer is not None:
            await self.consumer.stop()
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.gather(self._sweeping, return_exceptions=True)
        telemetry.unwatch(self.service.name)
        await self.sweeper.stop()
        await self.records.stop()
        await self.relay.stop()
        await _ended(self.ports.effects)

    def _watch(self) -> None:
        """Gauges of this host, read when metrics are collected."""
        name, clock = self.service.name, self.ports.clock
        telemetry.watch("clock_doubt", name, lambda: clock.doubt_seconds)
        if (consumer := self.consumer) is not None:
            telemetry.watch("busy", name, lambda: consumer.busy)
            telemetry.watch("lag", name, lambda: consumer.health().get("lag"))
        telemetry.watch("owed_age", name, self._owed_age)

    def _owed_age(self) -> float | None:
        oldest = self.sweeper.oldest_due_ms
        return None if oldest is None else max(self.sweeper.last_sweep_ms - oldest, 0) / 1000

    @property
    def idle(self) -> bool:
        """Nothing under way here: no lane busy, nothing being published, no job running."""
        return self.relay.idle and self.sweeper.idle and (self.consumer is None or not self.consumer.busy)

    def health(self) -> Mapping[str, Any]:
        """The loops of this host: alive and moving."""
        health: dict[str, Any] = {"alive": True}
        if self.consumer is not None:
            health["consumer"] = consumer = self.consumer.health()
            health["alive"] = bool(consumer.get("alive")) and bool(consumer.get("moving", True))
        if self._sweeping is not None:
            age = millis(self.ports.clock.now()) - self.sweeper.last_sweep_ms
            health["sweeper"] = {"last_sweep_age_s": age / 1000}
            health["alive"] = health["alive"] and not self._sweeping.done() and age < STUCK_SECONDS * 1000
        return health

    async def _sweep_for_ever(self) -> None:
        telemetry.serving.set(self.service.name)
        while True:
            try:
                await self.sweeper.run()
            except Exception:
                log.exception("sweeper_restarted", service=self.service.name)
                await self.ports.clock.sleep(SWEEP_EVERY_SECONDS)


async def _ended(effects: Any) -> None:
    if (close := getattr(effects, "aclose", None)) is not None:
        await close()


def collections(service: Service) -> dict[str, list[str]]:
    """Collections of a service and their index keys."""
    return {kind.collection: [*kind.indexes, *map(milestones.index_of, kind.long), "self"] for kind in service.records}


def topics(service: Service, partitions: int) -> list[TopicSpec]:
    """The topics that a service publishes to or listens to, each once, and its dead letters."""
    specs = [topic_of(contract, partitions) for contract in dict.fromkeys((*service.publishes, *service.consumes))]
    if service.consumes:
        specs.append(TopicSpec(dead_letter_topic(service.name), 1, compacted=False))
    return specs


def topic_of(contract: type[Event], partitions: int) -> TopicSpec:
    """The topic of an event."""
    return TopicSpec(contract.topic(), partitions, compacted=contract.kind == "state")


def records_of(service: Service) -> list[type[Record]]:
    """All record types of a service, those of the runtime included."""
    return list(equipped(service).records)
