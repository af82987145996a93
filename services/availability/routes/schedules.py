"""`/schedules`: when members work."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from services.availability.domain.rules import Member as KnownMember
from services.availability.domain.rules import MemberSchedule, Override, Weekly, changed_rule
from services.availability.domain.schedule import check_schedule
from services.availability.domain.serving import ServedCalendar
from services.availability.handlers.learning import apply_schedule
from services.availability.routes.slots import CALENDAR_UNKNOWN
from turnus_runtime.http import (
    FORBIDDEN,
    IDEMPOTENCY_KEY_REUSED,
    STALE_VERSION,
    VALIDATION_FAILED,
    Answer,
    Body,
    Day,
    FieldError,
    Id,
    IfMatch,
    Instant,
    Key,
    Name,
    On,
    Page,
    Paged,
    Principal,
    Request,
    Text,
    Wait,
    ZoneName,
    answer,
    declare,
    documented,
    found,
    invalid,
    staff,
    unless_stale,
)
from turnus_runtime.ids import derived
from turnus_runtime.records import Decision
from turnus_runtime.turn import Turn

MEMBER_UNKNOWN = declare(
    "member_unknown",
    422,
    "This member is not known",
    en="Name an active member of this workspace.",
    de="Nenne ein aktives Mitglied dieses Arbeitsbereichs.",
)
router = APIRouter(prefix="/schedules")
Asking = Annotated[Principal, staff()]
MemberId = Annotated[str, Id("mem")]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$", examples=["09:00"])]
"""Wall-clock time HH:MM; 24:00 only as an end."""
MOST_RANGES, MOST_OVERRIDES, MOST_CALENDARS = 100, 1000, 200


class RangeIn(Request):
    """Hours on the wall clock, half-open."""

    start: Clock
    end: Clock


class WeeklyIn(RangeIn):
    """Hours on these weekdays."""

    days: Annotated[list[Annotated[int, Field(ge=1, le=7)]], Field(min_length=1, max_length=7)]


class OverrideIn(Request):
    """The hours of one date instead of the weekday's; none: a day off. `label`: what it is, for staff."""

    date: Day
    ranges: Annotated[list[RangeIn], Field(max_length=MOST_RANGES)] = []
    label: Annotated[str, Text(100)] | None = None


class ScheduleIn(Request):
    """What a schedule is made of. `calendar_ids`: where it counts instead of the default one."""

    name: Name
    tz: ZoneName
    default: bool = True
    calendar_ids: Annotated[list[Annotated[str, Id("cal")]], Field(max_length=MOST_CALENDARS)] = []
    weekly: Annotated[list[WeeklyIn], Field(max_length=MOST_RANGES)] = []
    overrides: Annotated[list[OverrideIn], Field(max_length=MOST_OVERRIDES)] = []


class NewSchedule(ScheduleIn):
    """A schedule of one member."""

    member_id: MemberId


class ScheduleView(Answer):
    """A schedule. Times are on the wall clock of `tz`."""

    id: str
    member_id: str
    version: int
    name: str
    tz: str
    default: bool
    calendar_ids: list[str]
    weekly: list[WeeklyIn]
    overrides: list[OverrideIn]
    created_at: Instant
    changed_at: Instant


@router.post(
    "",
    status_code=201,
    response_model=ScheduleView,
    responses=documented(IDEMPOTENCY_KEY_REUSED, MEMBER_UNKNOWN, CALENDAR_UNKNOWN),
)
async def create_schedule(who: Asking, body: Body[NewSchedule], key: Key, wait: Wait, on: On) -> Response:
    """Give a member a schedule. The newest default one is what their calendars go by."""
    may_plan(who, body.member_id)
    await known_member(who, body.member_id, wait, on)
    new = _schedule(body, derived("sch", who.workspace_id, key.key) if key.key else on.ids.fresh("sch"), who, on)
    new = new.change(member_id=body.member_id, request_digest=key.digest if key.key else None)
    _check(new)
    await _check_calendars(body, who, on)

    def create(current: MemberSchedule | None) -> Decision[MemberSchedule, tuple[MemberSchedule, bool]]:
        if current is not None:
            return Decision((current, True))
        return Decision((new, False), new, owes=changed_rule(new, "created", who.member_id, on.now))

    made, replayed = await on.records(MemberSchedule).decide(new.id, create)
    key.check(made.request_digest)
    await apply_schedule(made.id, on)
    return answer(_view(made), 201, version=made.version, location=f"/schedules/{made.id}", replayed=replayed)


@router.get("", response_model=Page[ScheduleView])
async def list_schedules(
    who: Asking, on: On, paging: Paged, member_id: Annotated[MemberId, Query()]
) -> Page[ScheduleView]:
    """The schedules of one member. Who is restricted to what is assigned to them has their own."""
    if not sees_plan(who, member_id):
        return Page(items=[])
    return await paging.page(
        on.records(MemberSchedule), "by_member", member_id, _view, keep=lambda s: s.workspace_id == who.workspace_id
    )


@router.get("/{schedule_id}", response_model=ScheduleView)
async def get_schedule(schedule_id: str, who: Asking, on: On) -> Response:
    """One schedule."""
    schedule = _active(await on.records(MemberSchedule).get(schedule_id), who)
    return answer(_view(schedule), version=schedule.version)


