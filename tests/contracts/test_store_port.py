"""One behaviour for every store: MongoDB's adapter on the real embedded server, and the simulated one."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson.errors import InvalidDocument

from tests.simulation.store import SimulatedStore
from tests.support.stack import Names
from turnus_runtime.mongo import MongoStore
from turnus_runtime.mongo.documents import LARGEST_DOCUMENT_BYTES, DocumentTooLarge
from turnus_runtime.ports import Store, Stored

C = "things"


@pytest.fixture(params=["simulated", "mongo"])
async def store(request: pytest.FixtureRequest, names: Names) -> AsyncIterator[Store]:
    found: Store
    if request.param == "simulated":
        found = SimulatedStore(now=lambda: datetime.now(UTC))
        await found.prepare({C: ["rank", "name"]})
        yield found
        return
    found = MongoStore(request.getfixturevalue("embedded_servers").mongo_url, names.database("store"))
    await found.prepare({C: ["rank", "name"]})
    yield found
    await found.close()


def thing(id: str = "a", version: int = 1, **fields: Any) -> Stored:
    return Stored(**{"id": id, "version": version, "format": 1, "state": {}, **fields})


def owing(*entries: tuple[str, int]) -> tuple[dict[str, Any], ...]:
    return tuple({"id": entry, "due": due, "what": {"x.y": "$v"}} for entry, due in entries)


async def got(store: Store, id: str = "a") -> Stored:
    found = await store.get(C, id)
    assert found is not None
    return found


async def due_ids(store: Store, low: int = 0, high: int = 2**62) -> list[str]:
    return [found.id for found in await store.find(C, "next_due", low, high, limit=100)]


async def test_what_was_inserted_is_read_back_whole(store: Store) -> None:
    document = thing(format=3, state={"n": 1}, owed=owing(("e1", 7)), keys={"rank": 5, "name": "x"})
    assert await store.insert(C, document)
    assert await got(store) == document
    assert (await got(store)).next_due == 7


async def test_an_unknown_id_is_none(store: Store) -> None:
    assert await store.get(C, "nobody") is None


async def test_versions_are_those_of_the_documents_and_nothing_of_unknown_ones(store: Store) -> None:
    await store.insert(C, thing("a"))
    await store.insert(C, thing("b"))
    assert await store.replace(C, thing("b", version=2), expected=1)
    asked = [store.versions(C, ids) for ids in (["a", "b", "nobody"], ["b"], [], ["nobody"])]
    assert await asyncio.gather(*asked) == [{"a": 1, "b": 2}, {"b": 2}, {}, {}]


async def test_versions_are_not_older_than_the_question(store: Store) -> None:
    """Whoever asks shares the answer of those who ask at the same time, never that of those who asked before."""
    await store.insert(C, thing())

    async def one_after_the_other() -> None:
        for version in range(2, 30):
            assert await store.replace(C, thing(version=version), expected=version - 1)
            assert await store.versions(C, ["a"]) == {"a": version}

    async def always(ended: asyncio.Event) -> None:
        while not ended.is_set():
            await store.versions(C, ["a"])

    ended = asyncio.Event()
    others = asyncio.gather(*(always(ended) for _ in range(5)))
    await one_after_the_other()
    ended.set()
    await others


async def test_one_of_many_racing_inserts_wins(store: Store) -> None:
    won = await asyncio.gather(*(store.insert(C, thing(state={"by": n})) for n in range(20)))
    assert won.count(True) == 1
    assert (await got(store)).state == {"by": won.index(True)}


async def test_a_replace_needs_the_expected_version(store: Store) -> None:
    await store.insert(C, thing())
    assert not await store.replace(C, thing(version=3, state={"n": 3}), expected=2)
    assert (await got(store)).state == {}
    assert await store.replace(C, thing(version=2, state={"n": 2}), expected=1)
    assert not await store.replace(C, thing(version=2, state={"n": 9}), expected=1)
    assert await got(store) == thing(version=2, state={"n": 2})


async def test_a_replace_of_nothing_is_false_and_makes_nothing(store: Store) -> None:
    assert not await store.replace(C, thing(version=2), expected=1)
    assert await store.get(C, "a") is None


async def test_versions_rise_by_one(store: Store) -> None:
    await store.insert(C, thing())
    with pytest.raises(ValueError, match="version 3 cannot follow version 1"):
        await store.replace(C, thing(version=3), expected=1)


async def test_racing_increments_are_exact(store: Store) -> None:
    """Eight writers, a hundred increments each, on two documents: none is lost, none counted twice."""
    for one in ("a", "b"):
        await store.insert(C, thing(one, state={"n": 0}))

    async def increment(id: str) -> None:
        while True:
            seen = await got(store, id)
            if await store.replace(
                C, replace(seen, version=seen.version + 1, state={"n": seen.state["n"] + 1}), seen.version
            ):
                return

    async def increment_often(id: str) -> None:
        for _ in range(100):
            await increment(id)

    await asyncio.gather(*(increment_often("ab"[n % 2]) for n in range(8)))
    for one in ("a", "b"):
        assert await got(store, one) == thing(one, version=401, state={"n": 400})


async def test_a_chain_of_replaces_asked_at_once_is_told_exactly(store: Store) -> None:
    """Winners and losers of one document, and of several, in one breath."""
    for one in ("a", "b"):
        await store.insert(C, thing(one))
    asks = [(one, version) for one in ("a", "b") for version in (2, 2, 3, 5, 3, 4)]
    told = await asyncio.gather(*(store.replace(C, thing(one, version), version - 1) for one, version in asks))
    assert told == [True, False, True, False, False, True] * 2
    assert [(await got(store, one)).version for one in ("a", "b")] == [4, 4]


async def test_nothing_is_shared_between_readers_and_the_store(store: Store) -> None:
    state = {"list": [1]}
    await store.insert(C, thing(state=state))
    state["list"].append(2)
    one, other = await asyncio.gather(got(store), got(store))
    one.state["list"].append(3)
    assert other.state == {"list": [1]}
    assert (await got(store)).state == {"list": [1]}


async def test_many_reads_at_once_find_each_their_own(store: Store) -> None:
    await asyncio.gather(*(store.insert(C, thing(f"t{n}", state={"n": n})) for n in range(250)))
    found = await asyncio.gather(*(store.get(C, f"t{n}") for n in range(300)))
    assert [None if one is None else one.state["n"] for one in found] == [*range(250), *[None] * 50]


async def test_find_is_half_open_ordered_and_limited(store: Store) -> None:
    for rank in (5, 3, 1, 4, 2):
        await store.insert(C, thing(f"t{rank}", keys={"rank": rank}))
    await store.insert(C, thing("without"))

    async def ranks(low: int, high: int, **how: Any) -> list[str | int]:
        return [found.keys["rank"] for found in await store.find(C, "rank", low, high, **{"limit": 9, **how})]

    assert await ranks(2, 5) == [2, 3, 4]
    assert await ranks(2, 5, limit=2) == [2, 3]
    assert await ranks(2, 5, reverse=True) == [4, 3, 2]
    assert await ranks(-(2**63), 2**63 - 1, limit=2, reverse=True) == [5, 4]
    assert await ranks(0, 1) == []
    assert await ranks(5, 2) == []
    assert await ranks(3, 3) == []


async def test_texts_are_ordered_by_code_points(store: Store) -> None:
    texts = ["", "A", "a", "a\x00b", "ab", "b", "é", "\ue000", "😀"]
    for n, text in enumerate(reversed(texts)):
        await store.insert(C, thing(f"t{n}", keys={"name": text}))
    found = await store.find(C, "name", "", "\U0010ffff", limit=20)
    assert [one.keys["name"] for one in found] == sorted(texts) == texts
    assert [one.keys["name"] for one in await store.find(C, "name", "a", "b", limit=20)] == ["a", "a\x00b", "ab"]


async def test_texts_and_numbers_of_one_index_do_not_mix(store: Store) -> None:
    await store.insert(C, thing("text", keys={"name": "5"}))
    await store.insert(C, thing("number", keys={"name": 5}))
    assert [one.id for one in await store.find(C, "name", 0, 9, limit=9)] == ["number"]
    assert [one.id for one in await store.find(C, "name", "0", "9", limit=9)] == ["text"]
    with pytest.raises(TypeError, match="can hold nothing"):
        await store.find(C, "name", 0, "9", limit=9)


async def walked(store: Store, index: str, low: str | int, high: str | int) -> list[str]:
    return [one.id async for one in store.walk(C, index, low, high)]


async def ranked(store: Store, ranks: Sequence[int]) -> None:
    await asyncio.gather(*(store.insert(C, thing(f"t{n:04}", keys={"rank": rank})) for n, rank in enumerate(ranks)))


async def test_a_walk_is_half_open_and_ordered_and_of_one_type(store: Store) -> None:
    await ranked(store, [5, 3, 1, 4, 2])
    await store.insert(C, thing("without"))
    await store.insert(C, thing("text", keys={"rank": "3", "name": "x"}))
    assert await walked(store, "rank", 2, 5) == ["t0004", "t0001", "t0003"]
    assert await walked(store, "rank", "", "9") == await walked(store, "name", "x", "y") == ["text"]
    assert await walked(store, "rank", 6, 9) == await walked(store, "rank", 5, 2) == []
    assert [one async for one in store.walk(C, "name", "x", "y")] == [await got(store, "text")]
    with pytest.raises(TypeError, match="can hold nothing"):
        await walked(store, "rank", 0, "9")
    with pytest.raises(LookupError, match="declare it"):
        await walked(store, "colour", 0, 1)


@pytest.mark.parametrize("ranks", [range(450), [7] * 450, [*range(60)] * 5], ids=["different", "equal", "in groups"])
async def test_a_walk_meets_each_document_once_however_many_share_a_key(store: Store, ranks: Sequence[int]) -> None:
    await ranked(store, ranks)
    met = [one async for one in store.walk(C, "rank", 0, 1_000)]
    assert [one.keys["rank"] for one in met] == sorted(ranks)
    assert {one.id for one in met} == {f"t{n:04}" for n in range(len(ranks))}


async def test_a_walk_meets_what_stays_once_while_others_come_change_and_leave(store: Store) -> None:
    await ranked(store, range(600))
    met: list[str] = []
    async for one in store.walk(C, "rank", 0, 10_000):
        met.append(one.id)
        if len(met) % 100 == 0:
            await store.insert(C, thing(f"new{len(met)}", keys={"rank": 300}))
            await store.replace(C, thing(f"t{len(met):04}", 2, state={"n": 1}, keys={"rank": len(met)}), 1)
            await store.replace(C, thing(f"t{len(met) - 50:04}", 2), 1)
    stay = [f"t{n:04}" for n in range(600) if n % 100 != 50]
    assert [name for name in met if name in set(stay)] == stay


async def test_a_walk_that_is_broken_off_harms_nobody(store: Store) -> None:
    await ranked(store, range(300))
    async with aclosing(store.walk(C, "rank", 0, 300)) as walk:
        assert (await anext(walk)).id == "t0000"
    assert len(await walked(store, "rank", 0, 300)) == 300


async def test_equal_keys_are_all_found(store: Store) -> None:
    for n in range(5):
        await store.insert(C, thing(f"t{n}", keys={"rank": 1}))
    assert {one.id for one in await store.find(C, "rank", 1, 2, limit=9)} == {f"t{n}" for n in range(5)}
    assert len(await store.find(C, "rank", 1, 2, limit=3)) == 3


async def test_a_key_that_is_gone_leaves_its_index(store: Store) -> None:
    await store.insert(C, thing(keys={"rank": 1}))
    await store.replace(C, thing(version=2, keys={"name": "x"}), 1)
    assert await store.find(C, "rank", 0, 9, limit=9) == []
    assert [one.keys for one in await store.find(C, "name", "x", "y", limit=9)] == [{"name": "x"}]


@pytest.mark.parametrize("key", [True, 1.5, None, ["x"]])
async def test_only_texts_and_whole_numbers_are_keys(store: Store, key: Any) -> None:
    with pytest.raises(TypeError, match="can be sorted"):
        await store.insert(C, thing(keys={"rank": key}))


async def test_an_index_must_be_declared(store: Store) -> None:
    with pytest.raises(LookupError, match="declare it"):
        await store.find(C, "colour", 0, 1, limit=1)
    with pytest.raises(ValueError, match="a limit of 0"):
        await store.find(C, "rank", 0, 1, limit=0)
    with pytest.raises(ValueError, match="name of an index"):
        await store.prepare({C: ["a.b"]})


async def test_declaring_again_and_at_once_changes_nothing(store: Store) -> None:
    await store.insert(C, thing(keys={"rank": 1}))
    await asyncio.gather(*(store.prepare({C: ["rank", "name"], "others": ["rank"]}) for _ in range(4)))
    assert len(await store.find(C, "rank", 0, 9, limit=9)) == 1


async def test_what_is_owed_first_is_found_first(store: Store) -> None:
    await store.insert(C, thing("late", owed=owing(("e1", 90), ("e2", 30))))
    await store.insert(C, thing("soon", owed=owing(("e1", 20), ("e2", 90))))
    await store.insert(C, thing("never"))
    assert await due_ids(store) == ["soon", "late"]
    assert await due_ids(store, high=30) == ["soon"]
    assert await due_ids(store, high=31) == ["soon", "late"]


async def test_clearing_leaves_the_rest_owed_and_due(store: Store) -> None:
    await store.insert(C, thing(state={"x": 1}, owed=owing(("e1", 10), ("e2", 30), ("e3", 20)), keys={"rank": 1}))
    await store.clear(C, "a", ["e1", "unknown"])
    assert await got(store) == thing(state={"x": 1}, owed=owing(("e2", 30), ("e3", 20)), keys={"rank": 1})
    assert await due_ids(store, high=20) == []
    assert await due_ids(store, high=21) == ["a"]
    await store.clear(C, "a", ["e2", "e3"])
    assert (await got(store)).owed == ()
    assert await due_ids(store) == []


async def test_a_cleared_document_keeps_its_version(store: Store) -> None:
    await store.insert(C, thing(owed=owing(("e1", 10))))
    await store.clear(C, "a", ["e1"])
    assert await store.replace(C, thing(version=2, owed=owing(("e2", 5))), expected=1)
    assert await due_ids(store) == ["a"]


async def test_clearing_what_is_unknown_does_nothing(store: Store) -> None:
    await store.insert(C, thing(owed=owing(("$e", 10))))
    await asyncio.gather(
        store.clear(C, "nobody", ["e1"]), store.clear(C, "a", []), store.clear(C, "a", ["other", "$v", "$$ROOT"])
    )
    assert await store.get(C, "nobody") is None
    assert (await got(store)).owed == owing(("$e", 10))
    await store.clear(C, "a", ["$e"])
    assert (await got(store)).owed == ()


async def test_clears_of_one_document_at_once_all_count(store: Store) -> None:
    await store.insert(C, thing(owed=owing(*((f"e{n}", n) for n in range(20)))))
    await asyncio.gather(*(store.clear(C, "a", [f"e{n}"]) for n in range(19)))
    assert (await got(store)).owed == owing(("e19", 19))
    assert await due_ids(store, low=19) == ["a"]


async def test_a_clear_that_races_with_a_replace_loses_neither(store: Store) -> None:
    """The replace brings back what it still knew; what it newly owes stays; next_due fits what is left."""
    for round_ in range(20):
        racing = f"r{round_}"
        await store.insert(C, thing(racing, owed=owing(("old", 10))))
        _, won = await asyncio.gather(
            store.clear(C, racing, ["old"]), store.replace(C, thing(racing, 2, owed=owing(("old", 10), ("new", 50))), 1)
        )
        after = await got(store, racing)
        assert won
        assert after.version == 2
        assert [entry["id"] for entry in after.owed] in (["old", "new"], ["new"])
        (found,) = [one for one in await store.find(C, "next_due", 0, 99, limit=99) if one.id == racing]
        assert found.next_due == after.next_due
        assert racing in await due_ids(store, after.next_due or 0, (after.next_due or 0) + 1)


STRANGE = {
    "a.b": {"$set": 1, "x.y": [{"$literal": 2}]},
    "$gt": "$v",
    "$$ROOT": "$$NOW",
    "": 1,
    "reference": {"$ref": "x", "$id": 1},
    "reference inside": [{"$ref": "x", "$id": {"$ref": "y", "$id": 2, "$db": "d", "more": 3}}],
    "ünï": "😀\x00e\u0301",
    "largest": 2**63 - 1,
    "smallest": -(2**63),
    "beyond double": 2**53 + 1,
    "none": None,
    "yes": True,
    "float": 1.5,
    "empty": [[], {}, ""],
    "bytes": b"\x00\xff",
    "1": {"0": []},
}


async def test_strange_names_and_values_come_back_as_they_were(store: Store) -> None:
    entry = {"id": "e.1", "due": 2**53 + 1, **STRANGE}
    first = thing(state=STRANGE, owed=(entry, *owing(("e2", 3))), keys={"name": "$v"})
    await store.insert(C, first)
    assert await got(store) == first
    second = replace(first, version=2, state={"s": STRANGE})
    assert await store.replace(C, second, 1)
    assert await got(store) == second
    await store.clear(C, "a", ["e2"])
    assert await got(store) == replace(second, owed=(entry,))
    assert list((await got(store)).state["s"]) == list(STRANGE)
    assert await due_ids(store, 2**53 + 1, 2**53 + 2) == ["a"]


async def test_strange_ids_are_ids(store: Store) -> None:
    ids = ["$v", "a.b", "", "ü", "x" * 500, "$$ROOT", "0"]
    for strange in ids:
        assert await store.insert(C, thing(strange))
        assert await store.replace(C, thing(strange, 2), 1)
    assert [(await got(store, strange)).version for strange in ids] == [2] * len(ids)


@pytest.mark.parametrize(
    ("value", "error"),
    [(2**63, OverflowError), ({1: 2}, InvalidDocument), ({"a\x00b": 1}, InvalidDocument), ("\ud800", UnicodeError)],
)
async def test_a_bad_value_is_the_callers_own_error(store: Store, value: Any, error: type[Exception]) -> None:
    """Not `StoreUnavailable`: trying again would not help. Calls made at the same moment are not harmed."""
    await store.insert(C, thing("b"))
    bad, good, read = await asyncio.gather(
        store.insert(C, thing(state={"value": value})),
        store.insert(C, thing("c")),
        store.get(C, "b"),
        return_exceptions=True,
    )
    assert isinstance(bad, error)
    assert good is True
    assert read == thing("b")
    with pytest.raises(error):
        await store.replace(C, thing("b", 2, state={"value": value}), 1)


async def test_large_documents_are_kept_and_too_large_ones_refused(store: Store) -> None:
    text = "x" * (LARGEST_DOCUMENT_BYTES - 1000)
    assert await store.insert(C, thing(state={"text": text}))
    large = [thing(f"l{n}", state={"text": text}) for n in range(4)]
    assert all(await asyncio.gather(*(store.insert(C, one) for one in large)))
    assert await store.replace(C, thing(version=2, state={"text": text + "y"}, owed=owing(("e", 1))), 1)
    await store.clear(C, "a", ["e"])
    assert (await got(store)).state["text"] == text + "y"
    with pytest.raises(DocumentTooLarge, match="archive part of it"):
        await store.replace(C, thing(version=3, state={"text": text + "z" * 1000}), 2)
    assert (await got(store)).version == 2


async def test_a_cancelled_caller_harms_nobody(store: Store) -> None:
    await store.insert(C, thing("a"))
    tasks = [asyncio.ensure_future(store.insert(C, thing(f"t{n}"))) for n in range(30)]
    reads = [asyncio.ensure_future(store.get(C, "a")) for _ in range(30)]
    await asyncio.sleep(0)
    for task in (*tasks[::2], *reads[::2]):
        task.cancel()
    assert await asyncio.gather(*tasks[1::2]) == [True] * 15
    assert await asyncio.gather(*reads[1::2]) == [thing("a")] * 15


async def test_a_write_whose_caller_was_cancelled_does_not_block_the_next(store: Store) -> None:
    await store.insert(C, thing())
    writes = [asyncio.ensure_future(store.replace(C, thing(version=2, state={"by": n}), 1)) for n in range(3)]
    await asyncio.sleep(0)
    writes[0].cancel()
    writes[1].cancel()
    await asyncio.gather(*writes, return_exceptions=True)
    assert (await got(store)).version == 2


async def test_the_clock_is_aware_and_right_in_any_zone_of_the_machine(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Kathmandu")
        time.tzset()
        before, told, after = datetime.now(UTC), await store.now(), datetime.now(UTC)
    time.tzset()
    assert told.utcoffset() == timedelta(0)
    assert before - timedelta(milliseconds=1) <= told <= after
