"""`MongoStore`: the store port over motor, the only module that knows motor and pymongo.

motor is past its end of life and was asked for; everything it is used for is in this file. Why the queries have the
shapes they have is said in `documents`; `tests/integration/store` holds each of them against the embedded server.
"""

import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast

from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection
from pymongo import ASCENDING, DESCENDING, InsertOne, UpdateOne
from pymongo.errors import BulkWriteError, CollectionInvalid, ConnectionFailure, OperationFailure, WriteError
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from turnus_runtime.mongo import documents
from turnus_runtime.mongo.documents import NEXT_DUE, Write
from turnus_runtime.mongo.gathering import CLOSED, Gathering
from turnus_runtime.ports import Stored, StoreUnavailable

Observe = Callable[[str, str, float, int], None]
"""Called after each round trip with verb, collection, seconds and number of documents asked for."""

_Raw = AsyncIOMotorCollection[RawBSONDocument]
RAW: CodecOptions[RawBSONDocument] = CodecOptions(document_class=RawBSONDocument)
WALKED_AT_ONCE = 200
"""Documents of a walk that are held at a time."""
DUPLICATE_KEY = 11000
NAMESPACE_EXISTS = 48
FAULTS_OF_A_DOCUMENT = frozenset({2, 9, 14, 15, 22, 52, 55, 56, 57, 121, 10334, 17280, 17419, 17420})
"""Codes by which a server refuses this very document or value (BadValue, TypeMismatch, BSONObjectTooLarge …), from
MongoDB's `error_codes.yml`. Everything else it may say (stepping down, disk full, not authorized) is about the store:
trying again without limit loses nothing, a dead letter for each message would."""


