"""`/members`: the people of a workspace."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from starlette.responses import Response

from services.accounts.domain.members import Changed, Member
from services.accounts.domain.pausing import pause_of, today_of
from services.accounts.domain.roles import Level, Permissions, Role, may_give
from services.accounts.domain.workspaces import Workspace
from services.accounts.handlers import team
from services.accounts.routes.asking import Asking, Manager, Viewer, acting, actor_of
from services.accounts.routes.problems import LAST_OWNER, MEMBER_EMAIL_TAKEN, MEMBER_REMOVED
from turnus_runtime.http import (
    FORBIDDEN,
    IDEMPOTENCY_KEY_REUSED,
    STALE_VERSION,
    Answer,
    Body,
    Day,
    EmailAddress,
    IfMatch,
    Instant,
    Key,
    Locale,
    Name,
    On,
    Page,
    Paged,
    Principal,
    Problem,
    Request,
    ZoneName,
    answer,
    documented,
    found,
    invalid,
)
from turnus_runtime.ids import derived

router = APIRouter(prefix="/members")
RoleName = Annotated[Role, Field(examples=["member"])]


class PermissionsIn(Request):
    """What somebody with the role `member` may do; what is left out stays, and is looking (`view`) at first.

    `manage` includes `view`. `assigned_only`: only with what is assigned to them: the bookings that they serve, the
    calendars in which they serve, the groups with such a calendar.
    """

    calendars: Level | None = None
    bookings: Level | None = None
    groups: Level | None = None
    assigned_only: bool | None = None

    def named(self) -> dict[str, Any]:
        """Those that are given."""
        return self.model_dump(exclude_none=True)


class NewMember(Request):
    """A member, who serves at once and can sign in once invited. Zone and language default to the workspace's."""

    name: Name
    email: EmailAddress
    tz: ZoneName | None = None
    locale: Locale | None = None
    role: RoleName = "member"
    permissions: PermissionsIn | None = None


class MemberChange(Request):
    """What is to be changed; what is left out stays. Another role, or other permissions, end the member's sessions and
    API keys.
    """

    name: Name | None = None
    tz: ZoneName | None = None
    locale: Locale | None = None
    role: RoleName | None = None
    permissions: PermissionsIn | None = None


class PermissionsView(Answer):
    """What a member may do: their own permissions, or those of the role `owner` or `admin`."""

    calendars: Level
    bookings: Level
    groups: Level
    assigned_only: bool


class NewPause(Request):
    """A pause from now on. `until`: the first day, in the member's zone, on which they can be booked again."""

    until: Day | None = None


class PauseView(Answer):
    """A pause that goes on. `until`: the first day on which they can be booked again; null: when they resume."""

    since: Instant
    until: Day | None


class MemberView(Answer):
    """A member. `can_sign_in`: there is an identity behind them. `invited_at`: since when an invitation is open.

    `paused`: the pause in which they are now.
    """

    id: str
    version: int
    status: str
    name: str
    email: str
    tz: str
    locale: str
    role: str
    permissions: PermissionsView
    can_sign_in: bool
    invited_at: Instant | None
    paused: PauseView | None
    created_at: Instant
    changed_at: Instant


@router.post(
    "",
    status_code=201,
    response_model=MemberView,
    responses=documented(IDEMPOTENCY_KEY_REUSED, MEMBER_EMAIL_TAKEN, FORBIDDEN),
)
async def create_member(who: Manager, body: Body[NewMember], key: Key, on: On) -> Response:
    """Add somebody to the workspace. Only owners add owners."""
    if not may_give((await acting(who, on)).role, body.role, body.role):
        raise FORBIDDEN("Only owners make owners.")
    permissions = body.permissions.named() if body.permissions is not None else {}
    if permissions and body.role != "member":
        raise _of_role()
    member_id = derived("mem", who.workspace_id, key.key) if key.key else on.ids.fresh("mem")
    known = await on.records(Member).get(member_id)
    if known is not None:
        key.check(known.request_digest)
        return _created(known, on.now, replayed=True)
    workspace = found(await on.records(Workspace).get(who.workspace_id))
    new = Member(
        id=member_id,
        workspace_id=who.workspace_id,
        version=1,
        name=body.name,
        email=body.email,
        tz=body.tz or workspace.tz,
        locale=body.locale or workspace.locale,
        role=body.role,
        own_permissions=Permissions(**permissions),
        owner_since=1 if body.role == "owner" else 0,
        request_digest=key.digest if key.key else None,
        created_at=on.now,
        changed_at=on.now,
    )
    joined = await team.join(new, actor_of(who, on), on)
    if joined is None:
        raise MEMBER_EMAIL_TAKEN
    key.check(joined[0].request_digest)
    return _created(joined[0], on.now, replayed=joined[1])


@router.get("")
async def list_members(who: Viewer, paging: Paged, on: On) -> Page[MemberView]:
    """The members of your workspace; removed ones not."""
    return await paging.page(on.records(Member), "by_workspace", who.workspace_id, partial(member_view, now=on.now))


