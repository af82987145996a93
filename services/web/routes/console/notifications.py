"""`/console/notifications`: the words of mails, when people are reminded, and which mails went out."""

import re

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away, read_as
from services.web.domain.forms import Form, Span, Text, Wrong, read, shown
from services.web.domain.mails import SeenMessage, SeenPreview, SeenReminders, SeenTemplate
from services.web.domain.staff import Listed
from services.web.routes.console.calendars import AT_ONCE
from services.web.routes.console.desk import (
    Desk,
    Here,
    SentForm,
    as_pages,
    ask_once,
    is_sure,
    key_of,
    refused_form,
    refused_page,
    version_of,
)
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND

router = APIRouter(prefix="/notifications", default_response_class=Html)

WORDING = (Text("subject"), Text("body", most=10_000, lines=True))
MOST_REMINDERS = 5
LONGEST = 43_200
REMINDERS = tuple(Span(f"{who}_{n}", LONGEST) for who in ("guest", "host") for n in range(MOST_REMINDERS))
STATUSES = ("failed", "queued", "planned", "sent", "skipped")


@router.get("")
async def show(desk: Here) -> Response:
    """All mails by what they tell, and the reminder times."""
    desk.need("calendars:view")
    return await _overview(desk, None)


@router.post("/reminders")
async def keep_reminders(desk: Here, sent: SentForm) -> Response:
    """Keep the reminder times; they count for bookings that exist, too. Empty or 0: no reminder."""
    desk.need("calendars:manage", of_all=True)
    form = read(REMINDERS, sent)
    times = {
        who: [form.values[f"{who}_{n}"] for n in range(MOST_REMINDERS) if form.values.get(f"{who}_{n}")]
        for who in ("guest", "host")
    }
    errors = {name: Wrong("wrong.reminder") for name, value in form.values.items() if 0 < value < 5}
    for who, those in times.items():
        if len(set(those)) != len(those):
            errors[f"{who}_0"] = Wrong("wrong.twice")
    form = form.with_errors(errors)
    looked_at = version_of(sent)
    if form.errors:
        return await _overview(desk, form, 422, newest=looked_at)
    body = {f"{who}_reminder_minutes": those for who, those in times.items()}
    try:
        await desk.asking.send("PUT", "/notifications/settings", body, version=looked_at)
    except ApiRefused as refused:
        newest = looked_at if refused.version is None else refused.version
        return await _overview(desk, form, refused.status, refused.code, newest)
    except ApiAway:
        return await _overview(desk, form, 503, "away", looked_at)
    return desk.done("/console/notifications", "reminders_kept")


@router.get("/log")
async def show_log(desk: Here) -> Response:
    """Every message: planned, sent, failed; the bookings that became known last first."""
    desk.need("bookings:view")
    asked = desk.request.query_params
    status = asked.get("status", "") if asked.get("status") in STATUSES else ""
    after = asked.get("after")
    try:
        found = await desk.asking.read(
            Listed[SeenMessage], "/notifications", limit=50, after=after, status=status or None
        )
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        if refused.status == 422:
            return desk.redirect("/console/notifications/log")
        raise refused_page(refused) from None
    path = "/console/notifications/log"
    return desk.page(
        "delivery_log.html",
        here="notifications",
        messages=found.items,
        chosen=status,
        statuses=STATUSES,
        further=desk.url(path, status=status or None, after=found.next) if found.next else None,
        first=desk.url(path, status=status or None) if after else None,
    )


@router.get("/{key}")
async def show_template(key: str, desk: Here) -> Response:
    """The words of one mail, and how it looks."""
    desk.need("calendars:view")
    template = await _template(desk, key)
    return await _page(desk, template, shown(WORDING, template.model_dump()))


