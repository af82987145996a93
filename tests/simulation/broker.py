"""The broker port in one thread and without a network, for simulated histories.

Deterministic: what happens next follows from the calls, the `Faults` and the seed. Lanes, offsets and patience are the
production code (`turnus_runtime.lanes`, `lane_work`); only log, groups and fetching (`consumer`) are simulated.
Time is the running loop's, so a loop with virtual time makes it virtual here too.
"""

import asyncio
import random
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from tests.simulation.consumer import SimulatedConsumer
from turnus_runtime.lanes import Partition
from turnus_runtime.ports import BrokerUnavailable, LaneOf, Message, Receive, TopicSpec, UnknownTopic, by_key


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
    members: list[SimulatedConsumer] = field(default_factory=list[SimulatedConsumer])
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

    def consumer(
        self, group: str, topics: Sequence[str], receive: Receive, lane_of: LaneOf = by_key
    ) -> SimulatedConsumer:
        return SimulatedConsumer(self, group, topics, receive, lane_of)

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

    def join(self, consumer: SimulatedConsumer) -> None:
        group = self._groups.setdefault(consumer.group, _Group())
        group.members.append(consumer)
        self._assign(group)

    def leave(self, consumer: SimulatedConsumer) -> None:
        group = self._groups[consumer.group]
        group.members.remove(consumer)
        self._assign(group)

    def commit(self, consumer: SimulatedConsumer, offsets: Mapping[Partition, int]) -> bool:
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
