"""A calendar as `booking` last published it: the rules by which starts are offered, and what guards its limits."""

from datetime import date
from typing import ClassVar, Literal

from services.availability.domain.limits import NONE
from services.availability.domain.rasters import Anchor, SlotRules
from services.availability.domain.window import Range, Rolling, Until
from services.availability.domain.window import Window as EngineWindow
from services.availability.domain.zones import is_zone
from turnus_contracts import CalendarApplied, CalendarMember, CalendarPublished, Limits, Window
from turnus_runtime.records import Decision, Record, event, key

KINDS = frozenset({"personal", "round_robin"})
ANCHORS: dict[str, Anchor] = {"opening": "opening", "clock": "clock", "gapless": "gapless"}
NOTHING = Until(date.min)
"""A window that has no days."""
_UNITS: dict[str, Literal["days", "weeks", "months"]] = {"days": "days", "weeks": "weeks", "months": "months"}
_COUNTINGS: dict[str, Literal["calendar", "available"]] = {"calendar": "calendar", "available": "available"}


class ServedCalendar(Record):
    """A calendar as `booking` last published it: the rules by which starts are offered."""

    collection: ClassVar[str] = "calendars"
    format: ClassVar[int] = 3
    """2: limits and Look Busy, 3: `former_ids`"""
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
    former_ids: tuple[str, ...] = ()
    """Who served in a version that was kept here, and serves in it no longer: a slow request may still ask them."""
    limits: Limits | None = None
    limited_since: int = 0
    """The version since which the calendar has had limits without a break; 0: it has none."""
    same_limits_since: int = 0
    """The version since which they are these, in this zone; the audit holds to them who was let in since."""
    look_busy_percent: int = 0
    blocks_version: int = 0
    """Raised by every change of the calendar's own blocks, and when limits begin."""

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
            anchor=ANCHORS.get(self.anchor, "opening"),
            buffer_before=self.buffer_before_minutes,
            buffer_after=self.buffer_after_minutes,
            notice_minutes=self.notice_minutes,
            window=engine_window(self.window) if self.is_understood else NOTHING,
            calendar_id=self.id,
            look_busy_percent=self.look_busy_percent,
        )

    @property
    def is_understood(self) -> bool:
        """A kind, an anchor or a zone of a later version may mean less than what this one would offer: nothing then."""
        return self.calendar_kind in KINDS and self.anchor in ANCHORS and is_zone(self.tz)


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
    blocks_version, limited_since = (current.blocks_version, current.limited_since) if current is not None else (0, 0)
    limited = told.limits is not None and told.limits != NONE
    if limited and not limited_since:
        blocks_version, limited_since = blocks_version + 1, told.version
    values |= {"id": told.calendar_id, "blocks_version": blocks_version, "former_ids": _former(current, told)}
    values["limited_since"] = limited_since if limited else 0
    same = current is not None and (current.limits, current.tz) == (told.limits, told.tz)
    values["same_limits_since"] = 0 if not limited else current.same_limits_since if current and same else told.version
    return Decision(None, ServedCalendar.model_validate(values), owes=[event(applied)])


def _former(current: ServedCalendar | None, told: CalendarPublished) -> tuple[str, ...]:
    """Nobody is ever forgotten: no clock says when the last request by an old version is over."""
    if current is None:
        return ()
    present = {member.member_id for member in told.members}
    served = dict.fromkeys((*current.former_ids, *current.member_ids))
    return tuple(member_id for member_id in served if member_id not in present)


def change_blocks(current: ServedCalendar | None) -> Decision[ServedCalendar, ServedCalendar | None]:
    """The calendar's own blocks changed: what is kept of them in memory is stale. Answers the calendar as it is now.

    Whoever joins the calendar later does so in this record, and is told of this version before.
    """
    if current is None:
        return Decision(None)
    changed = current.change(blocks_version=current.blocks_version + 1)
    return Decision(changed, changed)
