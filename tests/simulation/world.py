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
from services.notify.service import service as notify
from tests.simulation.broker import SimulatedBroker, SimulatedConsumer
from tests.simulation.chances import Cut, Lot, Stream
from tests.simulation.loop import VirtualLoop
from tests.simulation.mailer import Post
from tests.simulation.people import People
from tests.simulation.ports import SimulatedIds
from tests.simulation.process import Dead, SimulatedProcess, Unreachable
from tests.simulation.rest import Rest
from tests.simulation.sky import Sky
from tests.simulation.store import SimulatedStore
from tests.simulation.watch import Watch
from tests.simulation.weather import Weather
from turnus_contracts import Event
from turnus_runtime.forms import stored_form
from turnus_runtime.host import topics
from turnus_runtime.ports import BrokerUnavailable, Message
from turnus_runtime.turn import Turn

SERVICES = (booking, availability, assignment, notify)
CORE = SERVICES[:3]
"""Who is part of every history; notify is of some."""
BEGINS = (
    datetime(2027, 1, 4, 6, 0, tzinfo=UTC),
    datetime(2027, 1, 4, 6, 0, tzinfo=UTC),
    datetime(2027, 3, 27, 6, 0, tzinfo=UTC),
    datetime(2027, 10, 30, 6, 0, tzinfo=UTC),
)
"""Some histories begin on the day before the clocks of Europe change."""
MOST_STEPS = 30_000
"""More than this is a livelock."""
REST_SECONDS = 100.0
"""After the storm every request is final and nothing is owed within this: 60 s to expire, the rest for sweeping."""
MAIL_SECONDS = 100.0
"""More where mails go out: a send that hangs when the storm ends is broken off after 60 s, and tried again later."""


class Violation(AssertionError):
    """An invariant does not hold. The message is a table of what happened."""


