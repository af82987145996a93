"""The broker port: the same behaviour from the real server and from the simulated one.

The real one is Tansu, or Apache Kafka with `TURNUS_TEST_KAFKA=apache`.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.simulation.broker import SimulatedBroker
from tests.support.kafka import BrokerServer, new_broker, until
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.kafka.session import ConsumerOptions
from turnus_runtime.ports import (
    Broker,
    BrokerUnavailable,
    Consumer,
    Message,
    Receive,
    StoreUnavailable,
    TopicSpec,
    UnknownTopic,
)

_COUNTER = itertools.count(1)


@dataclass
class Harness:
    """One kind of broker. `broker(specs)` makes a client of it, started; consumers are stopped at the end."""

    new_client: Callable[[list[TopicSpec]], Broker]
    lose_everything: Callable[[], None]
    clients: list[Broker] = field(default_factory=list[Broker])
    consumers: list[Consumer] = field(default_factory=list[Consumer])
    number: int = field(default_factory=lambda: next(_COUNTER))

    def spec(self, name: str, partitions: int = 2, *, compacted: bool = False) -> TopicSpec:
        return TopicSpec(f"{name}-{self.number}", partitions, compacted)

    async def broker(self, *specs: TopicSpec) -> Broker:
        client = self.new_client(list(specs))
        self.clients.append(client)
        await client.start()
        return client

    async def consume(self, broker: Broker, receive: Receive, *specs: TopicSpec, group: str = "g") -> Consumer:
        consumer = broker.consumer(f"{group}-{self.number}", [spec.name for spec in specs], receive)
        self.consumers.append(consumer)
        await consumer.start()
        await until(lambda: consumer.health()["joined"], what="joined")
        return consumer

    async def close(self) -> None:
        await asyncio.gather(*(consumer.stop() for consumer in self.consumers))
        await asyncio.gather(*(client.stop() for client in self.clients))


@pytest.fixture(scope="module")
def server() -> Iterator[BrokerServer]:
    server = new_broker()
    server.start()
    yield server
    server.close()


@pytest.fixture(params=["simulated", "real"])
async def harness(request: pytest.FixtureRequest) -> AsyncIterator[Harness]:
    if request.param == "simulated":
        shared = SimulatedBroker(max_in_flight=40, max_records=10, drain_seconds=1)

        def simulated(specs: list[TopicSpec]) -> Broker:
            shared.may_make(specs)
            return shared

        made = Harness(simulated, shared.lose_everything)
    else:
        server: BrokerServer = request.getfixturevalue("server")

        def real(specs: list[TopicSpec]) -> Broker:
            return KafkaBroker(
                server.url,
                client_id="contract",
                idempotent=server.idempotent,
                fetch_max_wait_ms=server.fetch_max_wait_ms,
                specs=specs,
                consuming=ConsumerOptions(
                    max_in_flight=40,
                    max_records=10,
                    drain=1,
                    commit_every=0.1,
                    session_timeout_ms=server.session_timeout_ms,
                ),
            )

        made = Harness(real, server.lose_everything)
    yield made
    await made.close()


async def test_a_message_arrives_as_it_was_sent(harness: Harness):
    spec = harness.spec("Sent")
    broker = await harness.broker(spec)
    got: list[Message] = []

    async def receive(message: Message) -> None:
        got.append(message)

    await broker.publish([Message(spec.name, "kéy", b"\x00\xff", {"a": "ü"}), Message(spec.name, "kéy", None)])
    await harness.consume(broker, receive, spec)
    await until(lambda: len(got) == 2)
    assert [(m.topic, m.key, m.value, dict(m.headers)) for m in got] == [
        (spec.name, "kéy", b"\x00\xff", {"a": "ü"}),
        (spec.name, "kéy", None, {}),
    ]
    assert [m.offset for m in got] == [0, 1]
    assert got[0].partition == got[1].partition in (0, 1)
    assert got[0].timestamp > 0


async def test_a_topic_nobody_described_is_named_and_not_made(harness: Harness):
    broker = await harness.broker()
    spec = harness.spec("Nobody")
    for _ in range(2):
        with pytest.raises(UnknownTopic) as problem:
            await broker.publish([Message(spec.name, "k", b"")])
        assert problem.value.names == (spec.name,)
    assert spec.name not in await broker.topic_ids()


async def test_a_described_topic_is_made_by_the_first_publish(harness: Harness):
    spec = harness.spec("First", 3)
    broker = await harness.broker(spec)
    await asyncio.gather(*(broker.publish([Message(spec.name, f"k{n}", b"")]) for n in range(10)))
    assert spec.name in await broker.topic_ids()
    assert await broker.provision([spec]) == []


async def test_provisioning_makes_what_is_missing_and_says_what(harness: Harness):
    one, two = harness.spec("One", compacted=True), harness.spec("Two", 3)
    broker = await harness.broker()
    assert await broker.provision([one]) == [one.name]
    both = await asyncio.gather(*(broker.provision([one, two]) for _ in range(4)))
    assert [names for names in both if names] == [[two.name]]
    assert {one.name, two.name} <= set(await broker.topic_ids())


async def test_the_messages_of_a_key_are_handled_one_at_a_time_in_order_and_keys_beside_each_other(harness: Harness):
    specs = [harness.spec("Left"), harness.spec("Right")]
    broker = await harness.broker(*specs)
    active: dict[str, int] = {}
    seen: dict[tuple[str, str], list[int]] = {}
    together = 0

    async def receive(message: Message) -> None:
        nonlocal together
        active[message.key] = active.get(message.key, 0) + 1
        assert active[message.key] == 1
        together = max(together, sum(active.values()))
        await asyncio.sleep(0.001)
        seen.setdefault((message.topic, message.key), []).append(int(message.value or b""))
        active[message.key] -= 1

    await harness.consume(broker, receive, *specs)
    sends = [Message(spec.name, f"k{n % 5}", b"%d" % n) for n in range(100) for spec in specs]
    await broker.publish(sends)
    await until(lambda: sum(map(len, seen.values())) == 200)
    assert all(numbers == sorted(numbers) for numbers in seen.values())
    assert together > 1


async def test_a_slow_lane_holds_nobody_else_up_and_nothing_behind_it_is_committed(harness: Harness):
    spec = harness.spec("Slow", 1)
    broker = await harness.broker(spec)
    release = asyncio.Event()
    done: list[int] = []

    async def receive(message: Message) -> None:
        if message.key == "slow":
            await release.wait()
        done.append(int(message.value or b""))

    slow = await harness.consume(broker, receive, spec)
    await broker.publish([Message(spec.name, "slow" if n == 0 else f"k{n}", b"%d" % n) for n in range(20)])
    await until(lambda: len(done) == 19)
    assert slow.busy == 1
    await slow.stop()  # breaks the slow one off
    release.set()
    done.clear()
    await harness.consume(broker, receive, spec)
    await until(lambda: 0 in done)


async def test_while_the_store_is_away_a_lane_is_tried_again_and_nothing_is_lost(harness: Harness):
    spec = harness.spec("Away", 1)
    broker = await harness.broker(spec)
    tries: list[str] = []
    away = True

    async def receive(message: Message) -> None:
        tries.append(message.key)
        if message.key == "a" and away:
            raise (StoreUnavailable if len(tries) % 2 else BrokerUnavailable)("away")

    consumer = await harness.consume(broker, receive, spec)
    await broker.publish([Message(spec.name, "a", b"1")])
    await until(lambda: len(tries) >= 3)
    assert consumer.health()["paused"] is True
    assert consumer.busy == 1
    away = False
    await broker.publish([Message(spec.name, "b", b"2")])
    await until(lambda: "b" in tries and consumer.busy == 0)
    assert consumer.health()["paused"] is False


@pytest.mark.parametrize("problem", [RuntimeError("a bug"), asyncio.CancelledError()], ids=["bug", "cancelled"])
async def test_a_handler_that_raises_is_tried_twice_and_stops_nobody(harness: Harness, problem: BaseException):
    spec = harness.spec("Poison", 1)
    broker = await harness.broker(spec)
    tries: list[str] = []

    async def receive(message: Message) -> None:
        tries.append(message.key)
        if message.key == "poison":
            raise problem

    consumer = await harness.consume(broker, receive, spec)
    for key in ("poison", "poison", "other"):
        await broker.publish([Message(spec.name, key, b"")])
    await until(lambda: len(tries) == 5 and consumer.busy == 0)
    assert sorted(tries) == ["other"] + ["poison"] * 4
    assert consumer.health()["alive"] is True


async def test_no_more_is_taken_than_the_limit_and_all_of_it_in_the_end(harness: Harness):
    spec = harness.spec("Bounded", 2)
    broker = await harness.broker(spec)
    release = asyncio.Event()
    most = 0
    done = 0

    async def receive(_message: Message) -> None:
        nonlocal done
        await release.wait()
        done += 1

    consumer = await harness.consume(broker, receive, spec)
    await broker.publish([Message(spec.name, f"k{n}", b"") for n in range(200)])
    await until(lambda: consumer.health()["paused"])
    for _ in range(50):
        most = max(most, consumer.busy)
        await asyncio.sleep(0.005)
    assert 30 < most <= 40
    release.set()
    await until(lambda: done == 200 and consumer.busy == 0)
    await until(lambda: consumer.health()["lag"] == 0)


async def test_what_was_finished_before_a_stop_does_not_come_again(harness: Harness):
    spec = harness.spec("Stopped")
    broker = await harness.broker(spec)
    got: list[int] = []

    async def receive(message: Message) -> None:
        await asyncio.sleep(0.001)
        got.append(int(message.value or b""))

    first = await harness.consume(broker, receive, spec)
    await broker.publish([Message(spec.name, f"k{n % 3}", b"%d" % n) for n in range(30)])
    await until(lambda: len(got) > 5)
    await first.stop()
    before = len(got)
    assert before == len(set(got))
    await broker.publish([Message(spec.name, "k", b"99")])
    await harness.consume(broker, receive, spec)
    await until(lambda: 99 in got and len(set(got)) == 31)
    assert len(got) == 31


async def test_each_group_gets_everything(harness: Harness):
    spec = harness.spec("Groups")
    broker = await harness.broker(spec)
    got: list[str] = []

    async def one(message: Message) -> None:
        got.append(f"one {message.key}")

    async def two(message: Message) -> None:
        got.append(f"two {message.key}")

    await broker.publish([Message(spec.name, "k", b"")])
    await asyncio.gather(
        harness.consume(broker, one, spec, group="one"), harness.consume(broker, two, spec, group="two")
    )
    await until(lambda: sorted(got) == ["one k", "two k"])


async def test_after_a_total_loss_the_same_clients_go_on_with_new_topics_from_their_beginning(harness: Harness):
    spec = harness.spec("Lost")
    broker = await harness.broker(spec)
    got: list[str] = []

    async def receive(message: Message) -> None:
        got.append((message.value or b"").decode())

    consumer = await harness.consume(broker, receive, spec)
    await broker.publish([Message(spec.name, f"k{n}", b"old %d" % n) for n in range(20)])
    await until(lambda: len(got) == 20 and consumer.busy == 0)
    ids = await broker.topic_ids()
    harness.lose_everything()
    new = [Message(spec.name, f"k{n}", b"new %d" % n) for n in range(5)]
    for message in new:
        while True:
            try:
                await broker.publish([message])
                break
            except BrokerUnavailable:
                continue
    await until(lambda: {f"new {n}" for n in range(5)} <= set(got))
    assert (await broker.topic_ids())[spec.name] != ids[spec.name]
    assert consumer.health()["alive"] is True
