"""`/console/sign-in`, `/console/sign-out`, `/console/start`: coming in, going out, and making a workspace."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, Asking, read_as
from services.web.adapters.zones import regions, zone_named
from services.web.domain.forms import Choice, Form, Secret, Text, Wrong, last, read, shown
from services.web.domain.staff import NewSession
from services.web.routes.console.desk import (
    PRIVATE,
    SentForm,
    key_of,
    next_key,
    refused_form,
    session_token,
    signed_in,
    signed_out,
)
from services.web.routes.visit import Html, Reader, asking_of, reader_of
from turnus_runtime.http import On, Problem

router = APIRouter(default_response_class=Html)

SIGN_IN = (Text("email", most=254), Secret("password"))
START = (
    Text("workspace_name"),
    Text("slug", most=40),
    Text("name"),
    Text("email", most=254),
    Secret("password", least=8),
    Text("tz", most=64),
    Choice("locale", ("de", "en")),
)
KEPT = "kept."
"""Before the names of the fields that were sent when the session was over."""


@router.get("/sign-in")
async def ask_sign_in(request: Request) -> Response:
    """The page to sign in; `?next=` is where it leads afterwards."""
    asked = request.query_params
    return sign_in_page(request, shown(SIGN_IN, {}), to=inside(asked.get("next")))


@router.post("/sign-in")
async def sign_in(request: Request, sent: SentForm, on: On) -> Response:
    """Sign in, and go on: with what was sent when the session was over, or where the reader wanted to go."""
    form = read(SIGN_IN, sent)
    to = inside(last(sent, "to"))
    kept = [(name.removeprefix(KEPT), one) for name, those in sent.items() if name.startswith(KEPT) for one in those]
    resume = bool(last(sent, "resume"))
    if form.errors:
        return sign_in_page(request, form, to=to, kept=kept, resume=resume, status=422)
    asking = asking_of(request, on)
    try:
        session = await _session(asking, form.values, on.ids.fresh("try"))
    except ApiRefused as refused:
        notice = "sign_in_failed" if refused.status == 401 else None
        form, code = refused_form(form, refused, {})
        told = notice or code
        return sign_in_page(request, form, to=to, kept=kept, resume=resume, status=refused.status, notice=told)
    except ApiAway:
        return sign_in_page(request, form, to=to, kept=kept, resume=resume, status=503, notice="away")
    reader = reader_of(request)
    if resume:
        page = reader.page("console/resume.html", headers=PRIVATE, to=to, kept=kept, name=session.member.name)
        return signed_in(page, session, on.settings.public_url)
    path, _, query = to.partition("?")
    return signed_in(reader.redirect(path, **dict(parse_qsl(query))), session, on.settings.public_url)


@router.post("/sign-out")
async def sign_out(request: Request, on: On) -> Response:
    """End the session, here and in the API."""
    token, done = session_token(request, on), "signed_out"
    if token:
        try:
            await asking_of(request, on).bearing(token).send("DELETE", "/sessions/current")
        except ApiRefused as refused:
            if refused.status != 401:
                done = "signed_out_here"
        except ApiAway:
            done = "signed_out_here"
        except Problem:
            pass  # 404: it is over already
    # Whatever the API says, nobody who comes to this browser next is signed in.
    return signed_out(reader_of(request).redirect("/console/sign-in", done=done), on.settings.public_url)


@router.get("/start")
async def ask_start(request: Request, on: On) -> Response:
    """The page to make a workspace."""
    reader = reader_of(request)
    form = shown(START, {"locale": reader.words.language, "tz": ""})
    return _start_page(reader, form, on.ids.fresh("try"))


@router.post("/start")
async def start(request: Request, sent: SentForm, on: On) -> Response:
    """Make the workspace with its owner, sign them in, and go on to their hours."""
    form, reader = read(START, sent), reader_of(request)
    key = key_of(sent, on.ids.fresh("try"))
    if zone_named(form.values.get("tz")) is None:
        form = form.with_errors({"tz": Wrong("wrong.missing")})
    if form.errors:
        return _start_page(reader, form, key, 422)
    given, asking = form.values, asking_of(request, on)
    owner = {name: given[name] for name in ("name", "email", "password")}
    body = {name: given[name] for name in ("slug", "tz", "locale")} | {"name": given["workspace_name"], "owner": owner}
    try:
        await asking.send("POST", "/workspaces", body, key=key)
        session = await _session(asking, {**given, "workspace": given["slug"]}, f"{key}s")
    except ApiRefused as refused:
        form, notice = refused_form(form, refused, START_FIELDS)
        if refused.code == "workspace_slug_taken":
            form, notice = form.with_errors({"slug": Wrong("wrong.slug_taken")}), None
        return _start_page(reader, form, next_key(refused, key, on.ids.fresh("try")), refused.status, notice)
    except ApiAway:
        return _start_page(reader, form, key, 503, "away")
    return signed_in(reader.redirect("/console/availability", done="started"), session, on.settings.public_url)


START_FIELDS = {
    "name": "workspace_name",
    "owner.name": "name",
    "owner.email": "email",
    "owner.password": "password",
}


def inside(path: str | None) -> str:
    """A path of the console to go on to; its front page for anything else, so that no link leads out of it."""
    found = re.fullmatch(r"/console(/[A-Za-z0-9_.-]+)*(\?[^#\s\\]*)?", path or "", re.ASCII)
    return found[0] if found and "/.." not in found[0].partition("?")[0] else "/console"


def sign_in_page(
    request: Request,
    form: Form,
    *,
    to: str,
    kept: Sequence[tuple[str, str]] = (),
    resume: bool = False,
    status: int = 200,
    notice: str | None = None,
) -> Response:
    """The page to sign in. `resume`: a form was sent when the session was over; what it `kept` is carried along."""
    done = request.query_params.get("done")
    return reader_of(request).page(
        "console/sign_in.html",
        status,
        PRIVATE,
        form=form,
        to=to,
        kept=[(f"{KEPT}{name}", value) for name, value in kept],
        notice=notice,
        resume=resume,
        done=done if done in ("signed_out", "signed_out_here", "password_set", "reset_sent") else None,
    )


def refused_session(request: Request) -> Response:
    """Whoever is not signed in: a page goes to sign in first, a form keeps what was sent."""
    query = urlencode([pair for pair in request.query_params.multi_items() if pair[0] != "lang"])
    to = inside(f"{request.url.path}?{query}" if query else request.url.path)
    if request.method != "POST":
        return reader_of(request).redirect("/console/sign-in", next=to)
    kept = [pair for pair in getattr(request.state, "sent", ()) if "password" not in pair[0]]
    form = shown(SIGN_IN, {})
    return sign_in_page(request, form, to=to, kept=kept, resume=True, status=401, notice="session_over")


async def _session(asking: Asking, given: Mapping[str, Any], key: str) -> NewSession:
    body = {name: given[name] for name in ("workspace", "email", "password") if name in given}
    return read_as(NewSession, await asking.send("POST", "/sessions", body, key=key))


def _start_page(reader: Reader, form: Form, key: str, status: int = 200, notice: str | None = None) -> Response:
    zones = regions(str(reader.words.locale))
    return reader.page("console/start.html", status, PRIVATE, form=form, key=key, notice=notice, regions=zones)
