"""While the broker is away: little is asked of it, little is said about it, and nothing of the outage stays."""

import asyncio
import contextlib
import logging
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient

from tests.integration.broker.conftest import NewBroker, said
from tests.support.kafka import BrokerServer, until
from turnus_runtime.kafka import KafkaBroker, quiet_library
from turnus_runtime.ports import BrokerUnavailable, Message, TopicSpec

PUBLISHERS = 60


def at_work() -> set[str]:
    """The library's producers, by what still runs of them."""
    running = {getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()}
    return {name for name in running if name.startswith(("Sender.", "MessageAccumulator."))}


async def refused(broker: KafkaBroker, spec: TopicSpec) -> None:
    with pytest.raises(BrokerUnavailable):
        await broker.publish([Message(spec.name, "k", b"x")])


async def test_a_producer_that_was_given_up_leaves_nothing_behind(
    server: BrokerServer, new_client: NewBroker, spec: TopicSpec
):
    broker = new_client(spec, publish_timeout_seconds=1.0)
    await said(broker, Message(spec.name, "k", b"one"))
    server.kill()
    try:
        await asyncio.gather(*(refused(broker, spec) for _ in range(3)))
        await until(lambda: not at_work())
    finally:
        server.start()
    await broker.stop()


async def test_publishes_that_wait_ask_for_their_topics_one_for_all(
    server: BrokerServer, new_client: NewBroker, spec: TopicSpec, monkeypatch: pytest.MonkeyPatch
):
    asked: list[Any] = []
    ask = AIOKafkaClient.force_metadata_update

    def counted(client: AIOKafkaClient) -> Any:
        asked.append(client)
        return ask(client)

    broker = new_client(spec, publish_timeout_seconds=3.0)
    await said(broker, Message(spec.name, "k", b"one"))
    server.kill()
    try:
        monkeypatch.setattr(AIOKafkaClient, "force_metadata_update", counted)
        await asyncio.gather(*(refused(broker, spec) for _ in range(PUBLISHERS)))
        monkeypatch.undo()
        assert len(asked) < 2 * PUBLISHERS, "each on its own would ask ten times"
    finally:
        server.start()
    with contextlib.suppress(BrokerUnavailable):
        await broker.stop()


def test_the_library_says_nothing_about_a_broker_that_is_away():
    quiet_library()
    for name in ("aiokafka", "aiokafka.conn"):
        logger = logging.getLogger(name)
        away = logger.makeRecord(name, logging.ERROR, "", 0, "Unable connect to node with id %s", (1,), None)
        assert not logger.filter(away)
