"""`/console/bookings`: the list of bookings, as a page and as a table for spreadsheets, and one of them."""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away
from services.web.adapters.zones import city_of, offset_of
from services.web.domain.booking_list import CSV_COLUMNS, STATUSES, Narrowed, csv_of
from services.web.domain.days import day_named
from services.web.domain.mails import SeenMessage
from services.web.domain.seen import state_of
from services.web.domain.staff import Listed, SeenChoice, SeenEntry, SeenHistory
from services.web.routes.console.calendars import AT_ONCE, calendars_of, names_of
from services.web.routes.console.desk import PRIVATE, Desk, Here, as_pages, refused_page
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND, Problem

router = APIRouter(prefix="/bookings", default_response_class=Html)

ON_A_PAGE = 25
MOST_EXPORTED = 10_000
_BOOKING = re.compile(r"bk_[0-9a-z]{1,40}")


@router.get("")
async def list_bookings(desk: Here) -> Response:
    """Bookings in the order of their start, from today on if nothing else is asked."""
    desk.need("bookings:view")
    narrowed = _narrowed(desk)
    after = desk.request.query_params.get("after")
    try:
        found, calendars, names = await asyncio.gather(
            _page(desk, narrowed, ON_A_PAGE, after), calendars_of(desk), names_of(desk)
        )
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        if refused.status == 403:
            raise refused_page(refused) from None
        return desk.redirect("/console/bookings")
    zone = ZoneInfo(desk.who.member.tz)
    days: dict[str, list[tuple[SeenEntry, datetime, datetime, str]]] = {}
    for one in found.items:
        start = one.start.astimezone(zone)
        line = one, start, one.end.astimezone(zone), state_of(one, desk.now)
        days.setdefault(desk.words.long_day(start), []).append(line)
    further = desk.url("/console/bookings", **narrowed.pairs(), after=found.next) if found.next else None
    return desk.page(
        "bookings.html",
        here="bookings",
        narrowed=narrowed,
        days=days,
        calendars=sorted(calendars, key=lambda one: one.name.casefold()),
        names=names,
        statuses=STATUSES,
        further=further,
        first=desk.url("/console/bookings", **narrowed.pairs()) if after else None,
        table=desk.url("/console/bookings/table.csv", **narrowed.pairs()),
        city=city_of(desk.who.member.tz, str(desk.words.locale)),
    )


