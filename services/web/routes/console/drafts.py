"""`/console/calendars/{…}`: making a calendar, changing it, publishing and retiring it."""

import asyncio
import re
from collections.abc import Sequence
from html import escape

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away, read_as
from services.web.adapters.zones import regions, zone_named
from services.web.domain import calendar_form
from services.web.domain.calendar_form import API_FIELDS, KINDS, CalendarForm
from services.web.domain.forms import Wrong
from services.web.domain.staff import SeenDraft, SeenMember
from services.web.routes.console.calendars import members_of
from services.web.routes.console.desk import (
    Desk,
    Here,
    SentForm,
    as_pages,
    ask_once,
    key_of,
    next_key,
    refused_form,
    version_of,
)
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND

router = APIRouter(prefix="/calendars", default_response_class=Html)

_ID = re.compile(r"cal_[0-9a-z]{1,40}")
_PUBLISHING = "publish"


@router.get("/new/{kind}")
async def ask_new(kind: str, desk: Here) -> Response:
    """The form of a new calendar."""
    desk.need("calendars:manage")
    members = await _members(desk)
    form = calendar_form.empty(_kind(kind), desk.who.member.tz, members, desk.who.member_id)
    return _page(desk, form, None, desk.new_key)


@router.post("/new/{kind}")
async def make(kind: str, desk: Here, sent: SentForm) -> Response:
    """Make the calendar, and publish it if that button was pressed."""
    desk.need("calendars:manage")
    form = _checked(calendar_form.sent_form(_kind(kind), sent, await _members(desk)))
    key = key_of(sent, desk.new_key)
    if form.errors:
        return _page(desk, form, None, key, 422)
    body = {name: value for name, value in form.body().items() if value is not None}
    if form.form.values["window_kind"] == "":
        body["window"] = None
    try:
        made = read_as(SeenDraft, await desk.asking.send("POST", "/calendars", {**body, "kind": form.kind}, key=key))
    except ApiRefused as refused:
        return _refused(desk, form, None, key, refused)
    except ApiAway:
        return _page(desk, form, None, key, 503, "away")
    return await _published(desk, made) if _PUBLISHING in sent else desk.done(_path(made.id), "calendar_kept")


@router.get("/{calendar_id}")
async def show(calendar_id: str, desk: Here) -> Response:
    """A calendar: its state, and the form to change it."""
    desk.need("calendars:view")
    draft, members = await asyncio.gather(_draft(desk, calendar_id), _members(desk))
    return _page(desk, calendar_form.of_draft(draft, members), draft, desk.new_key)


@router.post("/{calendar_id}")
async def change(calendar_id: str, desk: Here, sent: SentForm) -> Response:
    """Change the draft, and publish it if that button was pressed. Whoever was slower is told, and loses nothing."""
    desk.need("calendars:manage")
    draft, members = await asyncio.gather(_draft(desk, calendar_id), _members(desk))
    form, looked_at = _checked(calendar_form.sent_form(draft.kind, sent, members)), version_of(sent)
    if form.errors:
        return _page(desk, form, draft, desk.new_key, 422, version=looked_at)
    try:
        answer = await desk.asking.send("PATCH", f"/calendars/{draft.id}", form.body(), version=looked_at)
        changed = read_as(SeenDraft, answer)
    except ApiRefused as refused:
        return _refused(desk, form, draft, desk.new_key, refused, looked_at)
    except ApiAway:
        return _page(desk, form, draft, desk.new_key, 503, "away", version=looked_at)
    return await _published(desk, changed) if _PUBLISHING in sent else desk.done(_path(changed.id), "calendar_kept")


