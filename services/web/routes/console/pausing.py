"""`/console/team/…/pause`: a member takes no new bookings for a while; whoever manages the team, or they themselves."""

from datetime import date
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away
from services.web.domain.forms import Day, Form, Wrong, read, shown
from services.web.domain.staff import SeenMember
from services.web.routes.console.desk import Desk, Here, SentForm, refused_page
from services.web.routes.console.team import member_of
from services.web.routes.visit import Html

router = APIRouter(prefix="/team", default_response_class=Html)

PAUSE = (Day("until"),)


@router.get("/{member_id}/pause")
async def ask_pause(member_id: str, desk: Here) -> Response:
    """Until when? And what a pause does."""
    member = await _pausable(desk, member_id)
    until = member.paused.until if member.paused is not None else None
    return _page(desk, member, shown(PAUSE, {"until": until.isoformat() if until is not None else ""}))


@router.post("/{member_id}/pause")
async def pause(member_id: str, desk: Here, sent: SentForm) -> Response:
    """Take no new bookings from now on."""
    member = await _pausable(desk, member_id)
    form = _checked(read(PAUSE, sent), member, desk)
    if form.errors:
        return _page(desk, member, form, 422)
    try:
        await desk.asking.send("POST", f"/members/{member.id}/pause", form.values)
    except ApiRefused as refused:
        return _refused(desk, member, form, refused)
    except ApiAway:
        return _page(desk, member, form, 503, "away")
    return desk.done(_home(desk, member), "member_paused")


@router.post("/{member_id}/resume")
async def resume(member_id: str, desk: Here) -> Response:
    """Take bookings again."""
    member = await _pausable(desk, member_id)
    try:
        await desk.asking.send("POST", f"/members/{member.id}/resume")
    except ApiRefused as refused:
        if refused.code == "member_removed":
            return desk.redirect(_home(desk, member), refused=refused.code)
        raise refused_page(refused) from None
    except ApiAway:
        raise away() from None
    return desk.done(_home(desk, member), "member_resumed")


async def _pausable(desk: Desk, member_id: str) -> SeenMember:
    """The member, if who is here may let them pause. Raises 403, 404."""
    if member_id != desk.who.member_id:
        desk.need("team:manage")
    return await member_of(desk, member_id)


def _home(desk: Desk, member: SeenMember) -> str:
    """Where a pause is shown: one's own profile, or the member's page."""
    return "/console/profile" if member.id == desk.who.member_id else f"/console/team/{member.id}"


def _checked(form: Form, member: SeenMember, desk: Desk) -> Form:
    """A day that is none, or not after today where the member is, is wrong."""
    if form.errors or form.values["until"] is None:
        return form
    try:
        until = date.fromisoformat(form.values["until"])
    except ValueError:
        return form.with_errors({"until": Wrong("wrong.day")})
    later = until > desk.now.astimezone(ZoneInfo(member.tz)).date()
    return form if later else form.with_errors({"until": Wrong("wrong.pause_day")})


def _refused(desk: Desk, member: SeenMember, form: Form, refused: ApiRefused) -> Response:
    if refused.status == 403:
        raise refused_page(refused)
    if refused.status == 422:
        return _page(desk, member, form.with_errors({"until": Wrong("wrong.pause_day")}), 422)
    return _page(desk, member, form, refused.status, refused.code)


def _page(desk: Desk, member: SeenMember, form: Form, status: int = 200, notice: str | None = None) -> Response:
    own = member.id == desk.who.member_id
    return desk.page(
        "pause.html",
        status,
        here="account" if own else "team",
        home=_home(desk, member),
        member=member,
        own=own,
        form=form,
        notice=notice,
    )
