"""The broker port in one thread and without a network, for simulated histories.

Deterministic: what happens next follows from the calls, the `Faults` and the seed. Lanes, offsets and patience are the
production code (`turnus_runtime.lanes`, `lane_work`); only the log, the groups and the fetching are simulated.
Time is the running loop's, so a loop with virtual time makes it virtual here too.
"""

import asyncio
import random
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

from turnus_runtime.lane_work import LaneWork
from turnus_runtime.lanes import Lanes, Partition
from turnus_runtime.ports import BrokerUnavailable, Message, Receive, TopicSpec, UnknownTopic


class Fate(Enum):
    """What becomes of one published message, and what its publisher hears."""

    WRITTEN = "written, acknowledged"
    REFUSED = "not written, BrokerUnavailable"
    LOST_BUT_WRITTEN = "written, BrokerUnavailable"
    LATE = "BrokerUnavailable, written after `late_seconds`"
    TWICE = "written twice, acknowledged"


@dataclass
class Faults:
    """Hooks; the defaults are a broker without faults. `delay` is in seconds, before a message is handed over."""

    fate: Callable[[Message], Fate] = lambda _message: Fate.WRITTEN
    delay: Callable[[Message], float] = lambda _message: 0.0
    late_seconds: float = 5.0
    shuffle: random.Random | None = None
    """Chooses from which partition the next message comes; None: the oldest first."""
    commit: Callable[[], bool] = lambda: True
    """False: this commit is lost."""


@dataclass
class _Topic:
    spec: TopicSpec
    id: str
    partitions: list[list[Message]]


@dataclass
class _Group:
    members: list["SimulatedConsumer"] = field(default_factory=list["SimulatedConsumer"])
    committed: dict[Partition, int] = field(default_factory=dict[Partition, int])


