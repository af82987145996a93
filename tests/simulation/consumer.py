"""One simulated subscription: production lanes over the logs of the simulated broker."""

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from turnus_runtime.lane_work import LaneWork
from turnus_runtime.lanes import Lanes, Partition
from turnus_runtime.ports import LaneOf, Message, Receive

if TYPE_CHECKING:
    from tests.simulation.broker import SimulatedBroker


class SimulatedConsumer:
    """The `Consumer` port. `positions` are the next offsets to fetch of the partitions that it has."""

    def __init__(
        self, broker: "SimulatedBroker", group: str, topics: Sequence[str], receive: Receive, lane_of: LaneOf
    ) -> None:
        self.group = group
        self.topics = tuple(topics)
        self.positions: dict[Partition, int] = {}
        self._logs: dict[Partition, Sequence[Message]] = {}
        self.chances: random.Random | None = None
        """its own random numbers instead of the broker's, if it has any"""
        self._broker = broker
        self._lanes = Lanes(lane_of, limit=broker.max_in_flight, batch=broker.max_records)
        self._work = LaneWork(self._lanes, receive, self._changed)
        self._awake = asyncio.Event()
        self._fetching: asyncio.Task[None] | None = None
        self._taking = True

    async def start(self) -> None:
        self._broker.join(self)
        self._fetching = asyncio.create_task(self._fetch())

    async def stop(self) -> None:
        self._taking = False
        await self._work.stop(self._broker.drain_seconds)
        self._commit()
        self.crash()

    def crash(self) -> None:
        """Gone at once, as by kill -9: nothing is committed, what was being handled stops where it is."""
        self._taking = False
        if self._fetching is not None:
            self._fetching.cancel()
            self._fetching = None
            self._lanes.forget(self.positions)
            self.positions = {}
            self._broker.leave(self)
        self._work.cancel()

    @property
    def busy(self) -> int:
        return self._lanes.busy

    def health(self) -> Mapping[str, Any]:
        fetching = self._fetching is not None and not self._fetching.done()
        oldest = self._lanes.oldest()
        now = asyncio.get_running_loop().time()
        known = self._lanes.positions()
        return {
            "alive": fetching,
            "joined": fetching,
            "moving": fetching and not self._broker.down,
            "last_poll_age_s": 0.0,
            "in_flight": self._lanes.busy,
            "oldest_in_flight_s": 0.0 if oldest is None else now - oldest,
            "paused": bool(self._lanes.paused()),
            "partitions": len(self.positions),
            "lag": sum(len(self._broker.log_of(w)) - known.get(w, at) for w, at in self.positions.items()),
            "restarts": 0,
        }

    # -- the broker's calls

    def revoked(self) -> None:
        self._commit()
        self._work.close(self.positions)
        self._lanes.forget(self.positions)
        self.positions = {}

    def assigned(self, share: dict[Partition, int]) -> None:
        self.positions = share
        self._logs = {where: self._broker.log_of(where) for where in share}
        self._lanes.open(share)
        self.wake()

    def wake(self) -> None:
        self._awake.set()

    # -- inside

    def _changed(self) -> None:
        self._commit()
        self.wake()

    def _commit(self) -> None:
        offsets = {where: at for where, at in self._lanes.to_commit().items() if where in self.positions}
        if offsets and self._broker.commit(self, offsets):
            self._lanes.committed(offsets)

    async def _fetch(self) -> None:
        while True:
            await self._awake.wait()
            self._awake.clear()
            while self._taking and (message := self._next()) is not None:
                if delay := self._broker.faults.delay(message):
                    await asyncio.sleep(delay)
                where = (message.topic, message.partition)
                if self._taking and self.positions.get(where) == message.offset and self._is_there_still(message):
                    self.positions[where] = message.offset + 1
                    self._work.hand_over([message])
                await asyncio.sleep(0)

    def _is_there_still(self, message: Message) -> bool:
        """Not if its topic was lost meanwhile."""
        log = self._logs[message.topic, message.partition]
        return message.offset < len(log) and log[message.offset] is message

    def _next(self) -> Message | None:
        """The next message of a partition that is not paused: the oldest, or any if the faults shuffle."""
        if self._broker.down:
            return None
        paused = self._lanes.paused()
        logs = self._logs
        heads = [
            logs[where][at] for where, at in self.positions.items() if at < len(logs[where]) and where not in paused
        ]
        if not heads:
            return None
        if self._broker.faults.shuffle is not None:
            return (self.chances or self._broker.faults.shuffle).choice(heads)
        return min(heads, key=lambda message: message.timestamp)
