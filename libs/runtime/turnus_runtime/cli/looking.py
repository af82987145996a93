"""`status`, `events tail`, `dead-letters`, `republish`, `rewrite`."""

import asyncio
import json
import logging
import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import asdict

from turnus_runtime import logs, operations
from turnus_runtime.cli.found import services_here
from turnus_runtime.cli.tables import span, table
from turnus_runtime.dead_letters import DeadLetter, chosen, dead_letters
from turnus_runtime.dead_letters import replay as replay_letters
from turnus_runtime.figures import COUNTED
from turnus_runtime.installation import OperationError, nearby
from turnus_runtime.service import Service
from turnus_runtime.settings import Settings, load


def status(arguments: Namespace) -> None:
    """One line a service."""
    services = services_here(arguments.services)

    async def ask() -> list[operations.ServiceStatus]:
        async with operations.connected(services, _nearby()) as process:
            return await operations.status(process, operations.reader_of(process.settings))

    found = asyncio.run(ask())
    if arguments.json:
        print(json.dumps([asdict(one) for one in found], indent=1))
        return
    rows = [
        (
            one.service,
            _counted(one.owed),
            span(one.oldest_owed_seconds),
            _counted(one.under_way),
            str(one.lag),
            str(one.dead_letters),
        )
        for one in found
    ]
    print(table(("service", "owed", "oldest", "under way", "lag", "dead letters"), rows))


def tail(arguments: Namespace) -> None:
    """Print events until Ctrl-C, or those that are there."""
    topics = arguments.topics or _topics_without_people(services_here([]))
    asyncio.run(_tail(topics, arguments.since, follow=not arguments.no_follow))


async def _tail(topics: Sequence[str], since_seconds: float, *, follow: bool) -> None:
    settings = load(Settings, **_nearby())
    reader = operations.reader_of(settings)
    begin = 0 if since_seconds == float("inf") else (time.time() - since_seconds) * 1000
    if not follow:
        for message in await reader.all_of(topics):
            if message.timestamp >= begin:
                print(json.dumps(operations.line_of(message), ensure_ascii=False))
        return
    async with aclosing(reader.follow(topics)) as messages:
        async for message in messages:
            if message.timestamp >= begin:
                print(json.dumps(operations.line_of(message), ensure_ascii=False), flush=True)


def letters(arguments: Namespace) -> None:
    """List them, oldest first."""
    found = _letters(services_here(arguments.services))
    shown = [letter for letter in found if arguments.all or not letter.replayed]
    if arguments.json:
        print(json.dumps([letter.shown() for letter in shown], indent=1, ensure_ascii=False))
        return
    if not shown:
        print("There are no dead letters.")
        return
    rows = [(letter.id, letter.topic, letter.key, letter.error, letter.buried_at) for letter in shown]
    print(table(("id", "topic", "key", "error", "buried at"), rows))


def letter(arguments: Namespace) -> None:
    """Show some as JSON."""
    for one in chosen(_letters(_burying(arguments.ids)), arguments.ids):
        print(json.dumps(one.shown(), indent=1, ensure_ascii=False))


def replay(arguments: Namespace) -> None:
    """Publish some again."""
    if not arguments.ids and not arguments.all:
        raise OperationError("name the dead letters to replay, or say --all")
    services = services_here([]) if arguments.all else _burying(arguments.ids)

    async def again() -> int:
        async with operations.connected(services, _nearby()) as process:
            found = await dead_letters(operations.reader_of(process.settings), services)
            if arguments.all:
                wanted = [one for one in found if not one.replayed and one.value is not None]
            else:
                wanted = chosen(found, arguments.ids)
            await replay_letters(process.broker, wanted)
            return len(wanted)

    print(f"{asyncio.run(again())} replayed")


def republish(arguments: Namespace) -> None:
    """Say everything again, service by service."""
    services = services_here(arguments.services)

    async def say() -> dict[str, Counter[str]]:
        async with operations.connected(services, _nearby()) as process:
            return {name: await operations.republish(host) for name, host in process.hosts.items()}

    for name, said in asyncio.run(say()).items():
        told = ", ".join(f"{count} {topic}" for topic, count in sorted(said.items()))
        print(f"{name}: {told or 'nothing to say'}")


def rewrite(arguments: Namespace) -> None:
    """Write again what an older release wrote, service by service."""
    services = [service for service in services_here(arguments.services) if service.records]

    async def write() -> dict[str, Counter[str]]:
        async with operations.connected(services, _nearby()) as process:
            return {name: await operations.rewrite(host) for name, host in process.hosts.items()}

    for name, written in asyncio.run(write()).items():
        told = ", ".join(f"{count} {collection}" for collection, count in sorted(written.items()))
        print(f"{name}: {told or 'everything is current'}")


def _burying(ids: Sequence[str]) -> list[Service]:
    """The services that letters of these ids belong to."""
    return services_here(sorted({name.partition(":")[0] for name in ids}))


def _letters(services: Sequence[Service]) -> list[DeadLetter]:
    reader = operations.reader_of(load(Settings, **_nearby()))
    return asyncio.run(dead_letters(reader, services))


def _nearby() -> dict[str, object]:
    """Where the servers are; what the runtime has to say about them goes to stderr, so that stdout can be read on."""
    logs.configure(load(Settings, log_level="warning"), sys.stderr)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # what it cannot do is told by the command, in a sentence
    return nearby(load(Settings))


def _topics_without_people(services: Sequence[Service]) -> list[str]:
    contracts = {contract for service in services for contract in service.publishes}
    return sorted(contract.topic() for contract in contracts if not contract.personal)


def _counted(owed: int) -> str:
    return f"{owed}+" if owed and owed % COUNTED == 0 else str(owed)
