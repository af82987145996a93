"""`/bookings`: request, see, cancel, move, conclude."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.booking.domain import transitions
from services.booking.domain.bookings import Booking
from services.booking.domain.transitions import Move, Outcome
from services.booking.routes import views
from services.booking.routes.answering import carry_move, decided, moment_view, refusal_of, shown, unrefused
from services.booking.routes.asking import (
    acting,
    asked,
    bookable,
    check_calendar,
    check_cutoff,
    check_host,
    check_overbooking,
    is_replay,
    move_key,
    new_booking,
    of_staff,
    say_which,
    serving_hosts,
)
from services.booking.routes.assigned import booking_for
from services.booking.routes.listing import Wanted, page_of, wanted
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
    NOT_YOURS,
    REQUEST_EXPIRED,
    SLOT_NOT_OFFERED,
    SLOT_TAKEN,
)
from services.booking.routes.views import AssignIn, AttendanceIn, BookingView, CancelIn, MoveIn, NewBooking
from turnus_runtime.http import (
    IDEMPOTENCY_KEY_REUSED,
    STALE_VERSION,
    Bearer,
    Body,
    IfMatch,
    Key,
    On,
    Page,
    Paged,
    Principal,
    Wait,
    answer,
    documented,
    guest,
    staff,
    staff_or_guest,
    unless_stale,
)
from turnus_runtime.ids import derived
from turnus_runtime.records import Decision

router = APIRouter(prefix="/bookings")
Viewer = Annotated[Principal, staff("bookings:view")]
UNDECIDED: dict[int | str, dict[str, Any]] = {
    202: {"model": BookingView, "description": "Not decided yet: ask again at `Location`"}
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
        NOT_YOURS,
        IDEMPOTENCY_KEY_REUSED,
        REQUEST_EXPIRED,
    ),
)
async def create_booking(
    body: Body[NewBooking],
    credential: Annotated[Principal | None, staff_or_guest()],
    key: Key,
    wait: Wait,
    on: On,
) -> Response:
    """Book a time. 201 when it is confirmed, 202 while it is not decided yet, 409 when it cannot be had.

    Whoever manages the bookings of the calendar books as staff: what Look Busy hides is bookable for them, they choose
    the host, and may overbook. Every other credential counts as none.
    """
    calendar = await bookable(body, on)
    terms = calendar.published
    if terms is None:
        raise CALENDAR_UNKNOWN.at("calendar", "is not known here")
    who = acting(body, credential, calendar)
    booking_id = derived("bk", calendar.id, body.guest.email, key.key) if key.key else on.ids.fresh("bk")
    say_which(booking_id)
    known = await on.records(Booking).get(booking_id) if key.key else None
    if known is None:
        check_calendar(calendar, terms, body, who)
    new = new_booking(booking_id, calendar, terms, body, who, key, on)
    outcome = await on.records(Booking).decide(booking_id, lambda b: transitions.request(b, new))
    if outcome.code is not None:
        raise refusal_of(outcome)
    booking = await on.records(Booking).wait(
        booking_id, lambda b: b is not None and b.status != "requested", wait, seen=outcome.booking
    )
    return await decided(booking or outcome.booking, 1, 201, on, replayed=outcome.replayed)


@router.get("", response_model=Page[BookingView])
async def list_bookings(
    who: Viewer, paging: Paged, asked_for: Annotated[Wanted, Depends(wanted)], on: On
) -> Page[BookingView]:
    """Bookings of the workspace, of a calendar or of a host, in the order of their start or of their making.

    Who is restricted to what is assigned to them has those that they serve.
    """
    page = await page_of(asked_for, who, paging, on)
    # All at once: what is read for them goes to the store together.
    return Page(items=await asyncio.gather(*(shown(booking, on) for booking in page.items)), next=page.next)


@router.get("/{booking_id}", response_model=BookingView, dependencies=[guest()])
async def get_booking(booking_id: str, request: HttpRequest, token: Bearer, on: On) -> Response:
    """One booking, for its guest (`bkt_…` token) or for staff. `current` finds it by the token alone."""
    booking, _ = await asked(booking_id, request, token, on, "bookings:view")
    return answer(await shown(booking, on), version=booking.version)


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
    booking, who = await asked(booking_id, request, token, on, "bookings:manage")
    by: Literal["guest", "staff"] = "guest" if who is None else "staff"
    actor = "guest" if who is None else who.member_id

    def cancel(current: Booking | None) -> Decision[Booking, Outcome | None]:
        if who is not None:
            booking_for(who, current)
        if current is not None and current.status != "cancelled":
            unless_stale(expected, current.version)
            if who is None:
                check_cutoff(current, current.cancel_cutoff_minutes, on)
        return transitions.cancel(current, on.now, by, actor, body.reason)

    done = unrefused(await on.records(Booking).decide(booking.id, cancel))
    return answer(await shown(done.booking, on), version=done.booking.version)


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
        NOT_YOURS,
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
    """Move to another time in one step: the old one is given back only when the new one is held.

    Staff move to what Look Busy hides, too, and may overbook.
    """
    booking, who = await asked(booking_id, request, token, on, "bookings:manage")
    check_overbooking(body, who)
    serving = await serving_hosts(booking, on)
    if not is_replay(booking, key) and body.host_id is not None:
        check_host(booking, body.host_id, serving, by_guest=who is None)
    stays = booking.reschedule_policy == "same_host" and set(booking.host_ids) <= serving
    ask = Move(
        start=body.start,
        host_ids=(body.host_id,) if body.host_id is not None else (),
        same_host=stays and body.host_id in (None, *booking.host_ids),
        by="guest" if who is None else "staff",
        actor="guest" if who is None else who.member_id,
        request_key=move_key(booking, key),
        request_digest=key.digest if key.key else None,
        reason=body.reason or "",
        overbook=body.overbook,
    )
    return await carry_move(booking, ask, who, expected, wait, on)


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
    """Hand the booking over to another member of its calendar, at the same time.

    Who is restricted to what is assigned to them does not find it any more afterwards, not by a repetition either.
    """
    booking = await of_staff(booking_id, who, on)
    if not is_replay(booking, key):
        check_host(booking, body.host_id, await serving_hosts(booking, on), by_guest=False)
    ask = Move(
        start=booking.start,
        host_ids=(body.host_id,),
        same_host=False,
        by="staff",
        actor=who.member_id,
        request_key=move_key(booking, key),
        request_digest=key.digest if key.key else None,
        reason=body.reason,
    )
    return await carry_move(booking, ask, who, None, wait, on)


@router.post(
    "/{booking_id}/attendance",
    response_model=BookingView,
    responses=documented(NOT_BEGUN, BOOKING_OVER, BOOKING_UNDECIDED, MOVE_IN_PROGRESS),
)
async def mark_attendance(
    booking_id: str, who: Annotated[Principal, staff("bookings:manage")], body: Body[AttendanceIn], on: On
) -> Response:
    """Say whether the guest came; it can be corrected."""
    booking = await of_staff(booking_id, who, on)
    outcome = await on.records(Booking).decide(
        booking.id, lambda b: transitions.conclude(booking_for(who, b), on.now, body.status, who.member_id)
    )
    done = unrefused(outcome)
    return answer(await shown(done.booking, on), version=done.booking.version)


@router.get("/{booking_id}/history", response_model=views.History)
async def get_history(booking_id: str, who: Viewer, on: On) -> Response:
    """Everything that happened to a booking, in order."""
    booking = await of_staff(booking_id, who, on)
    return answer(views.History(items=[moment_view(moment) for moment in booking.history]), version=booking.version)
