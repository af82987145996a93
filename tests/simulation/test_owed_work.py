"""What is owed is done, once, in order and at its time, whatever happens beside it."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, cast

from services.availability.domain import rules
from services.availability.domain.rules import Blocks
from tests.simulation.store import SimulatedStore
from turnus_contracts import Event, WorkspaceChanged
from turnus_runtime.ids import RandomIds, derived
from turnus_runtime.ports import BrokerUnavailable, Message
from turnus_runtime.records import Decision, Owed, Record, event, job, state, timer
from turnus_runtime.relay import Relay
from turnus_runtime.service import Job, Says, Service
from turnus_runtime.settings import Settings
from turnus_runtime.store import RecordStore
from turnus_runtime.sweeper import Sweeper
from turnus_runtime.turn import Turn

LIMIT = 60
DAY = timedelta(days=1)


class Shop(Record):
    collection: ClassVar[str] = "shops"
    version: int
    name: str = ""


class Office:
    """The clock, the broker and the effects that all processes share."""

    doubt_seconds = 0.0

    def __init__(self) -> None:
        self.time = datetime(2027, 1, 1, tzinfo=UTC)
        self.said: list[Message] = []
        self.slow: asyncio.Event | None = None
        self.away = False
        self.ran: Counter[str] = Counter()
        self.open = asyncio.Event()
        self.store = SimulatedStore(self.now)

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    async def wake(self, key: str) -> None: ...

    async def wait(self, key: str, seconds: float) -> bool:
        return False

    async def publish(self, messages: Sequence[Message]) -> None:
        if self.away:
            raise BrokerUnavailable("away")
        slow, self.slow = self.slow, None
        if slow is not None:
            await slow.wait()
        self.said += messages

    async def deliver(self, record_id: str, claim: Owed, on: Turn) -> None:
        self.ran[record_id] += 1
        await self.open.wait()
        await on.records(Shop).decide(record_id, lambda shop: Decision(None, shop, drops=[claim.id]))

    @property
    def names(self) -> list[str]:
        """What the shop was called in what was said of it."""
        return [WorkspaceChanged.model_validate_json(one.value or b"").name for one in self.said]


def told(shop: Shop, now: datetime) -> Sequence[Event]:
    return [
        WorkspaceChanged(
            workspace_id=shop.id,
            version=shop.version,
            status="active",
            slug="s",
            name=shop.name,
            tz="UTC",
            locale="en",
        )
    ]


async def process(office: Office) -> tuple[RecordStore, Relay, Sweeper]:
    """One process of a service that has everything."""
    service = Service(
        "shops",
        "Shops.",
        records=(Shop,),
        publishes=(WorkspaceChanged,),
        says=(Says(Shop, told),),
        jobs={"deliver": Job(office.deliver, LIMIT)},
    )
    await office.store.prepare({"shops": ["self"]})
    records = RecordStore(office.store, office, office, lambda _: True)
    relay = Relay(service, cast("Any", office), office.store, office)
    records.relay = relay
    relay.on_cleared = records.forget

    def turn() -> Turn:
        return Turn(office.now(), records, RandomIds(), office, office, Settings())

    return records, relay, Sweeper(service, records, relay, office, turn)


async def name(records: RecordStore, version: int, *more: Owed) -> None:
    """The shop gets a name by its version, and owes saying so."""
    shop = Shop(id="ws_1", version=version, name=f"name {version}")
    await records.decide(Shop, "ws_1", lambda _: Decision(None, shop, owes=[state(WorkspaceChanged), *more]))


async def until(holds: Any) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 (what happens in between is the point)
            await asyncio.sleep(0)


async def test_of_two_processes_that_find_a_job_one_runs_it() -> None:
    office = Office()
    records, _, one = await process(office)
    _, _, other = await process(office)
    await name(records, 1, job("deliver", office.now(), id="deliver"))
    office.open.set()
    await asyncio.gather(one.sweep(), other.sweep())
    await asyncio.gather(one.stop(), other.stop())
    assert office.ran == {"ws_1": 1}


async def test_while_a_job_runs_nobody_else_finds_it_due() -> None:
    office = Office()
    records, _, one = await process(office)
    _, _, other = await process(office)
    await name(records, 1, job("deliver", office.now(), id="deliver"))
    await one.sweep()
    await until(lambda: office.ran)
    office.time += timedelta(seconds=LIMIT - 1)
    await other.sweep()
    office.open.set()
    await asyncio.gather(one.stop(), other.stop())
    assert office.ran == {"ws_1": 1}


async def test_what_a_record_says_is_published_in_the_order_of_its_writes() -> None:
    office = Office()
    records, relay, _ = await process(office)
    slow = office.slow = asyncio.Event()
    await name(records, 1)
    await until(lambda: office.slow is None)
    await name(records, 2)
    await name(records, 3)
    slow.set()
    await relay.stop()
    assert office.names == sorted(office.names)
    assert office.names[-1] == "name 3"


async def test_a_state_that_is_published_late_is_the_one_of_that_moment() -> None:
    office = Office()
    records, relay, sweeper = await process(office)
    await name(records, 1)
    await relay.stop()
    office.away = True
    await name(records, 2)
    await name(records, 3)
    await relay.stop()
    office.away = False
    office.time += timedelta(minutes=1)
    await sweeper.sweep()
    await sweeper.stop()
    assert office.names == ["name 1", "name 3"]


async def test_an_event_owed_again_is_not_cleared_with_its_earlier_sending() -> None:
    office = Office()
    records, relay, _ = await process(office)
    fact = WorkspaceChanged(
        workspace_id="ws_1", version=1, status="active", slug="s", name="the same", tz="UTC", locale="en"
    )

    async def owe(version: int) -> list[str]:
        shop = Shop(id="ws_1", version=version)
        await records.decide(Shop, "ws_1", lambda _: Decision(None, shop, owes=[event(fact)]))
        kept = await records.get(Shop, "ws_1")
        return [entry.id for entry in kept.owed if entry.kind == "event"] if kept is not None else []

    sent = await owe(1)
    await relay.stop()
    office.away = True
    again = await owe(2)
    await office.store.clear("shops", "ws_1", sent)  # late: the clearing of what was sent first
    kept = await records.get(Shop, "ws_1")
    assert kept is not None
    assert [entry.id for entry in kept.owed if entry.kind == "event"] == again
    assert len(again) == 1
    await relay.stop()


async def test_what_was_said_is_not_owed_again_by_the_next_write() -> None:
    office = Office()
    records, relay, _ = await process(office)
    await name(records, 1)
    await relay.stop()
    assert [entry.kind for entry in await owed(records)] == ["again"]
    await records.decide(Shop, "ws_1", lambda shop: Decision(None, shop))
    assert [entry.kind for entry in await owed(records)] == ["again"]
    await relay.stop()
    assert office.names == ["name 1"]


async def owed(records: RecordStore) -> Sequence[Owed]:
    """What the shop owes by its document."""
    shop = await records.get(Shop, "ws_1")
    return shop.owed if shop is not None else ()


async def test_decisions_that_go_into_one_write_see_each_other() -> None:
    office = Office()
    records, relay, _ = await process(office)

    async def count() -> int:
        def next_one(shop: Shop | None) -> Decision[Shop, int]:
            shop = shop or Shop(id="ws_1", version=0)
            return Decision(shop.version + 1, shop.change(version=shop.version + 1))

        return await records.decide(Shop, "ws_1", next_one)

    assert sorted(await asyncio.gather(*(count() for _ in range(50)))) == list(range(1, 51))
    kept = await office.store.get("shops", "ws_1")
    assert kept is not None
    assert kept.version < 50, "they did not go into one write"
    await relay.stop()


async def test_a_full_state_is_said_again_once_a_day() -> None:
    office = Office()
    records, relay, sweeper = await process(office)
    await name(records, 1)
    await relay.stop()
    before = len(office.said)
    for _ in range(5 * 24):
        office.time += DAY / 24
        await sweeper.sweep()
        await sweeper.stop()
    assert 4 <= len(office.said) - before <= 6
    assert set(office.names) == {"name 1"}


async def test_the_daily_sayings_are_spread_over_the_day() -> None:
    office = Office()
    records, relay, _ = await process(office)
    for number in range(48):
        shop = Shop(id=derived("ws", number), version=1)
        await records.decide(Shop, shop.id, lambda _, shop=shop: Decision(None, shop))
    await relay.stop()
    found = await office.store.find("shops", "next_due", 0, 1 << 60, limit=100)
    hours = Counter((one.next_due or 0) // 3_600_000 % 24 for one in found)
    assert len(hours) >= 12
    assert max(hours.values()) <= 12


async def test_a_second_change_of_rules_while_the_first_is_applied_is_applied_too() -> None:
    first, second = (timer(rules.APPLY_RULES, datetime(2027, 1, 1, 0, second, tzinfo=UTC)) for second in (1, 2))
    blocks = Blocks(
        id="blk_1",
        workspace_id="ws_1",
        owner_id="mem_1",
        version=2,
        items=(),
        created_at=datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert rules.rules_applied(blocks.change(owed=(second,)), first).record is None
    assert rules.rules_applied(blocks.change(owed=(second,)), second).drops == (rules.APPLY_RULES,)
