"""What operators ask of a running installation: how it is, what was given up, and that everything be said again.

Everything goes through the stores and the broker, so it works from any machine that reaches them, whoever serves.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from turnus_runtime.dead_letters import dead_letters, payload
from turnus_runtime.figures import owed_now
from turnus_runtime.forms import is_current
from turnus_runtime.host import Host, collections, records_of, topics
from turnus_runtime.kafka.reading import KafkaReader
from turnus_runtime.ports import Message
from turnus_runtime.process import Process
from turnus_runtime.records import Decision, Record
from turnus_runtime.service import Says, Service
from turnus_runtime.settings import Settings

PAGE = 200
LAST_TEXT = "\U0010ffff"
LAST_INT = 1 << 62


@asynccontextmanager
async def connected(services: Sequence[Service], given: Mapping[str, Any]) -> AsyncGenerator[Process]:
    """These services with no role: their stores and the broker can be asked, and nothing runs. Records of a service
    that is closed are not read.

    Raises `StoreUnavailable` or `BrokerUnavailable` at once when a server is not there.
    """
    process = Process(services, roles=(), given=given)
    try:
        await process.clock.open()
        await process.broker.start()
        for host in process.hosts.values():
            if host.door is not None:
                await host.door.look()
                host.door.unlock()
        yield process
    finally:
        await process.stop()


def reader_of(settings: Settings) -> KafkaReader:
    """Reads topics beside all groups."""
    return KafkaReader(settings.kafka_url, client_id="turnus-cli", fetch_max_wait_ms=settings.kafka_fetch_max_wait_ms)


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How a service is. `owed` counts records with something due, at most `COUNTED` of a collection.

    `under_way` counts jobs that a process has taken and not reported on yet, or tries again within the time a claim
    holds.
    """

    service: str
    owed: int
    oldest_owed_seconds: float
    under_way: int
    lag: int
    dead_letters: int


async def status(process: Process, reader: KafkaReader) -> list[ServiceStatus]:
    """One line a service."""
    hosts = process.hosts
    letters, lags = await asyncio.gather(
        dead_letters(reader, [host.service for host in hosts.values()]),
        asyncio.gather(*(reader.lags(host.service.name, host.receiver.topics) for host in hosts.values())),
    )
    waiting = Counter(letter.service for letter in letters if not letter.replayed)
    found: list[ServiceStatus] = []
    for (name, host), lag in zip(hosts.items(), lags, strict=True):
        await host.ports.store.prepare(collections(host.service))
        owed = await owed_now(host)
        found.append(
            ServiceStatus(name, owed.records, owed.oldest_seconds, owed.under_way, sum(lag.values()), waiting[name])
        )
    return found


async def republish(host: Host) -> Counter[str]:
    """Say again everything that the records of this service say of themselves, by its `says`; messages per topic.

    Repeats are harmless, and it may be broken off and begun again, as it must be after `StoreUnavailable` or
    `BrokerUnavailable`. The topics are made first: a broker that came up empty may acknowledge what it has no topic
    for.
    """
    said: Counter[str] = Counter()
    await host.ports.broker.provision(topics(host.service, host.settings.topic_partitions))
    await host.ports.store.prepare(collections(host.service))
    now = host.ports.clock.now()
    for says in host.service.says:
        low = says.since(now) if says.since is not None else ""
        async with aclosing(pages(host, says, low)) as every:
            async for page in every:
                events = [event for record in page for event in says.events(record, now)]
                if events:
                    await host.relay.say(events)
                said.update(event.topic() for event in events)
    return said


async def rewrite(host: Host) -> Counter[str]:
    """Write again what an older release wrote, in the present format and with the present index keys, so that lists and
    searches of this release find it; documents per collection.

    Nothing else changes, and nobody has to stop. It may be broken off and begun again: what is current is left alone.
    """
    written: Counter[str] = Counter()
    await host.ports.store.prepare(collections(host.service))
    for kind in records_of(host.service):
        async with aclosing(host.ports.store.walk(kind.collection, "self", "", LAST_TEXT)) as walk:
            async for stored in walk:
                if not is_current(kind, stored):
                    await host.records.decide(kind, stored.id, _as_it_is)
                    written[kind.collection] += 1
    return written


def _as_it_is(record: Record | None) -> Decision[Record, None]:
    return Decision(None, record)


async def pages(host: Host, says: Says, low: str | int) -> AsyncGenerator[list[Record]]:
    """The records of `says` in the order of its index from `low` upwards, in pages, by one query however many."""
    high = LAST_INT if isinstance(low, int) else LAST_TEXT
    page: list[Record] = []
    async with aclosing(host.records.walk(says.record, says.index, low, high)) as walk:
        async for record in walk:
            page.append(record)
            if len(page) == PAGE:
                yield page
                page = []
    if page:
        yield page


def line_of(message: Message) -> dict[str, Any]:
    """A message as `turnus events tail` prints it."""
    return {
        "topic": message.topic,
        "key": message.key,
        "partition": message.partition,
        "offset": message.offset,
        "timestamp": message.timestamp,
        "trace": message.headers.get("traceparent", ""),
        "payload": None if message.value is None else payload(message.value),
    }
