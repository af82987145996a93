"""What the masks take: 1,000 hosts with 120 busy stretches each, twelve months ahead, in a process of its own.

`python -m tests.load.slots.memory HOSTS MONTHS` prints one JSON line of MiB: what the process has after its modules
were imported, what it has when everything is kept, and what each host and month of that is in KiB.
"""

import asyncio
import gc
import json
import os
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from services.availability.routes.slots import slots_json
from services.availability.store.kept import Kept
from tests.load.slots.state import StoredBytes, turn, workload

MONTH = 30


async def measured(hosts: int, months: int) -> dict[str, float]:
    """Ask month by month, as guests do who turn the pages of a calendar, and see how large the process has become."""
    work = workload(hosts)
    shelf = StoredBytes(work.records)
    work = replace(work, hosts=(), schedules=())
    gc.collect()
    before = resident_mib()
    kept = Kept()
    months_mib = []
    for month in range(months):
        first = work.first + timedelta(days=month * MONTH)
        asked = replace(work.asked, start=first, end=first + timedelta(days=MONTH - 1))
        await slots_json(asked, turn(shelf, work.now, kept))
        gc.collect()
        months_mib.append(resident_mib() - before)
    grown = (months_mib[-1] - months_mib[0]) / max(months - 1, 1)
    return {
        "hosts": hosts,
        "months": months,
        "before_mib": round(before, 1),
        "all_mib": round(resident_mib(), 1),
        "kept_mib": round(months_mib[-1], 1),
        "kib_a_host": round(1024 * (months_mib[0] - grown) / hosts, 1),
        "kib_a_host_and_month": round(1024 * grown / hosts, 2),
    }


def resident_mib() -> float:
    """What this process has in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    given = [int(one) for one in sys.argv[1:]] or [1000, 12]
    sys.stdout.write(json.dumps(asyncio.run(measured(*given))) + "\n")
