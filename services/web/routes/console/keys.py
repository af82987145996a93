"""`/console/api-keys` and `/console/audit-log`: what programs may do here, and who changed what."""

import asyncio
import re
from functools import partial

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away, read_as
from services.web.adapters.setting_words import label_of
from services.web.adapters.words import Words
from services.web.domain.forms import Form, Text, Wrong, read, shown
from services.web.domain.staff import Listed, SeenChange, SeenKey
from services.web.routes.console.calendars import AT_ONCE, names_of
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
)
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND

router = APIRouter(default_response_class=Html)

KEY = (Text("name"),)


@router.get("/api-keys")
async def list_keys(desk: Here) -> Response:
    """One's own API keys, or those of the workspace for who may settle its settings."""
    return await _page(desk, shown(KEY, {}), ())


@router.post("/api-keys")
async def make_key(desk: Here, sent: SentForm) -> Response:
    """Make a key, which is shown once."""
    form = read(KEY, sent)
    scopes = tuple(one for one in desk.who.scopes if one in sent.get("scope", ()))
    if not scopes:
        form = form.with_errors({"scope": Wrong("wrong.choice")})
    key = key_of(sent, desk.new_key)
    if form.errors:
        return await _page(desk, form, scopes, 422, key=key)
    try:
        body = {"name": form.values["name"], "scopes": list(scopes)}
        made = read_as(SeenKey, await desk.asking.send("POST", "/api-keys", body, key=key))
    except ApiRefused as refused:
        form, notice = refused_form(form, refused, {})
        key = next_key(refused, key, desk.new_key)
        return await _page(desk, form, scopes, refused.status, notice, key=key)
    except ApiAway:
        return await _page(desk, form, scopes, 503, "away", key=key)
    return await _page(desk, shown(KEY, {}), (), 201, made=made)


@router.get("/api-keys/{key_id}/delete")
async def ask_delete(key_id: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    known = await _known(desk, key_id)
    return ask_once(
        desk, "api_keys", "delete_key", f"/console/api-keys/{known.id}/delete", "/console/api-keys", name=known.name
    )


@router.post("/api-keys/{key_id}/delete")
async def delete_key(key_id: str, desk: Here, sent: SentForm) -> Response:
    """Revoke a key at once."""
    if not is_sure(sent):
        return await ask_delete(key_id, desk)
    known = await _known(desk, key_id)
    with as_pages():
        await desk.asking.send("DELETE", f"/api-keys/{known.id}")
    return desk.done("/console/api-keys", "key_deleted")


@router.get("/audit-log")
async def list_changes(desk: Here) -> Response:
    """Who changed what, the newest first; with `?thing=` only what happened to one thing."""
    desk.need("settings:manage")
    asked = desk.request.query_params
    thing, after = asked.get("thing"), asked.get("after")
    try:
        found, names = await asyncio.gather(
            desk.asking.read(Listed[SeenChange], "/audit-log", limit=50, after=after, thing_id=thing), names_of(desk)
        )
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        if refused.status == 422:
            return desk.redirect("/console/audit-log")
        raise refused_page(refused) from None
    return desk.page(
        "audit_log.html",
        here="audit_log",
        changes=found.items,
        names=names,
        further=desk.url("/console/audit-log", thing=thing, after=found.next) if found.next else None,
        first=desk.url("/console/audit-log", thing=thing) if after else None,
        links={"calendar": "/console/calendars/", "member": "/console/team/", "booking": "/console/bookings/"},
        name_of=partial(_name_of, desk.words),
    )


def _name_of(words: Words, field: str) -> str:
    """What a person calls a changed field; its name in the API if no page knows it."""
    told = f"field.{field}"
    return words.say(told) if words.knows(told) else label_of(words, field)


async def _known(desk: Desk, key_id: str) -> SeenKey:
    if not re.fullmatch(r"key_[0-9a-z]{1,40}", key_id):
        raise NOT_FOUND
    with as_pages():
        return await desk.asking.read(SeenKey, f"/api-keys/{key_id}")


async def _page(
    desk: Desk,
    form: Form,
    scopes: tuple[str, ...],
    status: int = 200,
    notice: str | None = None,
    made: SeenKey | None = None,
    key: str | None = None,
) -> Response:
    with as_pages():
        found, names = await asyncio.gather(
            desk.asking.read(Listed[SeenKey], "/api-keys", limit=AT_ONCE), names_of(desk)
        )
    return desk.page(
        "api_keys.html",
        status,
        here="api_keys",
        keys=found.items,
        names=names,
        form=form,
        scopes=scopes,
        notice=notice,
        made=made,
        key=key or desk.new_key,
    )
