"""One history: services over shared simulated stores and one broker, people who use them, and bad weather."""

import asyncio
import contextvars
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from services.assignment.service import service as assignment
from services.availability.service import service as availability
from services.booking.domain.tokens import LinkSecret
from services.booking.service import service as booking
from tests.simulation.broker import SimulatedBroker, SimulatedConsumer
from tests.simulation.loop import VirtualLoop
from tests.simulation.people import People
from tests.simulation.ports import SimulatedIds
from tests.simulation.process import Dead, SimulatedProcess, Unreachable
from tests.simulation.store import SimulatedStore
from tests.simulation.watch import Watch
from tests.simulation.weather import Weather
from turnus_contracts import Event
from turnus_runtime import operations
from turnus_runtime.forms import stored_form
from turnus_runtime.host import topics
from turnus_runtime.ports import BrokerUnavailable, Message
from turnus_runtime.turn import Turn

SERVICES = (booking, availability, assignment)
BEGIN = datetime(2027, 1, 4, 6, 0, tzinfo=UTC)
MOST_STEPS = 60_000
"""More than this is a livelock."""
REST_SECONDS = 100.0
"""After the storm every request is final and nothing is owed within this: 60 s to expire, the rest for sweeping."""


class Violation(AssertionError):
    """An invariant does not hold. The message is a table of what happened."""


