"""`GET /slots/why`: why a time is not offered, for staff; every reason for every host."""

import asyncio
from collections.abc import Collection
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.availability.domain.engine import alternatives
from services.availability.domain.limits import Period
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.why import STEP, Code, Off, Owner, Reason, Run, Why, reasons
from services.availability.domain.zones import day_span, epoch_minute, instant_of
from services.availability.routes.slots import CALENDAR_UNKNOWN
from services.availability.store.teams import calendar_at, team
from turnus_runtime.http import Answer, Day, Instant, On, Principal, ZoneName, answer, documented, invalid, staff
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/slots/why")
Viewer = Annotated[Principal, staff("calendars:view")]
Named = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        description="Id or address of a calendar",
        json_schema_extra={"examples": ["demo/beratung"]},
    ),
]
TOLD: dict[Code, str] = {
    "CALENDAR_CLOSED": "The calendar is closed.",
    "PAST": "The time has passed.",
    "NOTICE": "It is too soon: the calendar wants more notice.",
    "TOO_EARLY": "It lies before the first day that can be booked.",
    "TOO_FAR": "It lies after the last day that can be booked.",
    "MEMBER_OFF": "The member is not there.",
    "OUTSIDE_HOURS": "The member does not work then.",
    "DURATION": "The member stops working before the appointment would end.",
    "OFF_RASTER": "No appointment starts at this minute: the starts follow the interval of the calendar.",
    "BOOKED": "The member has another booking.",
    "BUSY_EXTERNAL": "The member is busy in a calendar of theirs.",
    "BLOCKED": "The time is blocked.",
    "BUFFER": "Time before or after an appointment is in the way.",
    "LIMIT": "There are as many bookings in this period as there may be.",
    "LOOK_BUSY": "Look Busy does not show it to guests.",
}
"""What each code means; pages have words of their own."""
TOLD_OFF: dict[Off, str] = {
    "day_off": "The member has a day off.",
    "pause": "The member pauses, and takes no new bookings.",
}
TOLD_LIMIT: dict[Owner, str] = {
    "calendar": "The calendar has reached a limit of its own",
    "member": "The member has reached a limit of their own, across all calendars",
}


class InShort(Answer):
    """One reason that holds for many starts. `off`: why the member is not there; `limit_of`, `period`: of a limit."""

    code: Code
    off: Off | None = None
    limit_of: Owner | None = None
    period: Period | None = None


class Because(InShort):
    """One reason. `start`, `end`: the stretch that it is about; of a limit `counted` of at `most` so many bookings."""

    detail: str
    start: Instant | None = None
    end: Instant | None = None
    most: int | None = None
    counted: int | None = None


class OfHost(Answer):
    """One member: offered exactly if there is no reason against it."""

    host_id: str
    offered: bool
    reasons: list[Because]


class WhyView(Answer):
    """One start, for every member. `next_offered`: the nearest start that guests are offered, within three months."""

    calendar_id: str
    calendar_version: int
    start: Instant
    tz: str
    duration_minutes: int
    hosts: list[OfHost]
    next_offered: Instant | None


@router.get("", response_model=WhyView, responses=documented(CALENDAR_UNKNOWN))
async def why(
    who: Viewer,
    on: On,
    calendar: Named,
    start: Annotated[Instant, Query(description="Any instant, also a past one or one between the starts")],
) -> Response:
    """Why guests are not offered this start, or that they are. Who is restricted to what is assigned to them sees
    their own reasons.
    """
    served = await _seen(calendar, who, on)
    return answer(await explained(served, _minute(start), on, _only(who)))


async def explained(served: ServedCalendar, minute: int, on: Turn, only: Collection[str] | None = None) -> WhyView:
    """What speaks against a start (any epoch minute), for every member or for those of `only`."""
    members, closed = await team(on, served, apart=True), served.status != "active"
    against = reasons(members.seen(served.rules(), only=only), minute, on.now, closed=closed)
    following = [] if closed else alternatives(members.seen(served.rules()), minute, on.now, 1)
    return WhyView(
        calendar_id=served.id,
        calendar_version=served.version,
        start=instant_of(minute),
        tz=served.tz,
        duration_minutes=served.duration_minutes,
        hosts=[
            OfHost(host_id=host_id, offered=not because, reasons=[_because(one) for one in because])
            for host_id, because in against.items()
        ],
        next_offered=instant_of(following[0]) if following else None,
    )


