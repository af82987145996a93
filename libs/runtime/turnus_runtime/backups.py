"""Backups of one service's store: every record as it is stored, and restoring them.

A file is JSON lines: a head `{"turnus_backup", "service", "begun", "collections": {name: format}}`, a line for each
record `{"c": collection, "id", "v", "f", "s", "o", "k"}`, and an end `{"end", "counts", "sha256"}` with the digest of
all lines before it. Each record is whole; the file is no snapshot, because records that change while it is written may
be in it as before or as after. `turnus repair` compares what is restored with the other services anyway.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, cast

from turnus_runtime.closing import Closure, close
from turnus_runtime.host import collections, records_of
from turnus_runtime.http.equipment import equipped
from turnus_runtime.installation import OperationError
from turnus_runtime.ports import Clock, Store, Stored
from turnus_runtime.records import Record, millis
from turnus_runtime.service import Service

FORMAT = 1
LAST_TEXT = "\U0010ffff"
AT_ONCE = 200
OWNER_ONLY = 0o600
"""A backup holds what the store holds: names, addresses, secrets."""


class EmptyableStore(Store, Protocol):
    """A store that can be emptied; no service ever does that."""

    async def drop(self, collections: Sequence[str]) -> None:
        """Remove these collections with everything in them."""
        ...


@dataclass(frozen=True, slots=True)
class Backup:
    """What a file holds. `begun`: by the store's clock, everything older is in it."""

    path: Path
    service: str
    begun: datetime
    formats: Mapping[str, int]
    counts: Mapping[str, int]


async def back_up(service: Service, store: Store, clock: Clock, path: Path) -> Backup:
    """Write every record of the service to `path`, which is replaced once all is written and safe on the disk.

    Raises `OperationError` for a service without records, `StoreUnavailable`, `OSError`; then `path` is as it was.
    """
    kinds = _kinds(service)
    await store.prepare(collections(equipped(service)))
    begun, formats = clock.now(), {kind.collection: kind.format for kind in kinds}
    head = {"turnus_backup": FORMAT, "service": service.name, "begun": begun.isoformat(), "collections": formats}
    counts: Counter[str] = Counter()
    digest = hashlib.sha256()
    part = path.with_name(f"{path.name}.part")
    part.unlink(missing_ok=True)
    try:
        part.touch(OWNER_ONLY, exist_ok=False)
        with part.open("wb") as file:

            def put(told: Mapping[str, Any]) -> None:
                line = _line(told)
                digest.update(line)
                file.write(line)

            put(head)
            for kind in kinds:
                async with aclosing(store.walk(kind.collection, "self", "", LAST_TEXT)) as walk:
                    async for document in walk:
                        put(_written(kind.collection, document))
                        counts[kind.collection] += 1
            file.write(_line({"end": True, "counts": counts, "sha256": digest.hexdigest()}))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Backup(path, service.name, begun, formats, dict(counts))


def verified(service: Service, path: Path) -> Backup:
    """What the file holds, if it is whole and this service can read it. Raises `OperationError` if not, `OSError`."""
    kinds = {kind.collection: kind.format for kind in _kinds(service)}
    digest = hashlib.sha256()
    head: dict[str, Any] = {}
    end: dict[str, Any] = {}
    counts: Counter[str] = Counter()
    for told, line in _lines(path):
        if end:
            raise OperationError(f"{path} goes on after its end: it is damaged")
        if not head:
            head = _head(service, path, told)
        elif "end" in told:
            end = told
            continue
        elif told.get("f", 0) > kinds.get(str(told.get("c")), told.get("f", 0)):
            raise OperationError(f"{path} was written by a newer version: {told['c']} in format {told['f']}")
        else:
            counts[str(told.get("c"))] += 1
        digest.update(line)
    if not end or end["sha256"] != digest.hexdigest() or end["counts"] != counts:
        raise OperationError(f"{path} is not whole: it was cut short or changed")
    if unknown := sorted(set(head["collections"]) - set(kinds)):
        raise OperationError(f"{path} was written by a newer version: nothing is known of {', '.join(unknown)}")
    return Backup(path, service.name, datetime.fromisoformat(head["begun"]), head["collections"], dict(counts))


async def restore(service: Service, store: EmptyableStore, beside: Store, clock: Clock, backup: Backup) -> Closure:
    """Close the service, wait until nobody works for it, and make its store what `backup` holds.

    It stays closed. Broken off at any point it is closed too, and may be run again. Every document gets a version that
    no process can have seen, so that whoever slept through all this cannot write over it.
    """
    closure = await close(beside, service.name, clock.now(), "restored from a backup", backup.begun, anew=True)
    while (left := (closure.since - clock.now()).total_seconds()) > 0:
        await clock.sleep(left)
    names = collections(equipped(service))
    await store.drop(list(names))
    await store.prepare(names)
    version = millis(clock.now())
    async for collection, document in _documents(backup.path, version):
        await _put(store, collection, document)
    return closure


async def _documents(path: Path, version: int) -> AsyncGenerator[tuple[str, Stored]]:
    for told, _ in _lines(path):
        if "c" in told:
            yield (
                told["c"],
                Stored(
                    id=told["id"],
                    version=max(told["v"] + 1, version),
                    format=told["f"],
                    state=told["s"],
                    owed=told["o"],
                    keys=told["k"],
                ),
            )


async def _put(store: Store, collection: str, document: Stored) -> None:
    """Insert; a document that a late writer has put there is replaced."""
    while not await store.insert(collection, document):
        there = await store.get(collection, document.id)
        if there is not None:
            later = Stored(
                document.id, there.version + 1, document.format, document.state, document.owed, document.keys
            )
            if await store.replace(collection, later, there.version):
                return


def _kinds(service: Service) -> list[type[Record]]:
    kinds = records_of(service)
    if not kinds:
        raise OperationError(f"{service.name} keeps nothing: there is nothing to back up, restore or close")
    return kinds


def _head(service: Service, path: Path, told: Mapping[str, Any]) -> dict[str, Any]:
    written = told.get("turnus_backup")
    if not isinstance(written, int):
        raise OperationError(f"{path} is no backup")
    if written > FORMAT:
        raise OperationError(f"{path} was written by a newer version: backup format {written}, known is {FORMAT}")
    if told["service"] != service.name:
        raise OperationError(f"{path} is a backup of {told['service']}, not of {service.name}")
    return dict(told)


def _lines(path: Path) -> Generator[tuple[dict[str, Any], bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file):
            told: Any = None
            with suppress(ValueError):
                told = json.loads(line)
            if not isinstance(told, dict) or not line.endswith(b"\n"):
                raise OperationError(
                    f"{path} is not whole: it was cut short or changed" if number else f"{path} is no backup"
                )
            yield cast("dict[str, Any]", told), line


def _line(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _written(collection: str, document: Stored) -> dict[str, Any]:
    return {
        "c": collection,
        "id": document.id,
        "v": document.version,
        "f": document.format,
        "s": document.state,
        "o": list(document.owed),
        "k": dict(document.keys),
    }
