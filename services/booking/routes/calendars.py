"""`/calendars`: drafts, publishing, retiring; the public part by address."""

from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.booking.domain import calendars as domain
from services.booking.domain import directory
from services.booking.domain.calendars import Calendar, Changed
from services.booking.domain.directory import Address, CalendarOfMember, Member, Workspace
from services.booking.domain.doing import Actor
from services.booking.domain.drafts import Draft
from services.booking.routes.assigned import calendar_for, calendars_of
from services.booking.routes.calendar_settings import ChangedSettings, NewCalendar, values_of
from services.booking.routes.calendar_views import CalendarView, PublicCalendar, calendar_view, public_view
from services.booking.routes.problems import (
    CALENDAR_RETIRED,
    CALENDAR_WITHOUT_MEMBERS,
    MEMBER_UNKNOWN,
    NOT_YOURS,
    SLUG_TAKEN,
    WORKSPACE_UNKNOWN,
)
from turnus_runtime.http import (
    FORBIDDEN,
    IDEMPOTENCY_KEY_REUSED,
    NOT_FOUND,
    STALE_VERSION,
    Body,
    Id,
    IfMatch,
    Key,
    On,
    Page,
    Paged,
    Principal,
    Wait,
    answer,
    documented,
    found,
    guest,
    invalid,
    staff,
    staff_or_guest,
    unless_stale,
)
from turnus_runtime.ids import derived, is_id
from turnus_runtime.records import key as index_key
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/calendars")
Viewer = Annotated[Principal, staff("calendars:view")]
Manager = Annotated[Principal, staff("calendars:manage")]


@router.post(
    "",
    status_code=201,
    response_model=CalendarView,
    responses=documented(IDEMPOTENCY_KEY_REUSED, SLUG_TAKEN, MEMBER_UNKNOWN, NOT_YOURS),
)
async def create_calendar(who: Manager, body: Body[NewCalendar], key: Key, wait: Wait, on: On) -> Response:
    """Make a draft. Nobody sees it before it is published.

    Who is restricted to what is assigned to them must be one of its members, here and at each change.
    """
    values = await values_of(who, body, body.kind, wait, on)
    if who.assigned_only and body.members is None:
        raise NOT_YOURS.at("members", "must hold yourself")
    draft = Draft.model_validate(_completed({**values, "kind": body.kind}))
    calendar_id = derived("cal", who.workspace_id, key.key) if key.key else on.ids.fresh("cal")
    if (known := await on.records(Calendar).get(calendar_id) if key.key else None) is not None:
        key.check(known.request_digest)
        return _answered(calendar_for(who, known), 201, replayed=True)
    workspace = await on.records(Workspace).wait(who.workspace_id, lambda w: w is not None, wait)
    if workspace is None:
        raise WORKSPACE_UNKNOWN(headers={"Retry-After": "1"})
    new = Calendar(
        id=calendar_id,
        workspace_id=who.workspace_id,
        workspace_slug=workspace.slug,
        version=1,
        status="draft",
        draft=draft,
        request_digest=key.digest if key.key else None,
        created_at=on.now,
        changed_at=on.now,
    )
    await _claim(new.address, new.id, on)
    await _link_members(new.id, draft, on)
    made = await on.records(Calendar).decide(new.id, lambda c: domain.create(c, new, _actor(who, on)))
    await _free_addresses(made.calendar, {new.address}, on)
    key.check(made.calendar.request_digest)
    return _answered(await _without_removed(made.calendar, on), 201, replayed=made.replayed)


@router.get(
    "",
    response_model=Page[CalendarView] | PublicCalendar,
    dependencies=[guest()],
    responses=documented(NOT_FOUND),
)
async def list_calendars(
    who: Annotated[Principal | None, staff_or_guest()],
    paging: Paged,
    on: On,
    address: Annotated[str | None, Query(max_length=200, description="workspace/calendar: its public part")] = None,
    member_id: Annotated[Annotated[str, Id("mem")] | None, Query(description="Only those in which they serve")] = None,
) -> Response:
    """With `address`: what guests may see of a published calendar. Without: the workspace's calendars, for staff; those
    in which they serve for who is restricted to what is assigned to them.
    """
    if address is not None:
        if member_id is not None:
            raise invalid("member_id", "goes without address")
        calendar = await calendar_at(address, on)
        if calendar is None or calendar.published is None:
            raise NOT_FOUND
        return answer(await public_view(calendar, on), version=calendar.published_version)
    if who is None:
        raise invalid("address", "is needed without credentials")
    if "calendars:view" not in who.scopes:
        raise FORBIDDEN("This needs the permission calendars:view.")
    if member_id is not None or who.assigned_only:
        page = await calendars_of(member_id or who.member_id, who, paging, on)
        return answer(Page(items=[calendar_view(one) for one in page.items], next=page.next))
    return answer(await paging.page(on.records(Calendar), "by_workspace", who.workspace_id, calendar_view))


@router.get("/{calendar_id}", response_model=CalendarView)
async def get_calendar(calendar_id: str, who: Viewer, on: On) -> Response:
    """One calendar."""
    return _answered(calendar_for(who, await on.records(Calendar).get(calendar_id)))