class Stretch(Answer):
    """Starts in a row, `start` to `end` (half-open), and what speaks against all of them: nothing if they are offered.
    `starts`: those of the raster, if asked for.
    """

    start: Instant
    end: Instant
    reasons: list[InShort]
    starts: list[Instant] | None = None


class DayOfHost(Answer):
    """The day of one member."""

    host_id: str
    stretches: list[Stretch]


class WhyDay(Answer):
    """One day of a calendar, for every member: which starts are offered, and what speaks against the others."""

    calendar_id: str
    calendar_version: int
    date: Day
    tz: str
    duration_minutes: int
    step_minutes: int
    hosts: list[DayOfHost]


@router.get("/day", response_model=WhyDay, responses=documented(CALENDAR_UNKNOWN))
async def why_day(
    who: Viewer,
    on: On,
    calendar: Named,
    date: Annotated[Day, Query(description="A day in `tz`")],
    tz: Annotated[ZoneName | None, Query(description="Zone of the day; the calendar's by default")] = None,
    with_: Annotated[
        Literal["starts"] | None, Query(alias="with", description="Every start of the raster, in its stretch")
    ] = None,
) -> Response:
    """Why the times of one day are offered or not, in steps of five minutes.

    A start between those of the raster counts as the one before it: a stretch tells hours and not single minutes.
    """
    served = await _seen(calendar, who, on)
    asked = (await team(on, served, apart=True)).seen(served.rules(), only=_only(who))
    lo, hi = day_span(tz or served.tz, date, date)
    closed = served.status != "active"
    # A large team takes the processor for seconds: others are answered meanwhile.
    told = await asyncio.to_thread(lambda: Why(asked, on.now, lo, hi, closed=closed).runs())
    found = WhyDay(
        calendar_id=served.id,
        calendar_version=served.version,
        date=date,
        tz=tz or served.tz,
        duration_minutes=served.duration_minutes,
        step_minutes=STEP,
        hosts=[
            DayOfHost(host_id=host_id, stretches=[_stretch(run, with_starts=with_ == "starts") for run in runs])
            for host_id, runs in told.items()
        ],
    )
    return answer(found)


def _stretch(run: Run, *, with_starts: bool) -> Stretch:
    return Stretch(
        start=instant_of(run.start),
        end=instant_of(run.end),
        reasons=[InShort(code=one.code, off=one.off, limit_of=one.limit_of, period=one.period) for one in run.reasons],
        starts=[instant_of(start) for start in run.starts] if with_starts else None,
    )


async def _seen(calendar: str, who: Principal, on: Turn) -> ServedCalendar:
    served = await calendar_at(on, calendar)
    if served is None or served.workspace_id != who.workspace_id:
        raise CALENDAR_UNKNOWN.at("calendar", "is not known here")
    if who.assigned_only and who.member_id not in served.member_ids:
        raise CALENDAR_UNKNOWN.at("calendar", "is not known here")
    return served


def _only(who: Principal) -> tuple[str, ...] | None:
    """Whose reasons they see; None: everybody's."""
    return (who.member_id,) if who.assigned_only else None


def _minute(start: datetime) -> int:
    minute = epoch_minute(start)
    if instant_of(minute) != start:
        raise invalid("start", "must be a whole minute")
    return minute


def _because(reason: Reason) -> Because:
    return Because(
        code=reason.code,
        detail=_detail(reason),
        start=instant_of(reason.start) if reason.start is not None else None,
        end=instant_of(reason.end) if reason.end is not None else None,
        off=reason.off,
        limit_of=reason.limit_of,
        period=reason.period,
        most=reason.most,
        counted=reason.counted,
    )


def _detail(reason: Reason) -> str:
    if reason.off is not None:
        return TOLD_OFF[reason.off]
    if reason.limit_of is not None:
        then = f"{'on' if reason.period == 'day' else 'in'} this {reason.period}"
        return f"{TOLD_LIMIT[reason.limit_of]}: {reason.counted} of {reason.most} {then}."
    return TOLD[reason.code]
