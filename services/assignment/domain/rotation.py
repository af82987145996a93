"""The rotation of a calendar: its members, what each is owed, and how a newly published calendar changes it."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from services.assignment.domain.credit import spread
from turnus_contracts import CalendarApplied, CalendarMember, CalendarPublished
from turnus_runtime.records import GRACE_MS, Decision, Owed, Record, millis
from turnus_runtime.records import event as fact

PERSONAL = "personal"
"""The kind of calendar that never asks the rotation."""
FILE, MARK = "file", "mark"


class Part(BaseModel):
    """A value inside a record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class RotationMember(Part):
    """One member in the rotation, in the calendar's order.

    `credit` in units (`credit.UNIT`); `joined` and `last_turn` count turns of the rotation: the turn after which they
    came, and the last one they served (0: none); `served` bookings by month of the appointment, calendar's zone.
    """

    member_id: str
    weight: int = 1
    tier: int = 1
    joined: int = 0
    credit: int = 0
    last_turn: int = 0
    served: Mapping[str, int] = {}


class Rotation(Record):
    """One calendar; its id is the calendar's. Personal calendars are kept without members: nothing is chosen there.

    `version` rises with every decision that changes anything, also with one that only drops owed entries: whoever read
    the rotation and then a choice can tell by it that nothing was filed in between. `turn` counts the charges.
    Owed timers `file:<choice>` hold a charged choice until its own record does, `mark:<effect>:<choice>` say that an
    effect was applied here until the choice knows it.
    """

    collection: ClassVar[str] = "rotations"

    workspace_id: str
    calendar_version: int
    calendar_kind: str
    status: str
    tz: str
    optimize: str
    members: tuple[RotationMember, ...] = ()
    turn: int = 0
    version: int = 1

    def errands(self) -> tuple[Owed, ...]:
        """Owed filings and marks."""
        return tuple(entry for entry in self.owed if entry.kind == "timer" and entry.id.startswith((FILE, MARK)))


def errand_id(what: str, *of: str) -> str:
    """The id of an owed filing (`file`, choice) or mark (`mark`, effect, choice)."""
    return ":".join((what, *of))


def errand_due(now: datetime) -> int:
    """When somebody else looks after an errand that is normally run right after the write that owes it."""
    return millis(now) + GRACE_MS


def apply_calendar(event: CalendarPublished, rotation: Rotation | None) -> Decision[Rotation, None]:
    """Take over a calendar as published, the highest version winning, and say which version is served.

    Who joins starts at credit 0; what leavers had is spread evenly over those who stay.
    """
    if rotation is not None and rotation.calendar_version >= event.version:
        return Decision(None, says=[_applied(event, rotation.calendar_version)])
    listed = () if event.calendar_kind == PERSONAL else event.members
    before = rotation or _empty(event)
    changed = before.change(
        calendar_version=event.version,
        calendar_kind=event.calendar_kind,
        status=event.status,
        tz=event.tz,
        optimize=event.optimize,
        members=_members_after(before, listed),
        version=before.version + 1,
    )
    return Decision(None, changed, owes=[fact(_applied(event, event.version))])


def _empty(event: CalendarPublished) -> Rotation:
    return Rotation(
        id=event.calendar_id,
        workspace_id=event.workspace_id,
        calendar_version=0,
        calendar_kind=event.calendar_kind,
        status=event.status,
        tz=event.tz,
        optimize=event.optimize,
        version=0,
    )


def _members_after(rotation: Rotation, listed: tuple[CalendarMember, ...]) -> tuple[RotationMember, ...]:
    known = {member.member_id: member for member in rotation.members}
    staying = [entry.member_id for entry in listed if entry.member_id in known]
    left = sum(member.credit for member in rotation.members if member.member_id not in staying)
    inherited = dict(zip(staying, spread(left, len(staying)), strict=True))
    members: list[RotationMember] = []
    for entry in listed:
        old = known.get(entry.member_id) or RotationMember(member_id=entry.member_id, joined=rotation.turn)
        credit = old.credit + inherited.get(entry.member_id, 0)
        members.append(old.model_copy(update={"weight": entry.weight, "tier": entry.tier, "credit": credit}))
    return tuple(members)


def _applied(event: CalendarPublished, version: int) -> CalendarApplied:
    return CalendarApplied(
        workspace_id=event.workspace_id, calendar_id=event.calendar_id, version=version, service="assignment"
    )
