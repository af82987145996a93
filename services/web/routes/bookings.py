"""`/b/{token}`: a booking for its guest. The token stands in the path of the page and nowhere else."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away
from services.web.adapters.calendar_links import google_link, outlook_link
from services.web.adapters.zones import city_of, offset_of, zone_named
from services.web.domain.days import Month, instant_named
from services.web.domain.entered import Companion, entered
from services.web.domain.seen import SeenBooking, SeenCalendar, latest, state_of
from services.web.routes.calendars import instant_text
from services.web.routes.picking import Choice, pick
from services.web.routes.visit import Form, Here, Html, Visit
from turnus_runtime.http import NOT_FOUND, Problem

router = APIRouter(prefix="/b/{token}", default_response_class=Html)

_TOKEN = re.compile(r"bkt_[A-Za-z0-9_-]{20,200}")
LOOKS_AGAIN_SECONDS = 2
PRIVATE = {"X-Robots-Tag": "noindex, nofollow"}
LONGEST_REASON = 2000
OPEN_FOR = {
    "reschedule_cutoff_minutes": ("confirmed", "moved"),
    "cancel_cutoff_minutes": ("confirmed", "moved", "moving", "requested"),
}
"""In which states a booking can be moved and cancelled, by the setting that closes it."""


@dataclass(frozen=True, slots=True)
class Own:
    """A booking and its calendar, for the guest who asks; `calendar` is None if nobody knows it any more."""

    visit: Visit
    booking: SeenBooking
    calendar: SeenCalendar | None

    @property
    def path(self) -> str:
        """The address of the booking's page."""
        return f"/b/{self.booking.token}"

    @property
    def title(self) -> str:
        """What the appointment is called in calendars."""
        name = self.booking.calendar_name or ""
        with_whom = self.booking.host.name if self.booking.host is not None else ""
        return ": ".join(part for part in (name, with_whom) if part)

    def until(self, setting: str) -> datetime:
        """Until when the calendar lets guests cancel or move, in the guest's zone."""
        minutes = getattr(self.calendar, setting) if self.calendar is not None else 0
        return latest(self.booking, minutes).astimezone(ZoneInfo(self.booking.tz))

    def page(
        self,
        template: str,
        status: int = 200,
        headers: dict[str, str] | None = None,
        *,
        tz: str | None = None,
        **values: Any,
    ) -> Response:
        """A page about this booking, with its times in the guest's zone, or in `tz`."""
        named = tz or self.booking.tz
        zone = ZoneInfo(named)
        locale = str(self.visit.words.locale)
        start, end = self.booking.start.astimezone(zone), self.booking.end.astimezone(zone)
        return self.visit.page(
            template,
            status,
            {**PRIVATE, **(headers or {})},
            own=self,
            booking=self.booking,
            calendar=self.calendar,
            state=state_of(self.booking, self.visit.now),
            start=start,
            end=end,
            city=city_of(named, locale),
            offset=offset_of(start),
            there=self._there(start),
            path=self.path,
            can_move=self.until("reschedule_cutoff_minutes") > self.visit.now,
            can_cancel=self.until("cancel_cutoff_minutes") > self.visit.now,
            whom=self._whom(),
            **values,
        )

    def _there(self, start: datetime) -> tuple[datetime, datetime, str, str] | None:
        """The same time in the calendar's zone, if clocks show another one there: start, end, city, offset."""
        if self.calendar is None:
            return None
        there = start.astimezone(ZoneInfo(self.calendar.tz))
        if there.utcoffset() == start.utcoffset():
            return None
        length = self.booking.end - self.booking.start
        city = city_of(self.calendar.tz, str(self.visit.words.locale))
        return there, there + length, city, offset_of(there)

    def _whom(self) -> str:
        if self.booking.host is not None:
            return self.booking.host.name
        return self.calendar.workspace_name if self.calendar is not None else ""


