"""The shapes of bookings in requests and answers."""

from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field

from services.booking.domain.bookings import Booking
from services.booking.domain.calendars import Calendar
from services.booking.domain.directory import Member
from services.booking.routes.calendar_settings import LocationIn
from services.booking.routes.calendar_views import HostView
from turnus_runtime.http import Answer, EmailAddress, Id, Instant, Locale, Name, Note, Request, Text, ZoneName

Phone = Annotated[str, Field(pattern=r"^\+?[0-9 ()/.-]{3,40}$", examples=["+49 30 1234567"])]
ShortText = Annotated[str, Text(500, least=0)]
Reason = Annotated[str, Text(500, lines=True)]
MetadataKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]


class GuestIn(Request):
    """Somebody who comes."""

    name: Name
    email: EmailAddress
    phone: Phone | None = None


class NewBooking(Request):
    """A request for a time.

    `overbook` (staff): book it whatever is in the way. The hours, notice, window, blocks, limits, pause and other
    bookings of the host do not count; needs `host_id` and `reason`, and is audited.
    `reason`: why, for staff who read the history; needed to overbook.
    """

    calendar: Annotated[str, Field(min_length=3, max_length=200, examples=["demo/beratung"])]
    calendar_version: Annotated[int, Field(ge=1)] | None = None
    start: Instant
    tz: ZoneName
    locale: Locale = "en"
    guest: GuestIn
    additional_guests: Annotated[list[GuestIn], Field(max_length=20)] = []
    answers: Annotated[dict[MetadataKey, Note], Field(max_length=50)] = {}
    host_id: Annotated[str, Id("mem")] | None = None
    overbook: bool = False
    reason: Reason | None = None
    metadata: Annotated[dict[MetadataKey, ShortText], Field(max_length=20)] = {}


class CancelIn(Request):
    """Why; optional."""

    reason: Note | None = None


class MoveIn(Request):
    """Where to. `overbook` (staff; needs `host_id` and `reason`) and `reason`: as when booking."""

    start: Instant
    tz: ZoneName | None = None
    host_id: Annotated[str, Id("mem")] | None = None
    overbook: bool = False
    reason: Reason | None = None


class AssignIn(Request):
    """To whom, and why."""

    host_id: Annotated[str, Id("mem")]
    reason: Note = ""


class AttendanceIn(Request):
    """Whether the guest came."""

    status: Literal["attended", "no_show"]


class PendingMove(Answer):
    """A move that is not decided yet."""

    start: Instant
    end: Instant


class BookingView(Answer):
    """A booking, the same from every route. Times are in the guest's zone `tz`."""

    id: str
    status: Literal["requested", "confirmed", "rejected", "expired", "cancelled", "attended", "no_show"]
    code: str | None
    """why it was rejected or has expired"""
    revision: int
    version: int
    calendar_id: str
    calendar_address: str | None
    calendar_name: str | None
    start: Instant
    end: Instant
    tz: str
    locale: str
    host: HostView | None
    location: LocationIn | None
    guest: GuestIn
    additional_guests: list[GuestIn]
    answers: dict[str, str]
    metadata: dict[str, str]
    reason: str | None
    move: PendingMove | None
    alternatives: list[Instant]
    reschedule_policy: Literal["same_host", "reassign"]
    """who can serve after a move: this host only, or whoever the calendar decides for"""
    token: str
    manage_url: str
    created_at: Instant
    changed_at: Instant


class MomentView(Answer):
    """One line of a history."""

    at: Instant
    what: str
    attempt: int
    by: str
    detail: str


class History(Answer):
    """What happened, in order."""

    items: list[MomentView]


def booking_view(booking: Booking, calendar: Calendar | None, host: Member | None, public_url: str) -> BookingView:
    """The booking as everybody sees it who may."""
    zone = ZoneInfo(booking.tz)
    waiting = booking.open_attempt
    moving = waiting is not None and waiting.number > 1
    first = booking.attempts[0]
    terms = calendar.published if calendar is not None else None
    return BookingView(
        id=booking.id,
        status=booking.status,
        code=first.code if booking.status in ("rejected", "expired") else None,
        revision=booking.revision,
        version=booking.version,
        calendar_id=booking.calendar_id,
        calendar_address=calendar.address if calendar is not None else None,
        calendar_name=terms.name if terms is not None else None,
        start=booking.start.astimezone(zone),
        end=booking.end.astimezone(zone),
        tz=booking.tz,
        locale=booking.locale,
        host=HostView(id=host.id, name=host.name) if host is not None else None,
        location=LocationIn.model_validate(booking.location.model_dump()) if booking.location is not None else None,
        guest=GuestIn.model_validate(booking.guest.model_dump()),
        additional_guests=[GuestIn.model_validate(one.model_dump()) for one in booking.additional_guests],
        answers=booking.answers,
        metadata=booking.metadata,
        reason=booking.reason,
        move=PendingMove(start=waiting.start.astimezone(zone), end=waiting.end.astimezone(zone))
        if moving and waiting is not None
        else None,
        alternatives=[a.astimezone(zone) for a in first.alternatives] if booking.status == "rejected" else [],
        reschedule_policy="same_host" if booking.reschedule_policy == "same_host" else "reassign",
        token=booking.token,
        manage_url=f"{public_url}/b/{booking.token}",
        created_at=booking.created_at,
        changed_at=booking.changed_at,
    )