@router.put(
    "/{schedule_id}", response_model=ScheduleView, responses=documented(STALE_VERSION, FORBIDDEN, CALENDAR_UNKNOWN)
)
async def replace_schedule(
    schedule_id: str, who: Asking, body: Body[ScheduleIn], expected: IfMatch, on: On
) -> Response:
    """Write a schedule anew. Bookings that stand are not changed."""
    known = _active(await on.records(MemberSchedule).get(schedule_id), who)
    may_plan(who, known.member_id)
    new = _schedule(body, schedule_id, who, on)
    _check(new)
    await _check_calendars(body, who, on)

    def write(current: MemberSchedule | None) -> Decision[MemberSchedule, MemberSchedule]:
        current = _active(current, who)
        unless_stale(expected, current.version)
        changed = current.change(
            version=current.version + 1,
            changed_at=on.now,
            **{name: getattr(new, name) for name in ("name", "tz", "default", "calendar_ids", "weekly", "overrides")},
        )
        return Decision(changed, changed, owes=changed_rule(changed, "changed", who.member_id, on.now))

    changed = await on.records(MemberSchedule).decide(schedule_id, write)
    await apply_schedule(schedule_id, on)
    return answer(_view(changed), version=changed.version)


@router.delete("/{schedule_id}", status_code=204, responses=documented(STALE_VERSION, FORBIDDEN))
async def delete_schedule(schedule_id: str, who: Asking, expected: IfMatch, on: On) -> Response:
    """Remove a schedule. Bookings that stand are not changed."""
    known = _active(await on.records(MemberSchedule).get(schedule_id), who)
    may_plan(who, known.member_id)

    def remove(current: MemberSchedule | None) -> Decision[MemberSchedule, None]:
        current = _active(current, who)
        unless_stale(expected, current.version)
        gone = current.change(version=current.version + 1, changed_at=on.now, status="removed")
        return Decision(None, gone, owes=changed_rule(gone, "removed", who.member_id, on.now))

    await on.records(MemberSchedule).decide(schedule_id, remove)
    await apply_schedule(schedule_id, on)
    return Response(status_code=204)


def sees_plan(who: Principal, owner_id: str) -> bool:
    """Whether the hours and blocks of this member are there for whoever asks."""
    return not who.assigned_only or owner_id == who.member_id


def may_plan(who: Principal, member_id: str) -> None:
    """Everybody plans their own time; others' only with `team:manage`."""
    if who.member_id != member_id and "team:manage" not in who.scopes:
        raise FORBIDDEN("This needs the permission team:manage, or be about yourself.")


async def known_member(who: Principal, member_id: str, wait: float, on: Turn) -> None:
    """Wait for a member that was just made elsewhere; 422 if it is not there, foreign or removed."""
    member = await on.records(KnownMember).wait(member_id, lambda m: m is not None, wait)
    if member is None or member.workspace_id != who.workspace_id or member.status != "active":
        raise MEMBER_UNKNOWN.at("member_id", "is not known here")


def _active(schedule: MemberSchedule | None, who: Principal) -> MemberSchedule:
    known = found(schedule if schedule is not None and schedule.status == "active" else None, who)
    return found(known if sees_plan(who, known.member_id) else None)


def _schedule(body: ScheduleIn, schedule_id: str, who: Principal, on: Turn) -> MemberSchedule:
    seen: set[date] = set()
    for i, override in enumerate(body.overrides):
        if override.date in seen:
            raise invalid(f"overrides.{i}.date", "is given twice")
        seen.add(override.date)
    return MemberSchedule(
        id=schedule_id,
        workspace_id=who.workspace_id,
        member_id="",
        version=1,
        name=body.name,
        tz=body.tz,
        default=body.default,
        calendar_ids=tuple(dict.fromkeys(body.calendar_ids)),
        weekly=tuple(Weekly(days=tuple(w.days), start=_minute(w.start), end=_minute(w.end)) for w in body.weekly),
        overrides=tuple(
            Override(date=o.date, ranges=tuple((_minute(r.start), _minute(r.end)) for r in o.ranges), label=o.label)
            for o in body.overrides
        ),
        created_at=on.now,
        changed_at=on.now,
    )


def _check(schedule: MemberSchedule) -> None:
    problems = check_schedule(schedule.as_rules())
    if problems:
        errors = [FieldError(field=p.field.replace("[", ".").replace("]", ""), message=p.message) for p in problems]
        raise VALIDATION_FAILED(f"{errors[0].field} {errors[0].message}.", errors=errors)


async def _check_calendars(body: ScheduleIn, who: Principal, on: Turn) -> None:
    for i, calendar_id in enumerate(body.calendar_ids):
        calendar = await on.records(ServedCalendar).get(calendar_id)
        if calendar is None or calendar.workspace_id != who.workspace_id:
            raise CALENDAR_UNKNOWN.at(f"calendar_ids.{i}", "names no calendar that was ever published here")


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _view(schedule: MemberSchedule) -> ScheduleView:
    return ScheduleView(
        id=schedule.id,
        member_id=schedule.member_id,
        version=schedule.version,
        name=schedule.name,
        tz=schedule.tz,
        default=schedule.default,
        calendar_ids=list(schedule.calendar_ids),
        weekly=[WeeklyIn(days=list(w.days), start=_clock(w.start), end=_clock(w.end)) for w in schedule.weekly],
        overrides=[
            OverrideIn(
                date=o.date, ranges=[RangeIn(start=_clock(a), end=_clock(b)) for a, b in o.ranges], label=o.label
            )
            for o in schedule.overrides
        ],
        created_at=schedule.created_at,
        changed_at=schedule.changed_at,
    )
