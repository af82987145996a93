"""A supervisor in a process of its own: starts the stack of argv[1], prints one JSON line, stops at SIGTERM."""

import asyncio
import json
import signal
import sys
from pathlib import Path

from turnus_runtime.embedded import DataDirectoryInUse, EmbeddedStack


async def main() -> None:
    asked_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asked_to_stop.set)
    stack = EmbeddedStack(Path(sys.argv[1]))
    endpoints = await stack.start()
    pids = {name: health.pid for name, health in stack.health.items()}
    addresses = {name: value for name, value in vars(endpoints).items() if isinstance(value, str)}
    sys.stdout.write(json.dumps({"pids": pids, **addresses}) + "\n")
    sys.stdout.flush()
    if "deaf" in sys.argv[2:]:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    await asked_to_stop.wait()
    await stack.stop()


try:
    asyncio.run(main())
except DataDirectoryInUse as error:
    sys.exit(f"{type(error).__name__}: {error}")