async def own_of(token: str, visit: Here) -> Own:
    """The booking of this token. Raises 404 for a forged one, 503 when the API is away."""
    if not _TOKEN.fullmatch(token):
        raise NOT_FOUND
    try:
        booking = await visit.asking.booking(token)
        calendar = await _calendar(visit, booking)
    except ApiAway:
        raise away() from None
    except ApiRefused:
        raise NOT_FOUND from None
    return Own(visit, booking, calendar)


async def _calendar(visit: Visit, booking: SeenBooking) -> SeenCalendar | None:
    if booking.calendar_address is None:
        return None
    try:
        return await visit.asking.calendar(booking.calendar_address)
    except (ApiRefused, Problem):
        return None


Mine = Annotated[Own, Depends(own_of)]


@router.get("")
async def show_booking(own: Mine) -> Response:
    """The booking as it stands. While it is not decided, the page loads itself again."""
    booking, visit = own.booking, own.visit
    state = state_of(booking, visit.now)
    waiting = state in ("requested", "moving")
    zone = ZoneInfo(booking.tz)
    asked = instant_named(visit.request.query_params.get("asked"))
    companions = tuple(Companion(one.name, one.email) for one in booking.additional_guests)
    form = entered({}, visit.new_key)
    hidden = [("key", form.key), ("tz", booking.tz), ("name", booking.guest.name), ("email", booking.guest.email)]
    hidden += [("phone", booking.guest.phone)] if booking.guest.phone else []
    for row, one in enumerate(companions):
        hidden += [(f"guest_name_{row}", one.name), (f"guest_email_{row}", one.email)]
    # The header and not the element of that name: a page that is replaced while it is read is a barrier, but this one
    # only waits for its own answer, at most a minute.
    return own.page(
        "booking.html",
        200,
        {"Refresh": str(LOOKS_AGAIN_SECONDS)} if waiting else None,
        moving_to=(booking.move.start.astimezone(zone), booking.move.end.astimezone(zone)) if booking.move else None,
        # A move that was still undecided when the guest was sent here, and then came to nothing.
        not_moved=asked.astimezone(zone) if asked is not None and not waiting and asked != booking.start else None,
        alternatives=[(instant_text(at), at.astimezone(zone)) for at in sorted(booking.alternatives)],
        hidden=hidden,
        google=google_link(booking, own.title),
        outlook=outlook_link(booking, own.title),
        move_until=own.until("reschedule_cutoff_minutes"),
        cancel_until=own.until("cancel_cutoff_minutes"),
    )


@router.get("/appointment.ics")
async def download(own: Mine) -> Response:
    """The booking as a calendar file, as the API has it."""
    try:
        text, media_type = await own.visit.asking.calendar_file(own.booking.token)
    except ApiRefused:
        raise NOT_FOUND from None
    except ApiAway:
        raise away() from None
    return Response(
        text,
        media_type=media_type,
        headers={**PRIVATE, "Content-Disposition": 'attachment; filename="appointment.ics"'},
    )


@router.get("/move")
async def choose_move(own: Mine) -> Response:
    """Choose another time; with `?start=`, look at the move before it is made."""
    booking, visit = own.booking, own.visit
    if closed := _closed(own, "reschedule_cutoff_minutes"):
        return closed
    start = instant_named(visit.request.query_params.get("start"))
    if start is not None:
        return _confirm_move(own, start, visit.new_key)
    choice = Choice(
        calendar=booking.calendar_id,
        tz=booking.tz,
        link=partial(visit.url, f"{own.path}/move"),
        time_link=lambda at, zone: visit.url(f"{own.path}/move", start=instant_text(at), tz=zone),
        host_id=booking.host.id if booking.host is not None and booking.reschedule_policy == "same_host" else None,
        booking_id=booking.id,
        current=booking.start,
    )
    try:
        picker = await pick(visit, choice)
    except ApiAway:
        raise away() from None
    return own.page("move.html", tz=picker.zone, picker=picker, action=f"{own.path}/move")