@router.post("/{key}")
async def keep_template(key: str, desk: Here, sent: SentForm) -> Response:
    """Look at the words, try them, or keep them: one button each."""
    desk.need("calendars:manage", of_all=True)
    template, form = await _template(desk, key), read(WORDING, sent)
    looked_at = version_of(sent)
    path = f"/templates/{template.key}"
    try:
        if form.errors or "preview" in sent:
            return await _page(desk, template, form, 422 if form.errors else 200, newest=looked_at)
        if "test" in sent:
            await desk.asking.send("POST", f"{path}/test", form.values, key=key_of(sent, desk.new_key))
            return await _page(desk, template, form, newest=looked_at, told="template_tried")
        await desk.asking.send("PUT", path, form.values, version=looked_at)
    except ApiRefused as refused:
        form, notice = refused_form(form, refused, {})
        newest = looked_at if refused.version is None else refused.version
        return await _page(desk, template, form, refused.status, notice, newest=newest)
    except ApiAway:
        return await _page(desk, template, form, 503, "away", newest=looked_at)
    return desk.done(f"/console/notifications/{template.key}", "template_kept")


@router.get("/{key}/reset")
async def ask_reset(key: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    desk.need("calendars:manage")
    template = await _template(desk, key)
    path = f"/console/notifications/{template.key}"
    if not template.customised:
        return desk.redirect(path)
    return ask_once(desk, "notifications", "reset_template", f"{path}/reset", path, version=template.version)


@router.post("/{key}/reset")
async def reset_template(key: str, desk: Here, sent: SentForm) -> Response:
    """Go back to the built-in words."""
    if not is_sure(sent):
        return await ask_reset(key, desk)
    desk.need("calendars:manage")
    template = await _template(desk, key)
    path = f"/console/notifications/{template.key}"
    try:
        await desk.asking.send("DELETE", f"/templates/{template.key}", version=version_of(sent))
    except ApiRefused as refused:
        if refused.status == 403:
            raise refused_page(refused) from None
        return desk.redirect(path, refused="template_changed" if refused.status == 412 else refused.code)
    except ApiAway:
        raise away() from None
    return desk.done(path, "template_reset")


async def _template(desk: Desk, key: str) -> SeenTemplate:
    if not re.fullmatch(r"[a-z_.-]{3,80}", key):
        raise NOT_FOUND
    with as_pages():
        return await desk.asking.read(SeenTemplate, f"/templates/{key}")


async def _overview(
    desk: Desk, form: Form | None, status: int = 200, notice: str | None = None, newest: int | None = None
) -> Response:
    with as_pages():
        templates = await desk.asking.read(
            Listed[SeenTemplate], "/templates", limit=AT_ONCE, language=desk.words.language
        )
        times = await desk.asking.read(SeenReminders, "/notifications/settings")
    known = {"guest": times.guest_reminder_minutes, "host": times.host_reminder_minutes}
    values = {f"{who}_{n}": minutes for who, those in known.items() for n, minutes in enumerate(those)}
    return desk.page(
        "notifications.html",
        status,
        here="notifications",
        templates=templates.items,
        form=form or shown(REMINDERS, values),
        notice=notice,
        version=newest if newest is not None else times.version,
        rows=range(MOST_REMINDERS),
        editable=desk.may("calendars:manage", of_all=True),
    )


async def _page(
    desk: Desk,
    wording: SeenTemplate,
    form: Form,
    status: int = 200,
    notice: str | None = None,
    *,
    newest: int | None = None,
    told: str | None = None,
) -> Response:
    preview: SeenPreview | None = None
    if desk.may("calendars:manage", of_all=True) and not form.errors:
        words = {name: form.raw[name] for name in ("subject", "body")}
        try:
            preview = read_as(SeenPreview, await desk.asking.send("POST", f"/templates/{wording.key}/preview", words))
        except ApiRefused as refused:
            form, said = refused_form(form, refused, {})
            notice, status = notice or said, refused.status
        except ApiAway:
            notice = notice or "away"
    return desk.page(
        "template.html",
        status,
        here="notifications",
        wording=wording,
        form=form,
        preview=preview,
        notice=notice,
        told=told,
        key=desk.new_key,
        version=newest if newest is not None else wording.version,
        editable=desk.may("calendars:manage", of_all=True),
    )
