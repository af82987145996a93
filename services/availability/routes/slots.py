"""`GET /slots`: which starts are free."""

import asyncio
import hashlib
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.availability.domain.claims import Claim
from services.availability.domain.engine import start_masks
from services.availability.domain.hosts import Host
from services.availability.domain.listing import iso, to_iso
from services.availability.domain.rules import ServedCalendar
from services.availability.domain.zones import day_span
from services.availability.store import team
from turnus_runtime.http import (
    Answer,
    Day,
    Id,
    On,
    ZoneName,
    answer,
    declare,
    documented,
    guest,
    invalid,
    matches_none,
    waits,
)
from turnus_runtime.ids import is_id
from turnus_runtime.turn import Turn

LONGEST_RANGE_DAYS = 92

CALENDAR_UNKNOWN = declare(
    "calendar_unknown",
    422,
    "This calendar is not known",
    en="Name a published calendar by its id (cal_…) or its address, workspace/calendar.",
    de="Nenne einen veröffentlichten Kalender mit seiner Kennung (cal_…) oder seiner Adresse, Arbeitsbereich/Kalender.",
)

BOOKING_UNKNOWN = declare(
    "booking_unknown",
    422,
    "This booking is not known here",
    en="Name a booking of this calendar that stands, by its id (bk_…), or leave it out to book anew.",
    de="Nenne einen bestehenden Termin dieses Kalenders mit seiner Kennung (bk_…), oder lass ihn weg und buche neu.",
)

router = APIRouter(prefix="/slots")


class SlotDetail(Answer):
    """More about one start. `hosts`: who is free, in the calendar's order."""

    hosts: list[str]


class Slots(Answer):
    """Free starts by day. Days without any are absent."""

    calendar_id: str
    calendar_version: int
    tz: str
    duration_minutes: int
    days: dict[str, list[str]]
    details: dict[str, SlotDetail] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for; `details` is what `with` names."""

    calendar: str
    start: date
    end: date
    tz: str | None
    host_id: str | None
    booking_id: str | None
    details: str | None


@router.get("", response_model=Slots, dependencies=[guest()], responses=documented(CALENDAR_UNKNOWN, BOOKING_UNKNOWN))
async def list_slots(
    request: HttpRequest,
    on: On,
    wait: Annotated[float, waits(0)],
    calendar: Annotated[
        str,
        Query(
            min_length=1,
            max_length=200,
            description="Id or address",
            json_schema_extra={"examples": ["demo/beratung"]},
        ),
    ],
    start: Annotated[Day, Query(description="First day, in `tz`")],
    end: Annotated[Day, Query(description="Last day, included; at most 92 days in all")],
    tz: Annotated[ZoneName | None, Query(description="Zone of days and times; the calendar's by default")] = None,
    host_id: Annotated[Annotated[str, Id("mem")] | None, Query(description="Only this person's starts")] = None,
    booking_id: Annotated[
        Annotated[str, Id("bk")] | None, Query(description="Times to which this booking of the calendar can be moved")
    ] = None,
    with_: Annotated[Literal["hosts"] | None, Query(alias="with", description="Details by start")] = None,
) -> Response:
    """The free starts of a calendar from day `start` to day `end`.

    With `booking_id` they are those of a move: the duration and buffers promised to the booking hold, its own time is
    no hindrance, and a retired calendar, which takes no new bookings, answers too.

    With `If-None-Match` and `Prefer: wait=N` it is answered as soon as another answer is right, or with 304.
    """
    _check_range(start, end)
    asked = Asked(calendar, start, end, tz, host_id, booking_id, with_)
    ends = asyncio.get_running_loop().time() + wait
    while True:
        left = max(0.0, ends - asyncio.get_running_loop().time())
        hosts = (await _served(asked, on)).member_ids if left else ()
        async with on.records(Host).watched(hosts, left) as watch:
            found = await _found(asked, on)
            tag = _tag(found)
            if not left or not matches_none(request, tag):
                return answer(found, etag=tag)
            await watch.first()


async def _served(asked: Asked, on: Turn) -> ServedCalendar:
    served = await served_calendar(asked.calendar, on)
    if served is None or (served.status != "active" and asked.booking_id is None):
        raise CALENDAR_UNKNOWN.at("calendar", "is not known here")
    return served


async def _found(asked: Asked, on: Turn) -> Slots:
    served = await _served(asked, on)
    rules, booking_id, host_id = served.rules(), asked.booking_id, asked.host_id
    if booking_id is not None:
        claim = await on.records(Claim).get(booking_id)
        promised = claim.promised if claim is not None and claim.calendar_id == served.id else None
        if promised is None:
            raise BOOKING_UNKNOWN.at("booking_id", "does not stand in this calendar")
        rules = replace(rules, **asdict(promised))
    if host_id is not None and host_id not in served.member_ids:
        raise invalid("host_id", "serves not in this calendar")
    zone = asked.tz or served.tz
    members = await team(on, served, but=booking_id or "")
    lo, hi = day_span(zone, asked.start, asked.end)
    only = None if host_id is None else (host_id,)
    masks = start_masks(rules, members.times, lo, hi, on.now, only=only)
    details = None
    if asked.details == "hosts":
        details = {iso(minute, zone): SlotDetail(hosts=ids) for minute, ids in masks.hosts_by_start().items()}
    return Slots(
        calendar_id=served.id,
        calendar_version=served.version,
        tz=zone,
        duration_minutes=rules.duration,
        days=to_iso(masks.starts(masks.union()), zone),
        details=details,
    )


async def served_calendar(named: str, on: Turn) -> ServedCalendar | None:
    """A published calendar by id or address."""
    if is_id("cal", named):
        return await on.records(ServedCalendar).get(named)
    found = await on.records(ServedCalendar).with_prefix("by_address", named, limit=2) if "|" not in named else []
    return next((one for one in found if one.address == named), None)


def _check_range(start: date, end: date) -> None:
    if end < start:
        raise invalid("end", "must not lie before start")
    if (end - start).days >= LONGEST_RANGE_DAYS:
        raise invalid("end", f"at most {LONGEST_RANGE_DAYS} days can be asked for at once")


def _tag(found: Slots) -> str:
    return hashlib.blake2s(found.model_dump_json().encode(), digest_size=12).hexdigest()
