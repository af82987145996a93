"""The settings of a calendar: what staff have saved, and what is published of it.

Rules: `semantics.md` ("Calendars", "Availability"). Limits are checked where they are typed in, in the routes.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from turnus_contracts import CalendarMember, Limits, Location, Window

Kind = Literal["personal", "round_robin"]


class Draft(BaseModel):
    """The settings of a calendar, as staff type them in. Minutes are whole; defaults are those of `semantics.md`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    slug: str
    name: str
    description: str = ""
    tz: str
    duration_minutes: int = 30
    interval_minutes: int = 30
    anchor: Literal["opening", "clock", "gapless"] = "opening"
    buffer_before_minutes: int = 0
    buffer_after_minutes: int = 0
    notice_minutes: int = 0
    window: Window | None = None
    location: Location | None = None
    optimize: Literal["availability", "equal", "totals"] = "availability"
    reschedule_policy: Literal["same_host", "reassign"] = "same_host"
    guest_chooses_host: bool = False
    members: tuple[CalendarMember, ...] = ()
    limits: Limits | None = None
    look_busy_percent: int = 0
    cancel_cutoff_minutes: int = 0
    reschedule_cutoff_minutes: int = 0


def differing(before: Draft, after: Draft) -> tuple[str, ...]:
    """The names of the settings that are not the same in both."""
    return tuple(name for name in Draft.model_fields if getattr(before, name) != getattr(after, name))


def without(draft: Draft, member_id: str) -> Draft:
    """The settings without this member."""
    left = tuple(member for member in draft.members if member.member_id != member_id)
    return draft.model_copy(update={"members": left})
