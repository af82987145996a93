"""`/groups`: calendars that guests find together; what they can book in a workspace."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.booking.domain import groups as domain
from services.booking.domain.calendars import Actor, Calendar
from services.booking.domain.groups import MOST_IN_ALL, Changed, Group, Groups
from services.booking.routes.assigned import served_among
from services.booking.routes.group_views import ChangedGroup, GroupSettings, GroupView, NewGroup, Overview, group_view
from services.booking.routes.overview import overview_of
from services.booking.routes.problems import CALENDAR_UNKNOWN, NOT_YOURS, SLUG_TAKEN, TOO_MANY_GROUPS
from turnus_runtime.http import (
    FORBIDDEN,
    IDEMPOTENCY_KEY_REUSED,
    NOT_FOUND,
    STALE_VERSION,
    Body,
    IfMatch,
    Key,
    On,
    Page,
    Paged,
    Paging,
    Principal,
    answer,
    cursor,
    documented,
    guest,
    invalid,
    staff,
    staff_or_guest,
    unless_stale,
)
from turnus_runtime.ids import derived
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/groups")
Viewer = Annotated[Principal, staff("groups:view")]
Manager = Annotated[Principal, staff("groups:manage")]


@router.post(
    "",
    status_code=201,
    response_model=GroupView,
    responses=documented(IDEMPOTENCY_KEY_REUSED, SLUG_TAKEN, CALENDAR_UNKNOWN, TOO_MANY_GROUPS, NOT_YOURS, NOT_FOUND),
)
async def create_group(who: Manager, body: Body[NewGroup], key: Key, on: On) -> Response:
    """Make a group. Guests see it at once, unless it is inactive. Under the key of a group that was removed: 404.

    Who is restricted to what is assigned to them serves in one of its calendars at least, here and at each change.
    """
    group_id = derived("grp", who.workspace_id, key.key) if key.key else on.ids.fresh("grp")
    if (known := await _group(group_id, who, on) if key.key else None) is not None:
        key.check(known.request_digest)
        return _answered(await _group_for(who, known, on), 201, replayed=True)
    values = await _values(who, body, (), on)
    if who.assigned_only and body.calendar_ids is None:
        raise NOT_YOURS.at("calendar_ids", "must hold a calendar in which you serve")
    position = values.pop("position", None)
    new = Group(
        id=group_id,
        request_digest=key.digest if key.key else None,
        created_at=on.now,
        changed_at=on.now,
        **values,
    )
    made = await on.records(Groups).decide(
        who.workspace_id, lambda g: domain.create(g, who.workspace_id, new, position, _actor(who, on))
    )
    key.check(made.group.request_digest)
    return _answered(_unrefused(made), 201, replayed=made.replayed)


@router.get(
    "",
    response_model=Page[GroupView] | Overview,
    dependencies=[guest()],
    responses=documented(NOT_FOUND),
)
async def list_groups(
    who: Annotated[Principal | None, staff_or_guest()],
    paging: Paged,
    on: On,
    workspace: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=40,
            description="Slug of a workspace: what guests can book there",
            json_schema_extra={"examples": ["demo"]},
        ),
    ] = None,
) -> Response:
    """With `workspace`: its active groups and calendars, as guests see them. Without: all groups, for staff.

    The groups come in their order, and the calendars of each in that of the group. Who is restricted to what is
    assigned to them has the groups with a calendar in which they serve.
    """
    if workspace is not None:
        return answer(await overview_of(workspace, paging, on))
    if who is None:
        raise invalid("workspace", "is needed without credentials")
    if "groups:view" not in who.scopes:
        raise FORBIDDEN("This needs the permission groups:view.")
    known = await on.records(Groups).get(who.workspace_id)
    return answer(_page(await _listed_for(who, known.listed if known is not None else [], on), paging))


@router.get("/{group_id}", response_model=GroupView)
async def get_group(group_id: str, who: Viewer, on: On) -> Response:
    """One group."""
    return _answered(await _group_for(who, await _group(group_id, who, on), on))


@router.patch(
    "/{group_id}",
    response_model=GroupView,
    responses=documented(STALE_VERSION, SLUG_TAKEN, CALENDAR_UNKNOWN, NOT_YOURS),
)
async def edit_group(group_id: str, who: Manager, body: Body[ChangedGroup], expected: IfMatch, on: On) -> Response:
    """Change a group. Guests see it at once. Calendars that were retired since they were added may stay in it."""
    known = await _group_for(who, await _group(group_id, who, on), on)
    unless_stale(expected, known.version)
    values = await _values(who, body, known.calendar_ids, on)
    changed = await on.records(Groups).decide(
        who.workspace_id, lambda g: domain.edit(g, group_id, values, expected, _actor(who, on))
    )
    return _answered(_unrefused(changed))


@router.delete("/{group_id}", status_code=204, responses=documented(STALE_VERSION))
async def delete_group(group_id: str, who: Manager, expected: IfMatch, on: On) -> Response:
    """Remove a group; its calendars stay as they are. Doing it again is fine (404 for who is restricted to what is
    assigned to them: no calendar of theirs is in it any more).
    """
    if who.assigned_only:
        await _group_for(who, await _group(group_id, who, on), on)
    removed = await on.records(Groups).decide(
        who.workspace_id, lambda g: domain.remove(g, group_id, expected, _actor(who, on))
    )
    _unrefused(removed)
    return Response(status_code=204)


async def _group(group_id: str, who: Principal, on: Turn) -> Group | None:
    known = await on.records(Groups).get(who.workspace_id)
    return known.group(group_id) if known is not None else None


def _there(group: Group | None) -> Group:
    if group is None or group.status == "removed":
        raise NOT_FOUND
    return group


async def _group_for(who: Principal, group: Group | None, on: Turn) -> Group:
    """The group. Raises 404 if it is not there for whoever asks."""
    listed = await _listed_for(who, [_there(group)], on)
    if not listed:
        raise NOT_FOUND
    return listed[0]


async def _listed_for(who: Principal, listed: list[Group], on: Turn) -> list[Group]:
    """Those of these groups that are there for whoever asks."""
    if not who.assigned_only:
        return listed
    served = await served_among((one for group in listed for one in group.calendar_ids), who.member_id, on)
    return [group for group in listed if not served.isdisjoint(group.calendar_ids)]


async def _values(who: Principal, body: GroupSettings, kept: tuple[str, ...], on: Turn) -> dict[str, Any]:
    """The given settings as the domain takes them; `kept` are the calendars that are in the group already."""
    values = body.model_dump(exclude_unset=True)
    for name, value in values.items():
        if value is None:
            raise invalid(name, "must not be null; leave it out to keep it")
    if body.calendar_ids is not None:
        await _check_calendars(who, body.calendar_ids, kept, on)
        values["calendar_ids"] = tuple(body.calendar_ids)
    return values


async def _check_calendars(who: Principal, calendar_ids: list[str], kept: tuple[str, ...], on: Turn) -> None:
    seen: set[str] = set()
    for i, calendar_id in enumerate(calendar_ids):
        if calendar_id in seen:
            raise invalid(f"calendar_ids.{i}", "is given twice")
        seen.add(calendar_id)
    found = await asyncio.gather(*(on.records(Calendar).get(one) for one in calendar_ids))
    for i, calendar in enumerate(found):
        if calendar is None or calendar.workspace_id != who.workspace_id:
            raise CALENDAR_UNKNOWN.at(f"calendar_ids.{i}", "is not known here")
        if calendar.status == "retired" and calendar.id not in kept:
            raise invalid(f"calendar_ids.{i}", "is retired and cannot be added")
    if who.assigned_only:
        await _check_assigned(who, calendar_ids, kept, on)


async def _check_assigned(who: Principal, calendar_ids: list[str], kept: tuple[str, ...], on: Turn) -> None:
    """Who is restricted adds and takes away calendars in which they serve, and keeps one: the others are not theirs."""
    served = await served_among({*calendar_ids, *kept}, who.member_id, on)
    for i, calendar_id in enumerate(calendar_ids):
        if calendar_id not in served and calendar_id not in kept:
            raise CALENDAR_UNKNOWN.at(f"calendar_ids.{i}", "is not known here")
    if served.isdisjoint(calendar_ids):
        raise NOT_YOURS.at("calendar_ids", "must hold a calendar in which you serve")
    if not {*kept} - served <= {*calendar_ids}:
        raise NOT_YOURS.at("calendar_ids", "must keep the calendars in which you do not serve")


def _page(listed: list[Group], paging: Paging) -> Page[GroupView]:
    """One page of groups that are in their order. A cursor is the place of the group before."""
    rest = [one for one in listed if paging.after is None or one.place > paging.after]
    items = rest[: paging.limit]
    return Page(
        items=[group_view(one) for one in items],
        next=cursor(items[-1].place) if len(rest) > len(items) else None,
    )


def _actor(who: Principal, on: Turn) -> Actor:
    return Actor(id=who.member_id, now=on.now)


def _unrefused(changed: Changed | None) -> Group:
    if changed is None:
        raise NOT_FOUND
    if changed.code == "stale_version":
        raise STALE_VERSION(headers={"ETag": f'"{changed.group.version}"'})
    if changed.code == "slug_taken":
        raise SLUG_TAKEN("Another group of the workspace has this slug. Choose another one.")
    if changed.code == "too_many_groups":
        raise TOO_MANY_GROUPS
    if changed.code == "too_many_calendars":
        raise invalid("calendar_ids", f"must leave at most {MOST_IN_ALL} calendars in all groups together")
    return changed.group


def _answered(group: Group, status: int = 200, *, replayed: bool = False) -> Response:
    group = _there(group)
    location = f"/groups/{group.id}" if status == 201 else None
    return answer(group_view(group), status, version=group.version, location=location, replayed=replayed)
