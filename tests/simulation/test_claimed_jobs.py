"""A job that is due when it is owed runs once: where it was written, or elsewhere if it waited too long there."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from tests.simulation.store import SimulatedStore
from turnus_runtime.ids import RandomIds
from turnus_runtime.records import Decision, Owed, Projection, Record, job
from turnus_runtime.relay import Relay
from turnus_runtime.service import Job, Service
from turnus_runtime.settings import Settings
from turnus_runtime.store import RecordStore
from turnus_runtime.sweeper import AT_ONCE, Sweeper
from turnus_runtime.turn import Turn

LIMIT = 60
MORE = 5
"""Jobs that have to wait for their turn."""


class Parcel(Record):
    collection: ClassVar[str] = "parcels"


class Hands:
    """The clock that all processes share, and what the job does."""

    def __init__(self) -> None:
        self.time = datetime(2027, 1, 1, tzinfo=UTC)
        self.doubt_seconds = 0.0
        self.open = asyncio.Event()
        self.ran: Counter[str] = Counter()

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(0)

    async def deliver(self, record_id: str, claim: Owed, on: Turn) -> None:
        self.ran[record_id] += 1
        await self.open.wait()
        await on.records(Parcel).decide(record_id, lambda parcel: Decision(None, parcel, drops=[claim.id]))


class Nobody:
    async def wake(self, key: str) -> None: ...

    async def wait(self, key: str, seconds: float) -> bool:
        return False


def process(hands: Hands, store: SimulatedStore) -> tuple[RecordStore, Sweeper]:
    """One process of a service with jobs."""
    service = Service("parcels", "Parcels.", records=(Parcel,), jobs={"deliver": Job(hands.deliver, LIMIT)})
    records = RecordStore(store, hands, Nobody(), lambda _: False)
    relay: Any = Relay(service, Any, store, hands)  # pyright: ignore[reportArgumentType]
    records.relay = relay

    def turn() -> Turn:
        return Turn(hands.now(), records, RandomIds(), hands, Nobody(), Settings())

    records.works = sweeper = Sweeper(service, records, relay, hands, turn)
    return records, sweeper


async def owe(records: RecordStore, hands: Hands, number: int) -> None:
    owed = [job("deliver", hands.now(), id="deliver")]
    await records.decide(Parcel, f"p{number}", lambda _: Decision(None, Parcel(id=f"p{number}"), owes=owed))


async def until(holds: Any) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 (what happens in between is the point)
            await asyncio.sleep(0)


async def begun(hands: Hands) -> tuple[SimulatedStore, RecordStore, Sweeper]:
    """A process with all hands full, and some jobs waiting."""
    store = SimulatedStore(hands.now)
    await store.prepare({"parcels": ["self"]})
    records, sweeper = process(hands, store)
    await asyncio.gather(*(owe(records, hands, number) for number in range(AT_ONCE + MORE)))
    await until(lambda: len(hands.ran) == AT_ONCE)
    return store, records, sweeper


async def test_what_one_process_owes_and_claims_no_other_one_runs() -> None:
    hands = Hands()
    store, _, sweeper = await begun(hands)
    _, other = process(hands, store)
    await other.sweep()
    assert other.idle
    hands.open.set()
    await sweeper.stop()
    assert hands.ran == {f"p{number}": 1 for number in range(AT_ONCE + MORE)}
    assert (await store.find("parcels", "next_due", 0, 1 << 60, limit=1)) == []


@pytest.mark.parametrize("other_is_there", [True, False])
async def test_a_claim_that_ended_while_it_waited_is_made_anew_or_is_somebody_elses(*, other_is_there: bool) -> None:
    hands = Hands()
    store, _, sweeper = await begun(hands)
    hands.time += timedelta(minutes=2)
    _, other = process(hands, store)
    waiting = {f"p{number}": 1 for number in range(AT_ONCE, AT_ONCE + MORE)}
    if other_is_there:
        # Those that are running are overdue as well: their processes have ended them, by their time limit.
        due = await store.find("parcels", "next_due", 0, 1 << 60, limit=100)
        for found in due:
            if found.id not in waiting:
                await store.clear("parcels", found.id, ["deliver"])
        await other.sweep()
        await until(lambda: len(hands.ran) == AT_ONCE + MORE)
    hands.open.set()
    await asyncio.gather(sweeper.stop(), other.stop())
    assert {name: hands.ran[name] for name in waiting} == waiting


async def test_a_job_owed_anew_while_its_earlier_claim_waits_runs_all_the_same() -> None:
    hands = Hands()
    store, records, sweeper = await begun(hands)
    hands.time += timedelta(minutes=2)
    await owe(records, hands, AT_ONCE + MORE - 1)  # its first claim waits still, and will not be renewed
    hands.open.set()
    await sweeper.stop()
    assert hands.ran == {f"p{number}": 1 for number in range(AT_ONCE + MORE)}
    assert (await store.find("parcels", "next_due", 0, 1 << 60, limit=1)) == [], "nobody looks before the claim ends"


async def test_a_job_that_another_process_owes_is_found_by_a_sweep() -> None:
    hands = Hands()
    hands.open.set()
    store = SimulatedStore(hands.now)
    await store.prepare({"parcels": ["self"]})
    records, _ = process(hands, store)
    records.works = None  # a process of another role
    await owe(records, hands, 1)
    _, other = process(hands, store)
    assert hands.ran == {}
    await other.sweep()
    await other.stop()
    assert hands.ran == {"p1": 1}


class Told(Projection):
    collection: ClassVar[str] = "told"


async def test_a_projection_that_would_owe_is_refused_for_no_sweep_looks_there() -> None:
    hands = Hands()
    store = SimulatedStore(hands.now)
    await store.prepare({"told": ["self"]})
    records, _ = process(hands, store)
    owed = [job("deliver", hands.now(), id="deliver")]
    with pytest.raises(TypeError, match="a projection owes nothing"):
        await records.decide(Told, "t", lambda _: Decision(None, Told(id="t", version=1), owes=owed))
    assert await records.get(Told, "t") is None
