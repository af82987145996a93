"""Operators see what is owed, lagging and given up, replay it, and have everything said again: on real servers."""

import asyncio
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from tests.support.stack import Names
from turnus_contracts import EVENTS
from turnus_runtime import operations
from turnus_runtime.dead_letters import DeadLetter, chosen, dead_letters, replay
from turnus_runtime.embedded import Endpoints
from turnus_runtime.forms import loaded
from turnus_runtime.installation import OperationError
from turnus_runtime.kafka.reading import KafkaReader
from turnus_runtime.operations import connected, pages, reader_of, republish, status
from turnus_runtime.process import Process, topics_of
from turnus_runtime.records import Decision, Owed, Record, job
from turnus_runtime.service import Job, Says
from turnus_runtime.turn import Turn

from .conftest import until
from .shop import BuyerNamed, Thing, ThingSold, keep, service, stock_now

ADA = "Ada Lovelace"


@pytest.fixture
def given(embedded_servers: Endpoints, fresh_broker: str, names: Names) -> dict[str, Any]:
    return {
        "mongo_url": embedded_servers.mongo_url,
        "redis_url": embedded_servers.redis_url,
        "kafka_url": fresh_broker,
        "kafka_idempotent": False,
        "kafka_fetch_max_wait_ms": 10,
        "topic_partitions": 2,
        "database_prefix": f"x{names.prefix}",
    }


@pytest.fixture
async def idle(given: dict[str, Any]) -> AsyncIterator[Process]:
    """Connected, with topics, and nothing running."""
    async with connected([service], given) as process:
        await process.broker.provision(topics_of([service], process.settings))
        yield process


@pytest.fixture
def reader(idle: Process) -> KafkaReader:
    return reader_of(idle.settings)


