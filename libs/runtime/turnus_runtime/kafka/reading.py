"""Reading topics beside all groups, for people and their tools: joins nothing, commits nothing."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from turnus_runtime.kafka.session import message_of
from turnus_runtime.kafka.topics import Topics
from turnus_runtime.ports import BrokerUnavailable, Message

POLL_MS = 250
ANSWER_SECONDS = 15.0
LOOK_EVERY_SECONDS = 2.0
BRIEF_WAIT_MS = 50
"""What a question waits for at the end of a topic; who follows topics waits as long as the setting says."""


class KafkaReader:
    """Reads from the first message that is kept. A partition's end is what its fetches say: other answers are wrong on
    Tansu. Every verb raises `BrokerUnavailable` when the broker does not answer.
    """

    def __init__(self, url: str, *, client_id: str, fetch_max_wait_ms: int) -> None:
        self._url = url
        self._client_id = client_id
        self._fetch_max_wait_ms = fetch_max_wait_ms
        self._topics = Topics(url, client_id=client_id, replication=1, timeout_seconds=ANSWER_SECONDS)

    async def existing(self, topics: Sequence[str]) -> dict[str, str]:
        """Those of these topics that exist, with their ids."""
        ids = await self._topics.ids()
        return {topic: ids[topic] for topic in topics if topic in ids}

    async def all_of(self, topics: Sequence[str]) -> list[Message]:
        """Everything that these topics hold now, oldest first; topics that do not exist hold nothing."""
        found: list[Message] = []
        wait = min(BRIEF_WAIT_MS, self._fetch_max_wait_ms)
        async with self._consumer(sorted(await self.existing(topics)), None, wait) as (consumer, parts):
            last_answer = time.monotonic()
            while parts and not await _at_end(consumer, parts):
                batch = await consumer.getmany(timeout_ms=POLL_MS)
                if batch:
                    last_answer = time.monotonic()
                elif time.monotonic() - last_answer > ANSWER_SECONDS:
                    raise BrokerUnavailable(f"{self._url} said nothing for {ANSWER_SECONDS:.0f} s")
                found += [message_of(record) for records in batch.values() for record in records]
        return sorted(found, key=lambda message: (message.timestamp, message.topic, message.partition, message.offset))

    async def follow(self, topics: Sequence[str]) -> AsyncGenerator[Message]:
        """Everything that these topics hold and whatever comes, until closed; topics that come, or come anew, too."""
        while True:
            ids = await self.existing(topics)
            async with self._consumer(sorted(ids), None, self._fetch_max_wait_ms) as (consumer, parts):
                looked = time.monotonic()
                while True:
                    if time.monotonic() - looked > LOOK_EVERY_SECONDS:
                        if await self.existing(topics) != ids:
                            break
                        looked = time.monotonic()
                    if not parts:
                        await asyncio.sleep(POLL_MS / 1000)
                        continue
                    for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                        for record in records:
                            yield message_of(record)

    async def since(self, topic: str, offset: int, most: int) -> list[Message]:
        """What a topic of one partition holds from this offset on, at most so many messages; nothing if it is gone."""
        found: list[Message] = []
        wait = min(BRIEF_WAIT_MS, self._fetch_max_wait_ms)
        async with self._consumer([topic], None, wait) as (consumer, parts):
            for part in parts:
                consumer.seek(part, offset)
            last_answer = time.monotonic()
            while len(found) < most and not await _at_end(consumer, parts):
                batch = await consumer.getmany(timeout_ms=POLL_MS, max_records=most - len(found))
                if batch:
                    last_answer = time.monotonic()
                elif time.monotonic() - last_answer > ANSWER_SECONDS:
                    raise BrokerUnavailable(f"{self._url} said nothing for {ANSWER_SECONDS:.0f} s")
                found += [message_of(record) for records in batch.values() for record in records]
        return found

    async def lag(self, group: str, topics: Sequence[str]) -> int:
        """Messages of these topics that the group has not finished."""
        return sum((await self.lags(group, topics)).values())

    async def lags(self, group: str, topics: Sequence[str]) -> dict[str, int]:
        """By topic, the messages that the group has not finished; topics that do not exist are left out."""
        behind: dict[str, int] = {}
        if not topics:
            return behind
        wait = min(BRIEF_WAIT_MS, self._fetch_max_wait_ms)
        async with self._consumer(sorted(await self.existing(topics)), group, wait) as (consumer, parts):
            places = dict(zip(parts, await asyncio.gather(*map(consumer.committed, parts)), strict=True))
            for part, place in places.items():
                if place is not None:
                    consumer.seek(part, place)
            deadline = time.monotonic() + ANSWER_SECONDS
            while any(consumer.highwater(part) is None for part in parts):
                if time.monotonic() > deadline:
                    raise BrokerUnavailable(f"{self._url} said nothing for {ANSWER_SECONDS:.0f} s")
                await consumer.getmany(timeout_ms=POLL_MS)
            # A group that never committed has everything before it, from the first message that is kept.
            begins = await consumer.beginning_offsets([part for part, place in places.items() if place is None])
            for part, place in places.items():
                left = max(0, (consumer.highwater(part) or 0) - (begins[part] if place is None else place))
                behind[part.topic] = behind.get(part.topic, 0) + left
        return behind

    @asynccontextmanager
    async def _consumer(
        self, topics: Sequence[str], group: str | None, wait_ms: int
    ) -> AsyncGenerator[tuple[AIOKafkaConsumer, list[TopicPartition]]]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._url,
            client_id=self._client_id,
            group_id=group,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=wait_ms,
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await consumer.start()
                parts = await _partitions(consumer, topics)
            consumer.assign(parts)
            yield consumer, parts
        except (KafkaError, OSError, TimeoutError) as problem:
            raise BrokerUnavailable(f"{self._url}: {type(problem).__name__}: {problem}") from problem
        finally:
            await consumer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topics: Sequence[str]) -> list[TopicPartition]:
    # `partitions_for_topic` of a consumer that follows nothing yet knows no topic on Kafka, and `topics` says no more.
    client: Any = vars(consumer)["_client"]
    cluster: Any = await client.fetch_all_metadata()
    return [
        TopicPartition(topic, number)
        for topic in topics
        for number in sorted(cluster.partitions_for_topic(topic) or ())
    ]


async def _at_end(consumer: AIOKafkaConsumer, parts: Sequence[TopicPartition]) -> bool:
    for part in parts:
        end = consumer.highwater(part)
        if end is None or await consumer.position(part) < end:
            return False
    return True