class World:
    """See the module. `play` runs the history and raises `Violation`."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.loop = cast("VirtualLoop", asyncio.get_running_loop())
        self.copies = self.rng.choice((1, 2, 2))
        self.partitions = self.rng.choice((1, 2))
        self.weather = Weather(self.rng, [service.name for service in SERVICES], self.copies)
        self.ids = SimulatedIds()
        self.waiting: dict[str, dict[str, list[asyncio.Future[bool]]]] = {one.name: {} for one in SERVICES}
        self.stores = {service.name: SimulatedStore(self.now) for service in SERVICES}
        for store in self.stores.values():
            store.shares = True
        specs = {spec.name: spec for service in SERVICES for spec in topics(service, self.partitions)}
        self.broker = SimulatedBroker(specs.values())
        self.watch = Watch(self)
        self.processes: dict[tuple[str, int], SimulatedProcess] = {}
        self.trace: list[tuple[float, str, str]] = []
        self.steps = 0
        self.members_stay = True
        """no member joins or leaves: then credits are exactly what the choices in force say"""
        self.calm_since: datetime | None = None
        """since when everything works, processes that died in the storm included"""
        self.lost = False
        """the broker came up empty and not everything has been said again yet"""
        self._people = People(self)
        self._outage_until = 0.0
        self._sessions = 0
        """dead consumers whose partitions nobody else has yet"""
        self._jumped = timedelta()
        self._failed: asyncio.Future[None] | None = None
        self._context = contextvars.copy_context()

    # -- what everybody may ask

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self.loop.virtual

    def now(self) -> datetime:
        """The true time of the simulated world, in whole milliseconds."""
        return BEGIN + self._jumped + timedelta(milliseconds=int(self.loop.virtual * 1000))

    def note(self, who: str, what: str) -> None:
        """One line of the table of events."""
        self.trace.append((self.time(), who, what))

    def fail(self, what: str) -> None:
        """An invariant does not hold."""
        self.note("!", what)
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(Violation(what))

    def count_step(self) -> None:
        """Every step of a process; too many of them are a livelock."""
        self.steps += 1
        if self.steps == MOST_STEPS:
            self.fail("it goes on and on: a livelock")
        if self.steps > MOST_STEPS + 100:
            raise Dead

    def outage_until(self, process: SimulatedProcess) -> float:
        """When the outage of the process's service is over."""
        weather = self.weather
        return self._outage_until if weather.raging and process.service.name == weather.outage else 0.0

    def table(self, last: int = 400) -> str:
        """What happened, one line each."""
        lines = [f"{time:10.3f}  {who:16} {what}" for time, who, what in self.trace[-last:]]
        return "\n".join([f"seed {self.seed}", *lines])

    async def ask(self, service: str, work: Callable[[Turn], Awaitable[Any]], patience: float) -> Any:
        """What a route of some process of the service answers; raises `Unreachable`."""
        ready = [p for (name, _), p in self.processes.items() if name == service and p.ready and not p.dead]
        if not ready:
            await asyncio.sleep(0.2)
            raise Unreachable("nobody is there")
        return await self.rng.choice(ready).call(work, patience)

    async def say(self, event: Event) -> None:
        """Say what a service would that is not part of the world (`accounts`), until it is written."""
        message = Message(event.topic(), event.key, event.model_dump_json().encode(), {"ce_id": event.ce_id})
        while True:
            try:
                await self.broker.publish([message])
            except BrokerUnavailable:
                await asyncio.sleep(0.3)
            else:
                return

    def buried(self, dead: SimulatedProcess) -> None:
        """A process died: its session ends after a while, and another one takes its place."""
        loop = asyncio.get_running_loop()
        quick = not self.weather.raging
        session, again = (0.0, 0.1) if quick else (self.rng.uniform(0.0, 8.0), self.rng.uniform(0.1, 10.0))
        if dead.consumer is not None:
            self._sessions += 1
            loop.call_later(session, self._session_over, dead.consumer, context=self._context)
        loop.call_later(again, self._boot, dead.service, dead.number, dead.life + 1, context=self._context)

    def _session_over(self, consumer: SimulatedConsumer) -> None:
        self._sessions -= 1
        consumer.crash()

    def _boot(self, service: Any, number: int, life: int) -> None:
        process = SimulatedProcess(self, service, number, life)
        self.processes[service.name, number] = process
        process.boot()

    # -- the history

    async def play(self) -> None:
        """Everything from the first start to the last check."""
        self._failed = asyncio.get_running_loop().create_future()
        story = asyncio.ensure_future(self._story())
        await asyncio.wait((story, self._failed), return_when=asyncio.FIRST_COMPLETED)
        if self._failed.done():
            story.cancel()
            for process in self.processes.values():
                process.dead = True
            raise self._failed.exception() or AssertionError
        await story
        for process in self.processes.values():
            process.dead = True

    async def _story(self) -> None:
        secret = LinkSecret(id="links", secret="5eed" * 16)
        await self.stores["booking"].insert(LinkSecret.collection, stored_form(secret, 1))
        for service in SERVICES:
            for number in range(self.copies):
                self._boot(service, number, 0)
        people = self._people
        await people.settle_in()
        self.weather.storm(self.broker.faults)
        self._outage_until = self.time() + people.seconds - 5.0
        self.note("*", "storm")
        sky = asyncio.ensure_future(self._sky())
        visits = asyncio.ensure_future(people.live())
        await asyncio.sleep(people.seconds)
        await self._calm(sky, people)
        await visits
        await self._rest()
        if self.rng.random() < 0.4:
            await self._quiet_loss(people)
        if self.rng.random() < 0.4:
            await self._much_later(people)
        self.watch.unchanged()
        await asyncio.sleep(0)

    async def _calm(self, sky: "asyncio.Task[None]", people: "People") -> None:
        sky.cancel()
        self.broker.down = False
        self.weather.calm(self.broker.faults)
        self.note("*", "calm")
        for process in self.processes.values():
            process.frozen_until = 0.0
        if self.lost:
            await self._republish()
        self.calm_since = self.now() + timedelta(seconds=15)

    async def _rest(self) -> None:
        patience = REST_SECONDS + (25 * 60 if self.weather.skewed else 0)
        self.weather.drag = 20.0 if self.weather.skewed else 2.0
        until = self.time() + patience
        while left := self._busy() or self.watch.unfinished():
            if self.time() > until:
                self.fail(f"never at rest: {'; '.join(left[:5])}")
                await asyncio.sleep(1)
                return
            await asyncio.sleep(1.0)
        self.note("*", "at rest")
        self.watch.check()
        await asyncio.sleep(0)

    def _busy(self) -> list[str]:
        dead = ["a dead process has partitions"] if self._sessions else []
        return dead + [
            f"{process.name} is busy"
            for process in self.processes.values()
            if process.dead
            or not process.ready
            or not process.host.idle
            or process.consumer is None
            or process.consumer.health()["lag"]
        ]

    async def _quiet_loss(self, people: "People") -> None:
        """Everything works, but a version overtakes its calendar or the broker comes up empty: nothing may expire."""
        self.note("*", "quiet loss")
        self.calm_since = self.now()
        self.broker.faults.shuffle = self.rng
        visits = asyncio.ensure_future(people.visit_again())
        await asyncio.sleep(self.rng.uniform(0.0, 0.15))
        if self.rng.random() < 0.6:
            self.note("*", "BROKER LOST")
            self.broker.lose_everything()
            self.lost = True
            await self._republish()
        await visits
        await self._rest()
        self.broker.faults.shuffle = None

    async def _much_later(self, people: "People") -> None:
        """Days later: everything that was kept is delivered again, timers fire, old times are forgotten."""
        self._jumped += timedelta(days=self.rng.choice((1, 3, 8, 9)), hours=self.rng.randint(0, 23))
        self.note("*", "much later")
        await people.come_back()  # what they book raises `closed_until`
        if self.rng.random() < 0.7:
            for group in [service.name for service in SERVICES]:
                for where in self.broker.partitions_of(group):
                    if self.rng.random() < 0.7:
                        self.broker.rewind(group, *where, 0)
        await asyncio.sleep(6.0)
        await self._rest()

    # -- the sky

    async def _sky(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            for what, chance in self.weather.sky.items():
                if self.weather.happens(chance):
                    self.watch.coverage[f"sky {what}"] += 1
                    await getattr(self, f"_{what}")()

    async def _rebalance(self) -> None:
        group = self.rng.choice(SERVICES).name
        self.note("*", f"rebalance {group}")
        self.broker.rebalance(group, self.rng)

    async def _rewind(self) -> None:
        group = self.rng.choice(SERVICES).name
        topic, number = self.rng.choice(self.broker.partitions_of(group))
        self.note("*", f"rewind {group} {topic}")
        self.broker.rewind(group, topic, number, 0)

    async def _freeze(self) -> None:
        process = self.rng.choice(list(self.processes.values()))
        process.frozen_until = self.time() + self.rng.uniform(1.0, 40.0)
        self.note(process.name, "FREEZE")
        self.broker.rebalance(process.service.name, self.rng)

    async def _kill(self) -> None:
        self.rng.choice(list(self.processes.values())).crash()

    async def _down(self) -> None:
        self.note("*", "broker down")
        self.broker.down = True
        await asyncio.sleep(self.rng.uniform(0.5, 12.0))
        self.broker.down = False
        self.note("*", "broker up")

    async def _lose(self) -> None:
        self.note("*", "BROKER LOST")
        self.broker.lose_everything()
        self.lost = True
        await asyncio.sleep(self.rng.uniform(0.0, 5.0))
        await self._republish()

    async def _republish(self) -> None:
        """What an operator does after the broker came up empty, until it has worked once for every service."""
        for service in SERVICES:
            done = False
            while not done:
                done = await self._republished(service.name)
        await self._people.introduce()
        self.lost = False
        self.note("*", "republished")

    async def _republished(self, name: str) -> bool:
        await asyncio.sleep(0.5)
        ready = [p for (service, _), p in self.processes.items() if service == name and p.ready and not p.dead]
        if not ready:
            return False
        process = self.rng.choice(ready)
        try:
            await process.call(lambda _: operations.republish(process.host), 600.0)
        except Unreachable:
            return False
        return True
