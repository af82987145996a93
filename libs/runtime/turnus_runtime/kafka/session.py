"""One membership in a consumer group: FastStream's subscriber, and what is done beside it through its consumer.

- FastStream loses messages under every acknowledgement policy when a handler raises, and its batch parser drops a whole
  batch for one header that is no UTF-8: so the handler only hands records over, and the parser passes them through.
- Between two empty polls FastStream sleeps as long as it polled: so polls are stretched, and the sleep is short.
- `AIOKafkaConsumer.commit` tries again for ever and then speaks for whatever identity the consumer has *by then*, also
  for none: after a lost broker it commits old offsets into new topics, and Tansu answers a position behind the end with
  silence for ever. So offsets are committed under the identity at the time of the assignment.
- aiokafka leaves a group only when its generation is above 0; Tansu's first one is 0, and the others would wait for the
  session's end.
"""

import asyncio
import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, cast

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.commit import OffsetCommitRequest
from aiokafka.protocol.group import LeaveGroupRequest
from aiokafka.structs import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker as FastStreamBroker
from faststream.kafka.message import FAKE_CONSUMER, KafkaMessage

from turnus_runtime.lanes import Partition
from turnus_runtime.ports import Message

Record = ConsumerRecord[bytes, bytes]
Records = tuple[Record, ...]