class MongoStore:
    """Documents of one service in `database`. Close it at the end; it reconnects by itself.

    `timeout_seconds` bounds finding a server, connecting, waiting for a free connection and each reply.
    """

    def __init__(
        self, url: str, database: str, *, timeout_seconds: float = 5.0, observe: Observe | None = None
    ) -> None:
        ms = int(timeout_seconds * 1000)
        self._client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
            url,
            tz_aware=True,
            serverSelectionTimeoutMS=ms,
            connectTimeoutMS=ms,
            socketTimeoutMS=ms,
            waitQueueTimeoutMS=ms,
            retryWrites=False,  # the embedded server has no retryable writes; whoever asked tries again anyway
            retryReads=False,
        )
        self._database = self._client.get_database(
            database,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern(w="majority", j=True, wtimeout=ms),
        )
        self._observe = observe or _nothing
        self._collections: dict[str, _Collection] = {}
        self._closed = False
        self._indexes: dict[str, set[str]] = {}

    async def prepare(self, collections: Mapping[str, Sequence[str]]) -> None:
        self._check_open()
        for name, indexes in collections.items():
            async with _round_trip("prepare", name, 1, self._observe):
                await self._create(name)
                for index in (NEXT_DUE, *indexes):
                    # Sparse and of one field: the embedded server uses neither partial nor compound ones for a range.
                    field = documents.field(index)
                    await self._database[name].create_index([(field, ASCENDING)], name=field, sparse=True)
            self._indexes.setdefault(name, set()).update(indexes)

    async def get(self, collection: str, id: str) -> Stored | None:
        raw = await self._at(collection).gets.ask(id, None)
        return None if raw is None else documents.read(raw)

    async def versions(self, collection: str, ids: Sequence[str]) -> Mapping[str, int]:
        return await self._at(collection).versions.ask("\n".join(ids), ids)

    async def find(
        self, collection: str, index: str, low: str | int, high: str | int, *, limit: int, reverse: bool = False
    ) -> list[Stored]:
        """See the port. Documents with equal keys come in any order. The embedded server reads the whole range before
        it cuts at `limit` (25 ms for 20,000 documents): ask for narrow ranges.
        """
        span, field = self._span(collection, index, low, high, limit), documents.field(index)
        async with _round_trip("find", collection, limit, self._observe):
            found = await (
                self._at(collection)
                .raw.find({field: span})
                .sort(field, DESCENDING if reverse else ASCENDING)
                .limit(limit)
                .to_list(None)
            )
        return [documents.read(bytes(document.raw)) for document in found]

    async def walk(self, collection: str, index: str, low: str | int, high: str | int) -> AsyncGenerator[Stored, None]:
        """See the port. One `find` and as many `getMore`s as there are batches: the embedded server, which reads the
        whole range for each query, reads it once.
        """
        span, field = self._span(collection, index, low, high, WALKED_AT_ONCE), documents.field(index)
        cursor = self._at(collection).raw.find({field: span}).sort(field, ASCENDING).batch_size(WALKED_AT_ONCE)
        try:
            while True:
                async with _round_trip("walk", collection, WALKED_AT_ONCE, self._observe):
                    batch = await cursor.to_list(WALKED_AT_ONCE)
                for document in batch:
                    yield documents.read(bytes(document.raw))
                if not batch:
                    return
        finally:
            await cursor.close()

    async def insert(self, collection: str, document: Stored) -> bool:
        return await self._at(collection).inserts.ask(document.id, documents.write(document, document.version))

    async def replace(self, collection: str, document: Stored, expected: int) -> bool:
        """See the port. `StoreUnavailable` also if the write is under so many later ones that nobody can tell."""
        if document.version != expected + 1:
            raise ValueError(f"version {document.version} cannot follow version {expected}")
        return await self._at(collection).replaces.ask(document.id, documents.write(document, expected))

    async def clear(self, collection: str, id: str, owed_ids: Sequence[str]) -> None:
        if owed_ids:
            await self._at(collection).clears.ask(id, owed_ids)

    async def now(self) -> datetime:
        self._check_open()
        async with _round_trip("now", "", 1, self._observe):
            # A command does not inherit the client's codec: without this the time would be naive.
            said = await self._client.admin.command("hello", codec_options=documents.DECODING)
        return said["localTime"].astimezone(UTC)

    async def drop(self, collections: Sequence[str]) -> None:
        """Remove these collections with everything in them: for restoring a backup, no service does it."""
        self._check_open()
        for name in collections:
            async with _round_trip("drop", name, 1, self._observe):
                await self._database.drop_collection(name)

    async def close(self) -> None:
        """Finish what is under way, refuse what waits or comes, and close the connections."""
        self._closed = True
        for collection in self._collections.values():
            await collection.settle()
        self._client.close()

    def _span(self, collection: str, index: str, low: str | int, high: str | int, limit: int) -> dict[str, str | int]:
        if index != NEXT_DUE and index not in self._indexes.get(collection, ()):
            raise LookupError(f"{collection} has no index {index!r}: declare it by prepare")
        return documents.span(index, low, high, limit)

    def _at(self, name: str) -> "_Collection":
        self._check_open()
        if name not in self._collections:
            raw = cast("_Raw", self._database.get_collection(name, codec_options=RAW))  # its stub forgets the codec
            plain = self._database.get_collection(name, codec_options=documents.DECODING)
            self._collections[name] = _Collection(raw, plain, self._observe)
        return self._collections[name]

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(CLOSED)

    async def _create(self, name: str) -> None:
        try:
            await self._database.create_collection(name, check_exists=False)
        except CollectionInvalid:
            return
        except OperationFailure as error:  # another process was faster
            if error.code != NAMESPACE_EXISTS:
                raise


