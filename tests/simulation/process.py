"""One process of one service: a production `Host` over simulated ports, which may be slow, freeze and die anywhere."""

import asyncio
import contextvars
import copy
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from services.notify.service import mailer
from tests.simulation.broker import SimulatedConsumer
from tests.simulation.coverage import Place
from tests.simulation.loop import OWNER
from tests.simulation.mailer import SimulatedMailer
from tests.simulation.ports import ProcessBroker, SimulatedClock, SimulatedSignals
from tests.simulation.quiet import HANDLING
from turnus_runtime.host import Host, Ports
from turnus_runtime.ports import BrokerUnavailable, StoreUnavailable
from turnus_runtime.service import Service
from turnus_runtime.settings import Settings
from turnus_runtime.turn import Turn

if TYPE_CHECKING:
    from tests.simulation.world import World

_SETTINGS: dict[str, Settings] = {}
_SWEPT = ("find", "clear", "prepare")
"""Verbs of the runtime's own loops: so frequent that they rarely wait."""
_HARMLESS = ("get", "find", "walk", "prepare", "now")
"""Verbs that change nothing: nobody can tell whether one of them was struck before it was done or after."""


AIMED = 0.1
"""Chance of a fault at the steps that a history's faults prefer."""


SLOW_SECONDS = 0.3
"""Whoever takes longer may lose its partitions and go on all the same, beside whoever gets them: a zombie."""


class Dead(BaseException):
    """Raised into whatever a dead process still tries to do; nobody catches it but tests."""


class Unreachable(Exception):
    """A caller got no answer: the process died, or could not reach its store or broker."""


class SimulatedProcess:
    """`number` tells the processes of a service apart, `life` the incarnations of one."""

    def __init__(self, world: "World", service: Service, number: int, life: int) -> None:
        self.world = world
        self.service = service
        self.number = number
        self.life = life
        self.name = f"{service.name}.{number}" + ("'" * life if life < 4 else f"^{life}")
        self.chances = world.lot.stream(self.name)
        self.tasks: list[asyncio.Task[Any]] = []
        self.dead = False
        self.ready = False
        self.routes = 0
        """requests under way, also those whose askers have left"""
        self.frozen_until = 0.0
        self.consumer: SimulatedConsumer | None = None
        store = copy.copy(world.stores[service.name])  # the same documents, this process's faults
        store.fault = self._store_step
        skew = timedelta(seconds=world.weather.skews[service.name, number])
        if service.name not in _SETTINGS:
            _SETTINGS[service.name] = service.settings()
        settings = _SETTINGS[service.name].model_copy(update={"topic_partitions": world.partitions})
        ports = Ports(
            store=store,
            broker=ProcessBroker(self, world.broker),
            clock=SimulatedClock(self, skew),
            ids=world.ids,
            signals=SimulatedSignals(self),
            effects=self._effects(settings),
        )
        self.host = Host(service, ports, settings)

    def _effects(self, settings: Settings) -> Any:
        if self.service.effects is mailer:
            return SimulatedMailer(self, self.world.post)
        return self.service.effects(settings) if self.service.effects is not None else None

    def boot(self) -> None:
        """Start in all roles, trying until it works, as production does."""
        self.spawn(self._boot())

    async def _boot(self) -> None:
        while True:
            try:
                await self.host.open()
                await self.host.start(consume=True, jobs=True)
                self.ready = True
            except (StoreUnavailable, BrokerUnavailable):
                await asyncio.sleep(0.5)
            else:
                return

    def spawn(self, work: Coroutine[Any, Any, Any], handling: str = "loop") -> "asyncio.Task[Any]":
        """Run `work` in this process's memory."""
        context = contextvars.copy_context()
        context.run(OWNER.set, self)
        context.run(HANDLING.set, handling)
        return asyncio.get_running_loop().create_task(work, context=context)

    async def call(self, work: Callable[[Turn], Awaitable[Any]], patience: float) -> Any:
        """What a route answers; raises what it raises, or `Unreachable`. The route goes on when the caller leaves."""

        async def route() -> Any:
            self.routes += 1
            try:
                return await work(self.host.turn())
            finally:
                self.routes -= 1

        task = self.spawn(route(), _called(work))
        await asyncio.wait((task,), timeout=patience)
        if not task.done() or task.cancelled():
            raise Unreachable("no answer")
        problem = task.exception()
        if isinstance(problem, Dead | StoreUnavailable | BrokerUnavailable):
            raise Unreachable(type(problem).__name__)
        return task.result()

    def crash(self) -> None:
        """Gone as by kill -9. Others get its partitions once its session is over."""
        if self.dead:
            return
        self.dead = True
        self.world.note(self.name, "CRASH")
        current = asyncio.current_task()
        for task in self.tasks:
            if task is not current:
                task.cancel()
        self.tasks.clear()
        self.world.buried(self)

    def alive(self) -> None:
        """Raise `Dead` if it is not."""
        if self.dead:
            raise Dead

    async def step(self, moment: Literal["before", "after"], verb: str, where: str, id: str = "") -> None:
        """Every await of production code that reaches the outside goes through here: wait, freeze, fail or die."""
        if self.dead:
            raise Dead
        world, weather = self.world, self.world.weather
        world.count_step()
        often = verb in _SWEPT
        chances = self.chances
        if not often or chances.rng.random() < 0.05:
            pause = weather.latency(moment, chances)
            if pause > SLOW_SECONDS and chances.happens(0.5, "loses its partitions"):
                world.broker.rebalance(self.service.name, chances.rng)
            await world.loop.pause(pause)
            if (left := max(self.frozen_until, world.outage_until(self)) - world.loop.virtual) > 0:
                await world.loop.pause(left)
            if self.dead:
                raise Dead
        if not weather.raging:
            return
        place = world.watch.place(self.service.name, moment, verb, where)
        if self._struck(place, "crash", weather.crash * (0.1 if often else 1.0)):
            self.crash()
            raise Dead
        if self._struck(place, "failing", weather.failing):
            world.note(self.name, f"{verb} {where} {id} fails {moment} it is done")
            raise (BrokerUnavailable if verb in ("publish", "provision") else StoreUnavailable)("simulated")

    def _struck(self, place: Place, fault: str, chance: float) -> bool:
        if place.aimed:
            chance = max(chance, AIMED)
        if chance <= 0.0:
            return False
        place.expected[fault] = place.expected.get(fault, 0.0) + chance
        if not self.chances.happens(chance, f"{fault} at {place.name}"):
            return False
        place.struck[fault] += 1
        return True

    async def _store_step(self, moment: Literal["before", "after"], verb: str, collection: str, id: str) -> None:
        if moment == "after" and verb in ("insert", "replace", "clear"):
            self.world.watch.wrote(self, collection, id)
        if moment == "after" and verb in _HARMLESS:
            if self.dead:
                raise Dead
            return
        await self.step(moment, verb, collection, id)


def _called(work: Callable[[Turn], Awaitable[Any]]) -> str:
    """The route that a caller's lambda calls, by the first name in it."""
    code = getattr(work, "__code__", None)
    return f"route {code.co_names[0]}" if code is not None and code.co_names else "route"