@router.get("/{member_id}", response_model=MemberView)
async def get_member(member_id: str, who: Asking, on: On) -> Response:
    """One member, also a removed one. Yourself you always see."""
    member = found(await on.records(Member).get(member_id), who)
    if member.id != who.member_id and "team:view" not in who.scopes:
        raise FORBIDDEN("This needs the permission team:view.")
    return answer(member_view(member, on.now), version=member.version)


@router.patch(
    "/{member_id}",
    response_model=MemberView,
    responses=documented(STALE_VERSION, FORBIDDEN, LAST_OWNER, MEMBER_REMOVED),
)
async def change_member(member_id: str, who: Asking, body: Body[MemberChange], expected: IfMatch, on: On) -> Response:
    """Change a member. Yourself you may change without a permission, but not your role and permissions.

    Only owners make owners, and only owners let owners go; somebody always owns the workspace. Another role, or other
    permissions, end the member's sessions and API keys, your own too.
    """
    known = found(await on.records(Member).get(member_id), who)
    given = body.role is not None or body.permissions is not None
    if "team:manage" not in who.scopes and (member_id != who.member_id or given):
        raise FORBIDDEN("This needs the permission team:manage.")
    values = body.model_dump(exclude={"role", "permissions"}, exclude_none=True)
    permissions = body.permissions.named() if body.permissions is not None else {}
    by = (await acting(who, on)).role
    changing = partial(team.change_member, known, values, body.role, permissions, expected, by, actor_of(who, on), on)
    try:
        changed = _accepted(await changing())
    except team.LastOwner:
        raise LAST_OWNER from None
    return answer(member_view(changed, on.now), version=changed.version)


@router.delete("/{member_id}", status_code=204, responses=documented(STALE_VERSION, FORBIDDEN, LAST_OWNER))
async def remove_member(member_id: str, who: Manager, expected: IfMatch, on: On) -> Response:
    """Remove a member for good and end their sessions and API keys. Calendars are published without them.

    Doing it again is fine.
    """
    known = found(await on.records(Member).get(member_id), who)
    by = (await acting(who, on)).role
    try:
        _accepted(await team.remove_member(known, expected, by, actor_of(who, on), on))
    except team.LastOwner:
        raise LAST_OWNER from None
    return Response(status_code=204)


@router.post(
    "/{member_id}/pause",
    response_model=MemberView,
    responses=documented(STALE_VERSION, FORBIDDEN, MEMBER_REMOVED),
)
async def pause_member(member_id: str, who: Asking, body: Body[NewPause], expected: IfMatch, on: On) -> Response:
    """Let a member get no new bookings from now on, in any calendar; what is booked stays.

    Yourself you may pause without a permission. Doing it again is fine; with another day that day counts.
    """
    known = await _pausable(member_id, who, on)
    if body.until is not None and body.until <= today_of(known, on.now):
        raise invalid("until", "must be a day after today, where the member is")
    paused = _accepted(await team.pause_member(known, body.until, expected, actor_of(who, on), on))
    return answer(member_view(paused, on.now), version=paused.version)


@router.post(
    "/{member_id}/resume",
    response_model=MemberView,
    responses=documented(STALE_VERSION, FORBIDDEN, MEMBER_REMOVED),
)
async def resume_member(member_id: str, who: Asking, expected: IfMatch, on: On) -> Response:
    """End a pause: the member can be booked again. Doing it again is fine."""
    known = await _pausable(member_id, who, on)
    resumed = _accepted(await team.resume_member(known, expected, actor_of(who, on), on))
    return answer(member_view(resumed, on.now), version=resumed.version)


async def _pausable(member_id: str, who: Principal, on: On) -> Member:
    member = found(await on.records(Member).get(member_id), who)
    if "team:manage" not in who.scopes and member_id != who.member_id:
        raise FORBIDDEN("This needs the permission team:manage.")
    return member


def member_view(member: Member, now: datetime) -> MemberView:
    """A member as the API shows them at `now`."""
    values = member.model_dump(include=set(MemberView.model_fields))
    pause = pause_of(member, now)
    return MemberView(
        **values,
        permissions=PermissionsView(**member.permissions.model_dump()),
        can_sign_in=member.identity_id is not None and member.status == "active",
        invited_at=member.invitation.created_at if member.invitation is not None and member.invited else None,
        paused=PauseView(since=pause.since, until=pause.until) if pause is not None else None,
    )


def _accepted(changed: Changed) -> Member:
    if changed.refusal == "gone":
        raise MEMBER_REMOVED
    if changed.refusal == "stale":
        raise STALE_VERSION(headers={"ETag": f'"{changed.member.version}"'})
    if changed.refusal == "of_role":
        raise _of_role()
    if changed.refusal == "forbidden":
        raise FORBIDDEN("Only owners make owners, and only owners change or remove them.")
    return changed.member


def _of_role() -> Problem:
    return invalid("permissions", "are those of the role; only somebody with the role member has their own")


def _created(member: Member, now: datetime, *, replayed: bool) -> Response:
    shown, location = member_view(member, now), f"/members/{member.id}"
    return answer(shown, 201, version=member.version, location=location, replayed=replayed)
