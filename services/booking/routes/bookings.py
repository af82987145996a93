"""`/bookings`: request, see, cancel, move, conclude."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import structlog
from fastapi import APIRouter, Query
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.booking.domain import transitions
from services.booking.domain.bookings import Attempt, Booking, Moment
from services.booking.domain.calendars import Calendar, Draft, Member
from services.booking.domain.tokens import booking_of, token_of
from services.booking.domain.transitions import Move, Outcome
from services.booking.routes import views
from services.booking.routes.calendars import calendar_at
from services.booking.routes.problems import (
    BOOKING_OVER,
    BOOKING_UNDECIDED,
    CALENDAR_CHANGED,
    CALENDAR_RETIRED,
    CALENDAR_UNKNOWN,
    CUTOFF_PASSED,
    HOST_NOT_CHOOSABLE,
    MOVE_IN_PROGRESS,
    NOT_BEGUN,
    REQUEST_EXPIRED,
    SLOT_NOT_OFFERED,
    SLOT_TAKEN,
)
from services.booking.routes.views import AssignIn, AttendanceIn, BookingView, CancelIn, MoveIn, NewBooking
from services.booking.store import Links
from turnus_contracts import Guest
from turnus_runtime.http import (
    IDEMPOTENCY_KEY_REUSED,
    NOT_FOUND,
    STALE_VERSION,
    Bearer,
    Body,
    Id,
    Idempotency,
    IfMatch,
    Instant,
    Key,
    On,
    Page,
    Paged,
    Principal,
    Wait,
    answer,
    documented,
    found,
    guest,
    principal_of,
    staff,
    unless_stale,
)
from turnus_runtime.ids import derived, is_id
from turnus_runtime.records import Decision, millis
from turnus_runtime.records import key as index_key
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/bookings")
Viewer = Annotated[Principal, staff("bookings:view")]
UNDECIDED: dict[int | str, dict[str, Any]] = {
    202: {"model": BookingView, "description": "Not decided yet: ask again at `Location`"}
}
REFUSED = {"slot_taken": SLOT_TAKEN, "slot_not_offered": SLOT_NOT_OFFERED, "calendar_retired": CALENDAR_RETIRED}
CODES = {
    "booking_over": BOOKING_OVER,
    "booking_undecided": BOOKING_UNDECIDED,
    "move_in_progress": MOVE_IN_PROGRESS,
    "not_begun": NOT_BEGUN,
    "idempotency_key_reused": IDEMPOTENCY_KEY_REUSED,
}


@router.post(
    "",
    status_code=201,
    response_model=BookingView,
    dependencies=[guest()],
    responses=UNDECIDED
    | documented(
        SLOT_TAKEN,
        SLOT_NOT_OFFERED,
        CALENDAR_CHANGED,
        CALENDAR_RETIRED,
        CALENDAR_UNKNOWN,
        HOST_NOT_CHOOSABLE,
        IDEMPOTENCY_KEY_REUSED,
        REQUEST_EXPIRED,
    ),
)
async def create_booking(body: Body[NewBooking], key: Key, wait: Wait, on: On) -> Response:
    """Book a time. 201 when it is confirmed, 202 while it is not decided yet, 409 when it cannot be had."""
    calendar = await _bookable(body, on)
    terms = calendar.published
    if terms is None:
        raise CALENDAR_UNKNOWN.at("calendar", "is not known here")
    booking_id = derived("bk", calendar.id, body.guest.email, key.key) if key.key else on.ids.fresh("bk")
    _say_which(booking_id)
    known = await on.records(Booking).get(booking_id) if key.key else None
    if known is None:
        _check_calendar(calendar, terms, body)
    new = _new_booking(booking_id, calendar, terms, body, key, on)
    outcome = await on.records(Booking).decide(booking_id, lambda b: transitions.request(b, new))
    if outcome.code is not None:
        raise _refusal(outcome)
    booking = await on.records(Booking).wait(
        booking_id, lambda b: b is not None and b.status != "requested", wait, seen=outcome.booking
    )
    return await _decided(booking or outcome.booking, 1, 201, on, replayed=outcome.replayed)


@router.get("", response_model=Page[BookingView])
async def list_bookings(
    who: Viewer,
    paging: Paged,
    on: On,
    calendar_id: Annotated[Annotated[str, Id("cal")] | None, Query()] = None,
    host_id: Annotated[Annotated[str, Id("mem")] | None, Query()] = None,
    status: Annotated[
        Literal["requested", "confirmed", "rejected", "expired", "cancelled", "attended", "no_show"] | None, Query()
    ] = None,
    start: Annotated[Instant | None, Query(description="Only those that start at this instant or later")] = None,
) -> Page[BookingView]:
    """Bookings of the workspace, of a calendar or of a host, in the order of their start.

    Name a `start`: what lies before it is then not looked at, however much it is.
    """
    index, prefix = "by_workspace", who.workspace_id
    if host_id is not None:
        index, prefix = "by_host", host_id
    elif calendar_id is not None:
        index, prefix = "by_calendar", calendar_id

    def wanted(booking: Booking) -> bool:
        return (
            booking.workspace_id == who.workspace_id
            and calendar_id in (None, booking.calendar_id)
            and status in (None, booking.status)
        )

    since = 0 if start is None else millis(start)
    if start is not None and paging.after is None:
        # What follows the prefix in the key of the last booking that lies before.
        paging = replace(paging, after=f"{index_key(since)}|")
    page = await paging.page(on.records(Booking), index, prefix, lambda one: one, keep=wanted, near=since)
    return Page(items=[await _view(booking, on) for booking in page.items], next=page.next)


@router.get("/{booking_id}", response_model=BookingView, dependencies=[guest()])
async def get_booking(booking_id: str, request: HttpRequest, token: Bearer, on: On) -> Response:
    """One booking, for its guest (`bkt_…` token) or for staff. `current` finds it by the token alone."""
    booking, _ = await _asked(booking_id, request, token, on, "bookings:view")
    return answer(await _view(booking, on), version=booking.version)


@router.post(
    "/{booking_id}/cancel",
    response_model=BookingView,
    dependencies=[guest()],
    responses=documented(CUTOFF_PASSED, BOOKING_OVER, STALE_VERSION),
)
async def cancel_booking(
    booking_id: str, request: HttpRequest, token: Bearer, body: Body[CancelIn], expected: IfMatch, on: On
) -> Response:
    """Cancel. Doing it again gives the same."""
    booking, who = await _asked(booking_id, request, token, on, "bookings:manage")
    by: Literal["guest", "staff"] = "guest" if who is None else "staff"
    actor = "guest" if who is None else who.member_id

    def cancel(current: Booking | None) -> Decision[Booking, Outcome | None]:
        if current is not None and current.status != "cancelled":
            unless_stale(expected, current.version)
            if who is None:
                _check_cutoff(current, current.cancel_cutoff_minutes, on)
        return transitions.cancel(current, on.now, by, actor, body.reason)

    done = _unrefused(await on.records(Booking).decide(booking.id, cancel))
    return answer(await _view(done.booking, on), version=done.booking.version)


@router.post(
    "/{booking_id}/reschedule",
    response_model=BookingView,
    dependencies=[guest()],
    responses=UNDECIDED
    | documented(
        SLOT_TAKEN,
        SLOT_NOT_OFFERED,
        CUTOFF_PASSED,
        MOVE_IN_PROGRESS,
        BOOKING_OVER,
        BOOKING_UNDECIDED,
        HOST_NOT_CHOOSABLE,
        IDEMPOTENCY_KEY_REUSED,
        REQUEST_EXPIRED,
        STALE_VERSION,
    ),
)
async def reschedule_booking(
    booking_id: str,
    request: HttpRequest,
    token: Bearer,
    body: Body[MoveIn],
    key: Key,
    expected: IfMatch,
    wait: Wait,
    on: On,
) -> Response:
    """Move to another time in one step: the old one is given back only when the new one is held."""
    booking, who = await _asked(booking_id, request, token, on, "bookings:manage")
    serving = await _serving(booking, on)
    if not _is_replay(booking, key) and body.host_id is not None:
        _check_host(booking, body.host_id, serving, by_guest=who is None)
    stays = booking.reschedule_policy == "same_host" and set(booking.host_ids) <= serving
    ask = Move(
        start=body.start,
        host_ids=(body.host_id,) if body.host_id is not None else (),
        same_host=stays and body.host_id in (None, *booking.host_ids),
        by="guest" if who is None else "staff",
        actor="guest" if who is None else who.member_id,
        request_key=_move_key(booking, key),
        request_digest=key.digest if key.key else None,
    )
    return await _move(booking, ask, expected, wait, on)


@router.post(
    "/{booking_id}/assign",
    response_model=BookingView,
    responses=UNDECIDED
    | documented(
        SLOT_TAKEN,
        SLOT_NOT_OFFERED,
        MOVE_IN_PROGRESS,
        BOOKING_OVER,
        BOOKING_UNDECIDED,
        HOST_NOT_CHOOSABLE,
        IDEMPOTENCY_KEY_REUSED,
        REQUEST_EXPIRED,
    ),
)
async def assign_booking(
    booking_id: str,
    who: Annotated[Principal, staff("bookings:manage")],
    body: Body[AssignIn],
    key: Key,
    wait: Wait,
    on: On,
) -> Response:
    """Hand the booking over to another member of its calendar, at the same time."""
    booking = await _of_staff(booking_id, who, on)
    if not _is_replay(booking, key):
        _check_host(booking, body.host_id, await _serving(booking, on), by_guest=False)
    ask = Move(
        start=booking.start,
        host_ids=(body.host_id,),
        same_host=False,
        by="staff",
        actor=who.member_id,
        request_key=_move_key(booking, key),
        request_digest=key.digest if key.key else None,
        reason=body.reason,
    )
    return await _move(booking, ask, None, wait, on)


@router.post(
    "/{booking_id}/attendance",
    response_model=BookingView,
    responses=documented(NOT_BEGUN, BOOKING_OVER, BOOKING_UNDECIDED, MOVE_IN_PROGRESS),
)
async def mark_attendance(
    booking_id: str, who: Annotated[Principal, staff("bookings:manage")], body: Body[AttendanceIn], on: On
) -> Response:
    """Say whether the guest came; it can be corrected."""
    booking = await _of_staff(booking_id, who, on)
    outcome = await on.records(Booking).decide(
        booking.id, lambda b: transitions.conclude(b, on.now, body.status, who.member_id)
    )
    done = _unrefused(outcome)
    return answer(await _view(done.booking, on), version=done.booking.version)


@router.get("/{booking_id}/history", response_model=views.History)
async def get_history(booking_id: str, who: Viewer, on: On) -> Response:
    """Everything that happened to a booking, in order."""
    booking = await _of_staff(booking_id, who, on)
    return answer(views.History(items=[_moment(moment) for moment in booking.history]), version=booking.version)


async def _bookable(body: NewBooking, on: Turn) -> Calendar:
    if is_id("cal", body.calendar):
        named = body.calendar
        calendar = await on.records(Calendar).get(named)
    else:
        calendar = await calendar_at(body.calendar, on)
    if calendar is None or calendar.published is None:
        raise CALENDAR_UNKNOWN.at("calendar", "is not known here")
    return calendar


def _check_calendar(calendar: Calendar, terms: Draft, body: NewBooking) -> None:
    if calendar.status == "retired":
        raise CALENDAR_RETIRED
    if body.calendar_version is not None and (calendar.terms.get(str(body.calendar_version)) != terms.duration_minutes):
        raise CALENDAR_CHANGED
    if body.host_id is not None and (
        not terms.guest_chooses_host or body.host_id not in [one.member_id for one in terms.members]
    ):
        raise HOST_NOT_CHOOSABLE.at("host_id", "cannot be chosen here")


def _new_booking(
    booking_id: str, calendar: Calendar, terms: Draft, body: NewBooking, key: Idempotency, on: Turn
) -> Booking:
    links: Links = on.effects
    end = body.start + timedelta(minutes=terms.duration_minutes)
    attempt = Attempt(
        number=1,
        start=body.start,
        end=end,
        host_ids=(body.host_id,) if body.host_id is not None else (),
        requested_at=on.now,
    )
    return Booking(
        id=booking_id,
        workspace_id=calendar.workspace_id,
        calendar_id=calendar.id,
        calendar_version=calendar.published_version,
        version=1,
        status="requested",
        attempts=(attempt,),
        start=body.start,
        end=end,
        duration_minutes=terms.duration_minutes,
        buffer_before_minutes=terms.buffer_before_minutes,
        buffer_after_minutes=terms.buffer_after_minutes,
        reschedule_policy=terms.reschedule_policy,
        cancel_cutoff_minutes=terms.cancel_cutoff_minutes,
        reschedule_cutoff_minutes=terms.reschedule_cutoff_minutes,
        location=terms.location,
        guest=Guest(**body.guest.model_dump()),
        additional_guests=tuple(Guest(**one.model_dump()) for one in body.additional_guests),
        answers=body.answers,
        metadata=body.metadata,
        locale=body.locale,
        tz=body.tz,
        token=token_of(links.secret, booking_id),
        request_digest=key.digest,
        created_at=on.now,
        changed_at=on.now,
        history=(Moment(at=on.now, what="requested", attempt=1, by="guest"),),
    )


async def _asked(
    booking_id: str, request: HttpRequest, token: str | None, on: Turn, *scopes: str
) -> tuple[Booking, Principal | None]:
    """The booking for whoever may see it: its guest (then without a principal), or staff with `scopes`."""
    links: Links = on.effects
    if token is not None and token.startswith("bkt_"):
        own = booking_of(links.secret, token)
        if own is None or booking_id not in (own, "current"):
            raise NOT_FOUND
        _say_which(own)
        return found(await on.records(Booking).get(own)), None
    who = await principal_of(request, token, *scopes)
    return await _of_staff(booking_id, who, on), who


async def _of_staff(booking_id: str, who: Principal, on: Turn) -> Booking:
    booking = found(await on.records(Booking).get(booking_id), who)
    _say_which(booking.id)
    return booking


def _say_which(booking_id: str) -> None:
    """Every further log line of this request names the booking, as those of its events do in all services."""
    structlog.contextvars.bind_contextvars(booking_id=booking_id)


def _check_cutoff(booking: Booking, minutes: int, on: Turn) -> None:
    """Guests may cancel and move until some time before the start, as was promised when they booked."""
    latest = booking.start - timedelta(minutes=minutes)
    if minutes and booking.status in ("requested", "confirmed") and on.now > latest:
        raise CUTOFF_PASSED(f"It was possible until {latest.astimezone(ZoneInfo(booking.tz)).isoformat()}.")


async def _serving(booking: Booking, on: Turn) -> set[str]:
    """The active members of the booking's calendar. A host who is not among them cannot be kept by a move."""
    calendar = await on.records(Calendar).get(booking.calendar_id)
    terms = calendar.published if calendar is not None else None
    listed = [one.member_id for one in terms.members] if terms is not None else []
    members = await asyncio.gather(*(on.records(Member).get(member_id) for member_id in listed))
    return {member.id for member in members if member is not None and member.status == "active"}


