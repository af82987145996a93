"""`/console/bookings`: the list of bookings, as a page and as a table for spreadsheets, and one of them."""

import asyncio
import re
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused
from services.web.adapters.zones import city_of, offset_of
from services.web.domain.booking_list import (
    CSV_COLUMNS,
    ORDERS,
    STATUSES,
    Narrowed,
    csv_of,
    narrowed,
)
from services.web.domain.days import day_named
from services.web.domain.forms import Wrong
from services.web.domain.mails import SeenMessage
from services.web.domain.seen import state_of
from services.web.domain.staff import Listed, SeenChoice, SeenEntry, SeenHistory
from services.web.routes.console.calendars import AT_ONCE, calendars_of, names_of
from services.web.routes.console.desk import PRIVATE, Desk, Here, as_pages
from services.web.routes.console.place import place_named, place_of
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND, Problem

router = APIRouter(prefix="/bookings", default_response_class=Html)

ON_A_PAGE = 25
MOST_EXPORTED = 10_000
STEPS = 5
"""How often the API is asked for one page of the list, until there is something on it."""
WRONG = {"q": Wrong("wrong.search"), "end": Wrong("wrong.span_turned")}
"""What the API refuses that somebody can type, by its own names."""
_BOOKING = re.compile(r"bk_[0-9a-z]{1,40}")


@router.get("")
async def list_bookings(desk: Here) -> Response:
    """Bookings in the order of their start or creation, from today on if nothing else is asked."""
    desk.need("bookings:view")
    asked = _narrowed(desk)
    after = desk.request.query_params.get("after")
    wrong: dict[str, Wrong] = {}
    with as_pages():
        calendars, names = await asyncio.gather(calendars_of(desk), names_of(desk))
        try:
            found = await _filled(desk, asked, after)
        except ApiRefused as refused:
            wrong = {field: WRONG[field] for field in refused.fields if field in WRONG}
            if refused.status != 422:
                raise
            if not wrong:
                return desk.redirect("/console/bookings")
            found = Listed[SeenEntry](items=())
    zone = ZoneInfo(desk.who.member.tz)
    days: dict[str, list[Line]] = {}
    for one in found.items:
        state = one.status if one.status in ("attended", "no_show") else state_of(one, desk.now)
        line = Line(one, state, one.start.astimezone(zone), one.end.astimezone(zone), one.created_at.astimezone(zone))
        day = desk.words.long_day(line.start if asked.shown_by == "start" else line.created)
        days.setdefault(day, []).append(line)
    here, pairs = "/console/bookings", asked.pairs()
    return desk.page(
        "bookings.html",
        422 if wrong else 200,
        here="bookings",
        narrowed=asked,
        wrong=wrong,
        days=days,
        calendars=sorted(calendars, key=lambda one: one.name.casefold()),
        names=names,
        statuses=STATUSES,
        orders={of: desk.url(here, **asked.in_order(of).pairs()) for of in ORDERS},
        place=place_of(asked, after),
        further=desk.url(here, **pairs, after=found.next) if found.next else None,
        first=desk.url(here, **pairs) if after else None,
        every_day=desk.url(here, **replace(asked, day="", until="").pairs()) if asked.day or asked.until else None,
        table=desk.url(f"{here}/table.csv", **pairs),
        city=city_of(desk.who.member.tz, str(desk.words.locale)),
    )


@router.get("/table.csv")
async def export(desk: Here) -> Response:
    """The same list for spreadsheets, at most 10,000 lines; times are the reader's."""
    desk.need("bookings:view")
    asked, zone = _narrowed(desk), ZoneInfo(desk.who.member.tz)
    rows: list[list[str]] = []
    after: str | None = None
    with as_pages():
        while len(rows) < MOST_EXPORTED:
            try:
                found = await _page(desk, asked, AT_ONCE, after)
            except ApiRefused as refused:
                if refused.status != 422:
                    raise
                return desk.redirect("/console/bookings", **asked.pairs())  # which says what is wrong
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
class Line:
    """A booking in the list, with its times by the reader's clocks."""

    entry: SeenEntry
    state: str
    start: datetime
    end: datetime
    created: datetime


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
        "to_list": f"{desk.url('/console/bookings', **place_named(desk.place, _today(desk)))}#{entry.id}",
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


def _today(desk: Desk) -> date:
    return desk.now.astimezone(ZoneInfo(desk.who.member.tz)).date()


def _narrowed(desk: Desk) -> Narrowed:
    return narrowed(desk.request.query_params, _today(desk))


async def _filled(desk: Desk, asked: Narrowed, after: str | None) -> Listed[SeenEntry]:
    """A page that holds something, if there is something within a few pages: what is rare is found in steps."""
    for _ in range(STEPS - 1):
        found = await _page(desk, asked, ON_A_PAGE, after)
        if found.items or found.next is None:
            return found
        after = found.next
    return await _page(desk, asked, ON_A_PAGE, after)


async def _page(desk: Desk, asked: Narrowed, limit: int, after: str | None) -> Listed[SeenEntry]:
    return await desk.asking.read(
        Listed[SeenEntry],
        "/bookings",
        limit=limit,
        after=after,
        calendar_id=asked.calendar_id or None,
        host_id=asked.host_id or None,
        status=asked.status or None,
        start=_midnight(desk, asked.day),
        end=_midnight(desk, asked.until, days=1),
        q=asked.q or None,
        sort=asked.sort,
    )


def _midnight(desk: Desk, named: str, *, days: int = 0) -> str | None:
    """The instant at which a day begins for the reader, or so many days after it."""
    if (day := day_named(named)) is None:
        return None
    zone = ZoneInfo(desk.who.member.tz)
    return datetime.combine(day + timedelta(days=days), datetime.min.time(), zone).isoformat()


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
