"""The broker goes away, stalls, or comes back with nothing: clients find their way by themselves."""

import asyncio
import signal

import pytest

from tests.integration.broker.conftest import NewBroker, said
from tests.support.kafka import BrokerServer, until
from turnus_runtime.ports import BrokerUnavailable, Message, TopicSpec


class Collected:
    def __init__(self) -> None:
        self.values: list[str] = []

    async def receive(self, message: Message) -> None:
        self.values.append((message.value or b"").decode())


def texts(topic: str, numbers: range) -> list[Message]:
    return [Message(topic, f"k{n % 5}", b"%d" % n) for n in numbers]


async def test_publishing_to_a_stopped_broker_fails_in_time_and_works_again_later(
    server: BrokerServer, new_client: NewBroker, spec: TopicSpec
):
    broker = new_client(spec, publish_timeout_seconds=1.0)
    for message in texts(spec.name, range(5)):
        await said(broker, message)
    server.kill()
    try:
        for _ in range(3):
            with pytest.raises(BrokerUnavailable):
                await broker.publish(texts(spec.name, range(5, 6)))
        with pytest.raises(BrokerUnavailable):
            await broker.topic_ids()
        with pytest.raises(BrokerUnavailable):
            await new_client(spec, publish_timeout_seconds=1.0).start()
    finally:
        server.start()
    got = Collected()
    consumer = broker.consumer("later", [spec.name], got.receive)
    await consumer.start()
    for message in texts(spec.name, range(6, 20)):
        await said(broker, message)
    await until(lambda: set(got.values) >= {str(n) for n in range(6, 20)})
    await consumer.stop()
    await broker.stop()


async def test_a_consumer_started_before_its_broker_begins_when_it_comes(
    server: BrokerServer, new_client: NewBroker, spec: TopicSpec
):
    broker = new_client(spec)
    got = Collected()
    consumer = broker.consumer("early", [spec.name], got.receive)
    server.kill()
    try:
        await consumer.start()
        await asyncio.sleep(0.5)  # the outage itself
        assert consumer.health()["joined"] is False
    finally:
        server.start()
    await said(broker, texts(spec.name, range(1))[0])
    await until(lambda: got.values == ["0"])
    assert consumer.health()["moving"] is True
    await consumer.stop()
    await broker.stop()


async def test_a_stalled_broker_delays_and_loses_nothing(
    server: BrokerServer, new_client: NewBroker, spec: TopicSpec, stall_seconds: float
):
    broker = new_client(spec, publish_timeout_seconds=2.0)
    got = Collected()
    consumer = broker.consumer("stalled", [spec.name], got.receive)
    await consumer.start()
    await broker.publish(texts(spec.name, range(20)))
    await until(lambda: len(got.values) == 20)
    server.signal(signal.SIGSTOP)
    with pytest.raises(BrokerUnavailable):
        await broker.publish(texts(spec.name, range(20, 21)))
    await asyncio.sleep(stall_seconds)  # the stall itself
    server.signal(signal.SIGCONT)
    for message in texts(spec.name, range(20, 40)):
        await said(broker, message)
    await until(lambda: set(got.values) == {str(n) for n in range(40)}, seconds=60)
    await consumer.stop()
    await broker.stop()


@pytest.mark.parametrize("finished", [True, False], ids=["at rest", "while handling"])
async def test_a_broker_that_comes_back_empty_is_read_from_the_beginning(
    server: BrokerServer, new_client: NewBroker, spec: TopicSpec, finished: bool
):
    """More is lost than is said afterwards: whoever kept an old offset would wait for ever behind the end."""
    broker = new_client(spec)
    got = Collected()
    let_go = asyncio.Event()

    async def receive(message: Message) -> None:
        if not finished and message.value == b"49":
            await let_go.wait()
        await got.receive(message)

    consumer = broker.consumer("loss", [spec.name], receive)
    await consumer.start()
    await broker.publish(texts(spec.name, range(50)))
    await until(lambda: len(got.values) >= 49)
    await until(lambda: consumer.busy == (0 if finished else 1))
    server.lose_everything()
    let_go.set()
    for message in texts(spec.name, range(100, 103)):
        await said(broker, message)
    await until(lambda: set(got.values) >= {"100", "101", "102"})
    again = broker.consumer("loss", [spec.name], got.receive)
    await consumer.stop()
    got.values.clear()
    await again.start()
    await broker.publish(texts(spec.name, range(103, 104)))
    await until(lambda: got.values == ["103"])  # and the offsets of the new topics are committed
    await again.stop()
    await broker.stop()


async def test_losing_the_broker_twice_in_a_row_is_survived(
    server: BrokerServer, new_client: NewBroker, spec: TopicSpec
):
    broker = new_client(spec)
    got = Collected()
    consumer = broker.consumer("twice", [spec.name], got.receive)
    await consumer.start()
    await broker.publish(texts(spec.name, range(10)))
    await until(lambda: len(got.values) == 10)
    server.lose_everything()
    await asyncio.sleep(1.0)  # in the middle of joining again
    server.lose_everything()
    await said(broker, texts(spec.name, range(200, 201))[0])
    await until(lambda: "200" in got.values)
    assert consumer.health()["alive"] is True
    await consumer.stop()
    await broker.stop()
