"""The shapes of groups in requests and answers."""

from typing import Annotated, Literal

from pydantic import Field

from services.booking.domain.calendars import Calendar
from services.booking.domain.groups import LAST_POSITION, MOST_CALENDARS, Group
from services.booking.routes.calendar_settings import Slug
from services.booking.routes.calendar_views import HostView, location_view
from turnus_runtime.http import Answer, Id, Instant, Name, Note, Request

CalendarId = Annotated[str, Id("cal")]
MOST_HOSTS = 10
"""Hosts that are named in the summary of a calendar."""


class GroupSettings(Request):
    """What a group has that has a default."""

    description: Note | None = None
    calendar_ids: Annotated[list[CalendarId], Field(max_length=MOST_CALENDARS)] | None = None
    """in the order in which guests see them"""
    status: Literal["active", "inactive"] | None = None
    position: Annotated[int, Field(ge=0, le=LAST_POSITION)] | None = None
    """where it stands among the groups: smaller ones first, of equal ones the smaller id; behind all others if it is
    left out when the group is made"""


class NewGroup(GroupSettings):
    """A group. What is left out gets its default: active, without calendars, behind all others."""

    slug: Slug
    name: Name


class ChangedGroup(GroupSettings):
    """What a change names; the rest stays."""

    slug: Slug | None = None
    name: Name | None = None


class GroupView(Answer):
    """A group, for staff."""

    id: str
    version: int
    status: Literal["active", "inactive"]
    slug: str
    name: str
    description: str
    calendar_ids: list[str]
    position: int
    created_at: Instant
    changed_at: Instant


class CalendarCard(Answer):
    """A calendar that guests can book, in short."""

    id: str
    address: str
    name: str
    description: str
    kind: Literal["personal", "round_robin"]
    duration_minutes: int
    location_kind: Literal["address", "phone", "link"] | None
    hosts: list[HostView]
    """the first ten who serve"""
    host_count: int
    """how many serve in all"""


class GroupCard(Answer):
    """A group as guests see it: its calendars that can be booked, in its order."""

    id: str
    slug: str
    name: str
    description: str
    calendars: list[CalendarCard]


class WorkspaceName(Answer):
    """Whose page it is."""

    slug: str
    name: str


class Overview(Answer):
    """What guests can book in a workspace: its groups in their order, and the calendars that are in none of them.

    All groups are on every page; `limit`, `after` and `next` are about `calendars`.
    """

    workspace: WorkspaceName
    items: list[GroupCard]
    calendars: list[CalendarCard]
    next: str | None


def group_view(group: Group) -> GroupView:
    """A group as staff see it."""
    return GroupView(
        status="inactive" if group.status == "inactive" else "active",
        calendar_ids=list(group.calendar_ids),
        **group.model_dump(exclude={"status", "calendar_ids", "request_digest"}),
    )


def named_hosts(calendar: Calendar) -> tuple[str, ...]:
    """The members whom the summary of a calendar names."""
    return tuple(one.member_id for one in calendar.published.members[:MOST_HOSTS]) if calendar.published else ()


def calendar_card(calendar: Calendar, names: dict[str, str]) -> CalendarCard:
    """A calendar in short; `names` are those of members by id. One whose name has not arrived yet is left out."""
    terms = calendar.published or calendar.draft
    place = location_view(terms.location)
    return CalendarCard(
        id=calendar.id,
        address=calendar.address,
        name=terms.name,
        description=terms.description,
        kind=terms.kind,
        duration_minutes=terms.duration_minutes,
        location_kind=place.kind if place is not None else None,
        hosts=[HostView(id=one, name=names[one]) for one in named_hosts(calendar) if one in names],
        host_count=len(terms.members),
    )
