"""Topics are read whole and followed, beside the groups that work on them, on a real broker."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.support.kafka import APACHE, BrokerServer, new_broker
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.kafka.reading import KafkaReader
from turnus_runtime.kafka.session import ConsumerOptions
from turnus_runtime.ports import BrokerUnavailable, Message, TopicSpec

from .conftest import until

NUMBER = itertools.count(1)


@pytest.fixture(scope="module")
def server() -> Iterator[BrokerServer]:
    made = new_broker()
    made.start()
    yield made
    made.close()


@pytest.fixture
def spec() -> TopicSpec:
    return TopicSpec(f"Reading-{os.getpid()}-{next(NUMBER)}", 3, compacted=False)


@pytest.fixture
async def broker(server: BrokerServer, spec: TopicSpec) -> AsyncIterator[KafkaBroker]:
    client = KafkaBroker(
        server.url,
        client_id="test",
        idempotent=server.idempotent,
        fetch_max_wait_ms=server.fetch_max_wait_ms,
        specs=[spec],
        consuming=ConsumerOptions(commit_every=0.1, session_timeout_ms=6000 if APACHE else 2000),
    )
    await client.provision([spec])
    yield client
    await client.stop()


@pytest.fixture
def reader(server: BrokerServer) -> KafkaReader:
    return KafkaReader(server.url, client_id="test", fetch_max_wait_ms=server.fetch_max_wait_ms)


def said(spec: TopicSpec, *numbers: int) -> list[Message]:
    return [Message(spec.name, f"k{number % 7}", str(number).encode(), {"n": str(number)}) for number in numbers]


async def test_a_topic_is_read_whole_and_again(broker: KafkaBroker, reader: KafkaReader, spec: TopicSpec) -> None:
    await broker.publish(said(spec, *range(500)))
    for _ in range(2):
        found = await reader.all_of([spec.name, "NoSuchTopic"])
        assert sorted(int(message.value or b"") for message in found) == list(range(500))
    assert {message.partition for message in found} == {0, 1, 2}
    assert all(message.headers == {"n": (message.value or b"").decode()} for message in found)
    assert [message.timestamp for message in found] == sorted(message.timestamp for message in found)


async def test_an_empty_topic_and_one_that_does_not_exist_hold_nothing(
    broker: KafkaBroker, reader: KafkaReader, spec: TopicSpec
) -> None:
    assert await reader.all_of([spec.name]) == []
    assert await reader.all_of(["NoSuchTopic"]) == []
    assert set(await broker.topic_ids()) >= {spec.name}
    assert "NoSuchTopic" not in await broker.topic_ids()  # asking made nothing


async def test_following_tells_what_is_there_and_then_what_comes(
    broker: KafkaBroker, reader: KafkaReader, spec: TopicSpec
) -> None:
    await broker.publish(said(spec, 1))
    following = reader.follow([spec.name])
    assert (await anext(following)).value == b"1"
    await broker.publish(said(spec, 2))
    assert (await anext(following)).value == b"2"
    await following.aclose()


@pytest.mark.embedded_only
async def test_following_goes_on_with_a_topic_that_was_lost_and_made_again(reader: KafkaReader) -> None:
    server = new_broker()
    server.start()
    spec = TopicSpec("Forgotten", 1, compacted=False)
    client = KafkaBroker(server.url, client_id="test", idempotent=False, fetch_max_wait_ms=10, specs=[spec])
    await client.publish(said(spec, 1, 2, 3))
    following = KafkaReader(server.url, client_id="test", fetch_max_wait_ms=10).follow([spec.name])
    assert [(await anext(following)).value for _ in range(3)] == [b"1", b"2", b"3"]
    server.kill()
    server.start()
    await client.provision([spec])
    await client.publish(said(spec, 4))
    async with asyncio.timeout(30):
        assert (await anext(following)).value == b"4"
    await following.aclose()
    await client.stop()
    server.close()


async def test_lag_is_what_a_group_has_not_finished_and_asking_does_not_disturb_it(
    broker: KafkaBroker, reader: KafkaReader, spec: TopicSpec
) -> None:
    group = f"g-{spec.name}"
    assert await reader.lag(group, [spec.name]) == 0
    await broker.publish(said(spec, *range(40)))
    assert await reader.lag(group, [spec.name]) == 40
    handled: list[int] = []

    async def receive(message: Message) -> None:
        handled.append(int(message.value or b""))

    consumer = broker.consumer(group, [spec.name], receive)
    await consumer.start()

    async def finished() -> bool:
        return await reader.lag(group, [spec.name]) == 0

    await until(finished)
    assert sorted(handled) == list(range(40))
    await consumer.stop()
    await broker.publish(said(spec, 40, 41, 42))
    assert await reader.lag(group, [spec.name]) == 3


async def test_no_broker_is_said_clearly(unused_tcp_port: int) -> None:
    reader = KafkaReader(f"127.0.0.1:{unused_tcp_port}", client_id="test", fetch_max_wait_ms=10)
    with pytest.raises(BrokerUnavailable):
        await reader.all_of(["Any"])
    with pytest.raises(BrokerUnavailable):
        await reader.lag("g", ["Any"])
