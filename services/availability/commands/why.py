"""`turnus why`: what speaks against a start, by the stored state, whoever serves."""

import asyncio
import sys
from argparse import Namespace
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from zoneinfo import ZoneInfo

from services.availability.commands import LAST_YEAR, UNANSWERED
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.zones import epoch_minute, local_minute
from services.availability.routes.why import Because, WhyView, explained
from services.availability.store.teams import calendar_at
from turnus_runtime import logs
from turnus_runtime.cli.found import services_named
from turnus_runtime.host import collections
from turnus_runtime.installation import nearby
from turnus_runtime.process import Process
from turnus_runtime.settings import Settings, load
from turnus_runtime.turn import Turn

SERVICE = "availability"


def why(arguments: Namespace) -> int:
    """0 if anybody is offered at that start, 1 if not, 2 if the calendar is not known. Raises `StoreUnavailable`."""
    logs.configure(load(Settings, log_level="warning"), sys.stderr)
    answered = asyncio.run(_asked(arguments.calendar, arguments.start))
    if answered is None:
        print(
            "turnus: no calendar of this id or address was published here: name it as cal_… or workspace/calendar",
            file=sys.stderr,
        )
        return UNANSWERED
    served, view = answered
    print(view.model_dump_json(indent=1) if arguments.json else "\n".join(told(served, view)))
    return 0 if _is_offered(view) else 1


async def _asked(calendar: str, start: datetime) -> tuple[ServedCalendar, WhyView] | None:
    async with _turn() as on:
        served = await calendar_at(on, calendar)
        if served is None:
            return None
        minute = epoch_minute(start) if start.tzinfo is not None else local_minute(served.tz, start)
        return served, await explained(served, minute, on)


@asynccontextmanager
async def _turn() -> AsyncGenerator[Turn]:
    """A turn of availability on its store alone: nothing runs, and no broker is asked."""
    process = Process(services_named([SERVICE]), roles=(), given=nearby(load(Settings)))
    try:
        await process.clock.open()
        host = process.hosts[SERVICE]
        if host.door is not None:
            await host.door.look()
            host.door.unlock()
        await host.ports.store.prepare(collections(host.service))
        yield host.admitted()
    finally:
        await process.stop()


def told(served: ServedCalendar, view: WhyView) -> list[str]:
    """The answer in lines, by the clocks of the calendar."""
    zone = ZoneInfo(view.tz)
    offered = "is offered" if _is_offered(view) else "is not offered"
    lines = [f"{_moment(view.start, zone)} ({view.tz}) {offered} in {served.address} ({served.id})."]
    for host in view.hosts:
        lines += ["", f"{host.host_id}: {'offered' if host.offered else 'not offered'}"]
        lines += [f"  {reason.detail}{_stretch(reason, zone)}" for reason in host.reasons]
    if not view.hosts:
        lines += ["", "Nobody takes appointments in this calendar."]
    if view.next_offered is not None:
        return [*lines, "", f"The nearest other start that is offered: {_moment(view.next_offered, zone)}"]
    return [*lines, "", "No other start is offered in the three months before and after."]


def _is_offered(view: WhyView) -> bool:
    return any(host.offered for host in view.hosts)


def _stretch(reason: Because, zone: ZoneInfo) -> str:
    """What the reason is about; what ends beyond all years has no end."""
    start = _moment(reason.start, zone) if reason.start is not None else None
    end = _moment(reason.end, zone) if reason.end is not None and reason.end.year < LAST_YEAR - 1 else None
    if start is not None and end is not None:
        return f" ({start} to {end})"
    if start is not None:
        return f" (from {start} on)"
    return f" (until {end})" if end is not None else ""


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).isoformat(" ", "minutes")
