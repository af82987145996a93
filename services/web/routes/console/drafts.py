"""`/console/calendars/{…}`: making a calendar, changing it, publishing and retiring it."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from html import escape

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away, read_as
from services.web.adapters.setting_words import summary
from services.web.adapters.zones import regions, zone_named
from services.web.domain import calendar_form
from services.web.domain.calendar_form import API_FIELDS, KINDS, CalendarForm, Seat
from services.web.domain.forms import Sent, Wrong
from services.web.domain.staff import SeenDraft, SeenMember
from services.web.routes.console.calendars import members_of
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
    version_of,
)
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND

router = APIRouter(prefix="/calendars", default_response_class=Html)

_ID = re.compile(r"cal_[0-9a-z]{1,40}")
_PUBLISHING, _HOURS = "publish", "hours"


@router.get("/new/{kind}")
async def ask_new(kind: str, desk: Here) -> Response:
    """The form of a new calendar."""
    desk.need("calendars:manage")
    members = await members_there(desk)
    form = calendar_form.empty(kind_named(kind), desk.who.member.tz, members, desk.who.member_id)
    return form_page(desk, form, None, desk.new_key)


@router.post("/new/{kind}")
async def make(kind: str, desk: Here, sent: SentForm) -> Response:
    """Make the calendar, and publish it if that button was pressed."""
    desk.need("calendars:manage")
    form = form_sent(kind_named(kind), sent, await members_there(desk))
    key = key_of(sent, desk.new_key)
    if form.errors:
        return form_page(desk, form, None, key, 422)
    body = {name: value for name, value in form.body().items() if value is not None}
    if form.form.values["window_kind"] == "":
        body["window"] = None
    try:
        made = read_as(SeenDraft, await desk.asking.send("POST", "/calendars", {**body, "kind": form.kind}, key=key))
    except ApiRefused as refused:
        return _refused(desk, form, None, key, refused)
    except ApiAway:
        return form_page(desk, form, None, key, 503, "away")
    return await _kept(desk, made, sent)


@router.get("/{calendar_id}")
async def show(calendar_id: str, desk: Here) -> Response:
    """A calendar: its state, and the form to change it."""
    desk.need("calendars:view")
    draft, members = await asyncio.gather(draft_of(desk, calendar_id), members_there(desk))
    return form_page(desk, calendar_form.of_draft(draft, members), draft, desk.new_key)


@router.post("/{calendar_id}")
async def change(calendar_id: str, desk: Here, sent: SentForm) -> Response:
    """Change the draft, and publish it if that button was pressed. Whoever was slower is told, and loses nothing."""
    desk.need("calendars:manage")
    draft, members = await asyncio.gather(draft_of(desk, calendar_id), members_there(desk))
    form, looked_at = form_sent(draft.kind, sent, members), version_of(sent)
    if form.errors:
        return form_page(desk, form, draft, desk.new_key, 422, version=looked_at)
    try:
        answer = await desk.asking.send("PATCH", f"/calendars/{draft.id}", form.body(), version=looked_at)
        changed = read_as(SeenDraft, answer)
    except ApiRefused as refused:
        return _refused(desk, form, draft, desk.new_key, refused, looked_at)
    except ApiAway:
        return form_page(desk, form, draft, desk.new_key, 503, "away", version=looked_at)
    return await _kept(desk, changed, sent)


@router.get("/{calendar_id}/retire")
async def ask_retire(calendar_id: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    desk.need("calendars:manage")
    draft = await draft_of(desk, calendar_id)
    if draft.status == "retired":
        return desk.redirect(_path(draft.id))
    path = _path(draft.id)
    return ask_once(desk, "calendars", "retire", f"{path}/retire", path, name=draft.name)


@router.post("/{calendar_id}/retire")
async def retire(calendar_id: str, desk: Here, sent: SentForm) -> Response:
    """Take no new bookings."""
    if not is_sure(sent):
        return await ask_retire(calendar_id, desk)
    desk.need("calendars:manage")
    draft = await draft_of(desk, calendar_id)
    with as_pages():
        await desk.asking.send("POST", f"/calendars/{draft.id}/retire")
    return desk.done(_path(draft.id), "calendar_retired")


async def _kept(desk: Desk, draft: SeenDraft, sent: Sent) -> Response:
    """Where the pressed button leads, now that the draft is kept: guests, the hours of who serves, or the draft."""
    if _PUBLISHING in sent:
        return await _published(desk, draft)
    if _HOURS in sent:
        host_id = next((one.member_id for one in draft.members), None)
        whose = host_id if host_id != desk.who.member_id and desk.may("team:view") else None
        return desk.done("/console/availability", "calendar_kept", member=whose, calendar=draft.id)
    return desk.done(_path(draft.id), "calendar_kept")


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
        return form_page(
            desk, CalendarForm(form.kind, taken, form.seats), draft, key, refused.status, version=looked_at
        )
    inner, notice = refused_form(form.form, refused, API_FIELDS)
    if refused.status == 422 and any(path.startswith("members") for path in refused.fields):
        said = "wrong.assigned_only" if refused.code == "assigned_only" else "wrong.member_unknown"
        inner, notice = inner.with_errors({"members": Wrong(said)}), None
    form = CalendarForm(form.kind, inner, form.seats)
    return form_page(desk, form, draft, key, refused.status, notice, version=refused.version or looked_at)


def form_page(
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
        summary=summary(desk.words, draft.model_dump(mode="json"), _names(draft, form.seats)) if draft else (),
        preview=desk.url(f"{_path(draft.id) if draft else f'/console/calendars/new/{form.kind}'}/preview"),
        editable=desk.may("calendars:manage") and (draft is None or draft.status != "retired"),
    )


def _names(draft: SeenDraft, seats: Iterable[Seat]) -> list[str]:
    names = {seat.member_id: seat.name for seat in seats}
    return [names[one.member_id] for one in draft.members if one.member_id in names]


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


def form_sent(kind: str, sent: Sent, members: Sequence[SeenMember]) -> CalendarForm:
    """The form as it was sent, with what needs more than the form itself to be judged."""
    form = calendar_form.sent_form(kind, sent, members)
    errors: dict[str, Wrong] = {}
    if "tz" in form.form.values and zone_named(form.form.values["tz"]) is None:
        errors["tz"] = Wrong("wrong.choice")
    slug = form.form.values.get("slug")
    if slug and not re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", slug):
        errors["slug"] = Wrong("wrong.slug")
    return CalendarForm(form.kind, form.form.with_errors(errors), form.seats)


async def draft_of(desk: Desk, calendar_id: str) -> SeenDraft:
    """The calendar with this id. Raises 404."""
    if not _ID.fullmatch(calendar_id):
        raise NOT_FOUND
    with as_pages():
        return await desk.asking.read(SeenDraft, f"/calendars/{calendar_id}")


async def members_there(desk: Desk) -> list[SeenMember]:
    """Everybody who can serve. Raises 503."""
    try:
        return await members_of(desk)
    except (ApiAway, ApiRefused):
        raise away() from None


def kind_named(kind: str) -> str:
    """The kind, if there is such a one. Raises 404."""
    if kind not in KINDS:
        raise NOT_FOUND
    return kind


def _path(calendar_id: str) -> str:
    return f"/console/calendars/{calendar_id}"
