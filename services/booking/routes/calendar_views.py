"""The shapes of calendars in answers."""

import asyncio
from collections.abc import Iterable
from typing import Any, Literal

from services.booking.domain.calendars import Calendar
from services.booking.domain.directory import Member, Workspace
from services.booking.domain.doing import Touch
from services.booking.domain.drafts import Draft
from services.booking.domain.versions import CalendarVersion
from services.booking.routes.calendar_settings import LimitsIn, LocationIn, MemberIn
from turnus_contracts import Location, Window
from turnus_runtime.http import Answer, Instant
from turnus_runtime.turn import Turn


class HostView(Answer):
    """Somebody who serves."""

    id: str
    name: str


class SettingsView(Answer):
    """The settings of a calendar, as they were typed in."""

    kind: Literal["personal", "round_robin"]
    slug: str
    name: str
    description: str
    tz: str
    duration_minutes: int
    interval_minutes: int
    anchor: str
    buffer_before_minutes: int
    buffer_after_minutes: int
    notice_minutes: int
    window: dict[str, Any] | None
    location: LocationIn | None
    optimize: str
    reschedule_policy: str
    guest_chooses_host: bool
    members: list[MemberIn]
    limits: LimitsIn | None
    look_busy_percent: int
    cancel_cutoff_minutes: int
    reschedule_cutoff_minutes: int


class ChangeView(Answer):
    """A setting that is another one than in the version before, and who changed it last.

    `actor_id` is a member, or `turnus` (a member was removed); `key_id` the API key, if it was done with one. All three
    are null for what was changed before this was noted.
    """

    field: str
    at: Instant | None
    actor_id: str | None
    key_id: str | None


class CalendarView(SettingsView):
    """A calendar, for staff: the draft, and which version of it is published."""

    id: str
    version: int
    status: Literal["draft", "active", "retired"]
    address: str
    published_version: int | None
    has_unpublished_changes: bool
    unpublished_changes: list[ChangeView]
    """the settings in which the draft differs from what is published"""
    created_at: Instant
    changed_at: Instant


class VersionView(Answer):
    """A published version of a calendar.

    `previous_version` is the one that was published before it, null for the first. Who published it (`actor_id`,
    `key_id`, as in `changes`) and when is null for what was published before this was noted. `status` is retired for
    the version with which the calendar was closed.
    """

    calendar_id: str
    version: int
    previous_version: int | None
    status: Literal["active", "retired"]
    at: Instant | None
    actor_id: str | None
    key_id: str | None
    changes: list[ChangeView]
    """the settings that are not those of the version before"""
    settings: SettingsView


class PublicCalendar(Answer):
    """The part of a published calendar that guests may see."""

    id: str
    version: int
    status: Literal["active", "retired"]
    address: str
    workspace_name: str
    kind: Literal["personal", "round_robin"]
    name: str
    description: str
    tz: str
    duration_minutes: int
    location: LocationIn | None
    guest_chooses_host: bool
    hosts: list[HostView]
    cancel_cutoff_minutes: int
    reschedule_cutoff_minutes: int


def calendar_view(calendar: Calendar) -> CalendarView:
    """A calendar as staff see it."""
    draft = calendar.draft
    return CalendarView(
        id=calendar.id,
        version=calendar.version,
        status=calendar.status,
        address=calendar.address,
        published_version=calendar.published_version or None,
        has_unpublished_changes=calendar.published is not None and calendar.published != draft,
        unpublished_changes=_changes(calendar.unpublished),
        created_at=calendar.created_at,
        changed_at=calendar.changed_at,
        **_settings(draft),
    )


def version_view(version: CalendarVersion) -> VersionView:
    """A published version as staff see it."""
    done = version.publishing
    return VersionView(
        calendar_id=version.calendar_id,
        version=version.version,
        previous_version=done.previous if done is not None else None,
        status=version.status,
        at=done.at if done is not None else None,
        actor_id=done.actor_id if done is not None else None,
        key_id=done.key_id if done is not None else None,
        changes=_changes(done.changes if done is not None else ()),
        settings=SettingsView(**_settings(version.settings)),
    )


def _settings(draft: Draft) -> dict[str, Any]:
    return {
        "window": window_view(draft.window),
        "location": location_view(draft.location),
        "members": [MemberIn(**one.model_dump()) for one in draft.members],
        "limits": LimitsIn(**draft.limits.model_dump()) if draft.limits is not None else None,
        **draft.model_dump(exclude={"window", "location", "members", "limits"}),
    }


def _changes(touches: Iterable[Touch]) -> list[ChangeView]:
    return [ChangeView(**one.model_dump()) for one in touches]


def window_view(window: Window | None) -> dict[str, Any] | None:
    """A window as it was typed in."""
    if window is None:
        return None
    if window.kind == "until":
        return {"kind": "until", "date": window.end}
    names = ("kind", "start", "end") if window.kind == "range" else ("kind", "count", "unit", "counting")
    return {name: getattr(window, name) for name in names}


def location_view(location: Location | None) -> LocationIn | None:
    """A place as it was typed in."""
    return None if location is None else LocationIn.model_validate(location.model_dump())


async def public_view(calendar: Calendar, on: Turn) -> PublicCalendar:
    """A published calendar as guests see it."""
    terms = calendar.published or calendar.draft
    workspace, hosts = await asyncio.gather(
        on.records(Workspace).get(calendar.workspace_id),
        host_views(tuple(one.member_id for one in terms.members), on),
    )
    return PublicCalendar(
        id=calendar.id,
        version=calendar.published_version,
        status="retired" if calendar.status == "retired" else "active",
        address=calendar.address,
        workspace_name=workspace.name if workspace is not None else calendar.workspace_slug,
        kind=terms.kind,
        name=terms.name,
        description=terms.description,
        tz=terms.tz,
        duration_minutes=terms.duration_minutes,
        location=location_view(terms.location),
        guest_chooses_host=terms.guest_chooses_host,
        hosts=hosts,
        cancel_cutoff_minutes=terms.cancel_cutoff_minutes,
        reschedule_cutoff_minutes=terms.reschedule_cutoff_minutes,
    )


async def host_views(member_ids: tuple[str, ...], on: Turn) -> list[HostView]:
    """Names of members; one whose name has not arrived yet is left out."""
    # All at once: the store answers them together, however many they are.
    members = await asyncio.gather(*(on.records(Member).get(member_id) for member_id in member_ids))
    return [HostView(id=m.id, name=m.name) for m in members if m is not None]
