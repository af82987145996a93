"""The least that an answer over HTTP costs here: `python -m tests.load.slots.bare BYTES`.

The HTTP server of every service with an app that answers the same bytes to everybody. Prints its port.
"""

import asyncio
import sys

import uvloop
from starlette.responses import Response

from turnus_runtime.listening import listening


async def answer(size: int) -> None:
    """Until the process is ended."""
    async with listening(Response(b"x" * size), "127.0.0.1", 0) as port:
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(answer(int(sys.argv[1])))
