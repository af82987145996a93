"""How many commands calls become, and who is told what when others write in between."""

import asyncio
from typing import Any

import pytest
from bson.objectid import ObjectId
from pymongo.collection import Collection

from tests.integration.store.conftest import INDEXES, C, Wire
from turnus_runtime.embedded import Endpoints
from turnus_runtime.mongo import MongoStore
from turnus_runtime.mongo.documents import TOKENS_KEPT
from turnus_runtime.ports import Stored, StoreUnavailable


def thing(id: str, version: int = 1, **fields: Any) -> Stored:
    return Stored(**{"id": id, "version": version, "format": 1, "state": {}, **fields})


async def test_calls_made_at_once_are_one_command(
    store: MongoStore, collection: Collection[dict[str, Any]], wire: Wire
) -> None:
    ids = [f"t{n}" for n in range(80)]
    database = collection.database.name
    assert all(await asyncio.gather(*(store.insert(C, thing(one, owed=({"id": "e", "due": 1},))) for one in ids)))
    assert len(wire.of("insert", database)) == 1
    assert None not in await asyncio.gather(*(store.get(C, one) for one in ids * 2))
    assert len(wire.of("find", database)) == 1
    assert all(await asyncio.gather(*(store.replace(C, thing(one, 2), 1) for one in ids)))
    assert len(wire.of("update", database)) == 1
    await asyncio.gather(*(store.clear(C, one, ["e"]) for one in ids))
    assert len(wire.of("update", database)) == 2


async def test_everything_is_told_to_the_observer(embedded_servers: Endpoints, database: str) -> None:
    seen: list[tuple[str, str, int]] = []
    store = MongoStore(
        embedded_servers.mongo_url,
        database,
        observe=lambda verb, collection, seconds, count: seen.append((verb, collection, count)),
    )
    await store.prepare({C: INDEXES})
    await asyncio.gather(store.insert(C, thing("a")), store.insert(C, thing("b")))
    await asyncio.gather(store.replace(C, thing("a", 2), 1), store.replace(C, thing("b", 9), 8))
    await store.get(C, "a")
    await store.find(C, "rank", 0, 1, limit=5)
    await store.clear(C, "a", ["e"])
    await store.now()
    await store.close()
    assert seen == [
        ("prepare", C, 1), ("insert", C, 2), ("replace", C, 2), ("tell", C, 2),
        ("get", C, 1), ("find", C, 5), ("clear", C, 1), ("now", "", 1),
    ]  # fmt: skip


@pytest.mark.parametrize(("later_writes", "told"), [(0, True), (1, True), (TOKENS_KEPT - 1, True), (TOKENS_KEPT, None)])
async def test_a_winner_is_told_so_although_others_wrote_since(
    embedded_servers: Endpoints,
    database: str,
    collection: Collection[dict[str, Any]],
    later_writes: int,
    told: bool | None,
) -> None:
    """Others write between the bulk and the read that tells who won. Beyond the tokens kept nobody says "lost"."""

    def others_write(verb: str, name: str, seconds: float, count: int) -> None:
        if verb != "replace":
            return
        for _ in range(later_writes):
            seen = collection.find_one({"_id": "won"})
            assert seen
            tokens = [*seen["w"], ObjectId()][-TOKENS_KEPT:]
            collection.update_one({"_id": "won"}, {"$set": {"v": seen["v"] + 1, "w": tokens}})

    store = MongoStore(embedded_servers.mongo_url, database, observe=others_write)
    await asyncio.gather(store.insert(C, thing("won")), store.insert(C, thing("lost", 7)))
    outcomes = await asyncio.gather(
        store.replace(C, thing("won", 2), 1), store.replace(C, thing("lost", 7), 6), return_exceptions=True
    )
    await store.close()
    assert outcomes[1] is False
    assert outcomes[0] is True if told else isinstance(outcomes[0], StoreUnavailable)


@pytest.mark.parametrize("later_writes", [0, 1, TOKENS_KEPT - 1])
async def test_a_loser_is_told_so_although_others_wrote_since(
    embedded_servers: Endpoints, database: str, collection: Collection[dict[str, Any]], later_writes: int
) -> None:
    store = MongoStore(embedded_servers.mongo_url, database)
    await asyncio.gather(store.insert(C, thing("a")), store.insert(C, thing("other")))
    for version in range(2, 3 + later_writes):
        assert await store.replace(C, thing("a", version), version - 1)
    told = await asyncio.gather(store.replace(C, thing("a", 2), 1), store.replace(C, thing("other", 2), 1))
    await store.close()
    assert told == [False, True]


async def test_indexes_are_made_once_by_many_processes(
    embedded_servers: Endpoints, database: str, collection: Collection[dict[str, Any]]
) -> None:
    stores = [MongoStore(embedded_servers.mongo_url, database) for _ in range(5)]
    await asyncio.gather(*(store.prepare({C: INDEXES, "others": ()}) for store in stores))
    await asyncio.gather(*(store.close() for store in stores))
    assert set(collection.index_information()) == {"_id_", "next_due", "k_rank", "k_name"}
