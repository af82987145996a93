"""What cannot be handled: tried twice, buried with where it came from, and whoever comes after it is served."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.simulation.broker import SimulatedBroker
from turnus_contracts import Event, GuestDetailsGiven, MemberChanged
from turnus_runtime.consume import Receiver, dead_letter_topic
from turnus_runtime.ports import Message, Receive, StoreUnavailable, TopicSpec
from turnus_runtime.service import Service

NOW = datetime(2027, 1, 4, tzinfo=UTC)


class Clock:
    doubt_seconds = 0.0

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)


def member(number: int) -> bytes:
    told = MemberChanged(
        workspace_id="ws_1",
        member_id=f"mem_{number}",
        version=1,
        status="active",
        name="Ada",
        email="ada@example.org",
        tz="UTC",
        locale="en",
        role="member",
    )
    return told.model_dump_json().encode()


async def received(receive: Receive, topic: str, values: list[bytes], broker: SimulatedBroker) -> None:
    """All these messages, which have one key, after the consumer has finished with them."""
    consumer = broker.consumer("poisoned", [topic], receive)
    await consumer.start()
    await broker.publish([Message(topic, "one", value, {"ce_id": "x"}) for value in values])
    async with asyncio.timeout(60):
        while consumer.health()["lag"] or consumer.busy:  # noqa: ASYNC110 (the broker has no event for it)
            await asyncio.sleep(0.001)
    await consumer.stop()


async def handled(contract: type[Event], handler: Any, values: list[bytes]) -> list[Message]:
    """The dead letters after all these messages, which have one key."""
    service = Service("poisoned", "Poisoned.", consumes={contract: handler})
    names = (contract.topic(), dead_letter_topic(service.name))
    specs = [TopicSpec(name, 1, compacted=False) for name in names]
    broker = SimulatedBroker(specs)
    await broker.provision(specs)
    turn: Any = lambda: None  # noqa: E731
    receiver = Receiver(service, broker, Clock(), turn)
    await received(receiver.receive, names[0], values, broker)
    return [message for message in broker.written if message.topic == names[1]]


async def test_what_raises_is_tried_twice_and_buried_and_the_lane_goes_on() -> None:
    tried: list[str] = []

    async def handler(told: MemberChanged, on: Any) -> None:
        tried.append(told.member_id)
        if told.member_id == "mem_1":
            raise ValueError("never")

    letters = await handled(MemberChanged, handler, [member(1), b"{", member(2)])
    assert tried == ["mem_1", "mem_1", "mem_2"]
    assert [(one.headers["error"], one.headers["origin_offset"]) for one in letters] == [
        ("ValueError", "0"),
        ("ValidationError", "1"),
    ]
    assert [one.value for one in letters] == [member(1), b"{"]


async def test_what_raises_once_is_handled() -> None:
    tried: list[str] = []

    async def handler(told: MemberChanged, on: Any) -> None:
        tried.append(told.member_id)
        if len(tried) == 1:
            raise ValueError("once")

    assert await handled(MemberChanged, handler, [member(1)]) == []
    assert tried == ["mem_1", "mem_1"]


@pytest.mark.parametrize("value", [b"{", b'{"guest": {"email": "ada@example.org"}}'])
async def test_a_letter_about_a_guest_holds_no_payload(value: bytes) -> None:
    async def handler(told: GuestDetailsGiven, on: Any) -> None: ...

    (letter,) = await handled(GuestDetailsGiven, handler, [value])
    assert letter.value == b""
    assert "ada@" not in str(letter.headers)
    assert letter.headers["error"] == "ValidationError"


async def lane(receive: Receive) -> None:
    specs = [TopicSpec("letters", 1, compacted=False)]
    broker = SimulatedBroker(specs)
    await broker.provision(specs)
    await received(receive, "letters", [b"1", b"2"], broker)


async def test_a_lane_goes_on_after_a_receiver_that_raises() -> None:
    tried: list[bytes | None] = []

    async def receive(message: Message) -> None:
        tried.append(message.value)
        if message.value == b"1":
            raise ValueError("never")

    async with asyncio.timeout(10):
        await lane(receive)
    assert tried == [b"1", b"1", b"2"]


async def test_while_the_store_is_away_a_message_is_tried_without_limit() -> None:
    tried: list[bytes | None] = []

    async def receive(message: Message) -> None:
        tried.append(message.value)
        if len(tried) < 4:
            raise StoreUnavailable("away")

    await lane(receive)
    assert tried == [b"1"] * 4 + [b"2"]