class Consuming:
    """The shop's consumer, for as long as a test wants it."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.process = Process([service], roles=("consume",), given=given)

    async def __aenter__(self) -> Process:
        await self.process.start()
        return self.process

    async def __aexit__(self, *_: object) -> None:
        await self.process.stop()


async def test_status_counts_what_is_due_and_not_what_is_planned(idle: Process, reader: KafkaReader) -> None:
    host = idle.hosts["shop"]
    await host.ports.store.prepare({"things": ["shelf"]})
    now = idle.clock.now()
    for number in range(3):
        late = now - timedelta(minutes=5 + number)
        await host.records.decide(Thing, f"late{number}", partial(keep, f"late{number}", 0, late))
    await host.records.decide(Thing, "planned", partial(keep, "planned", 0, now + timedelta(hours=1)))
    (shop,) = await status(idle, reader)
    assert (shop.service, shop.owed, shop.lag, shop.dead_letters) == ("shop", 3, 0, 0)
    assert shop.oldest_owed_seconds >= 7 * 60


async def test_status_tells_jobs_that_a_process_has_taken_from_what_is_due_or_planned(
    given: dict[str, Any], idle: Process, reader: KafkaReader
) -> None:
    shipping = dataclasses.replace(service, jobs={"ship": Job(_ship, time_limit_seconds=30)})
    async with connected([shipping], given) as process:
        host = process.hosts["shop"]
        await host.ports.store.prepare({"things": ["shelf"]})
        now = process.clock.now()
        kept: dict[str, tuple[timedelta, int]] = {
            "left behind": (timedelta(seconds=-5), 1),
            "taken": (timedelta(seconds=20), 1),
            "meant for later": (timedelta(seconds=20), 0),
            "tried again next hour": (timedelta(hours=1), 7),
        }
        for name, (due, tries) in kept.items():
            ship = dataclasses.replace(job("ship", now + due, id="ship"), tries=tries)
            await host.records.decide(Thing, name, lambda _, n=name, s=ship: Decision(None, Thing(id=n), owes=[s]))
        (shop,) = await status(process, reader)
    assert (shop.owed, shop.under_way) == (1, 1)


async def _ship(record_id: str, entry: Owed, on: Turn) -> None:
    raise AssertionError("no process of these tests runs jobs")


async def test_lag_is_seen_and_falls_to_nothing_when_somebody_consumes(
    idle: Process, reader: KafkaReader, given: dict[str, Any]
) -> None:
    await idle.hosts["shop"].relay.say([ThingSold(thing_id=f"t{n % 5}", number=1) for n in range(20)])
    assert (await status(idle, reader))[0].lag == 20
    async with Consuming(given):

        async def nothing_left() -> bool:
            return (await status(idle, reader))[0].lag == 0

        await until(nothing_left)
    thing = await idle.hosts["shop"].records.get(Thing, "t0")
    assert thing is not None
    assert thing.pieces == -4


async def test_who_misses_a_topic_makes_the_topics_of_all_events_at_once(given: dict[str, Any]) -> None:
    async with connected([service], given) as process:
        assert await process.broker.topic_ids() == {}
        await process.hosts["shop"].relay.say([ThingSold(thing_id="t1", number=1)])
        made = set(await process.broker.topic_ids())
    assert made == {"ThingSold", "StockKept", "BuyerNamed", "shop.dlq", *(event.topic() for event in EVENTS)}


async def test_a_poison_message_is_listed_shown_and_replayed(
    idle: Process, reader: KafkaReader, given: dict[str, Any]
) -> None:
    poison = ThingSold(thing_id="t1", number=13)

    async def letters(count: int) -> list[DeadLetter]:
        async def there() -> bool:
            return len(await dead_letters(reader, [service])) >= count

        await until(there)
        return await dead_letters(reader, [service])

    async with Consuming(given):
        await idle.hosts["shop"].relay.say([poison, ThingSold(thing_id="t1", number=2)])
        (letter,) = await letters(1)
        assert (letter.topic, letter.key, letter.error) == ("ThingSold", "t1", "ValueError")
        assert letter.shown()["payload"] == {"thing_id": "t1", "number": 13}
        assert (await status(idle, reader))[0].dead_letters == 1
        await replay(idle.broker, chosen([letter], [letter.id]))
        first, second = await letters(2)
    assert first.id == letter.id
    assert first.replayed
    assert not second.replayed  # it failed again, as a letter of its own
    assert second.value == letter.value
    assert second.headers["ce_id"] == letter.headers["ce_id"]
    assert second.offset != first.offset
    assert (await status(idle, reader))[0].dead_letters == 1
    thing = await idle.hosts["shop"].records.get(Thing, "t1")
    assert thing is not None
    assert thing.pieces == -2  # the message behind the poison was handled


async def test_a_letter_about_a_person_holds_no_payload_and_cannot_be_replayed(
    idle: Process, reader: KafkaReader, given: dict[str, Any]
) -> None:
    async with Consuming(given):
        await idle.hosts["shop"].relay.say([BuyerNamed(thing_id="t1", name=ADA)])

        async def there() -> bool:
            return bool(await dead_letters(reader, [service]))

        await until(there)
    (letter,) = await dead_letters(reader, [service])
    assert letter.value is None
    assert ADA not in str(letter.shown())
    with pytest.raises(OperationError, match="republish"):
        await replay(idle.broker, [letter])
    with pytest.raises(OperationError, match=r"no dead letter shop:9:9"):
        chosen([letter], ["shop:9:9"])


async def test_republish_says_every_record_again_once(idle: Process, reader: KafkaReader) -> None:
    host = idle.hosts["shop"]
    await host.ports.store.prepare({"things": ["shelf"]})
    ids = [f"t{number:04d}" for number in range(operations.PAGE + 50)]
    await asyncio.gather(*(host.records.decide(Thing, name, partial(keep, name, 0, None)) for name in ids))
    before = Counter(message.key for message in await reader.all_of(["StockKept"]))
    assert await republish(host) == Counter({"StockKept": len(ids)})
    after = Counter(message.key for message in await reader.all_of(["StockKept"]))
    assert after - before == Counter(ids)


async def test_what_an_older_release_wrote_is_written_again_once_and_nothing_else(
    idle: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = idle.hosts["shop"]
    await host.ports.store.prepare({"things": ["shelf"]})
    for number in range(5):
        await host.records.decide(Thing, f"t{number}", partial(keep, f"t{number}", 7, None))
    new = await host.ports.store.get("things", "t0")
    assert new
    keyless = {name: key for name, key in new.keys.items() if name != "shelf"}
    await host.ports.store.replace(
        "things", dataclasses.replace(new, version=new.version + 1, keys=keyless), new.version
    )
    host.records.forget_all()
    assert [one.id for one in await host.records.find(Thing, "shelf", 0, 9, limit=9)] == ["t1", "t2", "t3", "t4"]
    assert await operations.rewrite(host) == Counter({"things": 1})
    assert len(await host.records.find(Thing, "shelf", 0, 9, limit=9)) == 5
    assert await host.records.get(Thing, "t0") == loaded(Thing, new)
    assert await operations.rewrite(host) == Counter()
    monkeypatch.setattr(Thing, "format", 2)
    assert await operations.rewrite(host) == Counter({"things": 5})
    assert await operations.rewrite(host) == Counter()


@pytest.mark.parametrize("shelves", [[0] * 450, [0] * 150 + [1] * 300, [*range(450)], [*range(60)] * 5])
async def test_pages_hold_every_record_once_however_many_share_a_key(idle: Process, shelves: list[int]) -> None:
    host = idle.hosts["shop"]
    await host.ports.store.prepare({"things": ["shelf"]})
    await asyncio.gather(
        *(
            host.records.decide(Thing, f"t{number}", partial(keep, f"t{number}", shelf, None))
            for number, shelf in enumerate(shelves)
        )
    )
    says = Says(Thing, stock_now, index="shelf")
    found: list[Record] = [record async for page in pages(host, says, 0) for record in page]
    assert Counter(record.id for record in found) == Counter(f"t{number}" for number in range(len(shelves)))
    late = [record async for page in pages(host, says, 1) for record in page]
    assert len(late) == sum(shelf >= 1 for shelf in shelves)