class _Collection:
    """The gathered calls on one collection."""

    def __init__(self, raw: _Raw, plain: AsyncIOMotorCollection[dict[str, Any]], observe: Observe) -> None:
        self.raw = raw
        self._plain = plain
        """for what is small and read whole: there a raw document costs more than it saves"""
        self._observe = observe
        self.gets = Gathering[None, bytes | None](self._get, shared=True)
        self.versions = Gathering[Sequence[str], Mapping[str, int]](self._versions, shared=True)
        self.inserts = Gathering[Write, bool](self._insert, shared=False, weigh=lambda write: write.size)
        self.replaces = Gathering[Write, bool](self._replace, shared=False, weigh=lambda write: write.size)
        self.clears = Gathering[Sequence[str], None](self._clear, shared=True)

    async def settle(self) -> None:
        for gathering in (self.gets, self.versions, self.inserts, self.replaces, self.clears):
            await gathering.settle()

    async def _get(self, batch: Mapping[str, Sequence[None]]) -> Mapping[str, bytes | None]:
        found = await self._by_id("get", list(batch))
        return {key: bytes(found[key].raw) if key in found else None for key in batch}

    async def _versions(self, batch: Mapping[str, Sequence[Sequence[str]]]) -> Mapping[str, Mapping[str, int]]:
        asked = list(dict.fromkeys(one for lists in batch.values() for one in lists[0]))
        async with _round_trip("versions", self.raw.name, len(asked), self._observe):
            # By itself the server tells 101 and waits to be asked again, also if it told all but has no room for more.
            now = await self._plain.find({"_id": {"$in": asked}}, {"v": 1}, batch_size=len(asked) + 1).to_list(None)
        found: dict[str, int] = {document["_id"]: document["v"] for document in now}
        return {key: {one: found[one] for one in lists[0] if one in found} for key, lists in batch.items()}

    async def _insert(self, batch: Mapping[str, Sequence[Write]]) -> Mapping[str, bool | Exception]:
        failed, _ = await self._bulk("insert", [InsertOne(write.body) for (write,) in batch.values()])
        outcome: dict[str, bool | Exception] = {}
        for index, key in enumerate(batch):
            error = failed.get(index)
            outcome[key] = error is None if error is None or error.code == DUPLICATE_KEY else _meant(error)
        return outcome

    async def _replace(self, batch: Mapping[str, Sequence[Write]]) -> Mapping[str, bool | Exception]:
        writes = [write for (write,) in batch.values()]
        failed, modified = await self._bulk(
            "replace", [UpdateOne({"_id": write.id}, write.compare_and_set) for write in writes]
        )
        outcome: dict[str, bool | Exception] = {writes[index].id: _meant(error) for index, error in failed.items()}
        rest = [write for write in writes if write.id not in outcome]
        if modified in {0, len(rest)}:
            return outcome | {write.id: modified > 0 for write in rest}
        now = await self._by_id("tell", [write.id for write in rest], {"v": 1, "w": 1})
        for write in rest:
            won = write.won(now.get(write.id))
            outcome[write.id] = StoreUnavailable(f"too many writes of {write.id} at once") if won is None else won
        return outcome

    async def _clear(self, batch: Mapping[str, Sequence[Sequence[str]]]) -> Mapping[str, Exception | None]:
        updates = [
            UpdateOne({"_id": key}, documents.clearing(sorted({owed for owed_ids in asked for owed in owed_ids})))
            for key, asked in batch.items()
        ]
        failed, _ = await self._bulk("clear", updates)
        return {key: _meant(failed[index]) if index in failed else None for index, key in enumerate(batch)}

    async def _by_id(
        self, verb: str, ids: list[str], projection: dict[str, int] | None = None
    ) -> dict[str, RawBSONDocument]:
        async with _round_trip(verb, self.raw.name, len(ids), self._observe):
            found = await self.raw.find({"_id": {"$in": ids}}, projection).to_list(None)
        return {document["_id"]: document for document in found}

    async def _bulk(
        self, verb: str, writes: list[InsertOne[RawBSONDocument]] | list[UpdateOne]
    ) -> tuple[dict[int, WriteError], int]:
        """Errors of single writes by their place in the batch, and how many documents were modified."""
        async with _round_trip(verb, self.raw.name, len(writes), self._observe):
            try:
                result = await cast("Any", self.raw).bulk_write(writes, ordered=False)  # a partly untyped stub
            except BulkWriteError as error:
                details = error.details
                if details["writeConcernErrors"]:  # written, but perhaps not for good
                    raise StoreUnavailable(str(details["writeConcernErrors"][0].get("errmsg"))) from error
                errors = {
                    said["index"]: WriteError(said["errmsg"], said["code"], said) for said in details["writeErrors"]
                }
                return errors, details["nModified"]
            return {}, cast("int", result.modified_count)


@asynccontextmanager
async def _round_trip(verb: str, collection: str, count: int, observe: Observe) -> AsyncGenerator[None, None]:
    """Translate what pymongo raises, and tell how long it took."""
    started = time.perf_counter()
    try:
        yield
    except (ConnectionFailure, OperationFailure) as error:
        meant = _meant(error)
        if meant is error:
            raise
        raise meant from error
    finally:
        observe(verb, collection, time.perf_counter() - started, count)


def _meant(error: ConnectionFailure | OperationFailure) -> Exception:
    """The error itself if it is about the document, else `StoreUnavailable`."""
    if isinstance(error, OperationFailure) and error.code in FAULTS_OF_A_DOCUMENT:
        return error
    unavailable = StoreUnavailable(str(error))
    unavailable.__cause__ = error
    return unavailable


def _nothing(verb: str, collection: str, seconds: float, count: int) -> None:
    """Nobody observes."""
