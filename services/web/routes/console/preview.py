"""`/console/calendars/{…}/preview`: a draft as guests would see it, kept or not. Nothing can be booked there."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away
from services.web.adapters.zones import zone_named
from services.web.domain.days import Month, instant_named
from services.web.domain.entered import entered
from services.web.domain.seen import SeenCalendar
from services.web.domain.staff import SeenDraft, SeenMember
from services.web.domain.why import SeenWhyDay, hidden_in
from services.web.routes.calendars import form_values, instant_text
from services.web.routes.console.desk import Desk, Here, SentForm, key_of, version_of
from services.web.routes.console.drafts import draft_of, form_page, form_sent, kind_named, members_there
from services.web.routes.picking import Choice, Picker, pick
from services.web.routes.visit import Html

router = APIRouter(prefix="/calendars", default_response_class=Html)

EXAMPLE_HOUR = time(10)


@router.get("/{calendar_id}/preview")
async def show(calendar_id: str, desk: Here) -> Response:
    """The page of guests with what is drafted. Of a calendar that is published, with the free times of that."""
    desk.need("calendars:view")
    draft, members = await asyncio.gather(draft_of(desk, calendar_id), members_there(desk))
    path = _path(draft.id)
    calendar = _seen(desk, draft, draft.model_dump(), members)
    if draft.status != "active":
        return _page(desk, calendar, draft)
    choice = Choice(
        calendar=draft.id,
        tz=draft.tz,
        link=partial(desk.url, path),
        time_link=lambda at, zone: desk.url(f"{path}/form", start=instant_text(at), tz=zone),
    )
    try:
        picker = await pick(desk, choice)
        return _page(desk, calendar, draft, picker=picker, action=path, busy=await _look_busy(desk, draft, picker))
    except ApiAway:
        raise away() from None


@router.post("/{calendar_id}/preview")
async def show_sent(calendar_id: str, desk: Here, sent: SentForm) -> Response:
    """The page of guests with what the form of the calendar holds, which is not kept."""
    desk.need("calendars:manage")
    draft, members = await asyncio.gather(draft_of(desk, calendar_id), members_there(desk))
    form = form_sent(draft.kind, sent, members)
    if form.errors:
        return form_page(desk, form, draft, desk.new_key, 422, version=version_of(sent))
    return _page(desk, _seen(desk, draft, form.body(), members), draft, kept=False)


@router.post("/new/{kind}/preview")
async def show_new(kind: str, desk: Here, sent: SentForm) -> Response:
    """The same for a calendar that is not made yet."""
    desk.need("calendars:manage")
    members = await members_there(desk)
    form = form_sent(kind_named(kind), sent, members)
    if form.errors:
        return form_page(desk, form, None, key_of(sent, desk.new_key), 422)
    return _page(desk, _seen(desk, None, {**form.body(), "kind": kind}, members), None, kept=False)


@router.get("/{calendar_id}/preview/form")
async def show_form(calendar_id: str, desk: Here) -> Response:
    """The form of guests for a time of the free ones, or for one that is made up."""
    desk.need("calendars:view")
    draft, members = await asyncio.gather(draft_of(desk, calendar_id), members_there(desk))
    asked = desk.request.query_params
    zone = zone_named(asked.get("tz")) or draft.tz
    start = instant_named(asked.get("start")) or _example(desk, draft)
    day = start.astimezone(ZoneInfo(zone)).date()
    path = _path(draft.id)
    return desk.page(
        "preview_form.html",
        here="calendars",
        draft=draft,
        kept=True,
        tried="tried" in asked,
        errors={},
        notice=None,
        action=desk.url(f"{path}/form", start=instant_text(start), tz=zone),
        back=desk.url(path, month=str(Month.of(day)), day=day.isoformat(), tz=zone),
        **form_values(desk, _seen(desk, draft, draft.model_dump(), members), start, zone, entered({}, desk.new_key)),
    )


@router.post("/{calendar_id}/preview/form")
async def try_form(calendar_id: str, desk: Here) -> Response:
    """Whoever presses the button is told that nothing is booked here."""
    desk.need("calendars:view")
    draft = await draft_of(desk, calendar_id)
    asked = desk.request.query_params
    return desk.redirect(f"{_path(draft.id)}/form", start=asked.get("start"), tz=asked.get("tz"), tried="1")


@dataclass(frozen=True, slots=True)
class LookBusy:
    """A day as guests see it: which starts they are offered, and when others lie that Look Busy hides from them."""

    day: date
    offered: list[datetime]
    hidden: list[tuple[datetime, datetime]]


async def _look_busy(desk: Desk, draft: SeenDraft, picker: Picker) -> LookBusy | None:
    """What Look Busy does to the day that is shown; None if it does nothing there.

    What is published may still hide what the draft does not, so both are looked at.
    """
    if picker.day is None or not (draft.look_busy_percent or draft.has_unpublished_changes):
        return None
    asked = {"calendar": draft.id, "date": picker.day.isoformat(), "tz": picker.zone}
    try:
        day = await desk.asking.read(SeenWhyDay, "/slots/why/day", **asked)
    except ApiRefused:
        return None
    hidden = hidden_in(day, picker.zone)
    offered = [time.start for _, times in picker.parts for time in times]
    return LookBusy(picker.day, offered, hidden) if hidden else None


def _page(desk: Desk, calendar: SeenCalendar, draft: SeenDraft | None, *, kept: bool = True, **more: Any) -> Response:
    values: dict[str, Any] = {"picker": None, "action": "", "busy": None} | more
    return desk.page("preview.html", here="calendars", calendar=calendar, draft=draft, kept=kept, tried=False, **values)


def _seen(desk: Desk, draft: SeenDraft | None, settings: Mapping[str, Any], members: list[SeenMember]) -> SeenCalendar:
    """What guests would see of these settings."""
    names = {one.id: one.name for one in members}
    serving = [one["member_id"] for one in settings["members"]]
    return SeenCalendar.model_validate(
        {
            "kind": draft.kind if draft is not None else None,
            **settings,
            "id": draft.id if draft is not None else "",
            "version": draft.published_version or 0 if draft is not None else 0,
            "status": "active",
            "address": f"{desk.who.workspace.slug}/{settings['slug']}",
            "workspace_name": desk.who.workspace.name,
            "hosts": [{"id": one, "name": names[one]} for one in serving if one in names],
        }
    )


def _example(desk: Desk, draft: SeenDraft) -> datetime:
    """Some time tomorrow."""
    zone = ZoneInfo(draft.tz)
    tomorrow = desk.now.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, EXAMPLE_HOUR, zone).astimezone(UTC)


def _path(calendar_id: str) -> str:
    return f"/console/calendars/{calendar_id}/preview"
