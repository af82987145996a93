"""Telling host records that rules changed which are not their own."""

import asyncio
from collections.abc import Iterable
from functools import partial

from services.availability.domain import hosts
from services.availability.domain.hosts import Host
from turnus_runtime.turn import Turn


async def tell(host_ids: Iterable[str], calendar_id: str, version: int, on: Turn) -> None:
    """Whoever asks these hosts for a time in the calendar by an older `blocks_version` looks again."""
    changes = {
        host_id: partial(hosts.change_blocks, host_id=host_id, calendar_id=calendar_id, version=version)
        for host_id in host_ids
    }
    await asyncio.gather(*(on.records(Host).decide(host_id, change) for host_id, change in changes.items()))
