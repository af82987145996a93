"""`GET /slots`: which starts are free."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.availability.domain.claims import Claim
from services.availability.domain.engine import start_masks
from services.availability.domain.hosts import Host
from services.availability.domain.listing import days_json, iso
from services.availability.domain.masks import Offered
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.zones import day_span, next_epoch_minute
from services.availability.store.kept import Kept, KeptCalendar
from services.availability.store.teams import team
from turnus_runtime.http import (
    Again,
    Answer,
    Day,
    Id,
    On,
    ZoneName,
    declare,
    documented,
    guest,
    invalid,
    matches_none,
    waits,
)
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


async def _answer(asked: Asked, _: HttpRequest, on: Turn) -> Response:
    return _response(*await slots_json(asked, on))


AGAIN = Again(_answer)


@router.get(
    "",
    response_model=Slots,
    dependencies=[guest(), Depends(AGAIN)],
    responses=documented(CALENDAR_UNKNOWN, BOOKING_UNKNOWN),
)
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
    if not wait:
        return await AGAIN.first(asked, request, on)
    ends = asyncio.get_running_loop().time() + wait
    while True:
        left = max(0.0, ends - asyncio.get_running_loop().time())
        hosts = (await _look(asked, on)).calendar.member_ids if left else ()
        async with on.records(Host).watched(hosts, left) as watch:
            body, tag = await slots_json(asked, on)
            if not left or not matches_none(request, tag):
                return _response(body, tag)
            await watch.first()


def _response(body: bytes, tag: str) -> Response:
    return Response(body, headers={"ETag": f'"{tag}"'}, media_type="application/json")


async def _look(asked: Asked, on: Turn) -> KeptCalendar:
    found = await cast("Kept", on.effects).named(on, asked.calendar)
    if found is None or (found.calendar.status != "active" and asked.booking_id is None):
        raise CALENDAR_UNKNOWN.at("calendar", "is not known here")
    if asked.host_id is not None and asked.host_id not in found.calendar.member_ids:
        raise invalid("host_id", "serves not in this calendar")
    return found


async def slots_json(asked: Asked, on: Turn) -> tuple[bytes, str]:
    """The answer, `Slots` as JSON, and its tag. Raises 422 `calendar_unknown`, `booking_unknown`."""
    kept = await _look(asked, on)
    if asked.booking_id is not None:
        return await _said_to_move(asked, kept.calendar, on)
    answers, minute = cast("Kept", on.effects).answers, next_epoch_minute(on.now)
    said = answers.get(asked, kept.team, minute)
    if said is None:
        zone = asked.tz or kept.calendar.tz
        span = day_span(zone, asked.start, asked.end)
        team = kept.team.but(None if asked.host_id is None else (asked.host_id,))
        hosts = kept.masks.hosts_by_start(team, *span, on.now) if asked.details else None
        offered = kept.masks.offered(team, *span, on.now)
        said = _written(kept.calendar, kept.calendar.duration_minutes, zone, days_json(offered, zone, *span), hosts)
        answers.keep(asked, kept.team, minute, *said)
    return said


async def _said_to_move(asked: Asked, served: ServedCalendar, on: Turn) -> tuple[bytes, str]:
    """What was promised to a booking holds, and its own time is no hindrance: nothing that is kept would fit."""
    booking_id = asked.booking_id or ""
    claim = await on.records(Claim).get(booking_id)
    promised = claim.promised if claim is not None and claim.calendar_id == served.id else None
    if promised is None:
        raise BOOKING_UNKNOWN.at("booking_id", "does not stand in this calendar")
    rules = replace(served.rules(), **asdict(promised))
    zone = asked.tz or served.tz
    span = day_span(zone, asked.start, asked.end)
    members = await team(on, served, but=booking_id)
    masks = start_masks(members.seen(rules, only=asked.host_id and (asked.host_id,)), *span, on.now)
    offered = Offered(*span, [(masks.grid, masks.union())])
    hosts = masks.hosts_by_start() if asked.details else None
    return _written(served, rules.duration, zone, days_json(offered, zone, *span), hosts)


def _written(
    served: ServedCalendar, duration: int, zone: str, days: tuple[bytes, bytes], hosts: Mapping[int, list[str]] | None
) -> tuple[bytes, str]:
    """`Slots` as JSON, and its tag. `days`: as JSON, and their digest."""
    head = {
        "calendar_id": served.id,
        "calendar_version": served.version,
        "tz": zone,
        "duration_minutes": duration,
        "details": None if hosts is None else {iso(start, zone): {"hosts": ids} for start, ids in hosts.items()},
    }
    told = json.dumps(head, separators=(",", ":")).encode()
    return told[:-1] + b',"days":' + days[0] + b"}", hashlib.blake2b(told + days[1], digest_size=12).hexdigest()


def _check_range(start: date, end: date) -> None:
    if end < start:
        raise invalid("end", "must not lie before start")
    if (end - start).days >= LONGEST_RANGE_DAYS:
        raise invalid("end", f"at most {LONGEST_RANGE_DAYS} days can be asked for at once")
