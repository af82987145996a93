"""`/console/profile`: one's own password, sessions and workspaces."""

import asyncio
import re
from contextlib import suppress

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away, read_as
from services.web.domain.forms import Form, Secret, Wrong, last, read, shown
from services.web.domain.staff import Listed, NewSession, SeenPlaceOfWork, SeenSignedIn
from services.web.routes.console.calendars import AT_ONCE
from services.web.routes.console.desk import Desk, Here, SentForm, as_pages, ask_once, is_sure, refused_form, signed_in
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND, On, Problem

router = APIRouter(prefix="/profile", default_response_class=Html)

PASSWORDS = (Secret("password"), Secret("new_password", least=8))


@router.get("")
async def show(desk: Here) -> Response:
    """One's own account."""
    return await _page(desk, shown(PASSWORDS, {}))


@router.post("/password")
async def change_password(desk: Here, sent: SentForm) -> Response:
    """Change the password; all other sessions are over."""
    form = read(PASSWORDS, sent)
    if form.errors:
        return await _page(desk, form, 422)
    try:
        await desk.asking.send("POST", "/sessions/current/password", form.values)
    except ApiRefused as refused:
        if refused.code == "password_wrong":
            return await _page(desk, form.with_errors({"password": Wrong("wrong.password")}), 422)
        form, notice = refused_form(form, refused, {})
        return await _page(desk, form, refused.status, notice)
    except ApiAway:
        return await _page(desk, form, 503, "away")
    return desk.done("/console/profile", "password_changed")


@router.get("/sessions/{session_id}/end")
async def ask_end(session_id: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    with as_pages():
        known = await desk.asking.read(Listed[SeenSignedIn], "/sessions", limit=AT_ONCE)
    session = next((one for one in known.items if one.id == session_id), None)
    if session is None:
        raise NOT_FOUND
    since = desk.words.moment(session.created_at, desk.who.member.tz)
    path = f"/console/profile/sessions/{session.id}/end"
    return ask_once(desk, "account", "end_session", path, "/console/profile", moment=since)


@router.post("/sessions/{session_id}/end")
async def end_session(session_id: str, desk: Here, sent: SentForm) -> Response:
    """Sign out another browser."""
    if not is_sure(sent):
        return await ask_end(session_id, desk)
    if not re.fullmatch(r"ses_[0-9a-z]{1,40}", session_id):
        raise NOT_FOUND
    with as_pages():
        await desk.asking.send("DELETE", f"/sessions/{session_id}")
    return desk.done("/console/profile", "session_ended")


@router.post("/switch")
async def switch(desk: Here, sent: SentForm, on: On) -> Response:
    """Go on in another workspace, as the same person; the session here is over."""
    slug = last(sent, "workspace")
    try:
        answer = await desk.asking.send("POST", "/sessions/current/switch", {"workspace": slug}, key=desk.new_key)
        session = read_as(NewSession, answer)
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        return desk.redirect("/console/profile", refused=refused.code)
    with suppress(ApiAway, ApiRefused, Problem):  # at worst it ends by itself; the new one is what counts
        await desk.asking.send("DELETE", "/sessions/current")
    return signed_in(desk.done("/console", "switched"), session, on.settings.public_url)


async def _page(desk: Desk, form: Form, status: int = 200, notice: str | None = None) -> Response:
    with as_pages():
        sessions, places = await asyncio.gather(
            desk.asking.read(Listed[SeenSignedIn], "/sessions", limit=AT_ONCE),
            desk.asking.read(Listed[SeenPlaceOfWork], "/sessions/current/workspaces", limit=AT_ONCE),
        )
    return desk.page(
        "profile.html",
        status,
        here="account",
        form=form,
        notice=notice,
        sessions=sorted(sessions.items, key=lambda one: one.created_at, reverse=True),
        places=places.items,
    )