def _check_host(booking: Booking, host_id: str, serving: set[str], *, by_guest: bool) -> None:
    """Staff hand a booking to whoever serves in its calendar; a guest only keeps the host."""
    if host_id not in serving or (by_guest and host_id not in booking.host_ids):
        raise HOST_NOT_CHOOSABLE.at("host_id", "cannot be chosen here")


def _is_replay(booking: Booking, key: Idempotency) -> bool:
    told = _move_key(booking, key)
    return told is not None and booking.attempt_with_key(told) is not None


def _move_key(booking: Booking, key: Idempotency) -> str | None:
    return derived("mv", booking.id, key.key) if key.key else None


async def _move(booking: Booking, ask: Move, expected: int | None, wait: float, on: Turn) -> Response:
    def move(current: Booking | None) -> Decision[Booking, Outcome | None]:
        if current is not None and (ask.request_key is None or current.attempt_with_key(ask.request_key) is None):
            unless_stale(expected, current.version)
            if ask.by == "guest":
                _check_cutoff(current, current.reschedule_cutoff_minutes, on)
        return transitions.move(current, ask, on.now)

    outcome = _unrefused(await on.records(Booking).decide(booking.id, move))
    number = outcome.attempt.number if outcome.attempt is not None else 0

    def answered(current: Booking | None) -> bool:
        attempt = current.attempt_of(number) if current is not None else None
        return attempt is None or attempt.state != "open" or current is None or current.status != "confirmed"

    moved = await on.records(Booking).wait(booking.id, answered, wait, seen=outcome.booking)
    return await _decided(moved or outcome.booking, number, 200, on, replayed=outcome.replayed)