@router.patch(
    "/{calendar_id}",
    response_model=CalendarView,
    responses=documented(STALE_VERSION, SLUG_TAKEN, CALENDAR_RETIRED, MEMBER_UNKNOWN, NOT_YOURS),
)
async def edit_calendar(
    calendar_id: str, who: Manager, body: Body[ChangedSettings], expected: IfMatch, wait: Wait, on: On
) -> Response:
    """Change the draft. Guests see it at the next publish; bookings that stand are never changed."""
    known = calendar_for(who, await on.records(Calendar).get(calendar_id))
    unless_stale(expected, known.version)
    values = await values_of(who, body, known.draft.kind, wait, on)
    draft = Draft.model_validate(known.draft.model_dump() | values)
    address = f"{known.workspace_slug}/{draft.slug}"
    await _claim(address, known.id, on)
    await _link_members(calendar_id, draft, on)
    typed = {name: getattr(draft, name) for name in values}
    changed = await on.records(Calendar).decide(
        calendar_id, lambda c: domain.edit(calendar_for(who, c), typed, expected, _actor(who, on))
    )
    if changed is not None:
        await _free_addresses(changed.calendar, {address, *known.addresses}, on)
    return _answered(await _without_removed(_unrefused(changed), on))


@router.post(
    "/{calendar_id}/publish",
    response_model=CalendarView,
    responses={202: {"model": CalendarView, "description": "Published, and not served by every service yet"}}
    | documented(STALE_VERSION, CALENDAR_WITHOUT_MEMBERS, CALENDAR_RETIRED),
)
async def publish_calendar(calendar_id: str, who: Manager, expected: IfMatch, wait: Wait, on: On) -> Response:
    """Make the draft what guests see. 200 when every service serves this version, 202 before."""
    before = calendar_for(who, await on.records(Calendar).get(calendar_id))
    changed = await on.records(Calendar).decide(
        calendar_id, lambda c: domain.publish(calendar_for(who, c), expected, _actor(who, on))
    )
    calendar = _unrefused(changed)
    version = calendar.published_version
    known = await on.records(Calendar).wait(
        calendar_id, lambda c: c is not None and c.is_applied and c.published_version >= version, wait
    )
    calendar = found(known, who)
    await _free_addresses(calendar, before.addresses, on)
    return _answered(calendar, 200 if calendar.is_applied else 202)


@router.post("/{calendar_id}/retire", response_model=CalendarView, responses=documented(STALE_VERSION))
async def retire_calendar(calendar_id: str, who: Manager, expected: IfMatch, on: On) -> Response:
    """Take no new bookings. Those that stand are kept, can be moved and cancelled."""
    changed = await on.records(Calendar).decide(
        calendar_id, lambda c: domain.retire(calendar_for(who, c), expected, _actor(who, on))
    )
    return _answered(_unrefused(changed))


async def calendar_at(address: str, on: Turn) -> Calendar | None:
    """The calendar at a public address; an address that is only drafted leads nowhere yet."""
    held = await on.records(Address).get(address)
    if held is None or held.calendar_id is None:
        return None
    calendar = await on.records(Calendar).get(held.calendar_id)
    return calendar if calendar is not None and calendar.address == address else None


def _completed(values: dict[str, Any]) -> dict[str, Any]:
    """The interval is the duration, rounded up to 5 minutes, unless it is given."""
    duration = values.get("duration_minutes", 30)
    return {"interval_minutes": min(-(-duration // 5) * 5, 720), **values}


async def _claim(address: str, calendar_id: str, on: Turn) -> None:
    if not await on.records(Address).decide(address, lambda a: directory.claim_address(a, address, calendar_id)):
        raise SLUG_TAKEN


async def _free_addresses(calendar: Calendar, claimed: set[str], on: Turn) -> None:
    """Give back what was claimed for a calendar and is neither drafted nor published after all."""
    for address in claimed - calendar.addresses:
        await on.records(Address).decide(address, lambda a: directory.free_address(a, calendar.id))


async def _link_members(calendar_id: str, draft: Draft, on: Turn) -> None:
    """Write who serves where before they do, so that a removed member is found in every calendar."""
    for one in draft.members:
        link = CalendarOfMember(
            id=index_key(one.member_id, calendar_id), member_id=one.member_id, calendar_id=calendar_id
        )
        await on.records(CalendarOfMember).decide(link.id, partial(directory.link_member, link=link))


async def _without_removed(calendar: Calendar, on: Turn) -> Calendar:
    """The calendar without whoever was removed while it was being written.

    A removal is written before it looks for calendars: it sees ours, or it is seen here.
    """
    for one in calendar.draft.members:
        member = await on.records(Member).get(one.member_id)
        if member is not None and member.status == "removed":
            await on.records(Calendar).decide(
                calendar.id, lambda c, gone=member.id: domain.drop_member(c, gone, on.now)
            )
            calendar = await on.records(Calendar).get(calendar.id) or calendar
    return calendar


def _actor(who: Principal, on: Turn) -> Actor:
    key_id = who.credential_id if is_id("key", who.credential_id) else None
    return Actor(id=who.member_id, now=on.now, key_id=key_id)


_REFUSALS = {"calendar_retired": CALENDAR_RETIRED, "calendar_without_members": CALENDAR_WITHOUT_MEMBERS}


def _unrefused(changed: Changed | None) -> Calendar:
    if changed is None:
        raise NOT_FOUND
    if changed.code == "stale_version":
        raise STALE_VERSION(headers={"ETag": f'"{changed.calendar.version}"'})
    if changed.code is not None:
        raise _REFUSALS[changed.code]
    return changed.calendar


def _answered(calendar: Calendar, status: int = 200, *, replayed: bool = False) -> Response:
    location = f"/calendars/{calendar.id}" if status in (201, 202) else None
    return answer(calendar_view(calendar), status, version=calendar.version, location=location, replayed=replayed)
