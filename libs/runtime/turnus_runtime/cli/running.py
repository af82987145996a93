"""`up`, `serve`, `topics`."""

import asyncio
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

from turnus_runtime.cli.ending import settings_of
from turnus_runtime.cli.found import services_named
from turnus_runtime.embedded.up import up as run_up
from turnus_runtime.installation import OperationError, nearby
from turnus_runtime.operations import connected
from turnus_runtime.process import ROLES, Role, topics_of
from turnus_runtime.process import serve as run_services
from turnus_runtime.settings import Settings, load

TOLD_LINES = 15
"""Lines of its log that are shown when a detached start failed."""


def up(arguments: Namespace) -> None:
    """Start the embedded servers and all services here; with `--detach` in a process that stays."""
    settings = settings_of(arguments)
    if arguments.detach:
        _detached(settings.data_dir)
        return
    asyncio.run(run_up(services_named([]), {"data_dir": settings.data_dir}, _teller(arguments.ready_fd)))


def serve(arguments: Namespace) -> None:
    """Run services in this process. Beside a `turnus up` on the same data directory it uses that one's servers."""
    names: list[str] = arguments.services
    services = services_named([] if names == ["all"] else names)
    roles: list[Role] = [role for role in ROLES if role in (arguments.role or ROLES)]
    asyncio.run(run_services(services, roles, nearby(load(Settings))))


def topics(_: Namespace) -> None:
    """Make missing topics and say which."""

    async def make() -> list[str]:
        services = services_named([])
        async with connected(services, nearby(load(Settings))) as process:
            return await process.broker.provision(topics_of(services, process.settings))

    for name in asyncio.run(make()):
        print(name)


def _teller(descriptor: int | None) -> Callable[[str], None]:
    """Where to say that everything is ready: to the process that waits for it, or to whoever started us."""

    def tell(text: str) -> None:
        if descriptor is None:
            print(text, flush=True)
            return
        os.write(descriptor, text.encode())
        os.close(descriptor)

    return tell


def _detached(data_dir: Path) -> None:
    """Start `turnus up` in a session of its own and return when it says that it is ready."""
    log = data_dir / "logs" / "turnus.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    ready, told = os.pipe()
    command = [sys.executable, "-m", "turnus_runtime.cli", "up", "--data-dir", str(data_dir), "--ready-fd", str(told)]
    with log.open("wb") as out:
        child = subprocess.Popen(  # noqa: S603 - ourselves
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, pass_fds=(told,), start_new_session=True
        )
    os.close(told)
    try:
        with os.fdopen(ready) as pipe:
            text = pipe.read()
    except KeyboardInterrupt:
        child.terminate()
        child.wait()
        raise
    if text:
        print(text)
        return
    child.wait()
    raise OperationError(_last_words(log))


def _last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    said = [line.removeprefix("turnus: ") for line in lines if line.startswith("turnus: ")]
    return said[-1] if said else "\n".join([f"it did not start; the end of {log}:", *lines[-TOLD_LINES:]])
