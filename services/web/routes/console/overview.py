"""`/console`: today, what comes next, what needs attention, and who has how much to do.

Each part asks for itself: what cannot be had at the moment is left out, and a sentence says so.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused
from services.web.adapters.zones import city_of
from services.web.domain.load import TeamLoad, coming_by_host, team_load, undelivered
from services.web.domain.mails import SeenMessage
from services.web.domain.seen import state_of
from services.web.domain.staff import Listed, SeenDraft, SeenEntry, SeenRotation, SeenSchedule
from services.web.routes.console.calendars import AT_ONCE, calendars_of, names_of
from services.web.routes.console.desk import Desk, Here
from services.web.routes.visit import Html
from turnus_runtime.http import Problem

router = APIRouter(default_response_class=Html)

T = TypeVar("T")

NEXT = 12
DAYS = 7
"""How far ahead the load is looked at, and how far back mails are."""
MOST_PAGES = 5
"""Pages of bookings that are read for these days."""
MOST_TEAMS = 6
"""Team calendars whose load is shown."""
MOST_MAILS = 50
SHOWN = ("requested", "confirmed", "attended", "no_show")


@dataclass(frozen=True, slots=True)
class Coming:
    """Bookings from today's midnight on. `all_counted`: none of the next days is missing."""

    entries: Sequence[SeenEntry]
    all_counted: bool


@dataclass(frozen=True, slots=True)
class Mails:
    """How many mails of the last days were given up; `more`: at least."""

    count: int
    more: bool


@router.get("")
async def show_overview(desk: Here) -> Response:
    """The bookings of today and the next ones, what is still to be done, and the load of the team calendars."""
    coming, calendars, schedules, mails, names = await asyncio.gather(
        _if_there(_coming(desk)),
        _if_there(calendars_of(desk)),
        _if_there(_schedules(desk)),
        _if_there(_undelivered(desk)),
        _if_there(names_of(desk)),
    )
    zone = ZoneInfo(desk.who.member.tz)
    today = desk.now.astimezone(zone).date()
    entries = [one for one in coming.entries if one.status in SHOWN] if coming is not None else []
    lines = [(one, one.start.astimezone(zone), one.end.astimezone(zone), state_of(one, desk.now)) for one in entries]
    active = [one for one in calendars or () if one.status == "active"]
    teams = [one for one in active if one.kind == "round_robin"] if desk.may("bookings:view") else []
    loads = await _loads(desk, teams[:MOST_TEAMS], coming)
    return desk.page(
        "overview.html",
        here="overview",
        stream=desk.url("/console/live") if desk.may("bookings:view") else None,
        today=[line for line in lines if line[1].date() == today],
        later=[line for line in lines if line[1].date() > today][:NEXT],
        day=today,
        bookings_away=coming is None,
        calendars=active,
        calendars_away=calendars is None,
        drafts=[one for one in calendars or () if one.status == "draft"],
        changed=[one for one in active if one.has_unpublished_changes],
        without_hours=schedules is not None and not schedules,
        hours_away=schedules is None,
        mails=mails,
        mails_away=mails is None,
        waiting=sum(one.status == "requested" for one in entries),
        loads=loads,
        by_weight=any(load is not None and load.by_weight for _, load in loads),
        more_teams=len(teams) - MOST_TEAMS,
        all_counted=coming is None or coming.all_counted,
        names=names or {},
        city=city_of(desk.who.member.tz, str(desk.words.locale)),
    )


async def _if_there(work: Awaitable[T]) -> T | None:
    """What is asked for, or None if it cannot be had at the moment."""
    try:
        return await work
    except (ApiAway, ApiRefused, Problem):
        return None


async def _coming(desk: Desk) -> Coming:
    """Today's bookings and those of the next days, which tell the load too."""
    if not desk.may("bookings:view"):
        return Coming((), all_counted=True)
    zone = ZoneInfo(desk.who.member.tz)
    midnight = datetime.combine(desk.now.astimezone(zone).date(), datetime.min.time(), zone)
    since = min(midnight, desk.now - timedelta(hours=1)).astimezone(UTC).isoformat()
    found: list[SeenEntry] = []
    after: str | None = None
    for _ in range(MOST_PAGES):
        page = await desk.asking.read(Listed[SeenEntry], "/bookings", start=since, limit=AT_ONCE, after=after)
        found += page.items
        after = page.next
        if after is None or (found and found[-1].start >= desk.now + timedelta(days=DAYS)):
            return Coming(found, all_counted=True)
    return Coming(found, all_counted=False)


async def _schedules(desk: Desk) -> tuple[SeenSchedule, ...]:
    return (await desk.asking.read(Listed[SeenSchedule], "/schedules", member_id=desk.who.member_id, limit=1)).items


async def _undelivered(desk: Desk) -> Mails:
    if not desk.may("bookings:view"):
        return Mails(0, more=False)
    found = await desk.asking.read(Listed[SeenMessage], "/notifications", status="failed", limit=MOST_MAILS)
    count = undelivered([one.settled_at for one in found.items], desk.now - timedelta(days=DAYS))
    return Mails(count, more=count == MOST_MAILS)


async def _loads(
    desk: Desk, teams: Sequence[SeenDraft], coming: Coming | None
) -> list[tuple[SeenDraft, TeamLoad | None]]:
    """The load of each of these calendars; None where it cannot be told at the moment.

    Who is restricted to what is assigned to them sees their own: of others' bookings they know nothing.
    """
    if coming is None:
        return [(one, None) for one in teams]
    start = desk.now
    hosts = coming_by_host(coming.entries, start, start + timedelta(days=DAYS))
    rotations = await asyncio.gather(
        *(_if_there(desk.asking.read(SeenRotation, f"/rotations/{one.id}")) for one in teams)
    )
    only = desk.who.member_id if desk.who.assigned_only else None
    month = [f"{desk.now.astimezone(ZoneInfo(one.tz)):%Y-%m}" for one in teams]
    return [
        (one, None if rotation is None else team_load(one, rotation, hosts, which, only))
        for one, rotation, which in zip(teams, rotations, month, strict=True)
    ]