BATCH_TIMEOUT_MS = 10
POLL_MS = 250
JOIN_MARGIN_MS = 5000
"""How much longer than the group's timeouts a request may take: a join is answered when the slowest has joined."""
BOUND_SECONDS = 3.0
"""For commits, leaving and closing: what the broker does not answer by then does not matter."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConsumerOptions:
    """How a subscription behaves. Times in seconds unless named otherwise.

    `max_in_flight` bounds the messages taken and not finished, `lane_depth` those waiting in one lane; `max_records`
    is the largest batch. `drain` is how long a stop waits for what was taken, `revoke` how long a rebalance (with it
    every other member) waits for what is being handled. A loop that has not polled for `poll_limit` is started anew.
    `session_timeout_ms`: Kafka allows 6000 and more; Tansu makes every join take half of it, so 2000 to 3000 there.
    """

    max_in_flight: int = 500
    lane_depth: int = 100
    max_records: int = 100
    commit_every: float = 1.0
    drain: float = 10.0
    revoke: float = 1.0
    poll_limit: float = 30.0
    session_timeout_ms: int = 6000
    rebalance_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 500
    metadata_max_age_ms: int = 2000


class Owner(Protocol):
    """Whom a session works for."""

    def take(self, messages: Sequence[Message]) -> None: ...

    def assigned(self, partitions: set[Partition]) -> None: ...

    async def revoked(self, session: "Session", partitions: set[Partition]) -> None: ...


class _Consumer(AIOKafkaConsumer):
    """Notes when it polled, and under which assignment a batch was taken; polls longer than FastStream asks."""

    def __init__(self, session: "Session", **options: Any) -> None:
        super().__init__(**options)
        self._session = session

    async def getmany(self, *partitions: TopicPartition, timeout_ms: int = 0, max_records: int | None = None) -> Any:
        session = self._session
        session.polled_at = asyncio.get_running_loop().time()
        found = await super().getmany(*partitions, timeout_ms=max(timeout_ms, POLL_MS), max_records=max_records)
        session.polled_at = asyncio.get_running_loop().time()
        session.taken_under = session.identity
        return found


class Session(ConsumerRebalanceListener):
    """From one start to one stop. Errors of the broker come out of `start` as the library's."""

    def __init__(
        self,
        owner: Owner,
        url: str,
        group: str,
        topics: Sequence[str],
        *,
        client_id: str,
        fetch_max_wait_ms: int,
        options: ConsumerOptions,
    ) -> None:
        self.polled_at = asyncio.get_running_loop().time()
        self.taking = True
        self.identity: tuple[int, str] | None = None
        """(generation, member id) of the assignment in force."""
        self.taken_under: tuple[int, str] | None = None
        self._owner = owner
        self._group = group
        self._topics = tuple(topics)
        self._paused: frozenset[Partition] = frozenset()
        self._started = False
        self._broken = False
        self._broker = FastStreamBroker(
            url,
            client_id=client_id,
            request_timeout_ms=max(options.session_timeout_ms, options.rebalance_timeout_ms) + JOIN_MARGIN_MS,
            metadata_max_age_ms=options.metadata_max_age_ms,
            allow_auto_create_topics=False,
            consumer_only=True,
            apply_types=False,
            logger=None,
            graceful_timeout=BOUND_SECONDS,
        )
        self._subscriber = self._broker.subscriber(
            *self._topics,
            group_id=group,
            batch=True,
            max_records=options.max_records,
            batch_timeout_ms=BATCH_TIMEOUT_MS,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            heartbeat_interval_ms=options.heartbeat_interval_ms,
            session_timeout_ms=options.session_timeout_ms,
            rebalance_timeout_ms=options.rebalance_timeout_ms,
            fetch_max_wait_ms=fetch_max_wait_ms,
            listener=self,
            parser=_pass_through,
            decoder=_undecoded,
            no_reply=True,
        )
        self._subscriber(self._hand_over)

    @property
    def alive(self) -> bool:
        """False when one of the library's loops has ended."""
        if not self._started:
            return True  # still joining
        consumer = self._subscriber.consumer
        if consumer is None or self._broken or not self._subscriber.tasks:
            return False
        inside = cast("Any", consumer)
        coordination, fetching = inside._coordinator._coordination_task, inside._fetcher._fetch_task  # noqa: SLF001
        # The fetcher ends on a KeyError when two requests on one connection time out; polls then return empty for ever.
        return not any(task.done() for task in (coordination, fetching, *self._subscriber.tasks))

    @property
    def joined(self) -> bool:
        """Whether the group has given us a part that is in force."""
        return self.identity is not None

    async def start(self) -> None:
        """Connect and join; returns with the first assignment."""
        await self._broker.connect()
        config: Any = self._broker.config.broker_config  # a partial of the library's consumer, now of ours
        config.builder = partial(_Consumer, self, **config.builder.keywords)
        await self._broker.start()
        self._started = True
        self.polled_at = asyncio.get_running_loop().time()

    async def stop(self) -> None:
        """Leave the group and close everything, within bounds."""
        self.taking = False
        await self._leave()
        with contextlib.suppress(KafkaError, OSError, TimeoutError, AssertionError):
            async with asyncio.timeout(2 * BOUND_SECONDS):
                await self._broker.stop()

    def pause_exactly(self, wanted: Collection[Partition]) -> None:
        """Pause these partitions and no others."""
        consumer = self._subscriber.consumer
        if consumer is None or wanted == self._paused:
            return
        ours = {(each.topic, each.partition) for each in consumer.assignment()}
        wanted = frozenset(wanted) & ours
        consumer.pause(*(TopicPartition(*each) for each in wanted - self._paused))
        consumer.resume(*(TopicPartition(*each) for each in (self._paused & ours) - wanted))
        self._paused = wanted

    async def commit(self, offsets: Mapping[Partition, int]) -> bool:
        """Whether the broker took all these offsets. Refusals mean that the partitions are somebody else's by now."""
        consumer = self._subscriber.consumer
        if consumer is None or self.identity is None:
            return False
        by_topic: dict[str, list[tuple[int, int, str]]] = {}
        for (topic, number), offset in offsets.items():
            by_topic.setdefault(topic, []).append((number, offset, ""))
        request = OffsetCommitRequest(
            self._group, *self.identity, OffsetCommitRequest.DEFAULT_RETENTION_TIME, list(by_topic.items())
        )
        response = await self._ask(request)
        if response is None:
            return False
        codes = {code for _topic, partitions in response.topics for _number, code in partitions}
        if codes != {0}:
            log.info("offsets_refused", group=self._group, problems=sorted(for_code(code).__name__ for code in codes))
        return codes == {0}

    async def lag(self, positions: Mapping[Partition, int]) -> int:
        """Messages between these positions (else those of the fetcher) and the partitions' ends at the last fetch."""
        consumer = self._subscriber.consumer
        if consumer is None:
            return 0
        behind = 0
        for each in consumer.assignment():
            end = consumer.highwater(each)
            if end is None:
                continue
            position = positions.get((each.topic, each.partition))
            if position is None:
                position = await consumer.position(each)
            behind += max(0, end - position)
        return behind

    def missing_topics(self) -> list[str]:
        """Topics of ours that the broker did not know when it was asked last."""
        consumer = self._subscriber.consumer
        if consumer is None or not self._started:
            return []
        return [topic for topic in self._topics if not consumer.partitions_for_topic(topic)]

    # -- the group's calls

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._owner.revoked(self, {(each.topic, each.partition) for each in revoked})
        self.identity = None

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        consumer: Any = self._subscriber.consumer
        coordinator = consumer._coordinator  # noqa: SLF001
        self.identity = (coordinator.generation, coordinator.member_id)
        self._paused = frozenset()
        self._owner.assigned({(each.topic, each.partition) for each in assigned})

    # -- inside

    async def _hand_over(self, records: Records) -> None:
        """Never waits and never raises, so that FastStream has nothing to decide.

        A batch that was taken under an earlier assignment is dropped: its partitions begin at their committed offsets.
        """
        if self.taking and self.taken_under == self.identity:
            try:
                self._owner.take([message_of(record) for record in records])
            except Exception:
                log.critical("batch_not_handed_over", group=self._group, exc_info=True)
                self._broken = True  # the supervisor begins a new session at the committed offsets

    async def _ask(self, request: Any) -> Any:
        """Send to the group's coordinator; None when it does not answer."""
        consumer: Any = self._subscriber.consumer
        try:
            async with asyncio.timeout(BOUND_SECONDS):
                return await consumer._coordinator._send_req(request)  # noqa: SLF001
        except (KafkaError, OSError, TimeoutError):
            return None

    async def _leave(self) -> None:
        consumer: Any = self._subscriber.consumer
        if consumer is not None and self.identity is not None and self.identity[0] == 0:
            await self._ask(LeaveGroupRequest(self._group, self.identity[1]))


async def _pass_through(records: Records) -> KafkaMessage:
    return KafkaMessage(raw_message=cast("Any", records), body=b"", consumer=FAKE_CONSUMER)


async def _undecoded(message: KafkaMessage) -> Records:
    return cast("Records", message.raw_message)


def message_of(record: "ConsumerRecord[bytes, bytes]") -> Message:
    """Strangers' keys and headers may be any bytes; what is no text must not stop anybody."""
    return Message(
        topic=record.topic,
        key=(record.key or b"").decode(errors="replace"),
        value=record.value,
        headers={name: (value or b"").decode(errors="replace") for name, value in record.headers},
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
    )
