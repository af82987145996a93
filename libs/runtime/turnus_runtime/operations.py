"""What operators ask of a running installation: how it is, what was given up, and that everything be said again.

Everything goes through the stores and the broker, so it works from any machine that reaches them, whoever serves.
"""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from turnus_runtime.consume import dead_letter_topic
from turnus_runtime.forms import is_current
from turnus_runtime.host import Host, collections, records_of, topics
from turnus_runtime.installation import OperationError
from turnus_runtime.kafka.reading import KafkaReader
from turnus_runtime.ports import Broker, Message
from turnus_runtime.process import Process
from turnus_runtime.records import Decision, Record, millis
from turnus_runtime.service import Says, Service
from turnus_runtime.settings import Settings
from turnus_runtime.sweeper import lease_ms

PAGE = 200
COUNTED = 1_000
"""Owed records of one collection are counted up to here."""
LAST_TEXT = "\U0010ffff"
LAST_INT = 1 << 62
REPLAYED = "replayed"
_ADDED = ("origin_topic", "origin_partition", "origin_offset", "error", "error_detail", "buried_at")


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
        asyncio.gather(*(_lag(reader, host) for host in hosts.values())),
    )
    waiting = Counter(letter.service for letter in letters if not letter.replayed)
    found: list[ServiceStatus] = []
    for (name, host), lag in zip(hosts.items(), lags, strict=True):
        owed, oldest, under_way = await _owed(host)
        found.append(ServiceStatus(name, owed, oldest, under_way, lag, waiting[name]))
    return found


async def _lag(reader: KafkaReader, host: Host) -> int:
    heard = host.receiver.topics
    return await reader.lag(host.service.name, heard) if heard else 0


async def _owed(host: Host) -> tuple[int, float, int]:
    """Records with something due, for how many seconds at most, and jobs under way."""
    store, now = host.ports.store, millis(host.ports.clock.now())
    claimed = now + max((lease_ms(job) for job in host.service.jobs.values()), default=0)
    count, oldest, under_way = 0, now, 0
    await store.prepare(collections(host.service))
    for name in collections(host.service):
        due = await store.find(name, "next_due", 0, now + 1, limit=COUNTED)
        soon = await store.find(name, "next_due", now + 1, claimed + 1, limit=COUNTED) if host.service.jobs else []
        count += len(due)
        oldest = min([oldest, *(document.next_due or now for document in due)])
        entries = [entry for document in (*due, *soon) for entry in document.owed]
        under_way += sum(
            entry["kind"] == "job" and "tries" in entry and now < entry["due"] <= claimed for entry in entries
        )
    return count, (now - oldest) / 1000, under_way


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that a service gave up, with where it came from and why. `value` is None where it is personal data."""

    id: str
    service: str
    topic: str
    partition: int
    offset: int
    key: str
    error: str
    detail: str
    buried_at: str
    value: bytes | None
    replayed: bool
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def shown(self) -> dict[str, Any]:
        """As `turnus dead-letters show` prints it."""
        return {
            "id": self.id,
            "origin": {"topic": self.topic, "partition": self.partition, "offset": self.offset, "key": self.key},
            "error": self.error,
            "detail": self.detail,
            "buried_at": self.buried_at,
            "replayed": self.replayed,
            "headers": dict(self.headers),
            "payload": None if self.value is None else _read(self.value),
        }


async def dead_letters(reader: KafkaReader, services: Sequence[Service]) -> list[DeadLetter]:
    """All dead letters of these services that are kept, oldest first."""
    origins = {dead_letter_topic(service.name): service.name for service in services}
    found = await reader.all_of(list(origins))
    replayed = {message.headers[REPLAYED] for message in found if REPLAYED in message.headers}
    return [_letter(origins[message.topic], message, replayed) for message in found if REPLAYED not in message.headers]


def _letter(service: str, message: Message, replayed: set[str]) -> DeadLetter:
    told = message.headers
    name = f"{service}:{message.partition}:{message.offset}"
    return DeadLetter(
        id=name,
        service=service,
        topic=told.get("origin_topic", ""),
        partition=int(told.get("origin_partition", "-1")),
        offset=int(told.get("origin_offset", "-1")),
        key=message.key,
        error=told.get("error", ""),
        detail=told.get("error_detail", ""),
        buried_at=told.get("buried_at", ""),
        value=message.value or None,
        replayed=name in replayed,
        headers={name: value for name, value in told.items() if name not in _ADDED},
    )


def chosen(letters: Sequence[DeadLetter], ids: Sequence[str]) -> list[DeadLetter]:
    """These letters by id. Raises `OperationError` for an id that is none."""
    by_id = {letter.id: letter for letter in letters}
    if unknown := [name for name in ids if name not in by_id]:
        raise OperationError(f"there is no dead letter {unknown[0]}: `turnus dead-letters list` shows all")
    return [by_id[name] for name in ids]


async def replay(broker: Broker, letters: Sequence[DeadLetter]) -> None:
    """Publish the messages again where they came from, as they were, and note that next to the letters.

    Every service that listens gets them, which is harmless: all answer duplicates again. What fails again comes back
    as a new letter. Raises `OperationError`, with nothing published, for a letter without payload.
    """
    if empty := [letter for letter in letters if letter.value is None]:
        raise OperationError(
            f"dead letter {empty[0].id} was kept without its payload (personal data): "
            "`turnus republish` makes its owner say it again"
        )
    for letter in letters:
        await broker.publish([Message(letter.topic, letter.key, letter.value, letter.headers)])
        note = Message(dead_letter_topic(letter.service), letter.key, b"{}", {REPLAYED: letter.id})
        await broker.publish([note])


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


def _read(value: bytes) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value.decode(errors="replace")


def line_of(message: Message) -> dict[str, Any]:
    """A message as `turnus events tail` prints it."""
    return {
        "topic": message.topic,
        "key": message.key,
        "partition": message.partition,
        "offset": message.offset,
        "timestamp": message.timestamp,
        "trace": message.headers.get("traceparent", ""),
        "payload": None if message.value is None else _read(message.value),
    }
