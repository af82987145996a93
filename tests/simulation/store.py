"""The store port in memory, for one thread and virtual time; `tests/contracts/test_store_port.py` holds it to MongoDB's
behaviour. Documents are kept encoded: what a writer does to its values later changes nothing here.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Literal

from turnus_runtime.mongo import documents
from turnus_runtime.ports import Stored

WALKED_AT_ONCE = 50
Moment = Literal["before", "after"]
Fault = Callable[[Moment, str, str, str], Awaitable[None]]
"""Awaited before and after every verb with moment, verb, collection and id (find: the index; prepare, now: ""). It may
suspend, raise `StoreUnavailable` or whatever a crash looks like: raised "after", the write has taken place."""


class Kept:
    """One document: the sortable fields beside the encoded whole. Never changed: a shallow copy of the dicts is a
    backup. It is decoded once; `told` gives everybody the same values, `changed` shows whether somebody changed them.
    """

    __slots__ = ("_told", "raw", "sorted_by", "version")

    def __init__(self, version: int, sorted_by: Mapping[str, str | int], raw: bytes) -> None:
        self.version = version
        self.sorted_by = sorted_by
        self.raw = raw
        self._told: Stored | None = None

    @property
    def told(self) -> Stored:
        """The document as a reader gets it."""
        if self._told is None:
            self._told = documents.read(self.raw)
        return self._told

    @property
    def changed(self) -> bool:
        """Whether a reader changed what it was given."""
        return self._told is not None and self._told != documents.read(self.raw)


async def no_fault(moment: Moment, verb: str, collection: str, id: str) -> None:
    """Everything works, at once."""


class SimulatedStore:
    """Documents of one service: `collections[name][id]`. It outlives the simulated processes that use it."""

    def __init__(self, now: Callable[[], datetime], fault: Fault = no_fault) -> None:
        self.collections: dict[str, dict[str, Kept]] = {}
        self.indexes: dict[str, set[str]] = {}
        self.fault = fault
        self._now = now
        self.shares = False
        """every reader gets the same values, for speed: whoever sets this asks every `Kept.changed` in the end"""

    async def prepare(self, collections: Mapping[str, Sequence[str]]) -> None:
        for name, indexes in collections.items():
            await self.fault("before", "prepare", name, "")
            for index in indexes:
                documents.field(index)
            self.indexes.setdefault(name, set()).update(indexes)
            await self.fault("after", "prepare", name, "")

    async def get(self, collection: str, id: str) -> Stored | None:
        await self.fault("before", "get", collection, id)
        kept = self._in(collection).get(id)
        await self.fault("after", "get", collection, id)
        return None if kept is None else self._read(kept)

    async def versions(self, collection: str, ids: Sequence[str]) -> Mapping[str, int]:
        await self.fault("before", "versions", collection, "")
        there = self._in(collection)
        found = {one: there[one].version for one in ids if one in there}
        await self.fault("after", "versions", collection, "")
        return found

    async def find(
        self, collection: str, index: str, low: str | int, high: str | int, *, limit: int, reverse: bool = False
    ) -> list[Stored]:
        self._check(collection, index, low, high, limit)
        if index == documents.NEXT_DUE and not self._matching(collection, index, low, high, reverse=reverse):
            return []  # the sweeper's common lot, at no cost: nothing to be late or wrong about
        await self.fault("before", "find", collection, index)
        matching = self._matching(collection, index, low, high, reverse=reverse)
        found = [self._in(collection)[matched] for matched in matching[:limit]]
        await self.fault("after", "find", collection, index)
        return [self._read(kept) for kept in found]

    async def walk(self, collection: str, index: str, low: str | int, high: str | int) -> AsyncGenerator[Stored, None]:
        """What is met is told at the beginning, what it holds when its batch is read: of all the ways the worst."""
        self._check(collection, index, low, high, WALKED_AT_ONCE)
        await self.fault("before", "walk", collection, index)
        matching = self._matching(collection, index, low, high, reverse=False)
        for start in range(0, len(matching), WALKED_AT_ONCE):
            batch = matching[start : start + WALKED_AT_ONCE]
            found = [kept for matched in batch if (kept := self._in(collection).get(matched)) is not None]
            await self.fault("after", "walk", collection, index)
            for kept in found:
                yield self._read(kept)
            await self.fault("before", "walk", collection, index)
        await self.fault("after", "walk", collection, index)

    async def insert(self, collection: str, document: Stored) -> bool:
        kept = _keep(document)
        await self.fault("before", "insert", collection, document.id)
        done = document.id not in self._in(collection)
        if done:
            self._in(collection)[document.id] = kept
        await self.fault("after", "insert", collection, document.id)
        return done

    async def replace(self, collection: str, document: Stored, expected: int) -> bool:
        if document.version != expected + 1:
            raise ValueError(f"version {document.version} cannot follow version {expected}")
        kept = _keep(document)
        await self.fault("before", "replace", collection, document.id)
        present = self._in(collection).get(document.id)
        done = present is not None and present.version == expected
        if done:
            self._in(collection)[document.id] = kept
        await self.fault("after", "replace", collection, document.id)
        return done

    async def clear(self, collection: str, id: str, owed_ids: Sequence[str]) -> None:
        await self.fault("before", "clear", collection, id)
        if (kept := self._in(collection).get(id)) is not None:
            document = self._read(kept)
            left = [entry for entry in document.owed if entry["id"] not in owed_ids]
            self._in(collection)[id] = _keep(replace(document, owed=left))
        await self.fault("after", "clear", collection, id)

    async def now(self) -> datetime:
        await self.fault("before", "now", "", "")
        told = self._now()
        await self.fault("after", "now", "", "")
        return told

    def _check(self, collection: str, index: str, low: str | int, high: str | int, limit: int) -> None:
        if index != documents.NEXT_DUE and index not in self.indexes.get(collection, ()):
            raise LookupError(f"{collection} has no index {index!r}: declare it by prepare")
        documents.span(index, low, high, limit)

    def _matching(self, collection: str, index: str, low: str | int, high: str | int, *, reverse: bool) -> list[str]:
        """Ids. As in MongoDB the key alone orders; ids make equal keys repeatable."""
        matching = [
            (key, matched)
            for matched, kept in self._in(collection).items()
            if (key := kept.sorted_by.get(index)) is not None and _within(low, key, high)
        ]
        matching.sort(reverse=reverse)
        return [matched for _, matched in matching]

    def _read(self, kept: Kept) -> Stored:
        return kept.told if self.shares else documents.read(kept.raw)

    def _in(self, collection: str) -> dict[str, Kept]:
        return self.collections.setdefault(collection, {})


def _keep(document: Stored) -> Kept:
    raw = bytes(documents.write(document, document.version).body.raw)
    due = document.next_due
    return Kept(document.version, {**document.keys, **({} if due is None else {documents.NEXT_DUE: due})}, raw)


def _within(low: str | int, key: str | int, high: str | int) -> bool:
    """MongoDB compares values of one type only; its order of texts is that of their code points, as is Python's."""
    if isinstance(key, str):
        return isinstance(low, str) and isinstance(high, str) and low <= key < high
    return isinstance(low, int) and isinstance(high, int) and low <= key < high
