"""`/console/team`: who works here, with which role."""

import re

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away, read_as
from services.web.adapters.zones import city_of, regions, zone_named
from services.web.domain.forms import Choice, Flag, Form, Text, Wrong, last, read, shown
from services.web.domain.staff import SeenMember
from services.web.routes.console.calendars import members_of, refused_page
from services.web.routes.console.desk import Desk, Here, SentForm, refused_form
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND

router = APIRouter(prefix="/team", default_response_class=Html)

ROLES = ("member", "admin", "owner")
MEMBER = (
    Text("name"),
    Text("email", most=254),
    Text("tz", most=64),
    Choice("locale", ("de", "en")),
    Choice("role", ROLES),
    Flag("invite"),
)
CHANGED = tuple(one for one in MEMBER if one.name not in ("email", "invite"))


@router.get("")
async def list_members(desk: Here) -> Response:
    """Everybody, by name."""
    desk.need("team:view")
    try:
        members = sorted(await members_of(desk), key=lambda one: one.name.casefold())
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        raise refused_page(refused) from None
    locale = str(desk.words.locale)
    return desk.page("team.html", here="team", members=[(one, city_of(one.tz, locale)) for one in members])


@router.get("/new")
async def ask_new(desk: Here) -> Response:
    """The form of a new member."""
    desk.need("team:manage")
    own = desk.who.member
    return _page(desk, shown(MEMBER, {"tz": own.tz, "locale": own.locale[:2], "role": "member", "invite": True}), None)


@router.post("/new")
async def add(desk: Here, sent: SentForm) -> Response:
    """Add somebody to the team: they serve at once, and can sign in once they have accepted the invitation."""
    desk.need("team:manage")
    form = _checked(read(MEMBER, sent))
    key = last(sent, "key")[:100] or desk.new_key
    if form.errors:
        return _page(desk, form, None, 422)
    try:
        body = {name: value for name, value in form.values.items() if name != "invite"}
        added = read_as(SeenMember, await desk.asking.send("POST", "/members", body, key=key))
        if form.values["invite"]:
            await desk.asking.send("POST", "/invitations", {"member_id": added.id}, key=f"{key}i")
    except ApiRefused as refused:
        return _refused(desk, form, None, refused)
    except ApiAway:
        return _page(desk, form, None, 503, "away")
    return desk.done("/console/team", "member_invited" if form.values["invite"] else "member_added")


@router.get("/{member_id}")
async def show(member_id: str, desk: Here) -> Response:
    """A member, with role and zone."""
    desk.need("team:view")
    member = await _member(desk, member_id)
    values = {**member.model_dump(), "locale": member.locale[:2]}
    return _page(desk, shown(MEMBER, values), member)


@router.post("/{member_id}")
async def change(member_id: str, desk: Here, sent: SentForm) -> Response:
    """Change a member. Another role ends their sessions."""
    member = await _member(desk, member_id)
    own = member.id == desk.who.member_id
    if not own:
        desk.need("team:manage")
    fields = CHANGED if desk.may("team:manage") else tuple(one for one in CHANGED if one.name != "role")
    form = _checked(read(fields, sent))
    form = Form(
        {**form.raw, "email": member.email, "role": form.raw.get("role", member.role)}, form.values, form.errors
    )
    if form.errors:
        return _page(desk, form, member, 422)
    looked_at = last(sent, "version")
    version = int(looked_at) if re.fullmatch(r"\d{1,9}", looked_at, re.ASCII) else member.version
    body = {name: value for name, value in form.values.items() if name != "role" or value != member.role}
    try:
        await desk.asking.send("PATCH", f"/members/{member.id}", body, version=version)
    except ApiRefused as refused:
        return _refused(desk, form, member, refused)
    except ApiAway:
        return _page(desk, form, member, 503, "away")
    return desk.done("/console/team" if not own else f"/console/team/{member.id}", "member_changed")


@router.post("/{member_id}/invite")
async def invite(member_id: str, desk: Here, sent: SentForm) -> Response:
    """Mail them a link to sign in; an older one is over by that. Or take the invitation back."""
    desk.need("team:manage")
    member = await _member(desk, member_id)
    path, revokes = f"/console/team/{member.id}", bool(last(sent, "revoke"))
    try:
        if revokes:
            await desk.asking.send("DELETE", f"/invitations/inv_{member.id.removeprefix('mem_')}")
        else:
            key = last(sent, "key")[:100] or desk.new_key
            await desk.asking.send("POST", "/invitations", {"member_id": member.id}, key=key)
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        if refused.status == 403:
            raise refused_page(refused) from None
        return desk.redirect(path, refused=refused.code)
    return desk.done(path, "invitation_revoked" if revokes else "invited")


@router.get("/{member_id}/remove")
async def ask_remove(member_id: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    desk.need("team:manage")
    return desk.page("remove_member.html", here="team", member=await _member(desk, member_id))


@router.post("/{member_id}/remove")
async def remove(member_id: str, desk: Here) -> Response:
    """Remove a member for good."""
    desk.need("team:manage")
    member = await _member(desk, member_id)
    try:
        await desk.asking.send("DELETE", f"/members/{member.id}")
    except ApiRefused as refused:
        if refused.code == "last_owner":
            return desk.redirect(f"/console/team/{member.id}", refused=refused.code)
        raise refused_page(refused) from None
    except ApiAway:
        raise away() from None
    return desk.done("/console/team", "member_removed")


async def _member(desk: Desk, member_id: str) -> SeenMember:
    if not re.fullmatch(r"mem_[0-9a-z]{1,40}", member_id):
        raise NOT_FOUND
    try:
        return await desk.asking.read(SeenMember, f"/members/{member_id}")
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        raise refused_page(refused) from None


def _checked(form: Form) -> Form:
    if form.values.get("tz") and zone_named(form.values["tz"]) is None:
        return form.with_errors({"tz": Wrong("wrong.choice")})
    return form


def _refused(desk: Desk, form: Form, member: SeenMember | None, refused: ApiRefused) -> Response:
    if refused.code == "member_email_taken":
        return _page(desk, form.with_errors({"email": Wrong("wrong.email_taken")}), member, refused.status)
    form, notice = refused_form(form, refused, {})
    return _page(desk, form, member, refused.status, notice, refused.version)


def _page(
    desk: Desk,
    form: Form,
    member: SeenMember | None,
    status: int = 200,
    notice: str | None = None,
    newest: int | None = None,
) -> Response:
    own = member is not None and member.id == desk.who.member_id
    refused = desk.request.query_params.get("refused", "")
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
        notice=notice or (refused if desk.words.knows(f"refused.{refused}") else None),
        version=newest or (member.version if member else None),
        key=desk.new_key,
        roles=[role for role in ROLES if role != "owner" or owner or (member is not None and member.role == "owner")],
        regions=regions(str(desk.words.locale)),
        editable=editable and (member is None or member.status == "active"),
        invitable=desk.may("team:manage")
        and (owner or (member is not None and member.role != "owner"))
        and member is not None
        and member.status == "active"
        and not member.can_sign_in,
        removable=desk.may("team:manage") and editable and member is not None and member.status == "active" and not own,
    )
