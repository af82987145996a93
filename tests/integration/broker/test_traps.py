"""What the libraries and servers do when nobody holds them back; each test fails without its protection."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import ConsumerRecord

from tests.integration.broker.conftest import NewBroker, said
from tests.support.kafka import BrokerServer, until
from turnus_runtime.kafka import KafkaBroker, MessageTooLarge
from turnus_runtime.kafka.consumer import KafkaConsumer
from turnus_runtime.kafka.topics import configs
from turnus_runtime.lanes import Partition
from turnus_runtime.ports import Message, TopicSpec


class Collected:
    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def receive(self, message: Message) -> None:
        self.messages.append(message)


async def joined(broker: KafkaBroker, group: str, spec: TopicSpec, got: Collected) -> KafkaConsumer:
    consumer = broker.consumer(group, [spec.name], got.receive)
    assert isinstance(consumer, KafkaConsumer)
    await consumer.start()
    await until(lambda: consumer.health()["joined"])
    session: Any = consumer._session
    await until(lambda: session._subscriber.tasks)
    return consumer


@pytest.fixture
async def stranger(server: BrokerServer) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody else's producer."""
    producer = AIOKafkaProducer(bootstrap_servers=server.url)
    await producer.start()
    yield producer
    await producer.stop()


async def test_keys_and_headers_that_are_no_text_stop_nobody(
    new_client: NewBroker, stranger: AIOKafkaProducer, spec: TopicSpec
):
    broker = new_client(spec)
    await broker.provision([spec])
    got = Collected()
    consumer = await joined(broker, "bytes", spec, got)
    for key, headers in ((b"\xff\xfe", [("h", b"\xff")]), (None, []), (b"k", [("null", None)])):
        await stranger.send_and_wait(spec.name, b"v", key=key, partition=0, headers=headers)  # type: ignore[list-item]
    await broker.publish([Message(spec.name, "k", b"ours")])
    await until(lambda: len(got.messages) == 4)
    assert {m.key for m in got.messages} == {"\ufffd\ufffd", "", "k"}
    await consumer.stop()
    await broker.stop()


async def test_asking_for_a_topic_does_not_make_it(server: BrokerServer, new_client: NewBroker, spec: TopicSpec):
    client = AIOKafkaClient(bootstrap_servers=server.url)
    await client.bootstrap()
    client.add_topic(spec.name)
    await client.force_metadata_update()
    await client.close()
    broker = new_client()
    assert spec.name not in await broker.topic_ids()
    await broker.stop()


async def test_a_missing_topic_comes_with_the_partitions_that_its_spec_says(
    server: BrokerServer, new_client: NewBroker, spec: TopicSpec
):
    odd = TopicSpec(spec.name, 7, compacted=True)
    broker = new_client(odd)
    await broker.publish([Message(odd.name, "k", b"")])
    client = AIOKafkaClient(bootstrap_servers=server.url)
    await client.bootstrap()
    metadata = await client.fetch_all_metadata()
    assert metadata.partitions_for_topic(odd.name) == set(range(7))
    await client.close()
    await broker.stop()


def test_a_topic_says_its_retention_because_the_default_forgets():
    assert configs(TopicSpec("T", 1, compacted=False)) == [("cleanup.policy", "delete"), ("retention.ms", "-1")]
    assert configs(TopicSpec("T", 1, compacted=False, retention_hours=2))[1] == ("retention.ms", "7200000")
    assert configs(TopicSpec("T", 1, compacted=True)) == [("cleanup.policy", "compact")]


@pytest.mark.parametrize("victim", ["poll loop", "coordination", "fetching"])
async def test_a_loop_that_dies_is_noticed_and_started_anew(new_client: NewBroker, spec: TopicSpec, victim: str):
    broker = new_client(spec)
    got = Collected()
    consumer = await joined(broker, "dies", spec, got)
    session: Any = consumer._session
    library = session._subscriber.consumer
    tasks = {
        "poll loop": session._subscriber.tasks[0],
        "coordination": library._coordinator._coordination_task,
        "fetching": library._fetcher._fetch_task,
    }
    tasks[victim].cancel()
    await until(lambda: consumer.health()["restarts"] == 1)
    await broker.publish([Message(spec.name, "k", b"after")])
    await until(lambda: len(got.messages) == 1)
    await consumer.stop()
    await broker.stop()


async def test_a_supervisor_that_dies_is_started_anew(new_client: NewBroker, spec: TopicSpec):
    broker = new_client(spec)
    got = Collected()
    consumer = await joined(broker, "supervisor", spec, got)
    assert consumer._supervisor is not None
    consumer._supervisor.cancel()
    await until(lambda: consumer.health()["restarts"] == 1)
    assert consumer.health()["alive"] is True
    await broker.publish([Message(spec.name, "k", b"after")])
    await until(lambda: len(got.messages) == 1)
    await consumer.stop()
    await broker.stop()


