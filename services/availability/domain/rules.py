"""What availability knows besides reservations: schedules, blocks, calendars as published, members.

A change of a member's schedules or blocks is written first and then raises `rules_version` in the host record
(timer `apply_rules`), so a reservation that races with it looks again. Blocks of a calendar raise its `blocks_version`
and tell it to the host record of everybody who serves there: that record alone decides who gets a time.
"""

from datetime import date, datetime, timedelta
from typing import ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from services.availability.domain.engine import SlotRules
from services.availability.domain.schedule import Schedule, WeeklyRange
from services.availability.domain.window import Range, Rolling, Until
from services.availability.domain.window import Window as EngineWindow
from turnus_contracts import CalendarApplied, CalendarMember, CalendarPublished, ChangeRecorded, MemberChanged, Window
from turnus_runtime.records import Decision, Owed, Projection, Record, event, key, newest, timer

APPLY_RULES = "apply_rules"
APPLY_AGAIN_AFTER = timedelta(seconds=3)
"""When the sweeper raises `rules_version` if the process that changed a rule died before it could."""

KINDS, ANCHORS = frozenset({"personal", "round_robin"}), frozenset({"opening", "clock"})
NOTHING = Until(date.min)
"""A window that has no days."""
_UNITS: dict[str, Literal["days", "weeks", "months"]] = {"days": "days", "weeks": "weeks", "months": "months"}
_COUNTINGS: dict[str, Literal["calendar", "available"]] = {"calendar": "calendar", "available": "available"}


class Member(Projection):
    """A member as `accounts` last described them. What a pause does lies in the host record (`hosts.Pause`)."""

    collection: ClassVar[str] = "members"
    format: ClassVar[int] = 2
    """2: the pause"""
    wakes: ClassVar[bool] = True
    workspace_id: str
    status: str
    paused_since: datetime | None = None
    paused_until: date | None = None
    resumed_at: datetime | None = None


class ServedCalendar(Record):
    """A calendar as `booking` last published it: the rules by which starts are offered."""

    collection: ClassVar[str] = "calendars"
    indexes: ClassVar[tuple[str, ...]] = ("by_address",)
    wakes: ClassVar[bool] = True

    workspace_id: str
    version: int
    status: str
    calendar_kind: str
    address: str
    tz: str
    duration_minutes: int
    interval_minutes: int
    anchor: str
    buffer_before_minutes: int
    buffer_after_minutes: int
    notice_minutes: int
    window: Window | None = None
    reschedule_policy: str = "same_host"
    guest_chooses_host: bool = False
    members: tuple[CalendarMember, ...] = ()
    blocks_version: int = 0
    """Raised by every change of the calendar's own blocks."""

    def keys(self) -> dict[str, str | int | None]:
        """By public address."""
        return {"by_address": key(self.address, self.id)}

    @property
    def member_ids(self) -> tuple[str, ...]:
        """The members, in the calendar's order."""
        return tuple(member.member_id for member in self.members)

    def rules(self) -> SlotRules:
        """The rules as the slot engine takes them."""
        return SlotRules(
            tz=self.tz,
            duration=self.duration_minutes,
            interval=self.interval_minutes,
            anchor="clock" if self.anchor == "clock" else "opening",
            buffer_before=self.buffer_before_minutes,
            buffer_after=self.buffer_after_minutes,
            notice_minutes=self.notice_minutes,
            window=engine_window(self.window) if self.is_understood else NOTHING,
        )

    @property
    def is_understood(self) -> bool:
        """A kind or an anchor of a later version may mean less than what this one would offer: it offers nothing."""
        return self.calendar_kind in KINDS and self.anchor in ANCHORS


def engine_window(window: Window | None) -> EngineWindow:
    """The window of a contract as the slot engine takes it; one that only a later version understands has no days."""
    if window is None:
        return None
    if window.kind == "rolling":
        return _rolling(window)
    if window.kind == "until" and window.end is not None:
        return Until(window.end)
    if window.kind == "range" and window.start is not None and window.end is not None:
        return Range(window.start, window.end)
    return NOTHING


def _rolling(window: Window) -> EngineWindow:
    unit, counting = _UNITS.get(window.unit or "days"), _COUNTINGS.get(window.counting)
    return NOTHING if unit is None or counting is None else Rolling(window.count or 0, unit, counting)


class Weekly(BaseModel):
    """Hours on weekdays; minutes after midnight on the wall clock, 1440 is 24:00."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    days: tuple[int, ...]
    start: int
    end: int


class Override(BaseModel):
    """The hours of one date instead of the weekday's; none: a day off. `label`: why, for staff."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    date: date
    ranges: tuple[tuple[int, int], ...] = ()
    label: str | None = None


