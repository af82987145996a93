"""The settings of a calendar as they are typed in: their shapes, and what they mean to the domain."""

from typing import Annotated, Any, Literal

from pydantic import Field

from services.booking.domain.directory import Member
from services.booking.routes.problems import MEMBER_UNKNOWN, NOT_YOURS
from turnus_contracts import Limits, Window
from turnus_runtime.http import Day, Id, Name, Note, Principal, Request, ZoneName, invalid
from turnus_runtime.turn import Turn

Slug = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$", examples=["beratung"])]


Limit = Annotated[int, Field(ge=1, le=10_000, examples=[8])]


class MemberIn(Request):
    """A member who serves, with their share."""

    member_id: Annotated[str, Id("mem")]
    weight: Annotated[int, Field(ge=1, le=100)] = 1
    tier: Annotated[int, Field(ge=1, le=100)] = 1


class LocationIn(Request):
    """Where: an address, a phone number, or a link."""

    kind: Literal["address", "phone", "link"]
    value: Name


class RollingIn(Request):
    """So many days, weeks or months ahead."""

    kind: Literal["rolling"]
    count: Annotated[int, Field(ge=1, le=3650)]
    unit: Literal["days", "weeks", "months"] = "days"
    counting: Literal["calendar", "available"] = "calendar"


class RangeIn(Request):
    """From one day to another, both included."""

    kind: Literal["range"]
    start: Day
    end: Day


class UntilIn(Request):
    """Until a day, included."""

    kind: Literal["until"]
    date: Day


class LimitsIn(Request):
    """At most so many bookings that start in one day, week (Monday first) and month; null: no limit."""

    day: Limit | None = None
    week: Limit | None = None
    month: Limit | None = None


WindowIn = Annotated[RollingIn | RangeIn | UntilIn, Field(discriminator="kind")]
Buffer = Annotated[int, Field(ge=0, le=480)]
Cutoff = Annotated[int, Field(ge=0, le=525_600)]


class Settings(Request):
    """The settings of a calendar that have a default.

    `limits` count the bookings of this calendar that start in a day, a week and a month of its zone; none set is null.
    `look_busy_percent`: how much of each day's starts guests are not offered; staff see and book it. `anchor`: where
    the raster of starts begins: at the `opening`, on the `clock`, or anew after everything that is taken (`gapless`).
    """

    description: Note | None = None
    duration_minutes: Annotated[int, Field(ge=5, le=1440)] | None = None
    interval_minutes: Annotated[int, Field(ge=5, le=720, multiple_of=5)] | None = None
    anchor: Literal["opening", "clock", "gapless"] | None = None
    buffer_before_minutes: Buffer | None = None
    buffer_after_minutes: Buffer | None = None
    notice_minutes: Annotated[int, Field(ge=0, le=525_600)] | None = None
    window: WindowIn | None = None
    location: LocationIn | None = None
    optimize: Literal["availability", "equal", "totals"] | None = None
    reschedule_policy: Literal["same_host", "reassign"] | None = None
    guest_chooses_host: bool | None = None
    members: Annotated[list[MemberIn], Field(max_length=500)] | None = None
    limits: LimitsIn | None = None
    look_busy_percent: Annotated[int, Field(ge=0, le=90, examples=[30])] | None = None
    cancel_cutoff_minutes: Cutoff | None = None
    reschedule_cutoff_minutes: Cutoff | None = None


class NewCalendar(Settings):
    """A draft. What is left out gets its default."""

    kind: Literal["personal", "round_robin"]
    slug: Slug
    name: Name
    tz: ZoneName


class ChangedSettings(Settings):
    """What a change names; the rest stays."""

    slug: Slug | None = None
    name: Name | None = None
    tz: ZoneName | None = None


async def values_of(who: Principal, body: Settings, kind: str, wait: float, on: Turn) -> dict[str, Any]:
    """The given settings as the domain takes them, with every member known here."""
    values = body.model_dump(exclude_unset=True, exclude={"kind"})
    for name, value in values.items():
        if value is None and name not in ("window", "location", "limits"):
            raise invalid(name, "must not be null; leave it out to keep it")
    if body.window is not None:
        values["window"] = _window(body.window)
    if body.limits is not None:
        limits = Limits(**body.limits.model_dump())
        values["limits"] = limits if limits != Limits() else None
    if body.members is not None:
        await _check_members(who, body.members, kind, wait, on)
    return values


def _window(window: RollingIn | RangeIn | UntilIn) -> Window:
    if isinstance(window, RangeIn):
        if window.end < window.start:
            raise invalid("window.end", "must not lie before start")
        return Window(kind="range", start=window.start, end=window.end)
    if isinstance(window, UntilIn):
        return Window(kind="until", end=window.date)
    return Window(kind="rolling", count=window.count, unit=window.unit, counting=window.counting)


async def _check_members(who: Principal, members: list[MemberIn], kind: str, wait: float, on: Turn) -> None:
    if kind == "personal" and len(members) > 1:
        raise invalid("members", "a personal calendar has one member")
    seen: set[str] = set()
    for i, one in enumerate(members):
        if one.member_id in seen:
            raise invalid(f"members.{i}.member_id", "is given twice")
        seen.add(one.member_id)
        known = await on.records(Member).wait(one.member_id, lambda m: m is not None, wait)
        if known is None or known.workspace_id != who.workspace_id or known.status != "active":
            raise MEMBER_UNKNOWN.at(f"members.{i}.member_id", "is not known here")
    if who.assigned_only and who.member_id not in seen:
        raise NOT_YOURS.at("members", "must hold yourself")
