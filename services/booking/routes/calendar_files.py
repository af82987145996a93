"""`/bookings/{id}/ics`: a booking as a calendar file."""

import hashlib

from fastapi import APIRouter
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.booking.adapters.calendar_file import method_of, written
from services.booking.domain.bookings import Booking
from services.booking.domain.calendars import Calendar
from services.booking.domain.directory import Member, Workspace
from services.booking.routes.asking import asked
from services.booking.routes.problems import BOOKING_UNDECIDED
from turnus_runtime.http import NOT_FOUND, Bearer, On, documented, guest
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/bookings")


class CalendarFile(Response):
    """iCalendar text (RFC 5545)."""

    media_type = "text/calendar"


@router.get(
    "/{booking_id}/ics",
    response_class=CalendarFile,
    dependencies=[guest()],
    responses=documented(BOOKING_UNDECIDED),
)
async def get_calendar_file(booking_id: str, request: HttpRequest, token: Bearer, on: On) -> Response:
    """The booking as a calendar file: for its guest with the link to it, for staff with the guest's name.

    A cancelled one takes the appointment out of calendars. What never was an appointment has none: 404.
    """
    booking, who = await asked(booking_id, request, token, on, "bookings:view")
    if booking.status == "requested":
        raise BOOKING_UNDECIDED
    if booking.attempt == 0:
        raise NOT_FOUND
    workspace = await on.records(Workspace).get(booking.workspace_id)
    settings = on.settings
    text = written(
        booking,
        summary=await _title(booking, on) if who is None else await _title(booking, on, booking.guest.name),
        url=f"{settings.public_url}/b/{booking.token}" if who is None and booking.status != "cancelled" else "",
        organizer=settings.mail_from,
        organizer_name=workspace.name if workspace is not None else settings.mail_from_name,
        public_url=settings.public_url,
    )
    # The version alone would not do: names of the calendar and of people stand in it too.
    tag = hashlib.blake2s(text, digest_size=12).hexdigest()
    headers = {"ETag": f'"{tag}"', "Content-Disposition": 'attachment; filename="appointment.ics"'}
    return Response(text, headers=headers, media_type=f"text/calendar; charset=utf-8; method={method_of(booking)}")


async def _title(booking: Booking, on: Turn, with_whom: str = "") -> str:
    """What the appointment is called: the calendar, and who the other one is (the host, if nobody else is named)."""
    calendar = await on.records(Calendar).get(booking.calendar_id)
    if not with_whom and booking.host_ids:
        host = await on.records(Member).get(booking.host_ids[0])
        with_whom = host.name if host is not None else ""
    name = calendar.published.name if calendar is not None and calendar.published is not None else ""
    return ": ".join(part for part in (name, with_whom) if part)
