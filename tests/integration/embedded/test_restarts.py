"""Servers that die come back at the same address; the caller learns what they forgot."""

import asyncio
import contextlib
import itertools
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from pymongo import AsyncMongoClient
from pymongo.errors import ConnectionFailure
from redis.asyncio import Redis

from tests.support.stack import Names, StackThread, until
from turnus_runtime.embedded import BROKER, CACHE, STORE, EmbeddedStack, Options


class Restarts:
    """Collects what the supervisor tells, and can be waited for."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []

    async def __call__(self, name: str, came_up_empty: bool) -> None:
        self.told.append((name, came_up_empty))


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


async def add_topic(kafka_url: str, topic: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(topic, num_partitions=1, replication_factor=1)])
    finally:
        await admin.close()


async def topics(kafka_url: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_url)
    await admin.start()
    try:
        return set(await admin.list_topics())
    finally:
        await admin.close()


async def test_a_killed_store_comes_back_at_the_same_address_with_every_acknowledged_write(data: Path) -> None:
    restarts = Restarts()
    async with EmbeddedStack(data, on_restarted=restarts) as stack:
        pid = stack.health[STORE].pid
        async with AsyncMongoClient[dict[str, Any]](stack.endpoints.mongo_url) as client:
            acknowledged: set[int] = set()
            told = asyncio.Event()

            async def write(lane: int) -> None:
                for number in itertools.count(lane, 4):
                    if told.is_set():
                        return
                    with contextlib.suppress(ConnectionFailure):  # not acknowledged: it may be there or not
                        await client.db.writes.insert_one({"_id": number})
                        acknowledged.add(number)

            lanes = [asyncio.create_task(write(lane)) for lane in range(4)]
            await until(lambda: len(acknowledged) >= 200, "200 writes are acknowledged")
            os.kill(pid, signal.SIGKILL)
            await until(lambda: bool(restarts.told), "the restart is told")
            told.set()
            await asyncio.gather(*lanes)

            found = {document["_id"] async for document in client.db.writes.find()}
        assert acknowledged <= found
        assert restarts.told == [(STORE, False)]
        assert stack.health[STORE].restarts == 1
        assert stack.health[STORE].pid != pid


async def test_a_killed_broker_comes_back_empty_at_the_same_address_and_the_caller_is_told(data: Path) -> None:
    restarts = Restarts()
    async with EmbeddedStack(data, on_restarted=restarts) as stack:
        kafka_url = stack.endpoints.kafka_url
        await add_topic(kafka_url, "Something")
        assert "Something" in await topics(kafka_url)

        os.kill(stack.health[BROKER].pid, signal.SIGKILL)
        await until(lambda: bool(restarts.told), "the restart is told")

        assert restarts.told == [(BROKER, True)]
        assert "Something" not in await topics(kafka_url)


async def test_a_killed_cache_comes_back_at_the_same_address(data: Path) -> None:
    restarts = Restarts()
    async with EmbeddedStack(data, on_restarted=restarts) as stack:
        redis = Redis.from_url(stack.endpoints.redis_url)  # pyright: ignore[reportUnknownMemberType]
        await redis.set("key", "value")
        await redis.aclose()

        os.kill(stack.health[CACHE].pid, signal.SIGKILL)
        await until(lambda: bool(restarts.told), "the restart is told")

        assert await redis.get("key") is None
        await redis.aclose()
        assert restarts.told == [(CACHE, True)]


async def test_a_broker_above_its_size_is_recycled_and_the_caller_is_told(data: Path) -> None:
    restarts = Restarts()
    # An idle broker is below 40 MB; a second recycle within the test would be a defect.
    options = Options(broker_memory_mb=60, memory_check_seconds=0.05)
    async with EmbeddedStack(data, options, on_restarted=restarts) as stack:
        first = stack.health[BROKER].pid
        await add_topic(stack.endpoints.kafka_url, "Bulk")
        producer = AIOKafkaProducer(bootstrap_servers=stack.endpoints.kafka_url, request_timeout_ms=2_000)
        await producer.start()
        for _ in range(300):
            if restarts.told:
                break
            with contextlib.suppress(KafkaError):  # the broker goes away in the middle of it
                await producer.send_and_wait("Bulk", os.urandom(500_000))
        await producer.stop()
        await until(lambda: bool(restarts.told), "the restart is told")

        assert restarts.told == [(BROKER, True)]
        assert stack.health[BROKER].pid != first
        assert await topics(stack.endpoints.kafka_url) == set()


async def test_a_limit_below_what_is_always_held_does_not_recycle_without_end(data: Path) -> None:
    restarts = Restarts()
    options = Options(broker_memory_mb=1, memory_check_seconds=0.01, recycle_pause_seconds=3_600)
    async with EmbeddedStack(data, options, on_restarted=restarts) as stack:
        await until(lambda: bool(restarts.told), "the restart is told")
        for number in range(30):  # more than enough time for dozens of checks
            await add_topic(stack.endpoints.kafka_url, f"Topic{number}")
        assert len(await topics(stack.endpoints.kafka_url)) == 30
        assert stack.health[BROKER].restarts == 1


async def test_a_callback_that_fails_or_hangs_hides_no_later_restart(data: Path) -> None:
    told: list[str] = []
    go_on = asyncio.Event()

    async def fail_first(name: str, came_up_empty: bool) -> None:
        told.append(name)
        if len(told) == 1:
            await go_on.wait()
            raise ValueError("republish failed")

    async with EmbeddedStack(data, on_restarted=fail_first) as stack:
        os.kill(stack.health[BROKER].pid, signal.SIGKILL)
        await until(lambda: len(told) == 1, "the first restart is told")
        os.kill(stack.health[BROKER].pid, signal.SIGKILL)
        await until(lambda: stack.health[BROKER].restarts == 2, "it is back although the callback still runs")
        assert len(told) == 1
        go_on.set()
        await until(lambda: told == [BROKER, BROKER], "the second restart is told")


async def test_a_server_whose_port_is_taken_comes_back_there_once_it_is_free(data: Path) -> None:
    restarts = Restarts()
    async with EmbeddedStack(data, on_restarted=restarts) as stack:
        kafka_url = stack.endpoints.kafka_url
        pid = stack.health[BROKER].pid
        port = int(kafka_url.rpartition(":")[2])
        os.kill(pid, signal.SIGSTOP)
        # Taken in the moment in which the broker dies: the loop is not given a chance to restart it in between.
        os.kill(pid, signal.SIGKILL)
        listener = await _take(port)
        async with listener:
            await until(lambda: stack.health[BROKER].pid != pid, "a start is tried")
            await until(lambda: not stack.health[BROKER].up, "it is not taken for up")
            assert restarts.told == []
        await until(lambda: bool(restarts.told), "the restart is told")
        assert stack.endpoints.kafka_url == kafka_url
        assert await topics(kafka_url) == set()


async def _take(port: int) -> asyncio.Server:
    while True:
        try:
            return await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0)


async def test_what_the_store_holds_is_there_after_a_stop_and_a_start(data: Path) -> None:
    async with EmbeddedStack(data) as stack, AsyncMongoClient[dict[str, Any]](stack.endpoints.mongo_url) as client:
        await client.db.things.insert_one({"_id": 1})
    async with EmbeddedStack(data) as stack, AsyncMongoClient[dict[str, Any]](stack.endpoints.mongo_url) as client:
        assert await client.db.things.find_one({}) == {"_id": 1}


async def test_a_test_can_kill_servers_of_its_own(fresh_servers: StackThread) -> None:
    os.kill(fresh_servers.health[BROKER].pid, signal.SIGKILL)
    await until(lambda: fresh_servers.health[BROKER].restarts == 1, "the broker is back")
    assert await topics(fresh_servers.endpoints.kafka_url) == set()


@pytest.mark.embedded_only
async def test_a_broker_of_ones_own_is_empty_and_carries_messages(fresh_broker: str, names: Names) -> None:
    assert await topics(fresh_broker) == set()
    topic = names.topic("Something")
    await add_topic(fresh_broker, topic)
    producer = AIOKafkaProducer(bootstrap_servers=fresh_broker)
    await producer.start()
    await producer.send_and_wait(topic, b"said")
    await producer.stop()
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=fresh_broker, auto_offset_reset="earliest")
    await consumer.start()
    assert (await consumer.getone()).value == b"said"
    await consumer.stop()
