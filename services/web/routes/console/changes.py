"""`/console/bookings/{…}/…`: what staff do with a booking: move, cancel, hand over, say whether the guest came."""

from datetime import datetime
from functools import partial

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away, read_as
from services.web.adapters.zones import zone_named
from services.web.domain.days import instant_named
from services.web.domain.forms import Choice, Form, Text, last, read, shown
from services.web.domain.seen import Host, SeenCalendar
from services.web.domain.staff import SeenEntry
from services.web.routes.calendars import instant_text
from services.web.routes.console.bookings import entry_of, facts_of, times
from services.web.routes.console.desk import (
    Desk,
    Here,
    SentForm,
    is_sure,
    key_of,
    refused_form,
    refused_page,
    version_of,
)
from services.web.routes.picking import Choice as TimeChoice
from services.web.routes.picking import pick
from services.web.routes.visit import Html

router = APIRouter(prefix="/bookings/{booking_id}", default_response_class=Html)

CANCEL = (Text("reason", most=2000, needed=False, lines=True),)
HAND_OVER = (Text("host_id", most=60), Text("reason", most=2000, needed=False, lines=True))
ATTENDANCE = (Choice("status", ("attended", "no_show")),)


@router.get("/move")
async def choose_move(booking_id: str, desk: Here) -> Response:
    """Choose another time; with `?start=`, look at the move before it is made."""
    entry = await _changeable(desk, booking_id)
    if isinstance(entry, Response):
        return entry
    path = f"/console/bookings/{entry.id}/move"
    start = instant_named(desk.request.query_params.get("start"))
    if start is not None:
        return _confirm_move(desk, entry, start, desk.new_key)
    choice = TimeChoice(
        calendar=entry.calendar_id,
        tz=desk.who.member.tz,
        link=partial(desk.url, path),
        time_link=lambda at, zone: desk.url(path, start=instant_text(at), tz=zone),
        host_id=entry.host.id if entry.host is not None and entry.reschedule_policy == "same_host" else None,
        booking_id=entry.id,
        current=entry.start,
    )
    try:
        picker = await pick(desk, choice)
    except ApiAway:
        raise away() from None
    return desk.page("move.html", here="bookings", picker=picker, action=path, **facts_of(desk, entry))


@router.post("/move")
async def move(booking_id: str, desk: Here, sent: SentForm) -> Response:
    """Move the booking to the chosen time; the guest is told by mail."""
    desk.need("bookings:manage")
    entry = await entry_of(desk, booking_id)
    start = instant_named(last(sent, "start"))
    if start is None:
        return desk.redirect(f"/console/bookings/{entry.id}/move")
    key = key_of(sent, desk.new_key)
    looked_at = version_of(sent)
    try:
        answer = await desk.asking.send(
            "POST", f"/bookings/{entry.id}/reschedule", {"start": instant_text(start)}, key=key, version=looked_at
        )
    except ApiRefused as refused:
        if refused.code in ("slot_taken", "slot_not_offered", "version_stale", "request_expired"):
            entry = await entry_of(desk, booking_id)
            return _confirm_move(desk, entry, start, desk.new_key, refused.code, refused.status, refused.alternatives)
        return _told(desk, entry, refused)
    except ApiAway:
        return _confirm_move(desk, entry, start, key, "away", 503)
    return desk.done(
        f"/console/bookings/{entry.id}", "booking_moved" if answer.status_code == 200 else "booking_moving"
    )


@router.get("/cancel")
async def ask_cancel(booking_id: str, desk: Here) -> Response:
    """Ask once, and name who is told."""
    entry = await _changeable(desk, booking_id)
    return entry if isinstance(entry, Response) else _ask(desk, "cancel.html", entry, shown(CANCEL, {}))


@router.post("/cancel")
async def cancel(booking_id: str, desk: Here, sent: SentForm) -> Response:
    """Cancel the booking; doing it again gives the same."""
    if not is_sure(sent):
        return await ask_cancel(booking_id, desk)
    desk.need("bookings:manage")
    entry, form = await entry_of(desk, booking_id), read(CANCEL, sent)
    if form.errors:
        return _ask(desk, "cancel.html", entry, form, 422)
    body = {"reason": form.values["reason"]} if form.values["reason"] else {}
    try:
        await desk.asking.send("POST", f"/bookings/{entry.id}/cancel", body)
    except ApiRefused as refused:
        if refused.status == 422:
            form, notice = refused_form(form, refused, {})
            return _ask(desk, "cancel.html", entry, form, 422, notice)
        return _told(desk, entry, refused)
    except ApiAway:
        return _ask(desk, "cancel.html", entry, form, 503, "away")
    return desk.done(f"/console/bookings/{entry.id}", "booking_cancelled")


@router.get("/hand-over")
async def ask_hand_over(booking_id: str, desk: Here) -> Response:
    """Choose another member of the calendar for the same time."""
    entry = await _changeable(desk, booking_id)
    return entry if isinstance(entry, Response) else await _hand_over_page(desk, entry, shown(HAND_OVER, {}))


