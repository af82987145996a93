"""The assignment service on the real store and broker."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.rotation import Rotation
from services.assignment.service import service
from services.assignment.settings import Settings
from tests.support.kafka import APACHE
from tests.support.stack import Names
from turnus_contracts import EVENTS, AssigneeChosen, CalendarApplied, Event
from turnus_runtime.clock import StoreClock
from turnus_runtime.embedded import Endpoints
from turnus_runtime.host import Host, Ports
from turnus_runtime.ids import RandomIds
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.kafka.session import ConsumerOptions
from turnus_runtime.mongo import MongoStore
from turnus_runtime.ports import Consumer, Message, TopicSpec
from turnus_runtime.redis import RedisSignals

SPECS = [TopicSpec(contract.topic(), 2, compacted=contract.kind == "state") for contract in EVENTS]
SPECS.append(TopicSpec("assignment.dlq", 1, compacted=False))


async def until(holds: Callable[[], Awaitable[Any]], what: str, seconds: float = 60) -> Any:
    """What `holds` gives once it is true."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := await holds()):  # noqa: ASYNC110 - nothing here can signal what the store holds
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"still not so after {seconds:.0f} s: {what}")
    return found


@dataclass
class Assignment:
    """Processes of the service over one database and broker, and what they have said."""

    new_host: Callable[[], Awaitable[Host]]
    broker: KafkaBroker
    heard: list[Event] = field(default_factory=list[Event])
    listener: Consumer | None = None

    async def listen(self) -> None:
        """Hear from now on what the service says (and all that it said)."""
        self.listener = self.broker.consumer("listener", ["AssigneeChosen", "CalendarApplied"], self._hear)
        await self.listener.start()

    async def _hear(self, message: Message) -> None:
        contract = {each.topic(): each for each in (AssigneeChosen, CalendarApplied)}[message.topic]
        self.heard.append(contract.model_validate_json(message.value or b""))

    async def publish(self, *events: Event) -> None:
        """Say this as the other services would."""
        messages = [Message(each.topic(), each.key, each.model_dump_json().encode()) for each in events]
        await self.broker.publish(messages)

    def chosen(self, booking: str, attempt: int = 1) -> list[AssigneeChosen]:
        """What was said about this attempt, duplicates included."""
        answers = [event for event in self.heard if isinstance(event, AssigneeChosen)]
        return [each for each in answers if (each.booking_id, each.attempt) == (booking, attempt)]

    def applied(self) -> list[int]:
        """Versions of calendars that are said to be served."""
        return [event.version for event in self.heard if isinstance(event, CalendarApplied)]


async def rotation_of(host: Host) -> Rotation:
    """The rotation as the store has it."""
    found = await host.records.get(Rotation, "cal_a")
    assert found is not None
    return found


async def choice_of(host: Host, booking: str, attempt: int = 1) -> Choice | None:
    """The choice as the store has it."""
    return await host.records.get(Choice, choice_id(booking, attempt))


async def at_rest(host: Host) -> bool:
    """Nothing is owed in the whole service (`next_due` is kept by every document that owes anything)."""
    found = [await host.records.find(kind, "next_due", 0, 2**62, limit=1) for kind in (Rotation, Choice)]
    return not any(found)


@pytest.fixture
async def assignment(embedded_servers: Endpoints, fresh_broker: str, names: Names) -> AsyncIterator[Assignment]:
    """`await assignment.new_host()` is one more process; none is running before."""
    async with AsyncExitStack() as stack:
        options = ConsumerOptions(commit_every=0.1, session_timeout_ms=6000 if APACHE else 2000)
        broker = KafkaBroker(
            fresh_broker, client_id="test", idempotent=False, fetch_max_wait_ms=10, specs=SPECS, consuming=options
        )
        await broker.start()
        stack.push_async_callback(broker.stop)
        await broker.provision(SPECS)

        async def new_host() -> Host:
            store = MongoStore(embedded_servers.mongo_url, names.database("assignment"))
            stack.push_async_callback(store.close)
            clock = StoreClock(store)
            await clock.open()
            signals = RedisSignals(embedded_servers.redis_url, names.prefix)
            ports = Ports(store, broker, clock, RandomIds(), signals)
            host = Host(service, ports, Settings(assignment_calendar_wait_seconds=0.2))
            await host.open()
            stack.push_async_callback(host.stop)
            return host

        made = Assignment(new_host, broker)
        yield made
        if made.listener is not None:
            await made.listener.stop()
