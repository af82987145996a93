"""What became of a request on a booking: waiting for it, and the answer or the refusal."""

import asyncio
from typing import Any
from zoneinfo import ZoneInfo

from starlette.responses import Response

from services.booking.domain import transitions
from services.booking.domain.bookings import Booking, Moment
from services.booking.domain.calendars import Calendar
from services.booking.domain.directory import Member
from services.booking.domain.transitions import Move, Outcome
from services.booking.routes import views
from services.booking.routes.asking import check_cutoff
from services.booking.routes.assigned import booking_for
from services.booking.routes.problems import (
    BOOKING_OVER,
    BOOKING_UNDECIDED,
    CALENDAR_RETIRED,
    MOVE_IN_PROGRESS,
    NOT_BEGUN,
    REQUEST_EXPIRED,
    SLOT_NOT_OFFERED,
    SLOT_TAKEN,
)
from services.booking.routes.views import BookingView
from turnus_runtime.http import (
    IDEMPOTENCY_KEY_REUSED,
    NOT_FOUND,
    Principal,
    answer,
    unless_stale,
)
from turnus_runtime.records import Decision
from turnus_runtime.turn import Turn

REFUSED = {"slot_taken": SLOT_TAKEN, "slot_not_offered": SLOT_NOT_OFFERED, "calendar_retired": CALENDAR_RETIRED}
CODES = {
    "booking_over": BOOKING_OVER,
    "booking_undecided": BOOKING_UNDECIDED,
    "move_in_progress": MOVE_IN_PROGRESS,
    "not_begun": NOT_BEGUN,
    "idempotency_key_reused": IDEMPOTENCY_KEY_REUSED,
}


async def carry_move(
    booking: Booking, ask: Move, who: Principal | None, expected: int | None, wait: float, on: Turn
) -> Response:
    """Carry out a move for staff, or for the guest (`who` None), and wait for what becomes of it."""

    def move(current: Booking | None) -> Decision[Booking, Outcome | None]:
        if who is not None:
            booking_for(who, current)
        if current is not None and (ask.request_key is None or current.attempt_with_key(ask.request_key) is None):
            unless_stale(expected, current.version)
            if ask.by == "guest":
                check_cutoff(current, current.reschedule_cutoff_minutes, on)
        return transitions.move(current, ask, on.now)

    outcome = unrefused(await on.records(Booking).decide(booking.id, move))
    number = outcome.attempt.number if outcome.attempt is not None else 0

    def answered(current: Booking | None) -> bool:
        attempt = current.attempt_of(number) if current is not None else None
        return attempt is None or attempt.state != "open" or current is None or current.status != "confirmed"

    moved = await on.records(Booking).wait(booking.id, answered, wait, seen=outcome.booking)
    return await decided(moved or outcome.booking, number, 200, on, replayed=outcome.replayed)


async def decided(booking: Booking, number: int, done: int, on: Turn, *, replayed: bool) -> Response:
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
        await shown(booking, on),
        202 if undecided else done,
        version=booking.version,
        location=f"/bookings/{booking.id}" if undecided or done == 201 else None,
        replayed=replayed,
    )


def unrefused(outcome: Outcome | None) -> Outcome:
    if outcome is None:
        raise NOT_FOUND
    if outcome.code is not None:
        raise refusal_of(outcome)
    return outcome


def refusal_of(outcome: Outcome) -> Any:
    if outcome.code == "idempotency_key_reused":
        return IDEMPOTENCY_KEY_REUSED.at("Idempotency-Key", "belongs to another request")
    return CODES[outcome.code or ""]()


async def shown(booking: Booking, on: Turn) -> BookingView:
    host, calendar = await asyncio.gather(_first_host(booking, on), on.records(Calendar).get(booking.calendar_id))
    return views.booking_view(booking, calendar, host, on.settings.public_url)


async def _first_host(booking: Booking, on: Turn) -> Member | None:
    return await on.records(Member).get(booking.host_ids[0]) if booking.host_ids else None


def moment_view(moment: Moment) -> views.MomentView:
    return views.MomentView(at=moment.at, what=moment.what, attempt=moment.attempt, by=moment.by, detail=moment.detail)