@router.post("/hand-over")
async def hand_over(booking_id: str, desk: Here, sent: SentForm) -> Response:
    """Let another member serve the booking."""
    desk.need("bookings:manage")
    entry, form = await entry_of(desk, booking_id), read(HAND_OVER, sent)
    key = key_of(sent, desk.new_key)
    if form.errors:
        return await _hand_over_page(desk, entry, form, 422, key=key)
    try:
        answer = await desk.asking.send("POST", f"/bookings/{entry.id}/assign", form.values, key=key)
    except ApiRefused as refused:
        if refused.status == 422:
            form, notice = refused_form(form, refused, {})
            return await _hand_over_page(desk, entry, form, 422, notice)
        if refused.code in ("slot_taken", "slot_not_offered"):
            return await _hand_over_page(desk, entry, form, 409, "host_not_free")
        return _told(desk, entry, refused)
    except ApiAway:
        return await _hand_over_page(desk, entry, form, 503, "away", key=key)
    told = "booking_handed_over" if answer.status_code == 200 else "booking_moving"
    return desk.done(_after(desk, read_as(SeenEntry, answer)), told)


@router.post("/attendance")
async def mark_attendance(booking_id: str, desk: Here, sent: SentForm) -> Response:
    """Say whether the guest came; it can be corrected."""
    desk.need("bookings:manage")
    entry, form = await entry_of(desk, booking_id), read(ATTENDANCE, sent)
    if form.errors:
        return desk.redirect(f"/console/bookings/{entry.id}")
    try:
        await desk.asking.send("POST", f"/bookings/{entry.id}/attendance", form.values)
    except ApiRefused as refused:
        return _told(desk, entry, refused)
    except ApiAway:
        raise away() from None
    return desk.done(f"/console/bookings/{entry.id}", f"booking_{form.values['status']}")


async def _changeable(desk: Desk, booking_id: str) -> SeenEntry | Response:
    """The booking if it can be changed now; else its page, which says what it is."""
    desk.need("bookings:manage")
    entry = await entry_of(desk, booking_id)
    if not facts_of(desk, entry)["changeable"]:
        return desk.redirect(f"/console/bookings/{entry.id}")
    return entry


def _told(desk: Desk, entry: SeenEntry, refused: ApiRefused) -> Response:
    """Back to the booking, which says what it is now, with the reason for the refusal."""
    if refused.status in (401, 403):
        raise refused_page(refused)
    return desk.redirect(f"/console/bookings/{entry.id}", refused=refused.code)


def _ask(
    desk: Desk, template: str, entry: SeenEntry, form: Form, status: int = 200, notice: str | None = None
) -> Response:
    return desk.page(
        template, status, here="bookings", form=form, notice=notice, key=desk.new_key, **facts_of(desk, entry)
    )


async def _hand_over_page(
    desk: Desk,
    entry: SeenEntry,
    form: Form,
    status: int = 200,
    notice: str | None = None,
    *,
    key: str | None = None,
) -> Response:
    others = await _hosts(desk, entry)
    serving = entry.host.id if entry.host is not None else ""
    return desk.page(
        "hand_over.html",
        status,
        here="bookings",
        form=form,
        notice=notice,
        key=key or desk.new_key,
        others=[(one.id, one.name) for one in others if one.id != serving],
        **facts_of(desk, entry),
    )


def _after(desk: Desk, entry: SeenEntry) -> str:
    """Where to go on: who sees only what is assigned to them does not find any more what another one serves."""
    gone = desk.who.assigned_only and (entry.host is None or entry.host.id != desk.who.member_id)
    return "/console/bookings" if gone else f"/console/bookings/{entry.id}"


async def _hosts(desk: Desk, entry: SeenEntry) -> tuple[Host, ...]:
    """Who serves in the booking's calendar: what guests may see of it, so it takes no permission for calendars."""
    try:
        return (await desk.asking.read(SeenCalendar, "/calendars", address=entry.calendar_address)).hosts
    except ApiRefused:
        return ()
    except ApiAway:
        raise away() from None


def _confirm_move(
    desk: Desk,
    entry: SeenEntry,
    start: datetime,
    key: str,
    notice: str | None = None,
    status: int = 200,
    alternatives: tuple[datetime, ...] = (),
) -> Response:
    zone = zone_named(desk.request.query_params.get("tz")) or desk.who.member.tz
    to = times(desk, start, start + (entry.end - entry.start), zone)
    offered = [(instant_text(at), times(desk, at, at, zone).start) for at in sorted(alternatives)]
    path = f"/console/bookings/{entry.id}/move"
    return desk.page(
        "move_confirm.html",
        status,
        here="bookings",
        to=to,
        start_text=instant_text(start),
        key=key,
        notice=notice,
        alternatives=offered,
        action=desk.url(path, tz=zone),
        back=desk.url(path, month=f"{to.start:%Y-%m}", day=f"{to.start:%Y-%m-%d}", tz=zone),
        **facts_of(desk, entry),
    )
