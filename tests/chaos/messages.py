"""Messages that should not be there: poison and duplicates; and dead letters that nobody expected."""

import asyncio
import json
import random
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from tests.chaos.world import SERVICES, World
from turnus_contracts import AssigneeSettled
from turnus_runtime.dead_letters import dead_letters
from turnus_runtime.ids import RandomIds
from turnus_runtime.operations import reader_of
from turnus_runtime.process import installed, topics_of

MARK = "chaos"
"""A header of every poisoned message."""
PER_PARTITION = 12
READ_SECONDS = 10


class Messages:
    """Publishes beside all services, on the broker's own port."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self._world = world
        self._chance = chance
        self._services = installed(SERVICES)

    async def poison(self) -> int:
        """What cannot be read, or must not be, to every topic; how many messages."""
        sent = 0
        async with Producing(self._world) as producer:
            for topic in self._topics():
                for value in self._unreadable():
                    headers = [(MARK, b"poison"), *([("ce_id", b"\xff\xfe")] if self._chance.random() < 0.3 else [])]
                    key = self._chance.choice([b"poison", b"\xff\x00\xfe", b""])
                    await producer.send_and_wait(topic, value, key=key, headers=headers)
                    sent += 1
            unknown = json.dumps({"booking_id": RandomIds().fresh("bk"), "attempt": 1}).encode()
            await producer.send_and_wait(AssigneeSettled.topic(), unknown, key=b"poison", headers=[(MARK, b"poison")])
        return sent + 1

    async def duplicate(self) -> int:
        """Some of what was ever said, old and new, said again as it was; how many messages."""
        found = await self._some()
        async with Producing(self._world) as producer:
            for record in found:
                await producer.send_and_wait(record.topic, record.value, key=record.key, headers=list(record.headers))
        return len(found)

    async def unexplained_letters(self) -> list[dict[str, Any]]:
        """Dead letters of anything but our poison."""
        letters = await dead_letters(reader_of(self._world.operator()), self._services)
        return [letter.shown() for letter in letters if MARK not in letter.headers]

    def _topics(self) -> list[str]:
        specs = topics_of(self._services, self._world.operator())
        return [spec.name for spec in specs if not spec.name.endswith(".dlq")]

    def _unreadable(self) -> Sequence[bytes | None]:
        every: list[bytes | None] = [
            b"",
            b"{",
            b"null",
            b"\xff\xfe\x00",
            b"[" * 10_000,
            b'{"booking_id": 7}',
            b'"' + b"x" * 900_000 + b'"',
            None,
        ]
        return self._chance.sample(every, 2)

    async def _some(self) -> list[Any]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=f"127.0.0.1:{self._world.broker.port}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )
        found: list[Any] = []
        await consumer.start()
        try:
            client: Any = vars(consumer)["_client"]
            cluster = await client.fetch_all_metadata()
            parts = [
                TopicPartition(topic, number)
                for topic in self._topics()
                for number in sorted(cluster.partitions_for_topic(topic) or ())
            ]
            begins, ends = await consumer.beginning_offsets(parts), await consumer.end_offsets(parts)
            parts = [part for part in parts if ends[part] > begins[part]]
            consumer.assign(parts)
            for part in parts:
                # Half of them lately, half of them any time.
                oldest = begins[part] if self._chance.random() < 0.5 else max(begins[part], ends[part] - PER_PARTITION)
                consumer.seek(part, self._chance.randint(oldest, ends[part] - 1))
            wanted = set(parts)
            deadline = asyncio.get_running_loop().time() + READ_SECONDS
            while wanted and asyncio.get_running_loop().time() < deadline:
                for part, records in (await consumer.getmany(*wanted, timeout_ms=200)).items():
                    wanted.discard(part)
                    found += [one for one in records[:PER_PARTITION] if not dict(one.headers).get(MARK)]
        finally:
            await consumer.stop()
        return found


class Producing:
    def __init__(self, world: World) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=f"127.0.0.1:{world.broker.port}", max_request_size=1_000_000, acks="all"
        )

    async def __aenter__(self) -> AIOKafkaProducer:
        await self._producer.start()
        return self._producer

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()
