"""Two services write calendar files of one booking: booking's route, and notify's mails. They must tell the same.

A whole life of a booking runs through booking's own transitions; each of its facts goes to notify, and the file that
the route would give at that moment is laid beside the one in the guest's mail.
"""

from datetime import timedelta
from typing import Any

import pytest
from icalendar import Calendar as Ical

from services.booking.adapters.calendar_file import written
from services.booking.domain import bookings, transitions
from services.booking.domain.bookings import Booking
from services.booking.domain.transitions import Move
from services.notify.adapters import letters
from services.notify.adapters.letters import Known, Sender
from services.notify.domain.projections import Calendar, Member, Workspace
from tests.contracts.test_saga_table import ADA, ASKED, SECOND, asked
from tests.unit.notify import ical
from tests.unit.notify.given import Kept, reminding
from turnus_contracts import AssigneeSettled, Location
from turnus_runtime.ports import Mail

PUBLIC_URL = "https://turnus.example:8443"
SENDER = Sender("termine@turnus.example", PUBLIC_URL)
WORKSPACE = Workspace(id="ws_1", version=1, status="active", name="Praxis")
TOLD = ("UID", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "LOCATION", "STATUS", "URL", "ORGANIZER")


def settled(booking: Booking) -> Booking:
    attempt = booking.latest
    reply = AssigneeSettled(
        workspace_id="ws_1",
        calendar_id="cal_1",
        booking_id=booking.id,
        attempt=attempt.number,
        start=attempt.start,
        end=attempt.end,
        host_ids=ADA,
        charged=False,
    )
    return given(transitions.settle(booking, reply, ASKED).record)


def given(booking: Booking | None) -> Booking:
    assert booking is not None
    return booking


def moved(booking: Booking) -> Booking:
    ask = Move(SECOND, (), same_host=True, by="guest", actor="guest", request_key=None, request_digest=None)
    return settled(given(transitions.move(booking, ask, ASKED).record))


def cancelled(booking: Booking) -> Booking:
    return given(transitions.cancel(booking, ASKED, "guest", "guest", None).record)


def life(location: Location | None) -> list[Booking]:
    """Confirmed, moved, cancelled."""
    first = settled(asked().change(location=location))
    second = moved(first)
    return [first, second, cancelled(second)]


def in_the_mail(stages: list[Booking]) -> Mail:
    """The guest's mail about the last of these stages."""
    kept = Kept(reminding(too_old=timedelta(days=36500)))
    kept.now = ASKED
    kept.hear(bookings.guest_details(stages[0]))
    for booking in stages:
        fact = bookings.fact(booking)
        assert fact is not None
        kept.hear(fact)
    assert kept.notice is not None
    assert kept.notice.told is not None
    message = [one for one in kept.notice.messages if one.receiver == "guest"][-1]
    calendar = Calendar(
        id="cal_1", workspace_id="ws_1", version=1, status="active", address="demo/beratung", name="Beratung"
    )
    told: dict[str, Any] = {"workspace_id": "ws_1", "version": 1, "status": "active", "email": "ada@example.com"}
    host = Member(id=ADA[0], name="Ada", tz="Europe/Berlin", locale="de", **told)
    return letters.mail(Known(kept.notice, kept.notice.told, message, calendar, {host.id: host}, WORKSPACE, SENDER))


def from_the_route(booking: Booking) -> str:
    """What the guest's request for the file is answered with."""
    over = booking.status == "cancelled"
    return written(
        booking,
        summary="Beratung: Ada",
        url="" if over else f"{PUBLIC_URL}/b/{booking.token}",
        organizer=SENDER.address,
        organizer_name=WORKSPACE.name,
        public_url=PUBLIC_URL,
    ).decode()


def told(text: str) -> dict[str, Any]:
    calendar: Any = Ical.from_ical(text)
    (entry,) = calendar.walk("VEVENT")
    return {name: getattr(entry.get(name), "dt", entry.get(name)) for name in TOLD}


@pytest.mark.parametrize(
    "location",
    [
        None,
        Location(kind="address", value="Lindenstraße 12; Berlin, Hof"),
        Location(kind="phone", value="+49 30 1234567"),
        Location(kind="link", value="https://meet.example/x"),
    ],
    ids=lambda one: one.kind if one is not None else "nowhere",
)
@pytest.mark.parametrize("stage", [0, 1, 2], ids=["confirmed", "moved", "cancelled"])
def test_the_file_of_the_route_and_the_one_in_the_mail_name_the_same_appointment(
    stage: int, location: Location | None
) -> None:
    stages = life(location)[: stage + 1]
    mail = in_the_mail(stages)
    ours = from_the_route(stages[-1])
    assert told(ours) == told(mail.calendar or "")
    assert told(ours)["SEQUENCE"] == stage
    assert ical.problems(ours, to_anybody=True) == []


def test_the_file_takes_a_cancelled_appointment_out_and_asks_nobody_to_answer() -> None:
    first, _, last = life(None)
    for booking, method in ((first, "PUBLISH"), (last, "CANCEL")):
        calendar: Any = Ical.from_ical(from_the_route(booking))
        assert calendar["METHOD"] == method
        assert "ATTENDEE" not in from_the_route(booking)


def test_what_people_named_stays_one_line_of_text() -> None:
    booking = life(Location(kind="address", value='A\r\nATTENDEE:mailto:x@example.org\n"B"; C, \\D'))[0]
    text = written(
        booking,
        summary="S\r\nEND:VEVENT\n; ,",
        url="",
        organizer="t@example.org",
        organizer_name='Praxis "Am Tor"\r\nURL:https://evil.example',
        public_url=PUBLIC_URL,
    ).decode()
    calendar: Any = Ical.from_ical(text)
    (entry,) = calendar.walk("VEVENT")
    assert "ATTENDEE" not in entry
    assert "URL" not in entry
    assert entry["SUMMARY"] == "S\nEND:VEVENT\n; ,"
