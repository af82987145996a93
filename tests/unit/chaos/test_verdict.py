"""What the verdict of a chaos run finds: each kind of broken promise is planted once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.booking.domain.bookings import Attempt, Booking, Moment
from tests.chaos import report
from tests.chaos.faults import Made
from tests.chaos.guests import Board, Guest
from tests.chaos.mail import Taken
from tests.chaos.verdict import Verdict, compared
from turnus_contracts import Guest as Person

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)
HALF_HOUR = timedelta(minutes=30)
CLEAN: dict[str, Any] = {"violations": [], "letters": [], "unasked_ends": [], "owed": {}}


def booked(number: int, start: datetime = NOON, host: str = "mem_1", **changed: Any) -> Booking:
    """A confirmed booking of guest `number`."""
    attempt = Attempt(number=1, start=start, end=start + HALF_HOUR, state="settled", requested_at=NOON)
    moments = (Moment(at=NOON, what="requested"), Moment(at=NOON + timedelta(seconds=1), what="confirmed"))
    booking = Booking(
        id=f"bk_{number}",
        workspace_id="ws",
        calendar_id="cal",
        calendar_version=1,
        version=2,
        status="confirmed",
        attempts=(attempt,),
        attempt=1,
        start=start,
        end=start + HALF_HOUR,
        host_ids=(host,),
        duration_minutes=30,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        reschedule_policy="same_host",
        guest=Person(name="G", email=f"guest{number}@chaos.example.net"),
        locale="en",
        tz="Europe/Berlin",
        token="t",
        request_digest="d",
        created_at=NOON,
        changed_at=NOON,
        history=moments,
    )
    return booking.model_copy(update=changed)


def told(number: int, **changed: Any) -> Guest:
    """A guest who was told that booking `number` is confirmed."""
    guest = Guest(number, 0.0, 1.0, 201, f"bk_{number}", "confirmed", 1.0, "confirmed", start=NOON.isoformat())
    return replace(guest, **changed)


def mail(number: int, message: str = "m") -> Taken:
    return Taken(5.0, f"guest{number}@chaos.example.net", f"<{message}{number}@x>", "Booked")


def looked(guests: list[Guest], bookings: list[Booking], mails: list[Taken], made: list[Made] | None = None) -> Verdict:
    return compared(guests, {one.id: one for one in bookings}, {one.id for one in bookings}, mails, made or [])


def failed(verdict: Verdict) -> list[str]:
    return report.failures(verdict, CLEAN)


def test_promises_that_are_kept_are_no_failure() -> None:
    verdict = looked([told(1)], [booked(1)], [mail(1)])
    assert failed(verdict) == []
    assert (verdict.offered, verdict.confirmed, verdict.in_time) == (1, 1, 1)


@pytest.mark.parametrize(
    ("guest", "booking"),
    [
        (told(1), booked(2)),
        (told(1), booked(1, status="expired")),
        (told(1), booked(1, status="requested")),
        (told(1), booked(1, NOON + HALF_HOUR)),
        (told(1, cancels=True, cancelled=True), booked(1)),
        (told(1, told="rejected", first_told="rejected"), booked(1)),
    ],
    ids=["unknown", "otherwise", "not final", "elsewhere", "not cancelled", "refused and booked"],
)
def test_a_broken_promise_is_lost(guest: Guest, booking: Booking) -> None:
    verdict = looked([guest], [booking], [mail(1), mail(2)])
    assert len(verdict.lost) == 1
    assert failed(verdict)


def test_a_guest_with_two_bookings_is_doubled() -> None:
    second = booked(1, NOON + HALF_HOUR, id="bk_again")
    assert looked([told(1)], [booked(1), second], [mail(1)]).doubled == ["guest 1 has bk_1, bk_again"]


def test_two_bookings_at_one_time_of_one_host_are_double_booked() -> None:
    guests, mails = [told(1), told(2)], [mail(1), mail(2)]
    assert looked(guests, [booked(1), booked(2, host="mem_2")], mails).double_booked == []
    assert len(looked(guests, [booked(1), booked(2)], mails).double_booked) == 1
    padded = booked(2, NOON + HALF_HOUR, buffer_before_minutes=5)
    assert len(looked(guests, [booked(1), padded], mails).double_booked) == 1


def test_a_decision_after_its_bound_is_late() -> None:
    asked, decided = Moment(at=NOON, what="requested"), Moment(at=NOON + timedelta(seconds=151), what="confirmed")
    assert looked([told(1)], [booked(1, history=(asked, decided))], [mail(1)]).late
    assert looked([told(1)], [booked(1, history=(asked,))], [mail(1)]).late == ["bk_1: never decided"]


def test_a_confirmed_booking_without_a_mail_is_found() -> None:
    assert failed(looked([told(1)], [booked(1)], []))


def test_a_second_mail_needs_a_fault_around_the_first() -> None:
    twice = [mail(1), mail(1)]
    assert len(looked([told(1)], [booked(1)], twice).mails_twice_unexplained) == 1
    around = Made("sigkill", "notify-jobs", began=4.0, ended=4.0)
    assert looked([told(1)], [booked(1)], twice, [around]).mails_twice_unexplained == []
    elsewhere = Made("sigkill", "booking-http", began=4.0, ended=4.0)
    assert len(looked([told(1)], [booked(1)], twice, [elsewhere]).mails_twice_unexplained) == 1


@pytest.mark.parametrize(
    "fact", [{"violations": ["x"]}, {"letters": ["x"]}, {"unasked_ends": ["x"]}, {"owed": {"booking job": 1}}]
)
def test_what_the_installation_says_of_itself_fails_the_run_too(fact: dict[str, Any]) -> None:
    assert report.failures(looked([told(1)], [booked(1)], [mail(1)]), {**CLEAN, **fact})


def test_recovery_counts_from_the_end_of_the_fault_to_the_first_guest_who_asked_after_it() -> None:
    board = Board()
    board.hear(
        [
            '{"what": "asks", "n": 1, "at": 1000}',
            '{"what": "asks", "n": 2, "at": 3000}',
            '{"what": "answered", "n": 1, "at": 4000, "http": 201, "id": "bk_1", "status": "confirmed", "tries": 3}',
            '{"what": "answered", "n": 2, "at": 5000, "http": 201, "id": "bk_2", "status": "confirmed", "tries": 0}',
        ]
    )
    assert board.confirmed_after(2.0) == 5.0
    assert board.confirmed_after(5.0) is None
    made = [Made("sigkill", "booking", 1.0, 2.0, recovered={"booking": seconds}) for seconds in (3.0, 20.0, None)]
    (row,) = report.recoveries(made)
    assert (row["min"], row["max"], row["never"], row["met"]) == (3.0, 20.0, 1, 1)
