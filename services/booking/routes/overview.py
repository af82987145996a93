"""What guests can book in a workspace, on one page.

It reads the groups (one record), the calendars in them (at most `MOST_IN_ALL`), a page of the workspace's calendars,
and the members that these name, each kind of them at once: the more bookings there are, it costs no more.
"""

import asyncio
from collections.abc import Sequence

from services.booking.domain.calendars import Calendar
from services.booking.domain.directory import Member, Workspace, WorkspaceAddress
from services.booking.domain.groups import Groups
from services.booking.routes.group_views import GroupCard, Overview, WorkspaceName, calendar_card, named_hosts
from turnus_runtime.http import NOT_FOUND, Paging
from turnus_runtime.turn import Turn


async def overview_of(slug: str, paging: Paging, on: Turn) -> Overview:
    """The page of the workspace with this address. Raises 404."""
    workspace = await _workspace_at(slug, on)
    known = await on.records(Groups).get(workspace.id)
    groups = known.shown if known is not None else []
    grouped = await _open_ones({one for group in groups for one in group.calendar_ids}, on)
    others = await paging.page(
        on.records(Calendar),
        "by_workspace",
        workspace.id,
        lambda calendar: calendar,
        keep=lambda calendar: calendar.is_open and calendar.id not in grouped,
    )
    names = await _names([*grouped.values(), *others.items], on)
    cards = {calendar_id: calendar_card(calendar, names) for calendar_id, calendar in grouped.items()}
    return Overview(
        workspace=WorkspaceName(slug=workspace.slug, name=workspace.name),
        items=[
            GroupCard(
                id=group.id,
                slug=group.slug,
                name=group.name,
                description=group.description,
                calendars=[cards[one] for one in group.calendar_ids if one in cards],
            )
            for group in groups
        ],
        calendars=[calendar_card(calendar, names) for calendar in others.items],
        next=others.next,
    )


async def _workspace_at(slug: str, on: Turn) -> Workspace:
    address = await on.records(WorkspaceAddress).get(slug)
    workspace = await on.records(Workspace).get(address.workspace_id) if address is not None else None
    if workspace is None or workspace.status != "active":
        raise NOT_FOUND
    return workspace


async def _open_ones(calendar_ids: set[str], on: Turn) -> dict[str, Calendar]:
    """Those of these calendars that guests can book, by id."""
    found = await asyncio.gather(*(on.records(Calendar).get(one) for one in calendar_ids))
    return {calendar.id: calendar for calendar in found if calendar is not None and calendar.is_open}


async def _names(calendars: Sequence[Calendar], on: Turn) -> dict[str, str]:
    """The names of the members whom their summaries name, by id."""
    wanted = {member_id for calendar in calendars for member_id in named_hosts(calendar)}
    found = await asyncio.gather(*(on.records(Member).get(one) for one in wanted))
    return {member.id: member.name for member in found if member is not None}
