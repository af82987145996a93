"""A booking as a calendar file (RFC 5545), for whoever may see it.

The mails of a booking carry such files too, written by `notify`. Both say the same of UID, SEQUENCE, times and place: a
calendar that knows one of them sees one appointment (`tests/contracts/test_calendar_files.py`).
"""

from datetime import UTC
from typing import Any
from urllib.parse import urlsplit

from icalendar import Calendar, Component, Event, vCalAddress, vText

from services.booking.domain.bookings import Booking

PRODUCT = "-//Turnus//Turnus 0.1//EN"


def method_of(booking: Booking) -> str:
    """PUBLISH: nobody is asked to answer. CANCEL takes the appointment out of calendars (RFC 5546, 3.2.1 and 3.2.5)."""
    return "CANCEL" if booking.status == "cancelled" else "PUBLISH"


def written(booking: Booking, *, summary: str, url: str, organizer: str, organizer_name: str, public_url: str) -> bytes:
    """The file: lines folded and ended by CRLF. Times are UTC, so that no VTIMEZONE can be wrong.

    SEQUENCE is the revision, and one above it once cancelled (RFC 5546, 2.1.4: the organizer raises it). `organizer` is
    the address from which the mails come; PUBLISH and CANCEL must name one. `url` may be empty.
    """
    method = method_of(booking)
    entry = _open(Event())
    entry.add("uid", f"{booking.id}@{urlsplit(public_url).hostname or 'localhost'}")
    entry.add("sequence", booking.revision + (method == "CANCEL"))
    entry.add("dtstamp", booking.changed_at.astimezone(UTC))
    entry.add("dtstart", booking.start.astimezone(UTC))
    entry.add("dtend", booking.end.astimezone(UTC))
    entry.add("summary", summary)
    entry.add("status", "CANCELLED" if method == "CANCEL" else "CONFIRMED")
    if booking.location is not None:
        entry.add("location", booking.location.value)
    if url:
        entry.add("url", url)
    sender = vCalAddress(f"mailto:{organizer}")
    sender.params["CN"] = vText(organizer_name.replace('"', "'"))
    entry.add("organizer", sender, encode=False)
    calendar = _open(Calendar())
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", method)
    calendar.add_component(entry)
    whole: bytes = calendar.to_ical()
    return whole


def _open(component: Component) -> Any:
    """Its `add` takes values of many types, which its typing leaves open."""
    return component
