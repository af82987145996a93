"""`/console/forgot`, `/console/reset/{token}`, `/console/welcome/{token}`: what mails of the workspace lead to.

The token stands in the address of the page and nowhere else; pages send no referrer.
"""

import re
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, Asking, away, read_as
from services.web.domain.forms import Form, Secret, Text, Wrong, read, shown
from services.web.domain.staff import NewSession, SeenInvited, SeenReset
from services.web.routes.console.desk import PRIVATE, SentForm, signed_in
from services.web.routes.visit import Html, asking_of, reader_of
from turnus_runtime.http import NOT_FOUND, On

router = APIRouter(default_response_class=Html)

PASSING = ("validation_failed", "rate_limited", "try_again")
"""Refusals after which the link is still good."""
FORGOT = (Text("email", most=254),)
PASSWORD = (Secret("password", least=8),)
KNOWN_PASSWORD = (Secret("password"),)


def _bearing(kind: str) -> Annotated[Asking, Depends]:
    async def bearing(token: str, request: Request, on: On) -> Asking:
        if not re.fullmatch(rf"{kind}_[A-Za-z0-9_-]{{10,300}}", token):
            raise NOT_FOUND
        return asking_of(request, on).bearing(token)

    return Depends(bearing)


Invited = Annotated[Asking, _bearing("ivt")]
Resetting = Annotated[Asking, _bearing("prt")]


@router.get("/forgot")
async def ask_forgot(request: Request) -> Response:
    """Where to say whose password was forgotten."""
    return _page(request, "forgot.html", shown(FORGOT, {}))


@router.post("/forgot")
async def forgot(request: Request, sent: SentForm, on: On) -> Response:
    """Have the mail sent; whether the address has an account is not said."""
    form = read(FORGOT, sent)
    if form.errors:
        return _page(request, "forgot.html", form, 422)
    try:
        await asking_of(request, on).send("POST", "/password-resets", form.values)
    except ApiRefused as refused:
        if refused.status == 429:
            return _page(request, "forgot.html", form, 429, "rate_limited")
        return _page(request, "forgot.html", form.with_errors({"email": Wrong("wrong.refused")}), 422)
    except ApiAway:
        return _page(request, "forgot.html", form, 503, "away")
    return reader_of(request).redirect("/console/sign-in", done="reset_sent")


@router.get("/reset/{token}")
async def ask_reset(request: Request, asking: Resetting) -> Response:
    """The page to set a new password."""
    try:
        reset = await asking.read(SeenReset, "/password-resets/current")
    except ApiRefused as refused:
        return _over(request, refused, "reset_over")
    except ApiAway:
        raise away() from None
    return _page(request, "reset.html", shown(PASSWORD, {}), reset=reset)


@router.post("/reset/{token}")
async def reset(request: Request, asking: Resetting, sent: SentForm) -> Response:
    """Set the password; all sessions of the account are over."""
    form = read(PASSWORD, sent)
    try:
        known = await asking.read(SeenReset, "/password-resets/current")
        if form.errors:
            return _page(request, "reset.html", form, 422, reset=known)
        try:
            await asking.send("POST", "/password-resets/current/use", form.values)
        except ApiRefused as refused:
            if refused.code not in PASSING:
                raise
            notice = "rate_limited" if refused.status == 429 else None
            form = form if notice else form.with_errors({"password": Wrong("wrong.refused")})
            return _page(request, "reset.html", form, refused.status, notice, reset=known)
    except ApiRefused as refused:
        return _over(request, refused, "reset_over")
    except ApiAway:
        raise away() from None
    return reader_of(request).redirect("/console/sign-in", done="password_set")


@router.get("/welcome/{token}")
async def ask_welcome(request: Request, asking: Invited) -> Response:
    """The page of an invitation."""
    try:
        invited = await asking.read(SeenInvited, "/invitations/current")
    except ApiRefused as refused:
        return _over(request, refused, "invitation_over")
    except ApiAway:
        raise away() from None
    return _page(request, "welcome.html", shown(PASSWORD, {}), invited=invited)


@router.post("/welcome/{token}")
async def welcome(request: Request, asking: Invited, sent: SentForm, on: On) -> Response:
    """Accept the invitation, and go on as the new member."""
    try:
        invited = await asking.read(SeenInvited, "/invitations/current")
        form = read(KNOWN_PASSWORD if invited.has_account else PASSWORD, sent)
        if form.errors:
            return _page(request, "welcome.html", form, 422, invited=invited)
        try:
            answer = await asking.send("POST", "/invitations/current/accept", form.values)
            session = read_as(NewSession, answer)
        except ApiRefused as refused:
            if refused.code not in ("password_wrong", *PASSING):
                raise
            notice = "rate_limited" if refused.status == 429 else None
            wrong = Wrong("wrong.password" if refused.code == "password_wrong" else "wrong.refused")
            form = form if notice else form.with_errors({"password": wrong})
            return _page(request, "welcome.html", form, refused.status, notice, invited=invited)
    except ApiRefused as refused:
        return _over(request, refused, "invitation_over")
    except ApiAway:
        raise away() from None
    return signed_in(reader_of(request).redirect("/console", done="welcome"), session, on.settings.public_url)


def _page(
    request: Request, template: str, form: Form, status: int = 200, notice: str | None = None, **values: object
) -> Response:
    return reader_of(request).page(f"console/{template}", status, PRIVATE, form=form, notice=notice, **values)


def _over(request: Request, refused: ApiRefused, what: str) -> Response:
    """The page of a link that leads nowhere any more, or never did."""
    known = refused.status == 410
    return reader_of(request).page("console/link_over.html", 410 if known else 404, PRIVATE, what=what)
