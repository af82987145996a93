"""`/{workspace}` and `/{workspace}/{calendar}`: what there is to book; choose a time, say who comes, book."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import JSONResponse, Response

from services.web.adapters.api import ApiAway, ApiRefused, away
from services.web.adapters.zones import city_of, offset_of, zone_named
from services.web.domain.days import Month, day_named, instant_named
from services.web.domain.entered import MOST_COMPANIONS, Entered, entered, mistakes
from services.web.domain.seen import SeenCalendar
from services.web.routes.picking import Choice, Picker, pick
from services.web.routes.visit import Form, Here, Html, Visit
from turnus_runtime.http import NOT_FOUND, Problem

router = APIRouter(prefix="/{workspace}", default_response_class=Html)

_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
MOST_WORKSPACE = 40
"""Letters of a workspace's address."""


def instant_text(at: datetime) -> str:
    """An instant for an address: without an offset's plus, which addresses read as a space."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


@router.get("")
async def show_workspace(workspace: str, visit: Here) -> Response:
    """What can be booked: groups in their order, then all other calendars; with `?group=` that group alone."""
    asked = visit.request.query_params
    if not 3 <= len(workspace) <= MOST_WORKSPACE or not _SLUG.fullmatch(workspace):
        raise NOT_FOUND
    try:
        offers = await visit.asking.offers(workspace, asked.get("after"))
    except ApiAway:
        raise away() from None
    except ApiRefused:
        if asked.get("after") is None:
            raise NOT_FOUND from None
        return visit.redirect(f"/{workspace}")
    alone = next((one for one in offers.items if one.slug == asked.get("group")), None)
    if asked.get("group") is not None and alone is None:
        raise NOT_FOUND
    shelves = (alone,) if alone is not None else offers.items
    return visit.page(
        "workspace.html",
        offers=offers,
        home=visit.public_url,
        alone=alone,
        shelves=[one for one in shelves if one.calendars],
        others=() if alone is not None else offers.calendars,
        further=visit.url(f"/{workspace}", after=offers.next) if offers.next and alone is None else None,
    )


@router.get("/{slug}")
async def show_calendar(workspace: str, slug: str, visit: Here) -> Response:
    """A calendar with its free times."""
    calendar = await _calendar(workspace, slug, visit)
    if calendar.status == "retired":
        return visit.page("retired.html", 410, calendar=calendar)
    path = f"/{calendar.address}"
    choice = Choice(
        calendar=calendar.id,
        tz=calendar.tz,
        link=partial(visit.url, path),
        time_link=lambda at, zone: visit.url(f"{path}/form", start=instant_text(at), tz=zone),
    )
    try:
        picker = await pick(visit, choice)
    except ApiAway:
        raise away() from None
    return visit.page(
        "calendar.html",
        calendar=calendar,
        picker=picker,
        action=path,
        home=visit.public_url,
        watch=_watch(visit, path, picker),
    )


def _watch(visit: Visit, path: str, picker: Picker) -> str | None:
    if not picker.tag:
        return None
    days = {"first": picker.first.isoformat(), "last": picker.last.isoformat()}
    return visit.url(f"{path}/watch", **days, tz=picker.zone, tag=picker.tag)


@router.get("/{slug}/watch")
async def watch(workspace: str, slug: str, visit: Here) -> Response:
    """For the script of the page before: whether other times are free now than those it shows; waits for it a while."""
    asked = visit.request.query_params
    first, last, zone = day_named(asked.get("first")), day_named(asked.get("last")), zone_named(asked.get("tz"))
    tag = asked.get("tag", "")
    if first is None or last is None or zone is None or not re.fullmatch(r"[0-9a-f]{1,64}", tag):
        raise NOT_FOUND
    try:
        changed = await visit.asking.other_slots(_address(workspace, slug), first, last, zone, tag)
    except ApiAway:
        raise away() from None
    except ApiRefused:
        changed = True
    return JSONResponse({"changed": changed})


@router.get("/{slug}/form")
async def show_form(workspace: str, slug: str, visit: Here) -> Response:
    """The form for a chosen time.

    Its idempotency key stands in its address: whoever goes back to it and sends it again gets the same booking. It
    is drawn at random: with one that could be guessed, the same body would give away somebody else's booking.
    """
    asked = visit.request.query_params
    start, zone = instant_named(asked.get("start")), zone_named(asked.get("tz"))
    key = entered({"key": asked.get("key", "")}, "").key
    if start is not None and not key:
        address = _address(workspace, slug)
        return visit.redirect(f"/{address}/form", start=instant_text(start), tz=zone, key=visit.new_key)
    calendar = await _calendar(workspace, slug, visit)
    if start is None or calendar.status == "retired":
        return visit.redirect(f"/{calendar.address}")
    return _form(visit, calendar, start, zone or calendar.tz, entered({}, key))


@router.post("/{slug}/form")
async def book(workspace: str, slug: str, visit: Here, form: Form) -> Response:
    """Book. Whatever goes wrong, what the guest wrote stays on the page."""
    address = _address(workspace, slug)
    given = entered(form, visit.new_key)
    start, zone = instant_named(form.get("start")), zone_named(form.get("tz"))
    if start is None or zone is None:
        return visit.redirect(f"/{address}")
    version = form.get("version", "")
    body: dict[str, Any] = {
        "calendar": address,
        "start": instant_text(start),
        "tz": zone,
        "locale": visit.words.language,
        "guest": given.guest(),
        "additional_guests": given.additional_guests(),
    }
    if version.isascii() and version.isdigit() and len(version) < 10:
        body["calendar_version"] = int(version)
    try:
        booking = await visit.asking.book(body, given.key)
    except ApiRefused as refused:
        return await _refused(visit, address, refused, start, zone, given, version)
    except ApiAway:
        return _again(visit, address, "away", 503, start, zone, given, version)
    except Problem as problem:
        if problem.status != 429:
            raise
        return _again(visit, address, "rate_limited", 429, start, zone, given, version)
    return visit.redirect(f"/b/{booking.token}")


async def _refused(
    visit: Visit, address: str, refused: ApiRefused, start: datetime, zone: str, given: Entered, version: str
) -> Response:
    """The answer to each refusal: what happened, and how to go on without writing anything again."""
    fresh = replace(given, key=visit.new_key)
    if refused.code in ("slot_taken", "slot_not_offered"):
        return _taken(visit, await _known(visit, address), address, refused, start, zone, fresh, version)
    if refused.code == "request_expired":
        return _again(visit, address, refused.code, 409, start, zone, fresh, version)
    workspace, _, slug = address.partition("/")
    calendar = await _calendar(workspace, slug, visit)
    if refused.code in ("calendar_changed", "idempotency_key_reused"):
        return _form(visit, calendar, start, zone, fresh, refused.status, notice=refused.code)
    if refused.status == 422 and (found := mistakes(given, refused.fields)):
        return _form(visit, calendar, start, zone, given, 422, errors={one.field: one.message for one in found})
    return visit.redirect(f"/{address}")


def _taken(
    visit: Visit,
    calendar: SeenCalendar | None,
    address: str,
    refused: ApiRefused,
    start: datetime,
    zone: str,
    given: Entered,
    version: str,
) -> Response:
    """The page that says that a time cannot be had, with other times to book at once."""
    info = ZoneInfo(zone)
    local = start.astimezone(info)
    return visit.page(
        "taken.html",
        409,
        calendar=calendar,
        code=refused.code,
        alternatives=[(instant_text(at), at.astimezone(info)) for at in sorted(refused.alternatives)],
        start=local,
        offset=offset_of(local),
        zone=zone,
        city=city_of(zone, str(visit.words.locale)),
        given=given,
        hidden=[("version", version), ("key", given.key), ("tz", zone), *given.hidden()],
        action=visit.url(f"/{address}/form"),
        back=visit.url(f"/{address}", month=str(Month.of(local.date())), tz=zone),
    )


def _again(
    visit: Visit, address: str, notice: str, status: int, start: datetime, zone: str, given: Entered, version: str
) -> Response:
    """The page that offers to send the same once more; sending it twice books once."""
    fields = [("version", version), ("key", given.key), ("tz", zone), ("start", instant_text(start)), *given.hidden()]
    return visit.page(
        "again.html",
        status,
        {"Retry-After": "5"} if status in (429, 503) else None,
        notice=notice,
        hidden=fields,
        given=given,
        action=visit.url(f"/{address}/form"),
    )


def _form(
    visit: Visit,
    calendar: SeenCalendar,
    start: datetime,
    zone: str,
    given: Entered,
    status: int = 200,
    *,
    errors: dict[str, str] | None = None,
    notice: str | None = None,
) -> Response:
    day = start.astimezone(ZoneInfo(zone)).date()
    return visit.page(
        "form.html",
        status,
        errors=errors or {},
        notice=notice,
        action=visit.url(f"/{calendar.address}/form", start=instant_text(start), tz=zone, key=given.key),
        back=visit.url(f"/{calendar.address}", month=str(Month.of(day)), day=day.isoformat(), tz=zone),
        **form_values(visit, calendar, start, zone, given),
    )


def form_values(visit: Visit, calendar: SeenCalendar, start: datetime, zone: str, given: Entered) -> dict[str, Any]:
    """What the form shows, whoever looks at it: the calendar, the time, and what was entered."""
    local = start.astimezone(ZoneInfo(zone))
    return {
        "calendar": calendar,
        "start": local,
        "end": local + timedelta(minutes=calendar.duration_minutes),
        "start_text": instant_text(start),
        "zone": zone,
        "city": city_of(zone, str(visit.words.locale)),
        "offset": offset_of(local),
        "given": given,
        "rows": range(MOST_COMPANIONS),
    }


def _address(workspace: str, slug: str) -> str:
    # Reserved words and names of one or two letters are no workspaces: the API is not asked for them.
    if len(workspace) < 3 or not _SLUG.fullmatch(workspace) or not _SLUG.fullmatch(slug):
        raise NOT_FOUND
    return f"{workspace}/{slug}"


async def _calendar(workspace: str, slug: str, visit: Visit) -> SeenCalendar:
    try:
        return await visit.asking.calendar(_address(workspace, slug))
    except ApiAway:
        raise away() from None
    except ApiRefused:
        raise NOT_FOUND from None


async def _known(visit: Visit, address: str) -> SeenCalendar | None:
    """The calendar for a page that can do without it."""
    try:
        return await visit.asking.calendar(address)
    except (ApiAway, ApiRefused, Problem):
        return None