class SimulatedBroker:
    """See the module. `down` makes every verb fail and stops deliveries."""

    def __init__(
        self,
        specs: Iterable[TopicSpec] = (),
        faults: Faults | None = None,
        *,
        max_in_flight: int = 500,
        drain_seconds: float = 10.0,
        max_records: int = 100,
    ) -> None:
        self.faults = faults or Faults()
        self.written: list[Message] = []
        """Everything ever written, for the checks of a history."""
        self.max_in_flight = max_in_flight
        self.max_records = max_records
        self.drain_seconds = drain_seconds
        self._specs = {spec.name: spec for spec in specs}
        self._topics: dict[str, _Topic] = {}
        self._groups: dict[str, _Group] = {}
        self._made = 0
        self._clock = 0
        self._down = False
        self._late: set[asyncio.TimerHandle] = set()

    # -- the port

    async def start(self) -> None:
        self._answer()

    async def stop(self) -> None:
        for handle in self._late:
            handle.cancel()

    async def publish(self, messages: Sequence[Message]) -> None:
        await asyncio.sleep(0)
        self._answer()
        missing = [message.topic for message in messages if message.topic not in self._topics]
        if unknown := [name for name in missing if name not in self._specs]:
            raise UnknownTopic(sorted(set(unknown)))
        if missing:
            await self.provision(list(self._specs.values()))
        failed = False
        for message in messages:
            fate = self.faults.fate(message)
            if fate is Fate.LATE:
                loop = asyncio.get_running_loop()
                self._late.add(loop.call_later(self.faults.late_seconds, self._write_late, message))
            elif fate is not Fate.REFUSED:
                for _ in range(2 if fate is Fate.TWICE else 1):
                    self._write(message)
            failed = failed or fate in (Fate.REFUSED, Fate.LOST_BUT_WRITTEN, Fate.LATE)
        self._deliver()
        if failed:
            raise BrokerUnavailable("no acknowledgement")

    async def provision(self, topics: Sequence[TopicSpec]) -> list[str]:
        self._answer()
        made = [spec.name for spec in topics if spec.name not in self._topics]
        for spec in topics:
            if spec.name in made:
                self._made += 1
                self._topics[spec.name] = _Topic(spec, f"topic-{self._made}", [[] for _ in range(spec.partitions)])
        if made:
            for group in self._groups.values():
                self._assign(group)
        return made

    async def topic_ids(self) -> Mapping[str, str]:
        self._answer()
        return {name: topic.id for name, topic in self._topics.items()}

    def consumer(self, group: str, topics: Sequence[str], receive: Receive) -> "SimulatedConsumer":
        return SimulatedConsumer(self, group, topics, receive)

    # -- what a history may do to it

    def may_make(self, specs: Iterable[TopicSpec]) -> None:
        """Add topics that are made when they are missing."""
        self._specs.update({spec.name: spec for spec in specs})

    @property
    def down(self) -> bool:
        return self._down

    @down.setter
    def down(self, value: bool) -> None:
        self._down = value
        self._deliver()

    def lose_everything(self) -> None:
        """As if it had been stopped and come back empty; groups form again at once."""
        self._topics.clear()
        for group in self._groups.values():
            for member in group.members:
                member.revoked()  # which commits once more, to what is about to be lost
            group.committed.clear()
            self._assign(group)

    def rebalance(self, group: str, rng: random.Random | None = None) -> None:
        """Give the partitions out anew; what is being handled goes on beside its redelivery (zombies). With `rng` to
        members in another order, so that the redelivery goes to another process.
        """
        if rng is not None:
            rng.shuffle(self._groups[group].members)
        self._assign(self._groups[group])

    def partitions_of(self, group: str) -> list[Partition]:
        """All partitions that the group's members listen to and that exist."""
        heard = {name for member in self._groups[group].members for name in member.topics}
        return [
            (name, number)
            for name, topic in sorted(self._topics.items())
            if name in heard
            for number in range(len(topic.partitions))
        ]

    def rewind(self, group: str, topic: str, partition: int, offset: int) -> None:
        """Deliver again from `offset` on, like after an operator's reset or a lost commit."""
        self._groups[group].committed[(topic, partition)] = offset
        self._assign(self._groups[group])

    # -- for its consumers

    def join(self, consumer: "SimulatedConsumer") -> None:
        group = self._groups.setdefault(consumer.group, _Group())
        group.members.append(consumer)
        self._assign(group)

    def leave(self, consumer: "SimulatedConsumer") -> None:
        group = self._groups[consumer.group]
        group.members.remove(consumer)
        self._assign(group)

    def commit(self, consumer: "SimulatedConsumer", offsets: Mapping[Partition, int]) -> bool:
        """Refused for partitions that are not (or no more) the consumer's."""
        if self._down or not self.faults.commit() or not set(offsets) <= set(consumer.positions):
            return False
        self._groups[consumer.group].committed.update(offsets)
        return True

    def log_of(self, where: Partition) -> Sequence[Message]:
        return self._topics[where[0]].partitions[where[1]]

    # -- inside

    def _answer(self) -> None:
        if self._down:
            raise BrokerUnavailable("down")

    def _write_late(self, message: Message) -> None:
        if message.topic in self._topics:
            self._write(message)
            self._deliver()

    def _write(self, message: Message) -> None:
        log = self._topics[message.topic].partitions
        number = zlib.crc32(message.key.encode()) % len(log)
        self._clock += 1
        record = replace(message, partition=number, offset=len(log[number]), timestamp=self._clock)
        log[number].append(record)
        self.written.append(record)

    def _assign(self, group: _Group) -> None:
        for member in group.members:
            member.revoked()
        if not group.members:
            return
        shares: list[dict[Partition, int]] = [{} for _ in group.members]
        for name, topic in sorted(self._topics.items()):
            takers = [index for index, member in enumerate(group.members) if name in member.topics]
            for number in range(len(topic.partitions)):
                if takers:
                    where = (name, number)
                    # Partitions of one number of several topics need not come to one member.
                    taker = takers[(number + zlib.crc32(name.encode())) % len(takers)]
                    shares[taker][where] = group.committed.get(where, 0)
        for member, share in zip(group.members, shares, strict=True):
            member.assigned(share)

    def _deliver(self) -> None:
        for group in self._groups.values():
            for member in group.members:
                member.wake()


class SimulatedConsumer:
    """The `Consumer` port. `positions` are the next offsets to fetch of the partitions that it has."""

    def __init__(self, broker: SimulatedBroker, group: str, topics: Sequence[str], receive: Receive) -> None:
        self.group = group
        self.topics = tuple(topics)
        self.positions: dict[Partition, int] = {}
        self._logs: dict[Partition, Sequence[Message]] = {}
        self._broker = broker
        self._lanes = Lanes(limit=broker.max_in_flight, batch=broker.max_records)
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
                if self._taking and self.positions.get(where) == message.offset:
                    self.positions[where] = message.offset + 1
                    self._work.hand_over([message])
                await asyncio.sleep(0)

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
            return self._broker.faults.shuffle.choice(heads)
        return min(heads, key=lambda message: message.timestamp)