@router.get("/{calendar_id}/retire")
async def ask_retire(calendar_id: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    desk.need("calendars:manage")
    draft = await _draft(desk, calendar_id)
    if draft.status == "retired":
        return desk.redirect(_path(draft.id))
    path = _path(draft.id)
    return ask_once(desk, "calendars", "retire", f"{path}/retire", path, name=draft.name)


@router.post("/{calendar_id}/retire")
async def retire(calendar_id: str, desk: Here) -> Response:
    """Take no new bookings."""
    desk.need("calendars:manage")
    draft = await _draft(desk, calendar_id)
    with as_pages():
        await desk.asking.send("POST", f"/calendars/{draft.id}/retire")
    return desk.done(_path(draft.id), "calendar_retired")


async def _published(desk: Desk, draft: SeenDraft) -> Response:
    try:
        answer = await desk.asking.send("POST", f"/calendars/{draft.id}/publish", version=draft.version)
    except ApiRefused as refused:
        return desk.redirect(_path(draft.id), done="calendar_kept", refused=refused.code)
    except ApiAway:
        return desk.redirect(_path(draft.id), done="calendar_kept", refused="away")
    return desk.done(_path(draft.id), "calendar_published" if answer.status_code == 200 else "calendar_publishing")


def _refused(
    desk: Desk, form: CalendarForm, draft: SeenDraft | None, key: str, refused: ApiRefused, looked_at: int | None = None
) -> Response:
    key = next_key(refused, key, desk.new_key)
    if refused.code == "slug_taken":
        taken = form.form.with_errors({"slug": Wrong("wrong.slug_taken")})
        return _page(desk, CalendarForm(form.kind, taken, form.seats), draft, key, refused.status, version=looked_at)
    inner, notice = refused_form(form.form, refused, API_FIELDS)
    if refused.status == 422 and any(path.startswith("members") for path in refused.fields):
        said = "wrong.assigned_only" if refused.code == "assigned_only" else "wrong.member_unknown"
        inner, notice = inner.with_errors({"members": Wrong(said)}), None
    form = CalendarForm(form.kind, inner, form.seats)
    return _page(desk, form, draft, key, refused.status, notice, version=refused.version or looked_at)


def _page(
    desk: Desk,
    form: CalendarForm,
    draft: SeenDraft | None,
    key: str,
    status: int = 200,
    notice: str | None = None,
    version: int | None = None,
) -> Response:
    """The page. `version`: that from which the shown form was made, if it is not the draft as it is now."""
    return desk.page(
        "calendar.html",
        status,
        here="calendars",
        draft=draft,
        kind=form.kind,
        form=form.form,
        seats=form.seats,
        key=key,
        version=draft.version if draft and version is None else version,
        notice=notice,
        regions=regions(str(desk.words.locale)),
        action=desk.url(_path(draft.id) if draft else f"/console/calendars/new/{form.kind}"),
        snippets=_snippets(desk, draft) if draft else (),
        public=f"{desk.public_url}/{draft.address}" if draft and draft.published_version else None,
        editable=desk.may("calendars:manage") and (draft is None or draft.status != "retired"),
    )


def _snippets(desk: Desk, draft: SeenDraft) -> tuple[tuple[str, str], ...]:
    """What to put into another site's page, by way."""
    label = escape(desk.words.say("booking.anew"))
    begun = f'<script src="{desk.public_url}/embed.js" data-calendar="{draft.address}"'
    frame = f'<iframe src="{desk.public_url}/{draft.address}?embed=1" title="{escape(draft.name)}"'
    return (
        ("inline", f"{begun}></script>"),
        ("popup", f'{begun} data-mode="popup" data-label="{label}"></script>'),
        ("plain", f'{frame} width="100%" height="740"></iframe>'),
    )


def _checked(form: CalendarForm) -> CalendarForm:
    """With what needs more than the form itself to be judged."""
    errors: dict[str, Wrong] = {}
    if "tz" in form.form.values and zone_named(form.form.values["tz"]) is None:
        errors["tz"] = Wrong("wrong.choice")
    slug = form.form.values.get("slug")
    if slug and not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", slug):
        errors["slug"] = Wrong("wrong.slug")
    return CalendarForm(form.kind, form.form.with_errors(errors), form.seats)


async def _draft(desk: Desk, calendar_id: str) -> SeenDraft:
    if not _ID.fullmatch(calendar_id):
        raise NOT_FOUND
    with as_pages():
        return await desk.asking.read(SeenDraft, f"/calendars/{calendar_id}")


async def _members(desk: Desk) -> Sequence[SeenMember]:
    try:
        return await members_of(desk)
    except (ApiAway, ApiRefused):
        raise away() from None


def _kind(kind: str) -> str:
    if kind not in KINDS:
        raise NOT_FOUND
    return kind


def _path(calendar_id: str) -> str:
    return f"/console/calendars/{calendar_id}"
