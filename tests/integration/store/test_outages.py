"""The server dies, hangs, or was never there."""

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.stack import StackThread, until
from tests.support.system import eventually
from turnus_runtime.mongo import MongoStore
from turnus_runtime.mongo.adapter import WALKED_AT_ONCE
from turnus_runtime.ports import Stored, StoreUnavailable

C = "things"
WRITERS = 16


class Ledger:
    """Writers of one document each; each write adds its number to the document's list."""

    def __init__(self, store: MongoStore) -> None:
        self.store = store
        self.acknowledged: dict[str, list[int]] = {f"t{n}": [] for n in range(WRITERS)}
        self.refused: set[str] = set()
        self.stopping = False

    async def open(self) -> None:
        await self.store.prepare({C: ()})
        for name in self.acknowledged:
            assert await self.store.insert(C, Stored(name, 1, 1, {"numbers": []}))

    async def write(self, id: str) -> None:
        number = 0
        while not self.stopping:
            try:
                seen = await self.store.get(C, id)
                assert seen
                if number in seen.state["numbers"]:  # written although nobody said so
                    number += 1
                    continue
                new = replace(seen, version=seen.version + 1, state={"numbers": [*seen.state["numbers"], number]})
                assert await self.store.replace(C, new, seen.version)
            except StoreUnavailable:
                self.refused.add(id)
                await asyncio.sleep(0.005)
                continue
            self.acknowledged[id].append(number)
            number += 1

    def progress(self, than: int) -> bool:
        return all(len(numbers) > than for numbers in self.acknowledged.values())


async def test_acknowledged_writes_survive_a_killed_server(fresh_servers: StackThread) -> None:
    store = MongoStore(fresh_servers.endpoints.mongo_url, "killed", timeout_seconds=2)
    ledger = Ledger(store)
    await ledger.open()
    writers = [asyncio.ensure_future(ledger.write(name)) for name in ledger.acknowledged]
    for kill in range(1, 3):
        before = max(len(numbers) for numbers in ledger.acknowledged.values())
        await until(lambda floor=before: ledger.progress(floor), "all writers write")
        ledger.refused.clear()
        pid = fresh_servers.health["store"].pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        # Not all of them: who was between two writes may find the server back before the next one is given up.
        await until(lambda: len(ledger.refused) > 0, f"somebody noticed kill {kill}")
    before = max(len(numbers) for numbers in ledger.acknowledged.values())
    await until(lambda: ledger.progress(before), "all writers write again, with the same store")
    ledger.stopping = True
    await asyncio.gather(*writers)
    for name, acknowledged in ledger.acknowledged.items():
        kept = await store.get(C, name)
        assert kept
        numbers = kept.state["numbers"]
        assert set(acknowledged) <= set(numbers)
        assert len(numbers) == len(set(numbers)) == kept.version - 1
    await store.close()


async def test_a_walk_whose_server_dies_is_over_and_can_be_begun_again(fresh_servers: StackThread) -> None:
    store = MongoStore(fresh_servers.endpoints.mongo_url, "walked", timeout_seconds=2)
    await store.prepare({C: ("rank",)})
    count = 3 * WALKED_AT_ONCE
    await asyncio.gather(*(store.insert(C, Stored(f"t{n:04}", 1, 1, {}, (), {"rank": n})) for n in range(count)))

    async def walked() -> list[str]:
        return [one.id async for one in store.walk(C, "rank", 0, count)]

    met: list[str] = []

    async def interrupted() -> None:
        async for one in store.walk(C, "rank", 0, count):
            met.append(one.id)
            if len(met) == 10:
                pid = fresh_servers.health["store"].pid
                assert pid
                os.kill(pid, signal.SIGKILL)

    with pytest.raises(StoreUnavailable):
        await interrupted()
    assert met == [f"t{n:04}" for n in range(WALKED_AT_ONCE)]  # the batch that was there, and no more
    again: list[str] = []

    async def answered() -> bool:
        try:
            again[:] = await walked()
        except StoreUnavailable:
            return False
        return True

    await eventually(answered)
    assert again == [f"t{n:04}" for n in range(count)]
    await store.close()


def _stopped(pid: int) -> bool:
    """A signal reaches the threads of a busy machine one after the other, and an answer may come until then."""
    states = (
        task.joinpath("stat").read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").iterdir()
    )
    return all(state in "Tt" for state in states)


async def test_a_hanging_server_is_unavailable_and_then_itself_again(fresh_servers: StackThread) -> None:
    url = fresh_servers.endpoints.mongo_url
    patient, store = MongoStore(url, "hanging"), MongoStore(url, "hanging", timeout_seconds=0.3)
    await patient.prepare({C: ()})
    document = Stored("a", 1, 1, {})
    assert await patient.insert(C, document)
    await patient.close()

    async def answers() -> bool:
        try:
            return await store.get(C, "a") is not None
        except StoreUnavailable:
            return False

    await eventually(answers)
    pid = fresh_servers.health["store"].pid
    assert pid
    os.kill(pid, signal.SIGSTOP)
    try:
        await until(lambda: _stopped(pid), "no thread of the server runs")
        outcomes = await asyncio.gather(
            store.get(C, "a"),
            store.insert(C, Stored("b", 1, 1, {})),
            store.replace(C, replace(document, version=2), 1),
            store.clear(C, "a", ["e"]),
            store.find(C, "next_due", 0, 1, limit=1),
            store.now(),
            store.prepare({C: ()}),
            return_exceptions=True,
        )
    finally:
        os.kill(pid, signal.SIGCONT)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 7
    await eventually(answers)
    await store.close()


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    store = MongoStore("mongodb://127.0.0.1:1/?directConnection=true", "nowhere", timeout_seconds=0.2)
    outcomes = await asyncio.gather(*(store.get(C, f"t{n}") for n in range(3)), store.now(), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * 4
    assert len({id(outcome) for outcome in outcomes}) == 4
    await store.close()


async def test_who_still_waits_when_the_store_closes_is_told(fresh_servers: StackThread) -> None:
    store = MongoStore(fresh_servers.endpoints.mongo_url, "closing")
    await store.insert(C, Stored("a", 1, 1, {}))
    writes = [asyncio.ensure_future(store.replace(C, Stored("a", 2, 1, {"by": n}), 1)) for n in range(5)]
    await asyncio.sleep(0)
    await store.close()
    outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert all(outcome is True or isinstance(outcome, StoreUnavailable) for outcome in outcomes)
    with pytest.raises(StoreUnavailable):
        await store.get(C, "a")
    with pytest.raises(StoreUnavailable):
        await store.now()