async def test_offsets_of_an_earlier_membership_are_refused(new_client: NewBroker, spec: TopicSpec):
    """The library would commit them in the name of the membership that it has by now, or of none."""
    broker = new_client(spec)
    got = Collected()
    consumer = await joined(broker, "fenced", spec, got)
    session: Any = consumer._session
    where: Partition = (spec.name, 0)
    old = session.identity
    session._subscriber.consumer._coordinator.reset_generation()
    await until(lambda: session.identity not in (None, old))
    new, session.identity = session.identity, old
    assert await session.commit({where: 50}) is False
    session.identity = new
    assert await session.commit({where: 0}) is True
    await consumer.stop()
    await broker.stop()


async def test_a_batch_taken_under_an_earlier_assignment_is_dropped(new_client: NewBroker, spec: TopicSpec):
    broker = new_client(spec)
    got = Collected()
    consumer = await joined(broker, "batch", spec, got)
    session: Any = consumer._session
    await broker.publish([Message(spec.name, "k", b"one")])
    await until(lambda: len(got.messages) == 1)
    where = got.messages[0].partition
    record = ConsumerRecord(spec.name, where, 40, 0, 0, b"k", b"stale", None, 1, 5, [])
    session.taken_under = (-7, "somebody before")
    await session._hand_over((record,))
    assert consumer.busy == 0
    assert len(got.messages) == 1
    await consumer.stop()
    await broker.stop()


async def test_a_member_that_stops_leaves_at_once(new_client: NewBroker, spec: TopicSpec):
    """Without a word to the group the next member waits until the session of the last one ends."""
    broker = new_client(spec, session_timeout_ms=20_000)
    got = Collected()
    first = await joined(broker, "leaves", spec, got)
    await first.stop()
    second = broker.consumer("leaves", [spec.name], got.receive)
    await second.start()
    await until(lambda: second.health()["partitions"] == 4, seconds=17)
    await second.stop()
    await broker.stop()


async def test_after_a_failed_publish_the_next_one_begins_with_a_new_producer(
    server: BrokerServer, new_client: NewBroker, spec: TopicSpec
):
    """An idempotent producer whose batch expired has a gap in its sequence: every later batch would be refused."""
    broker = new_client(spec, publish_timeout_seconds=3)
    await said(broker, Message(spec.name, "k", b"one"))
    producer: Any = broker._producer
    producer._sender.sender_task.cancel()
    with pytest.raises(Exception):  # noqa: B017, PT011 (the first one notices, in whichever way)
        await broker.publish([Message(spec.name, "k", b"two")])
    await broker.publish([Message(spec.name, "k", b"three")])
    await broker.stop()


async def test_a_message_that_no_broker_takes_is_refused_before_anything_is_sent(
    new_client: NewBroker, spec: TopicSpec
):
    broker = new_client(spec)
    got = Collected()
    consumer = await joined(broker, "large", spec, got)
    with pytest.raises(MessageTooLarge):
        await broker.publish([Message(spec.name, "k", b"small"), Message(spec.name, "k", b"x" * 1_100_000)])
    await broker.publish([Message(spec.name, "k", b"x" * 900_000)])
    await until(lambda: len(got.messages) == 1)
    assert got.messages[0].offset == 0
    await consumer.stop()
    await broker.stop()


@pytest.mark.apache_only  # the embedded broker takes the setting and does not compact
async def test_a_compacted_topic_keeps_the_last_value_of_each_key(new_client: NewBroker, spec: TopicSpec):
    compacted = TopicSpec(spec.name, 1, compacted=True)
    broker = new_client(compacted)
    await broker.provision([compacted])
    admin = AIOKafkaAdminClient(bootstrap_servers=broker._url)
    await admin.start()
    fast = {"segment.ms": "100", "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "100"}
    settings = fast | {"cleanup.policy": "compact"}
    await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, spec.name, settings)])
    await admin.close()

    async def kept() -> list[bytes | None]:
        got = Collected()
        consumer = await joined(broker, f"reader-{asyncio.get_running_loop().time()}", compacted, got)
        await until(lambda: any(m.key == "last" for m in got.messages) and consumer.health()["lag"] == 0)
        await consumer.stop()
        return [m.value for m in got.messages if m.key == "k"]

    for n in range(200):
        await broker.publish([Message(spec.name, "k", b"%d" % n)])
    async with asyncio.timeout(300):
        while True:
            await broker.publish([Message(spec.name, "last", b"")])  # also rolls the segment
            if len(values := await kept()) < 100:
                break
    assert values[-1] == b"199"
    await broker.stop()
