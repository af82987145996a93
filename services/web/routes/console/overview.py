"""`/console`: today, what comes next, and what needs attention."""

import asyncio
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.zones import city_of
from services.web.domain.seen import state_of
from services.web.domain.staff import Listed, SeenEntry, SeenSchedule
from services.web.routes.console.calendars import AT_ONCE, calendars_of
from services.web.routes.console.desk import Desk, Here, as_pages
from services.web.routes.visit import Html

router = APIRouter(default_response_class=Html)

NEXT = 12


@router.get("")
async def show_overview(desk: Here) -> Response:
    """The bookings of today and the next ones, and what is still to be done so that guests can book."""
    with as_pages():
        bookings, calendars, schedules = await asyncio.gather(_next(desk), calendars_of(desk), _schedules(desk))
    zone = ZoneInfo(desk.who.member.tz)
    today = desk.now.astimezone(zone).date()
    lines = [(one, one.start.astimezone(zone), one.end.astimezone(zone), state_of(one, desk.now)) for one in bookings]
    return desk.page(
        "overview.html",
        here="overview",
        stream=desk.url("/console/live") if desk.may("bookings:view") else None,
        today=[line for line in lines if line[1].date() == today],
        later=[line for line in lines if line[1].date() > today][:NEXT],
        day=today,
        calendars=[one for one in calendars if one.status == "active"],
        drafts=[one for one in calendars if one.status == "draft"],
        changed=[one for one in calendars if one.status == "active" and one.has_unpublished_changes],
        without_hours=not schedules,
        city=city_of(desk.who.member.tz, str(desk.words.locale)),
    )


async def _next(desk: Desk) -> list[SeenEntry]:
    if not desk.may("bookings:view"):
        return []
    zone = ZoneInfo(desk.who.member.tz)
    midnight = datetime.combine(desk.now.astimezone(zone).date(), datetime.min.time(), zone)
    since = min(midnight, desk.now - timedelta(hours=1)).astimezone(UTC).isoformat()
    found = await desk.asking.read(Listed[SeenEntry], "/bookings", start=since, limit=AT_ONCE)
    return [one for one in found.items if one.status in ("requested", "confirmed", "attended", "no_show")]


async def _schedules(desk: Desk) -> tuple[SeenSchedule, ...]:
    return (await desk.asking.read(Listed[SeenSchedule], "/schedules", member_id=desk.who.member_id, limit=1)).items
