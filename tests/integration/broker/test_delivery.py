"""Nothing is lost, whatever happens to a consumer: real processes, killed, stopped, joined by others."""

import asyncio
import signal
from collections.abc import Callable

from tests.integration.broker.conftest import NewBroker, Worker
from tests.support.kafka import until
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.ports import Message, TopicSpec

NewWorker = Callable[..., Worker]


async def filled(new_client: NewBroker, spec: TopicSpec, count: int, keys: int = 8) -> KafkaBroker:
    broker = new_client(spec)
    await broker.publish([Message(spec.name, f"k{n % keys}", b"%d" % n) for n in range(count)])
    return broker


async def test_a_consumer_killed_while_handling_loses_nothing(
    new_client: NewBroker, new_worker: NewWorker, spec: TopicSpec
):
    broker = await filled(new_client, spec, 500)
    first = new_worker("killed", spec.name, slow_ms=20)
    await until(lambda: len(first.done()) > 250)  # several commits later
    first.kill()
    in_hand = set(first.began()) - set(first.done())
    assert in_hand
    second = new_worker("killed", spec.name)
    await until(lambda: set(first.done()) | set(second.done()) >= {str(n) for n in range(500)})
    assert in_hand <= set(second.done())
    assert len(second.done()) < 500, "what was committed does not come again"
    await broker.stop()


async def test_a_consumer_told_to_end_finishes_and_commits_what_it_took(
    new_client: NewBroker, new_worker: NewWorker, spec: TopicSpec
):
    broker = await filled(new_client, spec, 200)
    first = new_worker("ended", spec.name, slow_ms=10)
    await until(lambda: len(first.done()) > 20)
    first.signal(signal.SIGTERM)
    await until(lambda: "stopped" in first.lines)
    assert set(first.began()) == set(first.done())
    second = new_worker("ended", spec.name)
    await until(lambda: set(first.done()) | set(second.done()) >= {str(n) for n in range(200)})
    assert not set(first.done()) & set(second.done()), "nothing is handled twice"
    await broker.stop()


async def test_consumers_that_come_and_go_lose_nothing_and_keep_the_order_of_keys(
    new_client: NewBroker, new_worker: NewWorker, spec: TopicSpec
):
    broker = new_client(spec)
    await broker.provision([spec])
    first = new_worker("shared", spec.name, slow_ms=5)
    await until(lambda: first.partitions == 4)
    sent = 0

    async def send(count: int) -> None:
        nonlocal sent
        for _ in range(count):
            await broker.publish([Message(spec.name, f"k{sent % 16}", b"%d" % sent)])
            sent += 1

    await send(100)
    second = new_worker("shared", spec.name, slow_ms=5)
    while not (first.partitions == second.partitions == 2):
        await send(5)
    await send(100)
    await until(lambda: bool(second.done()))
    second.kill()
    while first.partitions != 4:
        await send(1)
    await send(50)
    await until(lambda: set(first.done()) | set(second.done()) >= {str(n) for n in range(sent)})
    for worker in (first, second):
        for key in range(16):
            first_times = list(dict.fromkeys(int(n) for n in worker.done() if int(n) % 16 == key))
            assert first_times == sorted(first_times)
    await broker.stop()


async def test_a_consumer_stopped_for_longer_than_its_session_comes_back(
    new_client: NewBroker, new_worker: NewWorker, spec: TopicSpec, stall_seconds: float
):
    broker = await filled(new_client, spec, 10)
    stalled = new_worker("stalled", spec.name)
    await until(lambda: len(stalled.done()) == 10)
    stalled.signal(signal.SIGSTOP)
    other = new_worker("stalled", spec.name)
    await asyncio.sleep(stall_seconds)  # the stall itself, not a wait for something
    await broker.publish([Message(spec.name, f"k{n % 8}", b"%d" % n) for n in range(10, 20)])
    await until(lambda: set(other.done()) >= {str(n) for n in range(10, 20)})
    stalled.signal(signal.SIGCONT)
    await until(lambda: stalled.partitions == other.partitions == 2)
    await broker.publish([Message(spec.name, f"k{n % 8}", b"%d" % n) for n in range(20, 60)])
    wanted = {str(n) for n in range(20, 60)}
    await until(lambda: set(stalled.done()) | set(other.done()) >= wanted)
    assert set(stalled.done()) & wanted
    await broker.stop()
