"""`/console/team`: who works here, with which role."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away, read_as
from services.web.adapters.zones import city_of, regions, zone_named
from services.web.domain.forms import Choice, Field, Flag, Form, Text, Wrong, last, read, shown
from services.web.domain.staff import Listed, SeenDraft, SeenMember, SeenPermissions
from services.web.routes.console.calendars import AT_ONCE, members_of
from services.web.routes.console.desk import (
    Desk,
    Here,
    SentForm,
    as_pages,
    ask_once,
    is_sure,
    key_of,
    next_key,
    refused_form,
    refused_page,
    version_of,
)
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND

router = APIRouter(prefix="/team", default_response_class=Html)

ROLES = ("member", "admin", "owner")
LEVELS = ("none", "view", "manage")
THINGS = ("calendars", "bookings", "groups")
PERMISSIONS = (*(Choice(f"may_{thing}", LEVELS) for thing in THINGS), Flag("assigned_only"))
"""What the role `member` may; the other roles have their own."""
MEMBER = (
    Text("name"),
    Text("email", most=254),
    Text("tz", most=64),
    Choice("locale", ("de", "en")),
    Choice("role", ROLES),
    *PERMISSIONS,
    Flag("invite"),
)
CHANGED = tuple(one for one in MEMBER if one.name not in ("email", "invite"))
ROLE = ("role", *(one.name for one in PERMISSIONS))
"""What only those may change who run the team."""


@router.get("")
async def list_members(desk: Here) -> Response:
    """Everybody, by name."""
    desk.need("team:view")
    with as_pages():
        members = sorted(await members_of(desk), key=lambda one: one.name.casefold())
    locale = str(desk.words.locale)
    return desk.page("team.html", here="team", members=[(one, city_of(one.tz, locale)) for one in members])


@router.get("/new")
async def ask_new(desk: Here) -> Response:
    """The form of a new member."""
    desk.need("team:manage")
    own = desk.who.member
    values = {"tz": own.tz, "locale": own.locale[:2], "role": "member", "invite": True}
    return _page(desk, shown(MEMBER, {**values, **_permitted(SeenPermissions())}), None)


@router.post("/new")
async def add(desk: Here, sent: SentForm) -> Response:
    """Add somebody to the team: they serve at once, and can sign in once they have accepted the invitation."""
    desk.need("team:manage")
    form = _checked(read(_asked(MEMBER, sent), sent))
    key = key_of(sent, desk.new_key)
    if form.errors:
        return _page(desk, form, None, 422, key=key)
    try:
        body = _body({name: value for name, value in form.values.items() if name != "invite"})
        added = read_as(SeenMember, await desk.asking.send("POST", "/members", body, key=key))
    except ApiRefused as refused:
        return _refused(desk, form, None, refused, next_key(refused, key, desk.new_key))
    except ApiAway:
        return _page(desk, form, None, 503, "away", key=key)
    if not form.values["invite"]:
        return desk.done("/console/team", "member_added")
    # The member is there whatever becomes of the invitation: it is told on their page, where it can be tried again.
    if (code := await _invited(desk, added, f"{key}i")) is not None:
        return desk.redirect(f"/console/team/{added.id}", done="member_added", refused=code)
    return desk.done("/console/team", "member_invited")


async def _invited(desk: Desk, member: SeenMember, key: str) -> str | None:
    """Invite them; the code of what went wrong, None if nothing did."""
    try:
        await desk.asking.send("POST", "/invitations", {"member_id": member.id}, key=key)
    except ApiRefused as refused:
        return refused.code
    except ApiAway:
        return "away"
    return None


@router.get("/{member_id}")
async def show(member_id: str, desk: Here) -> Response:
    """A member, with role and zone."""
    desk.need("team:view")
    member = await member_of(desk, member_id)
    calendars = await _serves_in(desk, member)
    return _page(desk, shown(MEMBER, _values(member)), member, calendars=calendars)


@router.post("/{member_id}")
async def change(member_id: str, desk: Here, sent: SentForm) -> Response:
    """Change a member. Another role or other permissions end their sessions."""
    member = await member_of(desk, member_id)
    own = member.id == desk.who.member_id
    if not own:
        desk.need("team:manage")
    fields = CHANGED if desk.may("team:manage") else tuple(one for one in CHANGED if one.name not in ROLE)
    form = _checked(read(_asked(fields, sent), sent))
    form = Form({**shown(MEMBER, _values(member)).raw, **form.raw}, form.values, form.errors)
    version = version_of(sent)
    if form.errors:
        return _page(desk, form, member, 422, version=version)
    body = _body({name: value for name, value in form.values.items() if name != "role" or value != member.role})
    try:
        await desk.asking.send("PATCH", f"/members/{member.id}", body, version=version)
    except ApiRefused as refused:
        return _refused(desk, form, member, refused, desk.new_key, version)
    except ApiAway:
        return _page(desk, form, member, 503, "away", version=version)
    return desk.done("/console/team" if not own else f"/console/team/{member.id}", "member_changed")


@router.post("/{member_id}/invite")
async def invite(member_id: str, desk: Here, sent: SentForm) -> Response:
    """Mail them a link to sign in; an older one is over by that."""
    desk.need("team:manage")
    member = await member_of(desk, member_id)
    path = f"/console/team/{member.id}"
    code = await _invited(desk, member, key_of(sent, desk.new_key))
    return desk.redirect(path, refused=code) if code is not None else desk.done(path, "invited")


@router.get("/{member_id}/revoke")
async def ask_revoke(member_id: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    desk.need("team:manage")
    member = await member_of(desk, member_id)
    path = f"/console/team/{member.id}"
    return ask_once(desk, "team", "revoke_invitation", f"{path}/revoke", path, name=member.name)


@router.post("/{member_id}/revoke")
async def revoke(member_id: str, desk: Here, sent: SentForm) -> Response:
    """Take the invitation back."""
    if not is_sure(sent):
        return await ask_revoke(member_id, desk)
    desk.need("team:manage")
    member = await member_of(desk, member_id)
    path = f"/console/team/{member.id}"
    with as_pages():
        await desk.asking.send("DELETE", f"/invitations/inv_{member.id.removeprefix('mem_')}")
    return desk.done(path, "invitation_revoked")


@router.get("/{member_id}/remove")
async def ask_remove(member_id: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    desk.need("team:manage")
    member = await member_of(desk, member_id)
    path = f"/console/team/{member.id}"
    return ask_once(desk, "team", "remove_member", f"{path}/remove", path, name=member.name)


@router.post("/{member_id}/remove")
async def remove(member_id: str, desk: Here, sent: SentForm) -> Response:
    """Remove a member for good."""
    if not is_sure(sent):
        return await ask_remove(member_id, desk)
    desk.need("team:manage")
    member = await member_of(desk, member_id)
    try:
        await desk.asking.send("DELETE", f"/members/{member.id}")
    except ApiRefused as refused:
        if refused.code == "last_owner":
            return desk.redirect(f"/console/team/{member.id}", refused=refused.code)
        raise refused_page(refused) from None
    except ApiAway:
        raise away() from None
    return desk.done("/console/team", "member_removed")


def _asked(fields: tuple[Field, ...], sent: SentForm) -> tuple[Field, ...]:
    """The fields of the form that was sent: permissions count for the role `member`, and if they were on the page."""
    if last(sent, "permissions") and last(sent, "role") == "member":
        return fields
    return tuple(one for one in fields if one not in PERMISSIONS)


def _body(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the API takes."""
    permissions = {one.name.removeprefix("may_"): values[one.name] for one in PERMISSIONS if one.name in values}
    body = {name: value for name, value in values.items() if name not in [one.name for one in PERMISSIONS]}
    return {**body, "permissions": permissions} if permissions else body


