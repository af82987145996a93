"""`serve`, `topics`."""

import asyncio
from argparse import Namespace

import uvloop

from turnus_runtime.cli.found import services_named
from turnus_runtime.installation import nearby
from turnus_runtime.operations import connected
from turnus_runtime.process import ROLES, Role, topics_of
from turnus_runtime.process import serve as run_services
from turnus_runtime.settings import Settings, load


def serve(arguments: Namespace) -> None:
    """Run services in this process. Beside a `turnus up` on the same data directory it uses that one's servers."""
    names: list[str] = arguments.services
    services = services_named([] if names == ["all"] else names)
    roles: list[Role] = [role for role in ROLES if role in (arguments.role or ROLES)]
    uvloop.run(run_services(services, roles, nearby(load(Settings))))


def topics(_: Namespace) -> None:
    """Make missing topics and say which."""

    async def make() -> list[str]:
        services = services_named([])
        async with connected(services, nearby(load(Settings))) as process:
            return await process.broker.provision(topics_of(services, process.settings))

    for name in asyncio.run(make()):
        print(name)
