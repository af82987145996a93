"""`backup`, `restore`, `close`."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from turnus_runtime import backups, closing
from turnus_runtime.backups import Backup
from turnus_runtime.cli.found import services_named
from turnus_runtime.clock import StoreClock
from turnus_runtime.installation import OperationError, nearby
from turnus_runtime.mongo import MongoStore
from turnus_runtime.process import RUNTIME
from turnus_runtime.service import Service
from turnus_runtime.settings import Settings, load


def backup(arguments: Namespace) -> None:
    """Write it, and say what is in it."""
    service = services_named([arguments.service])[0]
    if arguments.to.exists() and not arguments.force:
        raise OperationError(f"{arguments.to} is there already: name another file, or say --force")

    async def write() -> Backup:
        async with _stores(service) as (store, _, clock):
            return await backups.back_up(service, store, clock, arguments.to)

    written = _on_disk(write)
    print(f"{_told(written)} written to {written.path}")


def restore(arguments: Namespace) -> None:
    """Look at the whole file first; then close, and replace what is there."""
    service = services_named([arguments.service])[0]

    async def read() -> Backup:
        found = backups.verified(service, arguments.file)
        async with _stores(service) as (store, beside, clock):
            await backups.restore(service, store, beside, clock, found)
        return found

    restored = _on_disk(read)
    print(f"{_told(restored)} restored as of {restored.begun.isoformat()}")
    print(f"{service.name} is closed until `turnus repair` has compared it with the other services")


def close(arguments: Namespace) -> None:
    """Return when nobody works for it any more."""
    service = services_named([arguments.service])[0]
    if not service.records:
        raise OperationError(f"{service.name} keeps nothing: there is nothing to close")

    async def shut() -> None:
        async with _stores(service) as (_, beside, clock):
            closure = await closing.close(beside, service.name, clock.now(), "by an operator")
            while (left := (closure.since - clock.now()).total_seconds()) > 0:
                await clock.sleep(left)

    asyncio.run(shut())
    print(f"{service.name} is closed: set its store back now, then `turnus repair` opens it")


def _told(held: Backup) -> str:
    counted = ", ".join(f"{count} {name}" for name, count in sorted(held.counts.items()))
    return f"{held.service}: {counted or 'no records'}"


@asynccontextmanager
async def _stores(service: Service) -> AsyncGenerator[tuple[MongoStore, MongoStore, StoreClock]]:
    """The store of the service, the one that belongs to no service, and the clock."""
    settings = load(Settings, **nearby(load(Settings)))
    store, beside = [
        MongoStore(settings.mongo_url, f"{settings.database_prefix}_{name}") for name in (service.name, RUNTIME)
    ]
    clock = StoreClock(beside, settings.clock_start)
    try:
        await clock.open()
        yield store, beside, clock
    finally:
        await store.close()
        await beside.close()


def _on_disk(work: Callable[[], Coroutine[Any, Any, Backup]]) -> Backup:
    try:
        return asyncio.run(work())
    except OSError as problem:
        raise OperationError(f"{problem.filename or 'the file'}: {problem.strerror or problem}") from problem
