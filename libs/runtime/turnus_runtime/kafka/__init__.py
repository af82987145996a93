"""The broker adapter: publish by aiokafka, consume through one FastStream subscriber per service.

The only package that imports faststream and aiokafka. What it works around is said in each module, and every one of
these has a test in `tests/integration/broker`.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from turnus_runtime.kafka.consumer import ConsumerOptions, KafkaConsumer
from turnus_runtime.kafka.topics import Topics
from turnus_runtime.ports import (
    BrokerUnavailable,
    Consumer,
    LaneOf,
    Message,
    Receive,
    TopicSpec,
    UnknownTopic,
    by_key,
)

LARGEST_MESSAGE_BYTES = 1_000_000
LOOK_AFTER_SECONDS = 0.25
"""When an acknowledgement takes longer, look whether the topic is still there."""
CANCELLED_EVERY_SECONDS = 0.1
CANCELLED_AT_MOST = 20
"""How often a sender is told to end: once for each request that it waits for."""

Observe = Callable[[str, str, float, int], None]
"""(verb, topic, seconds, count): told after every publish, batch and commit."""

log = structlog.get_logger(__name__)


class MessageTooLarge(ValueError):
    """A message that no broker with default limits takes. Trying again will not help."""


class KafkaBroker:
    """The `Broker` port on Apache Kafka, Tansu, or any other server of that protocol.

    `url` is `host:port`, several by comma. `specs` are the topics that may be made when they are missing: at a publish,
    or when a consumer misses its own; without a spec that is `UnknownTopic`. `idempotent=False` and a
    `fetch_max_wait_ms` of 10 to 50 for Tansu, True and 500 for Kafka.
    """

    def __init__(
        self,
        url: str,
        *,
        client_id: str,
        idempotent: bool,
        fetch_max_wait_ms: int,
        specs: Iterable[TopicSpec] = (),
        replication: int = 1,
        publish_timeout_seconds: float = 5.0,
        consuming: ConsumerOptions | None = None,
        observe: Observe | None = None,
    ) -> None:
        self._url = url
        self._client_id = client_id
        self._idempotent = idempotent
        self._fetch_max_wait_ms = fetch_max_wait_ms
        self._specs = {spec.name: spec for spec in specs}
        self._timeout = publish_timeout_seconds
        self._options = consuming or ConsumerOptions()
        self._observe = observe or _unobserved
        self._topics = Topics(
            url, client_id=client_id, replication=replication, timeout_seconds=publish_timeout_seconds
        )
        self._producer: AIOKafkaProducer | None = None
        self._looked_at = float("-inf")
        self._starting = asyncio.Lock()
        self._making = asyncio.Lock()
        self._closing: set[asyncio.Task[None]] = set()
        quiet_library()

    async def start(self) -> None:
        """Connect the producer. May be called again after `BrokerUnavailable`; a later publish would do it too."""
        await self._live()

    async def stop(self) -> None:
        """Let pending publishes end (bounded), then close. Consumers are stopped by their owners, before."""
        if self._producer is not None:
            self._replace(self._producer)
        await asyncio.gather(*self._closing)

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when all replicas in sync have all messages.

        Raises:
            BrokerUnavailable: not acknowledged in time; any of them may have been written, or still will be.
            UnknownTopic: a topic does not exist and has no spec; nothing of this call was sent.
            MessageTooLarge: nothing of this call was sent.
        """
        if not messages:
            return
        for message in messages:
            if len(message.value or b"") + len(message.key) > LARGEST_MESSAGE_BYTES:
                raise MessageTooLarge(f"a message to {message.topic} is larger than {LARGEST_MESSAGE_BYTES} bytes")
        began = time.perf_counter()
        producer = await self._live()
        try:
            async with asyncio.timeout(self._timeout):
                await self._publish(producer, messages)
        except TimeoutError as problem:
            self._replace(producer)  # it may have died without a word
            raise BrokerUnavailable(f"no acknowledgement within {self._timeout:g} s") from problem
        seconds = time.perf_counter() - began
        for topic in {message.topic for message in messages}:
            self._observe("publish", topic, seconds, sum(message.topic == topic for message in messages))

    async def provision(self, topics: Sequence[TopicSpec]) -> list[str]:
        """Create the topics that are missing, wait until all are usable, and say which this call made."""
        return await self._topics.provision(topics)

    async def topic_ids(self) -> Mapping[str, str]:
        """Name -> the broker's UUID of the topic (KIP-516; Tansu has them too, new ones after every restart)."""
        return await self._topics.ids()

    def consumer(self, group: str, topics: Sequence[str], receive: Receive, lane_of: LaneOf = by_key) -> Consumer:
        """One subscription, see `KafkaConsumer`."""
        return KafkaConsumer(
            self._url,
            group,
            topics,
            receive,
            lane_of,
            client_id=self._client_id,
            fetch_max_wait_ms=self._fetch_max_wait_ms,
            options=self._options,
            make_missing=self._make_missing,
            observe=self._observe,
        )

    async def _publish(self, producer: AIOKafkaProducer, messages: Sequence[Message]) -> None:
        topics = {message.topic for message in messages}
        waiting: set[asyncio.Future[Any]] = set()
        try:
            await self._look(producer, topics)
            for message in messages:  # one after the other: the order of a key is the order of these calls
                future = await producer.send(
                    message.topic,
                    message.value,
                    key=message.key.encode(),
                    headers=[(name, value.encode()) for name, value in message.headers.items()],
                )
                future.add_done_callback(_retrieve)
                waiting.add(future)
            while waiting:
                done, waiting = await asyncio.wait(waiting, timeout=LOOK_AFTER_SECONDS)
                for future in done:
                    future.result()
                if waiting:
                    await self._look(producer, topics, fresh=True)
        except (KafkaError, OSError) as problem:
            if self._idempotent or not getattr(problem, "retriable", False):
                self._replace(producer)  # a failed batch leaves a gap in its sequence, and every later one is refused
            raise BrokerUnavailable(f"publish: {type(problem).__name__}: {problem}") from problem

    async def _look(self, producer: AIOKafkaProducer, topics: Iterable[str], *, fresh: bool = False) -> None:
        """See that the topics exist as far as is known (`fresh`: ask), make them if there are specs.

        However many publishes wait, the broker is asked by one of them at a time: each on its own, they kept a core
        busy with asking while it was away, the core that it needs to come back.
        """
        client = producer.client
        for topic in topics:
            client.add_topic(topic)
        known = client.cluster.partitions_for_topic
        now = asyncio.get_running_loop().time()
        if all(known(topic) for topic in topics) and (not fresh or now - self._looked_at < LOOK_AFTER_SECONDS):
            return
        self._looked_at = now
        if not await client.force_metadata_update():
            if not all(known(topic) for topic in topics):
                raise BrokerUnavailable("no broker answers")
            return
        missing = [topic for topic in topics if not known(topic)]
        if missing:
            await self._make_missing(missing)
            while not all(known(topic) for topic in topics):
                await client.force_metadata_update()

    async def _make_missing(self, names: Iterable[str]) -> None:
        async with self._making:
            existing = await self.topic_ids()
            missing = [name for name in names if name not in existing]
            if unknown := [name for name in missing if name not in self._specs]:
                raise UnknownTopic(unknown)
            if missing:
                # all of them: whoever lost one has lost the others, and each new topic costs every group a rebalance
                made = await self.provision(list(self._specs.values()))
                log.warning("topics_made", topics=made)

    async def _live(self) -> AIOKafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = AIOKafkaProducer(
                    bootstrap_servers=self._url,
                    client_id=self._client_id,
                    acks="all",
                    enable_idempotence=self._idempotent,
                    linger_ms=0,
                    request_timeout_ms=int(self._timeout * 1000),
                )
                try:
                    async with asyncio.timeout(self._timeout):
                        await producer.start()
                except (KafkaError, OSError, TimeoutError) as problem:
                    await _close(producer, self._timeout)
                    raise BrokerUnavailable(f"{self._url}: {type(problem).__name__}: {problem}") from problem
                self._producer = producer
            return self._producer

    def _replace(self, producer: AIOKafkaProducer) -> None:
        """The next publish begins with a new producer; this one is closed beside."""
        if self._producer is not producer:
            return
        self._producer = None
        task = asyncio.create_task(_close(producer, self._timeout))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


