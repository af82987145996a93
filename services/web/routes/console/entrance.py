"""`/console/sign-in`, `/console/sign-out`, `/console/start`: coming in, going out, and making a workspace."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, Asking, away, read_as
from services.web.adapters.zones import regions, zone_named
from services.web.domain.forms import Choice, Form, Secret, Text, Wrong, last, read, shown
from services.web.domain.staff import NewSession
from services.web.routes.console.desk import (
    PRIVATE,
    SentForm,
    cookie_name,
    refused_form,
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
    Secret("password", least=12),
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
    if form.errors:
        return sign_in_page(request, form, to=to, kept=kept, status=422)
    asking = asking_of(request, on)
    try:
        session = await _session(asking, form.values, on.ids.fresh("try"))
    except ApiRefused as refused:
        notice = "sign_in_failed" if refused.status == 401 else None
        form, code = refused_form(form, refused, {})
        return sign_in_page(request, form, to=to, kept=kept, status=refused.status, notice=notice or code)
    except ApiAway:
        return sign_in_page(request, form, to=to, kept=kept, status=503, notice="away")
    except Problem as problem:
        if problem.status != 429:
            raise
        return sign_in_page(request, form, to=to, kept=kept, status=429, notice="rate_limited")
    reader = reader_of(request)
    if kept:
        page = reader.page("console/resume.html", headers=PRIVATE, to=to, kept=kept, name=session.member.name)
        return signed_in(page, session, on.settings.public_url)
    path, _, query = to.partition("?")
    return signed_in(reader.redirect(path, **dict(parse_qsl(query))), session, on.settings.public_url)


@router.post("/sign-out")
async def sign_out(request: Request, on: On) -> Response:
    """End the session, here and in the API."""
    token = request.cookies.get(cookie_name(on.settings.public_url), "")
    if token:
        try:
            await asking_of(request, on).bearing(token).send("DELETE", "/sessions/current")
        except (ApiRefused, Problem):
            pass  # it is over already
        except ApiAway:
            raise away() from None
    return signed_out(reader_of(request).redirect("/console/sign-in", done="signed_out"), on.settings.public_url)


@router.get("/start")
async def ask_start(request: Request) -> Response:
    """The page to make a workspace."""
    reader = reader_of(request)
    form = shown(START, {"locale": reader.words.language, "tz": ""})
    return _start_page(reader, form, request.query_params.get("key", ""))


@router.post("/start")
async def start(request: Request, sent: SentForm, on: On) -> Response:
    """Make the workspace with its owner, sign them in, and go on to their hours."""
    form, reader = read(START, sent), reader_of(request)
    key = last(sent, "key")
    key = key if re.fullmatch(r"[A-Za-z0-9_]{8,100}", key) else on.ids.fresh("try")
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
        return _start_page(reader, form, key, refused.status, notice)
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
    return (
        path if path is not None and re.fullmatch(r"/console(/[A-Za-z0-9_./-]*)?(\?[^#\s\\]*)?", path) else "/console"
    )


def sign_in_page(
    request: Request,
    form: Form,
    *,
    to: str,
    kept: Sequence[tuple[str, str]] = (),
    status: int = 200,
    notice: str | None = None,
) -> Response:
    """The page to sign in. `kept` was sent when the session was over: it is carried along."""
    done = request.query_params.get("done")
    return reader_of(request).page(
        "console/sign_in.html",
        status,
        PRIVATE,
        form=form,
        to=to,
        kept=[(f"{KEPT}{name}", value) for name, value in kept],
        notice=notice,
        over=bool(kept),
        done=done if done in ("signed_out", "password_set", "reset_sent") else None,
    )


def refused_session(request: Request) -> Response:
    """Whoever is not signed in: a page goes to sign in first, a form keeps what was sent."""
    path = request.url.path
    if request.method != "POST":
        query = urlencode([pair for pair in request.query_params.multi_items() if pair[0] != "lang"])
        return reader_of(request).redirect("/console/sign-in", next=inside(f"{path}?{query}" if query else path))
    kept = [pair for pair in getattr(request.state, "sent", ()) if "password" not in pair[0]]
    return sign_in_page(request, shown(SIGN_IN, {}), to=inside(path), kept=kept, status=401, notice="session_over")


async def _session(asking: Asking, given: Mapping[str, Any], key: str) -> NewSession:
    body = {name: given[name] for name in ("workspace", "email", "password") if name in given}
    return read_as(NewSession, await asking.send("POST", "/sessions", body, key=key))


def _start_page(reader: Reader, form: Form, key: str, status: int = 200, notice: str | None = None) -> Response:
    zones = regions(str(reader.words.locale))
    return reader.page("console/start.html", status, PRIVATE, form=form, key=key, notice=notice, regions=zones)