@router.get("/table.csv")
async def export(desk: Here) -> Response:
    """The same list for spreadsheets, at most 10,000 lines; times are the reader's."""
    desk.need("bookings:view")
    narrowed, zone = _narrowed(desk), ZoneInfo(desk.who.member.tz)
    rows: list[list[str]] = []
    after: str | None = None
    with as_pages():
        while len(rows) < MOST_EXPORTED:
            found = await _page(desk, narrowed, AT_ONCE, after)
            rows += [_row(one, zone) for one in found.items]
            after = found.next
            if after is None:
                break
    name = f"bookings-{desk.now.astimezone(zone):%Y-%m-%d}.csv"
    headers = {**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}
    return Response(csv_of(CSV_COLUMNS, rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/{booking_id}")
async def show_booking(booking_id: str, desk: Here) -> Response:
    """A booking: facts, what may be done, history, the rotation's choice, mails."""
    desk.need("bookings:view")
    entry = await entry_of(desk, booking_id)
    history, choices, messages, names = await asyncio.gather(
        _history(desk, entry), _choices(desk, entry), _messages(desk, entry), names_of(desk)
    )
    return desk.page(
        "booking.html",
        here="bookings",
        stream=desk.url("/console/live", booking=entry.id),
        **facts_of(desk, entry),
        history=history,
        choices=choices,
        messages=messages,
        names=names,
    )


@dataclass(frozen=True, slots=True)
class Times:
    """A time in the reader's zone and, where clocks show another one there, in the guest's."""

    start: datetime
    end: datetime
    city: str
    offset: str


def times(desk: Desk, start: datetime, end: datetime, tz: str) -> Times:
    """A time by the clocks of a zone."""
    at = start.astimezone(ZoneInfo(tz))
    return Times(at, end.astimezone(ZoneInfo(tz)), city_of(tz, str(desk.words.locale)), offset_of(at))


def facts_of(desk: Desk, entry: SeenEntry) -> dict[str, Any]:
    """What every page about a booking shows."""
    own = times(desk, entry.start, entry.end, desk.who.member.tz)
    there = times(desk, entry.start, entry.end, entry.tz)
    state = state_of(entry, desk.now)
    return {
        "entry": entry,
        "state": state,
        "own": own,
        "there": there if there.offset != own.offset else None,
        "moving_to": times(desk, entry.move.start, entry.move.end, desk.who.member.tz) if entry.move else None,
        "path": f"/console/bookings/{entry.id}",
        "changeable": desk.may("bookings:manage") and state in ("confirmed", "moved"),
        "markable": desk.may("bookings:manage")
        and entry.status in ("confirmed", "attended", "no_show")
        and entry.start <= desk.now,
    }


async def entry_of(desk: Desk, booking_id: str) -> SeenEntry:
    """The booking. Raises 404, 403, 503."""
    if not _BOOKING.fullmatch(booking_id):
        raise NOT_FOUND
    with as_pages():
        return await desk.asking.read(SeenEntry, f"/bookings/{booking_id}")


def _narrowed(desk: Desk) -> Narrowed:
    asked = desk.request.query_params
    calendar, host, status = (asked.get(name, "") for name in ("calendar", "host", "status"))
    today = desk.now.astimezone(ZoneInfo(desk.who.member.tz)).date()
    day = day_named(asked.get("from"))
    return Narrowed(
        calendar if re.fullmatch(r"cal_[0-9a-z]{1,40}", calendar) else "",
        host if re.fullmatch(r"mem_[0-9a-z]{1,40}", host) else "",
        status if status in STATUSES else "",
        (day or today).isoformat(),
    )


async def _page(desk: Desk, narrowed: Narrowed, limit: int, after: str | None) -> Listed[SeenEntry]:
    day = day_named(narrowed.day)
    first = datetime(*day.timetuple()[:3], tzinfo=ZoneInfo(desk.who.member.tz)) if day else None
    return await desk.asking.read(
        Listed[SeenEntry],
        "/bookings",
        limit=limit,
        after=after,
        calendar_id=narrowed.calendar_id or None,
        host_id=narrowed.host_id or None,
        status=narrowed.status or None,
        start=first.astimezone(UTC).isoformat() if first else None,
    )


async def _history(desk: Desk, entry: SeenEntry) -> SeenHistory:
    try:
        return await desk.asking.read(SeenHistory, f"/bookings/{entry.id}/history")
    except (ApiAway, ApiRefused, Problem):
        return SeenHistory(items=())


async def _choices(desk: Desk, entry: SeenEntry) -> tuple[SeenChoice, ...]:
    """The rotation's choices about this booking; a page does without them when they cannot be had."""
    if not desk.may("calendars:view"):
        return ()
    path = f"/rotations/{entry.calendar_id}/choices"
    try:
        return (await desk.asking.read(Listed[SeenChoice], path, booking_id=entry.id)).items
    except (ApiAway, ApiRefused, Problem):
        return ()


async def _messages(desk: Desk, entry: SeenEntry) -> tuple[SeenMessage, ...]:
    try:
        found = await desk.asking.read(Listed[SeenMessage], "/notifications", booking_id=entry.id, limit=AT_ONCE)
    except (ApiAway, ApiRefused, Problem):
        return ()
    return found.items


def _row(one: SeenEntry, zone: ZoneInfo) -> list[str]:
    told = [at.astimezone(zone).isoformat(timespec="minutes") for at in (one.start, one.end)]
    host = one.host.name if one.host else ""
    guest = one.guest
    created = one.created_at.astimezone(zone)
    return [
        one.id,
        one.status,
        *told,
        one.calendar_name or "",
        host,
        guest.name,
        guest.email,
        guest.phone or "",
        created.isoformat(timespec="seconds"),
    ]
