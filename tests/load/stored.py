"""What a booking costs when a thousand, a hundred thousand, a million are stored."""

import asyncio
import shutil
import time

from tests.load.filling import Originals, fill
from tests.load.installation import disk_bytes
from tests.load.parts import WAITING, Bench

RATE = 50
BYTES_EACH = 25_000
"""What a stored booking may take on the disk, in all stores and their logs."""


async def stored(on: Bench) -> None:
    """The same guests a second on the same calendars, with more and more bookings of the past in every store.

    The services are stopped while bookings are written straight into their stores, and started again.
    """
    sizes = on.sizes
    calendars = await on.guests.calendars(sizes.calendars, sizes.hosts)
    await on.guests.warm(calendars, sizes.at_once)
    originals = await asyncio.to_thread(Originals.read, on.at.given, calendars)
    have, first = 0, None
    for size in sizes.stored:
        began = time.perf_counter()
        needed, free = (size - have) * BYTES_EACH, shutil.disk_usage(on.at.folder).free
        if needed > free:
            raise SystemExit(
                f"{size} bookings need {needed >> 30} GiB in {on.at.folder}, {free >> 30} are free (TMPDIR)"
            )
        await on.at.stop()
        await asyncio.to_thread(fill, on.at.given, originals, have, size)
        filled = time.perf_counter() - began
        have = size
        await on.at.start()
        await on.guests.warm(calendars, sizes.at_once)
        asking = on.guests.arrive(calendars, RATE, sizes.seconds, WAITING)
        disk = disk_bytes(on.at.folder / "data" / "store") / 2**30
        entry = await on.round(
            "stored",
            f"{size} stored",
            asking,
            sizes.seconds,
            filled_in_s=filled,
            store_gib=disk,
            guests_per_second=RATE,
        )
        first = first or entry
        grown = {
            name: entry[figure] / first[figure]
            for name, figure in {
                "p50": "p50_ms",
                "ours": "cpu_ms_ours",
                "store": "cpu_ms_store",
                "broker": "cpu_ms_broker",
            }.items()
            if first[figure] and entry[figure]
        }
        whole = [entry["cpu_ms_ours"] + entry["cpu_ms_store"] + entry["cpu_ms_broker"] for entry in (entry, first)]
        grown["all"] = whole[0] / whole[1]
        on.add(
            "stored",
            f"growth at {size}",
            {"grown": grown["all"], "more": {f"{name} × ": one for name, one in grown.items()}},
        )
