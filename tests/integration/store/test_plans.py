"""No query of the store examines more of a collection of 20,000 documents than of one of 200.

What is explained is what the store said on the wire. The filters of updates are explained as finds: the embedded
server does not explain update pipelines.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from tests.integration.store.conftest import INDEXES, C, Wire, explained
from turnus_runtime.embedded import Endpoints
from turnus_runtime.mongo import MongoStore, documents
from turnus_runtime.mongo.adapter import WALKED_AT_ONCE
from turnus_runtime.ports import Stored

DATABASE = "plans"
SIZES = {"small": 200, "large": 20_000}


def numbered(n: int, version: int = 1) -> Stored:
    """Of every collection, however large, 20 documents owe something soon."""
    owed = ({"id": "e1", "due": n if n < 20 else 10**12 + n},) if n < 20 or n % 2 else ()
    return Stored(f"t{n:05}", version, 1, {"n": n}, owed, {"rank": n, "name": f"name {n:05}"})


@pytest.fixture(scope="module")
def filled(embedded_servers: Endpoints) -> Iterator[dict[str, Collection[dict[str, Any]]]]:
    """A collection of each size."""

    async def prepare() -> None:
        store = MongoStore(embedded_servers.mongo_url, DATABASE)
        await store.prepare(dict.fromkeys(SIZES, INDEXES))
        await store.close()

    asyncio.run(prepare())
    with MongoClient[dict[str, Any]](embedded_servers.mongo_url) as client:
        for name, size in SIZES.items():
            for start in range(0, size, 1_000):
                rows = range(start, min(size, start + 1_000))
                client[DATABASE][name].insert_many([documents.write(numbered(n), 1).body for n in rows])
        yield {name: client[DATABASE][name] for name in SIZES}


async def get_one(store: MongoStore, name: str) -> None:
    assert await store.get(name, "t00042")


async def get_many(store: MongoStore, name: str) -> None:
    assert None not in await asyncio.gather(*(store.get(name, f"t{n:05}") for n in range(100)))


def find(index: str, low: str | int, high: str | int, *, reverse: bool) -> Callable[[MongoStore, str], Awaitable[None]]:
    async def found(store: MongoStore, name: str) -> None:
        assert len(await store.find(name, index, low, high, limit=10, reverse=reverse)) == 10

    return found


async def replace(store: MongoStore, name: str) -> None:
    seen = await store.get(name, "t00042")
    assert seen
    assert await store.replace(name, numbered(42, seen.version + 1), seen.version)


async def replace_told_by_token(store: MongoStore, name: str) -> None:
    seen = await store.get(name, "t00042")
    assert seen
    won = store.replace(name, numbered(42, seen.version + 1), seen.version)
    lost = store.replace(name, numbered(43, 9_001), 9_000)
    assert await asyncio.gather(won, lost) == [True, False]


async def clear(store: MongoStore, name: str) -> None:
    await store.clear(name, "t00043", ["e1"])


@pytest.mark.parametrize(
    ("ask", "verb", "most"),
    [
        pytest.param(get_one, "find", 1, id="get"),
        pytest.param(get_many, "find", 100, id="get of 100 at once"),
        pytest.param(find("rank", 50, 90, reverse=False), "find", 40, id="find by number"),
        pytest.param(find("rank", 50, 90, reverse=True), "find", 40, id="find by number, reverse"),
        pytest.param(find("name", "name 00050", "name 00090", reverse=False), "find", 40, id="find by text"),
        pytest.param(find("name", "name 00050", "name 00090", reverse=True), "find", 40, id="find by text, reverse"),
        pytest.param(find("next_due", 0, 1_000, reverse=False), "find", 20, id="what is due"),
        pytest.param(replace, "update", 1, id="replace"),
        pytest.param(replace_told_by_token, "find", 2, id="who won"),
        pytest.param(clear, "update", 1, id="clear"),
    ],
)
@pytest.mark.parametrize("name", SIZES)
async def test_what_is_examined_does_not_grow(
    filled: dict[str, Collection[dict[str, Any]]],
    wire: Wire,
    embedded_servers: Endpoints,
    ask: Callable[[MongoStore, str], Awaitable[None]],
    verb: str,
    most: int,
    name: str,
) -> None:
    store = MongoStore(embedded_servers.mongo_url, DATABASE)
    await store.prepare({name: INDEXES})
    wire.commands.clear()
    await ask(store, name)
    await store.close()
    commands = wire.of(verb, DATABASE)
    assert commands
    if verb == "update":
        commands = [{"find": name, "filter": update["q"]} for command in commands for update in command["updates"]]
    for command in commands:
        said = explained(filled[name], command)
        assert "COLLSCAN" not in str(said["plan"])
        assert max(said["documents"], said["keys"]) <= most, said


@pytest.mark.parametrize("name", SIZES)
@pytest.mark.parametrize(("index", "low", "high"), [("rank", 0, 2**62), ("name", "", "\U0010ffff")])
async def test_a_walk_examines_each_document_once_and_gets_it_in_batches(
    filled: dict[str, Collection[dict[str, Any]]],
    wire: Wire,
    embedded_servers: Endpoints,
    index: str,
    low: str | int,
    high: str | int,
    name: str,
) -> None:
    store = MongoStore(embedded_servers.mongo_url, DATABASE)
    await store.prepare({name: INDEXES})
    wire.commands.clear()
    met = [one.id async for one in store.walk(name, index, low, high)]
    await store.close()
    assert met == [f"t{n:05}" for n in range(SIZES[name])]
    (find,) = wire.of("find", DATABASE)
    said = explained(filled[name], find)
    assert "COLLSCAN" not in str(said["plan"])
    assert (said["documents"], said["keys"]) == (SIZES[name], SIZES[name])
    batches = wire.of("getMore", DATABASE)
    assert {one["batchSize"] for one in (find, *batches)} == {WALKED_AT_ONCE}
    assert len(batches) <= SIZES[name] // WALKED_AT_ONCE


def test_explain_would_show_a_scan(filled: dict[str, Collection[dict[str, Any]]]) -> None:
    """The textbook compare-and-set filter examines everything on this server: the check above can fail."""
    said = explained(filled["large"], {"find": "large", "filter": {"_id": "t00042", "v": 1}})
    assert said["documents"] >= SIZES["large"]


async def test_nothing_owed_is_nothing_in_the_index(store: MongoStore, collection: Collection[dict[str, Any]]) -> None:
    await store.insert(C, Stored("a", 1, 1, {}, ({"id": "e1", "due": 1},)))
    await store.insert(C, Stored("b", 1, 1, {}))
    await store.clear(C, "a", ["e1"])
    for name in ("a", "b"):
        raw = collection.find_one({"_id": name})
        assert raw
        assert "next_due" not in raw
    assert all(index.get("sparse") for name, index in collection.index_information().items() if name != "_id_")