class MemberSchedule(Record):
    """A reusable schedule of one member, in a zone of its own. One of them is the default.

    Format 2: an override may have a label.
    """

    collection: ClassVar[str] = "schedules"
    format: ClassVar[int] = 2
    indexes: ClassVar[tuple[str, ...]] = ("by_member",)

    workspace_id: str
    member_id: str
    version: int
    status: Literal["active", "removed"] = "active"
    name: str
    tz: str
    default: bool
    weekly: tuple[Weekly, ...] = ()
    overrides: tuple[Override, ...] = ()
    request_digest: str | None = None
    created_at: datetime
    changed_at: datetime

    def keys(self) -> dict[str, str | int | None]:
        """By member, removed ones not."""
        return {"by_member": key(self.member_id, self.id) if self.status == "active" else None}

    def as_rules(self) -> Schedule:
        """The schedule as the slot engine takes it."""
        return Schedule(
            tz=self.tz,
            weekly=tuple(WeeklyRange(frozenset(w.days), w.start, w.end) for w in self.weekly),
            overrides={override.date: override.ranges for override in self.overrides},
        )


class Block(BaseModel):
    """One blocked stretch, epoch minutes, half-open. `reason` is for staff."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    start: int
    end: int
    reason: str | None = None
    removed: bool = False


class Blocks(Record):
    """Up to 1,000 blocked stretches that were made by one request, all or none: of a member or of a calendar."""

    collection: ClassVar[str] = "blocks"
    indexes: ClassVar[tuple[str, ...]] = ("by_owner",)

    workspace_id: str
    owner_id: str
    version: int
    items: tuple[Block, ...]
    request_digest: str | None = None
    created_at: datetime

    def keys(self) -> dict[str, str | int | None]:
        """By member or calendar, in the order of the last end; without live items not."""
        live = [block.end for block in self.items if not block.removed]
        return {"by_owner": key(self.owner_id, max(live), self.id) if live else None}


def learn_member(current: Member | None, told: MemberChanged) -> Decision[Member, None]:
    """Keep the highest version."""
    member = Member(
        id=told.member_id,
        workspace_id=told.workspace_id,
        version=told.version,
        status=told.status,
        paused_since=told.paused_since,
        paused_until=told.paused_until,
        resumed_at=told.resumed_at,
    )
    return newest(current, member)


def serve_calendar(current: ServedCalendar | None, told: CalendarPublished) -> Decision[ServedCalendar, None]:
    """Keep the highest version and say that it is served; a duplicate is answered again."""
    applied = CalendarApplied(
        workspace_id=told.workspace_id,
        calendar_id=told.calendar_id,
        version=max(told.version, current.version if current is not None else 0),
        service="availability",
    )
    if current is not None and current.version >= told.version:
        return Decision(None, says=[applied])
    values = told.model_dump(include=set(ServedCalendar.model_fields) - {"id"})
    blocks_version = current.blocks_version if current is not None else 0
    served = ServedCalendar.model_validate({**values, "id": told.calendar_id, "blocks_version": blocks_version})
    return Decision(None, served, owes=[event(applied)])


def change_blocks(current: ServedCalendar | None) -> Decision[ServedCalendar, ServedCalendar | None]:
    """The calendar's own blocks changed: what is kept of them in memory is stale. Answers the calendar as it is now.

    Whoever joins the calendar later does so in this record, and is told of this version before.
    """
    if current is None:
        return Decision(None)
    changed = current.change(blocks_version=current.blocks_version + 1)
    return Decision(changed, changed)


def changed_rule(record: MemberSchedule | Blocks, action: str, actor_id: str, now: datetime) -> list[Owed]:
    """What a change of a schedule or of blocks owes: the audit log, and raising the host's `rules_version`."""
    schedule = isinstance(record, MemberSchedule)
    recorded = ChangeRecorded(
        workspace_id=record.workspace_id,
        change_id=f"{record.id}.{record.version}",
        service="availability",
        at=now,
        actor_id=actor_id,
        action=action,
        thing="schedule" if schedule else "block",
        thing_id=record.id,
    )
    return [event(recorded), timer(APPLY_RULES, now + APPLY_AGAIN_AFTER)]


Rule = TypeVar("Rule", MemberSchedule, Blocks)


def rules_applied(record: Rule | None, owed: Owed) -> Decision[Rule, None]:
    """The host record knows of the change that owed `owed`: the timer may leave, unless a later change owes it anew."""
    if record is None or record.owes(APPLY_RULES) != owed:
        return Decision(None)
    return Decision(None, record, drops=(APPLY_RULES,))
