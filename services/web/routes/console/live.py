"""`/console/live`: a stream that tells a page whenever it should be read again (server-sent events, HTML, 9.2)."""

import asyncio
from collections.abc import AsyncGenerator

from fastapi import APIRouter
from starlette.responses import Response, StreamingResponse

from services.web.domain.live import CHANGED, OPENED, STILL_HERE, of_booking, of_workspace
from services.web.routes.console.bookings import entry_of
from services.web.routes.console.desk import PRIVATE, Here
from services.web.routes.visit import SECURITY
from turnus_runtime.http import On
from turnus_runtime.ports import Signals

router = APIRouter()

STREAM_SECONDS = 300
"""A stream ends after so long; who is still allowed to listen opens the next one."""
HEARTBEAT_SECONDS = 15
"""What lies between may close a connection on which nothing is said."""


@router.get("/live")
async def listen(desk: Here, on: On) -> Response:
    """For the script of a page: that a booking of the workspace changed, or with `?booking=` that this one did.

    It says no more than that. Raises 403 without `bookings:view`, 404 for a booking that the reader may not see.
    """
    desk.need("bookings:view")
    booking_id = desk.request.query_params.get("booking")
    if booking_id is None:
        key = of_workspace(desk.who.workspace_id)
    else:
        key = of_booking((await entry_of(desk, booking_id)).id)
    headers = {**SECURITY, **PRIVATE, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_told(on.signals, key), media_type="text/event-stream", headers=headers)


async def _told(signals: Signals, key: str) -> AsyncGenerator[str]:
    loop = asyncio.get_running_loop()
    ends = loop.time() + STREAM_SECONDS
    hears = asyncio.create_task(signals.wait(key, HEARTBEAT_SECONDS))
    try:
        yield OPENED
        while loop.time() < ends:
            woken = await hears
            # It listens again before the page is told: what changes while that is read is told, too.
            hears = asyncio.create_task(signals.wait(key, HEARTBEAT_SECONDS))
            await asyncio.sleep(0)
            yield CHANGED if woken else STILL_HERE
    finally:
        hears.cancel()