@router.post("/move")
async def move(own: Mine, form: Form) -> Response:
    """Move the booking to the chosen time."""
    booking, visit = own.booking, own.visit
    start = instant_named(form.get("start"))
    if start is None:
        return visit.redirect(f"{own.path}/move")
    version = form.get("version", "")
    key = form.get("key", "")[:100] or visit.new_key
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 10 else booking.version
    try:
        moved = await visit.asking.move(booking.token, start, _zone(own), number, key)
    except ApiRefused as refused:
        return await _move_refused(own, refused, start)
    except ApiAway:
        return _confirm_move(own, start, key, "away", 503)
    return visit.redirect(own.path, asked=instant_text(start) if moved.move is not None else None)


@router.get("/cancel")
async def ask_cancel(own: Mine) -> Response:
    """Ask once."""
    return _closed(own, "cancel_cutoff_minutes") or own.page("cancel.html", reason="", notice=None)


@router.post("/cancel")
async def cancel(own: Mine, form: Form) -> Response:
    """Cancel; doing it again gives the same."""
    reason = form.get("reason", "").strip().replace("\r\n", "\n")
    if len(reason) > LONGEST_REASON:
        return own.page("cancel.html", 422, reason=reason, notice="reason_too_long")
    try:
        await own.visit.asking.cancel(own.booking.token, reason)
    except ApiRefused as refused:
        if refused.status == 422:
            return own.page("cancel.html", 422, reason=reason, notice="reason_wrong")
        return _closed(own, "cancel_cutoff_minutes") or own.visit.redirect(own.path)
    except ApiAway:
        return own.page("cancel.html", 503, reason=reason, notice="away")
    return own.visit.redirect(own.path)


def _zone(own: Own) -> str:
    return zone_named(own.visit.request.query_params.get("tz")) or own.booking.tz


def _closed(own: Own, setting: str) -> Response | None:
    """The page of the booking if it is over or undecided, or the one that says that it is too late; None if not."""
    if state_of(own.booking, own.visit.now) not in OPEN_FOR[setting]:
        return own.visit.redirect(own.path)
    until = own.until(setting)
    if until <= own.visit.now:
        return own.page("too_late.html", 409, until=until, what=setting.partition("_")[0])
    return None


def _confirm_move(
    own: Own,
    start: datetime,
    key: str,
    notice: str | None = None,
    status: int = 200,
    alternatives: Sequence[tuple[str, datetime]] = (),
) -> Response:
    zone = _zone(own)
    to = start.astimezone(ZoneInfo(zone))
    length: timedelta = own.booking.end - own.booking.start
    back = own.visit.url(f"{own.path}/move", month=str(Month.of(to.date())), day=to.date().isoformat(), tz=_zone(own))
    return own.page(
        "move_confirm.html",
        status,
        tz=zone,
        to=to,
        to_end=to + length,
        to_city=city_of(zone, str(own.visit.words.locale)),
        to_offset=offset_of(to),
        start_text=instant_text(start),
        action=own.visit.url(f"{own.path}/move", tz=zone),
        key=key,
        notice=notice,
        back=back,
        alternatives=alternatives,
    )


async def _move_refused(own: Own, refused: ApiRefused, start: datetime) -> Response:
    """The booking stays as it was; the page says why, and how to go on."""
    if refused.code not in ("slot_taken", "slot_not_offered", "version_stale", "request_expired"):
        return _closed(own, "reschedule_cutoff_minutes") or own.visit.redirect(own.path)
    # The refused try is part of the booking's history: it has another version now.
    fresh = await own_of(own.booking.token, own.visit)
    zone = ZoneInfo(_zone(own))
    alternatives = [(instant_text(at), at.astimezone(zone)) for at in sorted(refused.alternatives)]
    return _confirm_move(fresh, start, own.visit.new_key, refused.code, refused.status, alternatives)
