"""A booking as a calendar file (RFC 5545), for the guest's own calendar."""

from datetime import UTC
from typing import Any
from urllib.parse import urlencode, urlsplit

from icalendar import Calendar, Component, Event

from services.web.domain.seen import SeenBooking


def uid_of(booking_id: str, public_url: str) -> str:
    """The same UID as in the mails about this booking, so that calendars see one appointment."""
    return f"{booking_id}@{urlsplit(public_url).hostname}"


def ics_of(booking: SeenBooking, title: str, public_url: str) -> bytes:
    """The file. METHOD is PUBLISH: nobody is asked to answer; SEQUENCE is the revision (RFC 5545, 3.8.7.4)."""
    event = _open(Event())
    event.add("uid", uid_of(booking.id, public_url))
    event.add("sequence", booking.revision)
    event.add("dtstamp", booking.changed_at.astimezone(UTC))
    event.add("dtstart", booking.start.astimezone(UTC))
    event.add("dtend", booking.end.astimezone(UTC))
    event.add("summary", title)
    event.add("status", "CONFIRMED")
    if booking.location is not None:
        event.add("location", booking.location.value)
    event.add("url", booking.manage_url)
    calendar = _open(Calendar())
    calendar.add("prodid", "-//Turnus//Turnus//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add_component(event)
    whole: bytes = calendar.to_ical()
    return whole


def _open(component: Component) -> Any:
    """Its `add` takes values of many types, which its typing leaves open."""
    return component


def google_link(booking: SeenBooking, title: str) -> str:
    """Where Google Calendar takes the appointment. It learns title, time and place only, never the guest's link."""
    start, end = (f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}" for at in (booking.start, booking.end))
    query = {"action": "TEMPLATE", "text": title, "dates": f"{start}/{end}"}
    return f"https://calendar.google.com/calendar/render?{urlencode(query | _place(booking))}"


def outlook_link(booking: SeenBooking, title: str) -> str:
    """Where Outlook takes the appointment. It learns title, time and place only, never the guest's link."""
    start, end = (f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" for at in (booking.start, booking.end))
    query = {"path": "/calendar/action/compose", "rru": "addevent", "subject": title, "startdt": start, "enddt": end}
    return f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(query | _place(booking))}"


def _place(booking: SeenBooking) -> dict[str, str]:
    return {"location": booking.location.value} if booking.location is not None else {}