def _values(member: SeenMember) -> dict[str, Any]:
    """The values of a member's form. Who has another role begins with those of every new member."""
    permissions = member.permissions if member.role == "member" else SeenPermissions()
    return {**member.model_dump(), "locale": member.locale[:2], **_permitted(permissions)}


def _permitted(permissions: SeenPermissions) -> dict[str, Any]:
    levels = {f"may_{thing}": getattr(permissions, thing) for thing in THINGS}
    return {**levels, "assigned_only": permissions.assigned_only}


async def _serves_in(desk: Desk, member: SeenMember) -> tuple[SeenDraft, ...] | None:
    """The calendars in which they serve, the first 200; None if they are not for the reader to see."""
    if not desk.may("calendars:view") or member.status != "active":
        return None
    with as_pages():
        found = await desk.asking.read(Listed[SeenDraft], "/calendars", member_id=member.id, limit=AT_ONCE)
    order = {"active": 0, "draft": 1, "retired": 2}
    return tuple(sorted(found.items, key=lambda one: (order.get(one.status, 3), one.name.casefold())))


async def member_of(desk: Desk, member_id: str) -> SeenMember:
    """The member of the address. Raises 403, 404."""
    if not re.fullmatch(r"mem_[0-9a-z]{1,40}", member_id):
        raise NOT_FOUND
    with as_pages():
        return await desk.asking.read(SeenMember, f"/members/{member_id}")


def _checked(form: Form) -> Form:
    if form.values.get("tz") and zone_named(form.values["tz"]) is None:
        return form.with_errors({"tz": Wrong("wrong.choice")})
    return form


def _refused(
    desk: Desk, form: Form, member: SeenMember | None, refused: ApiRefused, key: str, version: int | None = None
) -> Response:
    if refused.code == "member_email_taken":
        form, notice = form.with_errors({"email": Wrong("wrong.email_taken")}), None
    else:
        form, notice = refused_form(form, refused, {})
    return _page(desk, form, member, refused.status, notice, key=key, version=refused.version or version)


def _page(
    desk: Desk,
    form: Form,
    member: SeenMember | None,
    status: int = 200,
    notice: str | None = None,
    *,
    key: str | None = None,
    version: int | None = None,
    calendars: tuple[SeenDraft, ...] | None = None,
) -> Response:
    """The page. `version`: that from which the shown form was made, if it is not the member as they are now.

    `calendars`: where they serve, if that is shown.
    """
    own = member is not None and member.id == desk.who.member_id
    # Only owners make owners, and only owners change them.
    owner = desk.who.role == "owner"
    editable = own or (desk.may("team:manage") and (owner or member is None or member.role != "owner"))
    return desk.page(
        "member.html",
        status,
        here="team",
        form=form,
        member=member,
        own=own,
        notice=notice,
        version=member.version if member and version is None else version,
        key=key or desk.new_key,
        roles=[role for role in ROLES if role != "owner" or owner or (member is not None and member.role == "owner")],
        levels=LEVELS,
        things=THINGS,
        calendars=calendars,
        regions=regions(str(desk.words.locale)),
        pausable=(own or desk.may("team:manage")) and member is not None and member.status == "active",
        editable=editable and (member is None or member.status == "active"),
        invitable=desk.may("team:manage")
        and (owner or (member is not None and member.role != "owner"))
        and member is not None
        and member.status == "active"
        and not member.can_sign_in,
        removable=desk.may("team:manage") and editable and member is not None and member.status == "active" and not own,
    )
