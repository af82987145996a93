"""`up`. The servers start while Python still reads what the services need, so this module imports little."""

import asyncio
import os
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import uvloop

from turnus_runtime.cli.ending import settings_of
from turnus_runtime.embedded import EmbeddedStack
from turnus_runtime.installation import OperationError
from turnus_runtime.settings import Settings

TOLD_LINES = 15
"""Lines of its log that are shown when a detached start failed."""


def up(arguments: Namespace) -> None:
    """Start the embedded servers and all services here; with `--detach` in a process that stays."""
    settings = settings_of(arguments)
    if arguments.detach:
        _detached(settings.data_dir)
        return
    uvloop.run(_up(settings, _teller(arguments.ready_fd)))


async def _up(settings: Settings, tell: Callable[[str], None]) -> None:
    stack = EmbeddedStack(settings.data_dir)
    starting = asyncio.create_task(stack.start())
    await asyncio.sleep(0)  # the servers' processes run from here on
    run = import_module("turnus_runtime.embedded.up").up
    services = import_module("turnus_runtime.cli.found").services_named([])
    await starting
    await run(services, stack, {"data_dir": settings.data_dir}, tell)


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
