"""Who asks for what: the calendar to book, the booking and who may act on it, and what is refused at the door."""

import asyncio
from datetime import timedelta
from zoneinfo import ZoneInfo

import structlog
from starlette.requests import Request as HttpRequest

from services.booking.domain.bookings import Attempt, Booking, Moment, Overbooking
from services.booking.domain.calendars import Calendar
from services.booking.domain.directory import Member
from services.booking.domain.drafts import Draft
from services.booking.domain.tokens import booking_of, token_of
from services.booking.routes.assigned import booking_for, is_there
from services.booking.routes.calendars import calendar_at
from services.booking.routes.problems import (
    CALENDAR_CHANGED,
    CALENDAR_RETIRED,
    CALENDAR_UNKNOWN,
    CUTOFF_PASSED,
    HOST_NOT_CHOOSABLE,
    NOT_YOURS,
)
from services.booking.routes.views import MoveIn, NewBooking
from services.booking.store import Links
from turnus_contracts import Guest
from turnus_runtime.http import (
    FORBIDDEN,
    NOT_FOUND,
    Idempotency,
    Principal,
    found,
    invalid,
    principal_of,
)
from turnus_runtime.ids import derived, is_id
from turnus_runtime.turn import Turn


async def bookable(body: NewBooking, on: Turn) -> Calendar:
    if is_id("cal", body.calendar):
        named = body.calendar
        calendar = await on.records(Calendar).get(named)
    else:
        calendar = await calendar_at(body.calendar, on)
    if calendar is None or calendar.published is None:
        raise CALENDAR_UNKNOWN.at("calendar", "is not known here")
    return calendar


def acting(body: NewBooking, who: Principal | None, calendar: Calendar) -> Principal | None:
    """Who books as staff: whoever manages the bookings of this calendar. Everybody else is a guest here.

    Raises 403, 422 for an overbooking that is not theirs to decide.
    """
    if who is not None and (who.workspace_id != calendar.workspace_id or "bookings:manage" not in who.scopes):
        who = None
    check_overbooking(body, who)
    if who is None or is_there(who, calendar):
        return who
    if body.overbook:
        raise NOT_YOURS.at("calendar", "must be one in which you serve")
    return None


def check_overbooking(body: NewBooking | MoveIn, who: Principal | None) -> None:
    """Staff who manage bookings (`who`) book whatever is in the way: somebody's time, for a reason. Raises 403, 422."""
    if not body.overbook:
        return
    if who is None:
        raise FORBIDDEN("Only staff with the permission bookings:manage overbook.")
    if body.host_id is None:
        raise invalid("host_id", "is needed to overbook")
    if body.reason is None:
        raise invalid("reason", "is needed to overbook")
    if who.assigned_only and body.host_id != who.member_id:
        raise NOT_YOURS.at("host_id", "must be yourself")


def check_calendar(calendar: Calendar, terms: Draft, body: NewBooking, who: Principal | None) -> None:
    """What a first request may ask of a calendar, for staff (`who`) or a guest. Raises 409, 422."""
    if calendar.status == "retired":
        raise CALENDAR_RETIRED
    if body.calendar_version is not None and (calendar.terms.get(str(body.calendar_version)) != terms.duration_minutes):
        raise CALENDAR_CHANGED
    chooses = terms.guest_chooses_host or (who is not None and (not who.assigned_only or who.member_id == body.host_id))
    if body.host_id is not None and (not chooses or body.host_id not in [one.member_id for one in terms.members]):
        raise HOST_NOT_CHOOSABLE.at("host_id", "cannot be chosen here")


def new_booking(
    booking_id: str,
    calendar: Calendar,
    terms: Draft,
    body: NewBooking,
    who: Principal | None,
    key: Idempotency,
    on: Turn,
) -> Booking:
    """The booking that staff (`who`) or a guest asks for. `body` has been checked."""
    links: Links = on.effects
    end = body.start + timedelta(minutes=terms.duration_minutes)
    by, reason = (who.member_id if who is not None else "guest"), body.reason or ""
    attempt = Attempt(
        number=1,
        start=body.start,
        end=end,
        host_ids=(body.host_id,) if body.host_id is not None else (),
        by="guest" if who is None else "staff",
        overbooking=Overbooking(actor_id=by, reason=reason) if body.overbook else None,
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
        history=(Moment(at=on.now, what="requested", attempt=1, by=by, detail="" if body.overbook else reason),),
    )


async def asked(
    booking_id: str, request: HttpRequest, token: str | None, on: Turn, *scopes: str
) -> tuple[Booking, Principal | None]:
    """The booking for whoever may see it: its guest (then without a principal), or staff with `scopes`."""
    links: Links = on.effects
    if token is not None and token.startswith("bkt_"):
        own = booking_of(links.secret, token)
        if own is None or booking_id not in (own, "current"):
            raise NOT_FOUND
        say_which(own)
        return found(await on.records(Booking).get(own)), None
    who = await principal_of(request, token, *scopes)
    return await of_staff(booking_id, who, on), who


async def of_staff(booking_id: str, who: Principal, on: Turn) -> Booking:
    """The booking, if it is there for whoever asks. Raises 404."""
    booking = booking_for(who, await on.records(Booking).get(booking_id))
    say_which(booking.id)
    return booking


def say_which(booking_id: str) -> None:
    """Every further log line of this request names the booking, as those of its events do in all services."""
    structlog.contextvars.bind_contextvars(booking_id=booking_id)


def check_cutoff(booking: Booking, minutes: int, on: Turn) -> None:
    """Guests may cancel and move until some time before the start, as was promised when they booked."""
    latest = booking.start - timedelta(minutes=minutes)
    if minutes and booking.status in ("requested", "confirmed") and on.now > latest:
        raise CUTOFF_PASSED(f"It was possible until {latest.astimezone(ZoneInfo(booking.tz)).isoformat()}.")


async def serving_hosts(booking: Booking, on: Turn) -> set[str]:
    """The active members of the booking's calendar. A host who is not among them cannot be kept by a move."""
    calendar = await on.records(Calendar).get(booking.calendar_id)
    terms = calendar.published if calendar is not None else None
    listed = [one.member_id for one in terms.members] if terms is not None else []
    members = await asyncio.gather(*(on.records(Member).get(member_id) for member_id in listed))
    return {member.id for member in members if member is not None and member.status == "active"}


def check_host(booking: Booking, host_id: str, serving: set[str], *, by_guest: bool) -> None:
    """Staff hand a booking to whoever serves in its calendar; a guest only keeps the host."""
    if host_id not in serving or (by_guest and host_id not in booking.host_ids):
        raise HOST_NOT_CHOOSABLE.at("host_id", "cannot be chosen here")


def is_replay(booking: Booking, key: Idempotency) -> bool:
    told = move_key(booking, key)
    return told is not None and booking.attempt_with_key(told) is not None


def move_key(booking: Booking, key: Idempotency) -> str | None:
    return derived("mv", booking.id, key.key) if key.key else None