async def _decided(booking: Booking, number: int, done: int, on: Turn, *, replayed: bool) -> Response:
    """The answer about attempt `number`: done, refused, or not decided yet."""
    attempt = booking.attempt_of(number)
    headers = {"Idempotency-Replayed": "true"} if replayed else None
    if attempt is not None and attempt.state == "refused":
        problem = REFUSED.get(attempt.code or "", SLOT_TAKEN)
        zone = ZoneInfo(booking.tz)
        raise problem(headers=headers, alternatives=[a.astimezone(zone).isoformat() for a in attempt.alternatives])
    if attempt is not None and attempt.state == "released" and attempt.code == "expired":
        raise REQUEST_EXPIRED(headers=headers)
    undecided = attempt is not None and attempt.state == "open"
    return answer(
        await _view(booking, on),
        202 if undecided else done,
        version=booking.version,
        location=f"/bookings/{booking.id}" if undecided or done == 201 else None,
        replayed=replayed,
    )


def _unrefused(outcome: Outcome | None) -> Outcome:
    if outcome is None:
        raise NOT_FOUND
    if outcome.code is not None:
        raise _refusal(outcome)
    return outcome


def _refusal(outcome: Outcome) -> Any:
    if outcome.code == "idempotency_key_reused":
        return IDEMPOTENCY_KEY_REUSED.at("Idempotency-Key", "belongs to another request")
    return CODES[outcome.code or ""]()


async def _view(booking: Booking, on: Turn) -> BookingView:
    host = await on.records(Member).get(booking.host_ids[0]) if booking.host_ids else None
    calendar = await on.records(Calendar).get(booking.calendar_id)
    return views.booking_view(booking, calendar, host, on.settings.public_url)


def _moment(moment: Moment) -> views.MomentView:
    return views.MomentView(at=moment.at, what=moment.what, attempt=moment.attempt, by=moment.by, detail=moment.detail)
