"""Clock, ids, signals, and the broker as one process sees it; store and broker themselves are beside this module."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from tests.simulation.broker import SimulatedBroker, SimulatedConsumer
from turnus_runtime.ids import derived
from turnus_runtime.ports import LaneOf, Message, Receive, TopicSpec, by_key

if TYPE_CHECKING:
    from tests.simulation.process import SimulatedProcess


class SimulatedClock:
    """Virtual time, wrong by the `skew` of its process; a dead process has no clock."""

    doubt_seconds = 0.0

    def __init__(self, process: "SimulatedProcess", skew: timedelta) -> None:
        self._process = process
        self._skew = skew

    def now(self) -> datetime:
        return self._process.world.now() + self._skew

    async def sleep(self, seconds: float) -> None:
        self._process.alive()
        world = self._process.world
        await world.loop.pause(seconds * world.weather.drag)
        self._process.alive()


class SimulatedIds:
    """Ids that look like all others and are the same in every run."""

    def __init__(self) -> None:
        self._count = 0

    def fresh(self, kind: str) -> str:
        self._count += 1
        return derived(kind, "simulated", self._count)


class SimulatedSignals:
    """Wake-ups of one service. They get lost as often as `lost` says."""

    def __init__(self, process: "SimulatedProcess") -> None:
        self._process = process
        self._waiting = process.world.waiting[process.service.name]

    async def wake(self, key: str) -> None:
        world = self._process.world
        if self._process.chances.happens(world.weather.lost_signal, "signal lost"):
            return
        for waiter in self._waiting.pop(key, []):
            if not waiter.done():
                waiter.set_result(True)

    async def wait(self, key: str, seconds: float) -> bool:
        self._process.alive()
        world = self._process.world
        waiter = world.loop.pause(seconds * world.weather.drag)
        self._waiting.setdefault(key, []).append(waiter)
        return bool(await waiter)


class ProcessBroker:
    """The one simulated broker, as a process reaches it that may be slow or die at any step."""

    def __init__(self, process: "SimulatedProcess", broker: SimulatedBroker) -> None:
        self._process = process
        self._broker = broker

    async def start(self) -> None:
        await self._broker.start()

    async def stop(self) -> None: ...

    async def publish(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        await self._process.step("before", "publish", messages[0].topic)
        self._process.world.watch.published(self._process, messages)
        try:
            await self._broker.publish(messages)
        finally:
            self._process.alive()
        await self._process.step("after", "publish", messages[0].topic)

    async def provision(self, topics: Sequence[TopicSpec]) -> list[str]:
        await self._process.step("before", "provision", "")
        return await self._broker.provision(topics)

    async def topic_ids(self) -> Mapping[str, str]:
        return await self._broker.topic_ids()

    def consumer(
        self, group: str, topics: Sequence[str], receive: Receive, lane_of: LaneOf = by_key
    ) -> SimulatedConsumer:
        process = self._process

        async def traced(message: Message) -> None:
            process.alive()
            with process.world.watch.delivered(process, message):
                await receive(message)

        process.consumer = self._broker.consumer(group, topics, traced, lane_of)
        process.consumer.chances = process.chances.rng
        return process.consumer
