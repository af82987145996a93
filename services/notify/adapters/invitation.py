"""Invitations and their withdrawal, by RFC 5545 and 5546 (iTIP).

One UID a booking, `{booking_id}@{host of the public address}`, the same for all receivers; SEQUENCE is the revision.
A CANCEL is one above the revision that it ends (RFC 5546, 2.1.4: the organizer raises it), for a host who lost the
booking by a move it is the revision of that move, which lies above theirs too. The organizer is the sender of the mails
(answers of calendars go there), and a receiver sees no address of anybody else but, as the host, the guest's.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from icalendar import Calendar, Component, Event, vCalAddress, vText

PRODUCT = "-//Turnus//Turnus 0.1//EN"


@dataclass(frozen=True, slots=True)
class Person:
    """A name and a mail address."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Invitation:
    """All that stands in the calendar entry. `sequence` is the revision, or above it for a CANCEL."""

    uid: str
    method: str
    sequence: int
    stamp: datetime
    start: datetime
    end: datetime
    summary: str
    description: str
    location: str
    url: str
    organizer: Person
    attendees: tuple[Person, ...]


def written(invitation: Invitation) -> str:
    """The iCalendar text, lines folded and ended by CRLF. Times are UTC, so that no VTIMEZONE can be wrong."""
    calendar = _open(Calendar())
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", invitation.method)
    entry = _open(Event())
    entry.add("uid", invitation.uid)
    entry.add("sequence", invitation.sequence)
    entry.add("dtstamp", invitation.stamp)
    entry.add("dtstart", invitation.start)
    entry.add("dtend", invitation.end)
    entry.add("summary", invitation.summary)
    entry.add("status", "CANCELLED" if invitation.method == "CANCEL" else "CONFIRMED")
    for name, text in (("description", invitation.description), ("location", invitation.location)):
        if text:
            entry.add(name, text)
    if invitation.url:
        entry.add("url", invitation.url)
    entry.add("organizer", _address(invitation.organizer), encode=False)
    for person in invitation.attendees:
        entry.add("attendee", _attendee(person), encode=False)
    calendar.add_component(entry)
    whole: bytes = calendar.to_ical()
    return whole.decode()


def _open(component: Component) -> Any:
    """Its `add` takes values of many types, which its typing leaves open."""
    return component


def _address(person: Person) -> vCalAddress:
    address = vCalAddress(f"mailto:{person.email}")
    address.params["CN"] = vText(person.name.replace('"', "'"))
    return address


def _attendee(person: Person) -> vCalAddress:
    address = _address(person)
    address.params["ROLE"] = vText("REQ-PARTICIPANT")
    address.params["PARTSTAT"] = vText("ACCEPTED")
    address.params["RSVP"] = vText("FALSE")
    return address