def _unobserved(verb: str, topic: str, seconds: float, count: int) -> None:
    pass


async def _close(producer: AIOKafkaProducer, seconds: float) -> None:
    """Let pending messages out, for at most `seconds`, then end everything that belongs to the producer.

    Its own `stop` waits without limit for messages that cannot be sent, and cancelling it leaves behind a sender that
    asks the broker for ever, one for each outage, and would still send what others have said long since.
    """
    inside: Any = producer
    sending: asyncio.Task[None] | None = inside._sender.sender_task  # noqa: SLF001
    if sending is not None:
        flushing = asyncio.ensure_future(producer.flush())
        await asyncio.wait({flushing, sending}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        flushing.cancel()
        for _ in range(CANCELLED_AT_MOST):
            if sending.done():
                break
            # It waits for its requests one after the other, and each cancellation ends but the one it waits for.
            sending.cancel()
            await asyncio.wait({sending}, timeout=CANCELLED_EVERY_SECONDS)
    inside._closed = True  # noqa: SLF001
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(seconds):
            await producer.client.close()


def _retrieve(future: "asyncio.Future[Any]") -> None:
    """A late failure of a publish that was given up is no news."""
    if not future.cancelled():
        future.exception()


class _Outage(logging.Filter):
    """Drops the library's many lines about a broker that is away (we say it once); exceptions with a trace stay."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.exc_info is not None


def quiet_library() -> None:
    """Put that filter on the library's loggers."""
    for name in list(logging.root.manager.loggerDict):
        if name == "aiokafka" or name.startswith("aiokafka."):
            logger = logging.getLogger(name)
            if not any(isinstance(each, _Outage) for each in logger.filters):
                logger.addFilter(_Outage())
