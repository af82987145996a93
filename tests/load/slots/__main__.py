"""`make bench-slots`: what a list of free times costs, and how long guests wait for it.

    make bench-slots                                  # everything: about three minutes on two cores
    make bench-slots ARGS="--hosts 1 50 --seconds 4"

The ten hosts of the peer case, repeated; 60 days, 30 minutes every 15, buffers of 10, 120 busy stretches a host. Prints
JSON lines: first the machine, then for each number of hosts the CPU from documents as they are stored to the body of
the answer (`costs.costs`; `prototype_ms` is the baseline that keeps nothing, in the same run), and what guests see over
HTTP of one process that has a core for itself while hosts are written twenty times a second, as ten bookings do
(`http_cpu_ms`: its CPU for one answer; `http_bare_per_second` is the baseline there: the same bytes from the same HTTP
server with nothing behind it); last the memory (`memory.measured`).

Nothing else should run on the machine. The figures of costs are the least of many rounds, those of HTTP are all.
"""

import argparse
import asyncio
import contextlib
import json
import sys
from collections.abc import Mapping
from typing import Any

from tests.load import machine
from tests.load.slots.costs import costs
from tests.load.slots.serving import Serving, serving
from tests.load.slots.state import workload

SIZES = (1, 10, 50, 100, 500)
ROUNDS = 20


def show(line: Mapping[str, Any]) -> None:
    """Print one line."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def run(sizes: list[int], seconds: float, *, http: bool) -> None:
    """All of it."""
    show(machine.described())
    async with contextlib.AsyncExitStack() as on:
        served: Serving | None = None
        for size in sizes:
            work = workload(size)
            line: dict[str, Any] = {"hosts": size, **await costs(work, max(2, min(ROUNDS, 1000 // size)))}
            if http:
                served = served or await on.enter_async_context(serving())
                line |= await served.asked(work, seconds)
            show(line)
    taken = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.load.slots.memory", stdout=asyncio.subprocess.PIPE
    )
    show(json.loads((await taken.communicate())[0]))


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="make bench-slots", description=__doc__.splitlines()[0])
    options.add_argument("--hosts", type=int, nargs="+", default=list(SIZES))
    options.add_argument("--seconds", type=float, default=8.0)
    options.add_argument("--no-http", action="store_true")
    given = options.parse_args()
    asyncio.run(run(given.hosts, given.seconds, http=not given.no_http))