class World:
    """See the module. `play` runs the history and raises `Violation`."""

    def __init__(self, seed: int, cut: Cut | None = None) -> None:
        self.seed = seed
        self.lot = Lot(seed, cut)
        rng = random.Random(seed)
        self._own = self.lot.stream("world")
        self.loop = cast("VirtualLoop", asyncio.get_running_loop())
        self.copies = 2 if rng.random() < 0.67 and self.lot.allows("two processes of each service") else 1
        self.partitions = rng.choice((1, 2))
        self.services = SERVICES if rng.random() < 0.3 and self.lot.allows("notify") else CORE
        self.begin = rng.choice(BEGINS)
        self.weather = Weather(rng, self.lot, [service.name for service in SERVICES], self.copies)
        self.post = Post(self)
        self.ids = SimulatedIds()
        self.waiting: dict[str, dict[str, list[asyncio.Future[bool]]]] = {one.name: {} for one in SERVICES}
        self.stores = {service.name: SimulatedStore(self.now) for service in SERVICES}
        for store in self.stores.values():
            store.shares = True
        specs = {spec.name: spec for service in self.services for spec in topics(service, self.partitions)}
        self.broker = SimulatedBroker(specs.values())
        self.watch = Watch(self)
        self._still = Rest(self, self.watch)
        self.processes: dict[tuple[str, int], SimulatedProcess] = {}
        self.trace: list[tuple[float, str, str]] = []
        self.steps = 0
        self.members_stay = True
        """no member joins or leaves: then credits are exactly what the choices in force say"""
        self.calm_since: datetime | None = None
        """since when everything works, processes that died in the storm included"""
        self.lost = False
        """the broker came up empty and not everything has been said again yet"""
        self.people = People(self, rng)
        self._sky = Sky(self)
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
        return self.begin + self._jumped + timedelta(milliseconds=int(self.loop.virtual * 1000))

    def note(self, who: str, what: str) -> None:
        """One line of the table of events."""
        if self._failed is None or not self._failed.done():
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
        shown = self.trace[-last:]
        lines = [f"{time:10.3f}  {who:16} {what[:150]}" for time, who, what in shown]
        return "\n".join([f"{'second':>10}  {'who':16} what", "-" * 80, *lines])

    def ready(self, service: str) -> list[SimulatedProcess]:
        """The processes of the service that would answer."""
        return [p for (name, _), p in self.processes.items() if name == service and p.ready and not p.dead]

    async def ask(self, service: str, work: Callable[[Turn], Awaitable[Any]], patience: float, who: Stream) -> Any:
        """What a route of some process of the service answers; raises `Unreachable`."""
        ready = self.ready(service)
        if not ready:
            await asyncio.sleep(0.2)
            raise Unreachable("nobody is there")
        return await who.rng.choice(ready).call(work, patience)

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
        session, again = (
            (0.0, 0.1) if quick else (dead.chances.rng.uniform(0.0, 8.0), dead.chances.rng.uniform(0.1, 10.0))
        )
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
        for service in self.services:
            for number in range(self.copies):
                self._boot(service, number, 0)
        people = self.people
        await people.settle_in()
        self.weather.storm(self.broker.faults)
        self._outage_until = self.time() + people.seconds - 5.0
        self.note("*", "storm")
        sky = asyncio.ensure_future(self._sky.pass_by())
        visits = asyncio.ensure_future(people.live())
        await asyncio.sleep(people.seconds)
        await self._calm(sky)
        await visits
        await self._rest()
        if self._own.happens(0.3, "quiet loss"):
            await self._quiet_loss(people)
        if self._own.happens(0.3, "much later"):
            await self._much_later(people)
        self._still.unchanged()
        await asyncio.sleep(0)

    async def _calm(self, sky: "asyncio.Task[None]") -> None:
        sky.cancel()
        self.broker.down = False
        self.weather.calm(self.broker.faults)
        self.note("*", "calm")
        for process in self.processes.values():
            process.frozen_until = 0.0
        if self.lost:
            await self._sky.republish()
        self.calm_since = self.now() + timedelta(seconds=15)

    async def _rest(self) -> None:
        patience = REST_SECONDS + (MAIL_SECONDS if notify in self.services else 0)
        patience += 25 * 60 if self.weather.skewed else 0
        self.weather.drag = 20.0 if self.weather.skewed else 2.0
        until = self.time() + patience
        while left := self._busy() or self._still.unfinished():
            if self.time() > until:
                self.fail(f"never at rest: {'; '.join(left[:5])}")
                await asyncio.sleep(1)
                return
            await asyncio.sleep(1.0)
        self.note("*", "at rest")
        self._still.check()
        await asyncio.sleep(0)

    def _busy(self) -> list[str]:
        dead = ["a dead process has partitions"] if self._sessions else []
        return dead + [
            f"{process.name} is busy"
            for process in self.processes.values()
            if process.dead
            or not process.ready
            or not process.host.idle
            or process.routes
            or process.consumer is None
            or process.consumer.health()["lag"]
        ]

    async def _quiet_loss(self, people: "People") -> None:
        """Everything works, but a version overtakes its calendar or the broker comes up empty: nothing may expire."""
        self.note("*", "quiet loss")
        self.calm_since = self.now()
        self.broker.faults.shuffle = self.lot.stream("shuffle").rng
        visits = asyncio.ensure_future(people.visit_again())
        await asyncio.sleep(self._own.rng.uniform(0.0, 0.15))
        if self._own.happens(0.6, "broker lost"):
            self.note("*", "BROKER LOST")
            self.broker.lose_everything()
            self.lost = True
            await self._sky.republish()
        await visits
        await self._rest()
        self.broker.faults.shuffle = None

    async def _much_later(self, people: "People") -> None:
        """Days later: everything that was kept is delivered again, timers fire, old times are forgotten."""
        rng = self._own.rng
        self._jumped += timedelta(days=rng.choice((1, 3, 8, 9)), hours=rng.randint(0, 23))
        self.note("*", "much later")
        await people.come_back()  # what they book raises `closed_until`
        if self._own.happens(0.7, "redelivery"):
            for group in [service.name for service in self.services]:
                for where in self.broker.partitions_of(group):
                    if self._own.happens(0.7, f"redelivery to {group} of {where[0]} {where[1]}"):
                        self.broker.rewind(group, *where, 0)
        await asyncio.sleep(6.0)
        await self._rest()
