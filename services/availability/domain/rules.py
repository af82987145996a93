"""What availability knows besides reservations and calendars: members, their schedules, blocks and limits.

A change of a member's schedules, blocks or limits is written first and then raises `rules_version` in the host record
(timer `apply_rules`), so a reservation that races with it looks again. Blocks of a calendar raise its `blocks_version`
and tell it to the host record of everybody who serves there: that record alone decides who gets a time.
"""

from datetime import date, datetime, timedelta
from typing import ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict

from services.availability.domain.schedule import Schedule, WeeklyRange
from turnus_contracts import ChangeRecorded, Limits, MemberChanged
from turnus_runtime.records import Decision, Owed, Projection, Record, event, key, newest, timer

APPLY_RULES = "apply_rules"
APPLY_AGAIN_AFTER = timedelta(seconds=3)
"""When the sweeper raises `rules_version` if the process that changed a rule died before it could."""


class Member(Projection):
    """A member as `accounts` last described them. What a pause does lies in the host record (`hosts.Pause`)."""

    collection: ClassVar[str] = "members"
    format: ClassVar[int] = 3
    """2: the pause, 3: the zone"""
    wakes: ClassVar[bool] = True
    workspace_id: str
    status: str
    tz: str = "UTC"
    """in which the member's limits count"""
    paused_since: datetime | None = None
    paused_until: date | None = None
    resumed_at: datetime | None = None


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
    """A reusable schedule of one member, in a zone of its own. The newest default one counts in every calendar for
    which no other one is named; of several for one calendar the newest counts there.
    """

    collection: ClassVar[str] = "schedules"
    format: ClassVar[int] = 3
    """2: an override may have a label, 3: `calendar_ids`"""
    indexes: ClassVar[tuple[str, ...]] = ("by_member",)

    workspace_id: str
    member_id: str
    version: int
    status: Literal["active", "removed"] = "active"
    name: str
    tz: str
    default: bool
    calendar_ids: tuple[str, ...] = ()
    """the calendars in which it counts instead of the default one"""
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


class MemberLimits(Record):
    """How many bookings a member takes in a day, a week and a month, across all calendars; the id is the member's."""

    collection: ClassVar[str] = "limits"

    workspace_id: str
    version: int
    limits: Limits
    tz: str
    """the member's zone, in which they count"""
    changed_at: datetime
    """since when they are these, in this zone"""


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
        tz=told.tz,
        paused_since=told.paused_since,
        paused_until=told.paused_until,
        resumed_at=told.resumed_at,
    )
    return newest(current, member)


def changed_rule(
    record: MemberSchedule | Blocks | MemberLimits, action: str, actor_id: str, now: datetime
) -> list[Owed]:
    """What a change of a schedule, blocks or limits owes: the audit log, and raising the host's `rules_version`."""
    recorded = ChangeRecorded(
        workspace_id=record.workspace_id,
        change_id=f"{record.id}.{record.version}",
        service="availability",
        at=now,
        actor_id=actor_id,
        action=action,
        thing=THINGS[type(record)],
        thing_id=record.id,
    )
    return [event(recorded), timer(APPLY_RULES, now + APPLY_AGAIN_AFTER)]


THINGS: dict[type[Record], str] = {MemberSchedule: "schedule", Blocks: "block", MemberLimits: "limits"}
"""What the audit log calls them."""


def move_limits(current: MemberLimits | None, tz: str, now: datetime) -> Decision[MemberLimits, None]:
    """The member's zone is this one: their limits count in it."""
    if current is None or current.tz == tz:
        return Decision(None)
    return Decision(None, current.change(tz=tz, changed_at=now), owes=[timer(APPLY_RULES, now + APPLY_AGAIN_AFTER)])


Rule = TypeVar("Rule", MemberSchedule, Blocks, MemberLimits)


def rules_applied(record: Rule | None, owed: Owed) -> Decision[Rule, None]:
    """The host record knows of the change that owed `owed`: the timer may leave, unless a later change owes it anew."""
    if record is None or record.owes(APPLY_RULES) != owed:
        return Decision(None)
    return Decision(None, record, drops=(APPLY_RULES,))
