"""Protections of the booking that no history can show: what they keep out does not come up while all others work."""

from datetime import timedelta
from typing import Any

import pytest

from services.booking.domain import transitions
from services.booking.domain.bookings import Attempt, Booking
from services.booking.domain.transitions import Move, Violation
from services.booking.routes import bookings as routes
from services.booking.service import service
from tests.contracts.test_saga_table import ASKED, SECOND, asked
from turnus_contracts import AssigneeSettled, AttemptReleased, SlotRefused

SOON = ASKED + timedelta(seconds=1)


def yes(booking: Booking, **other: Any) -> AssigneeSettled:
    """The answer to the first attempt, but for what is `other`."""
    answer = AssigneeSettled(
        workspace_id=booking.workspace_id,
        calendar_id=booking.calendar_id,
        booking_id=booking.id,
        attempt=1,
        start=booking.start,
        end=booking.end,
        host_ids=("mem_ada",),
        charged=True,
    )
    return answer.model_copy(update=other)


def confirmed() -> Booking:
    booking = transitions.settle(asked(), yes(asked()), SOON).record
    assert booking is not None
    return booking


def moving() -> tuple[Booking, Attempt]:
    """A confirmed booking that asks for another time, and that ask."""
    booking = transitions.move(confirmed(), Move(SECOND, (), False, "guest", "guest", None, None), SOON).record
    attempt = booking.attempt_of(2) if booking is not None else None
    assert booking is not None
    assert attempt is not None
    return booking, attempt


def test_a_yes_that_cannot_be_is_a_violation() -> None:
    for booking, answer in (
        (None, yes(asked())),
        (asked(), yes(asked(), attempt=2)),
        (asked(), yes(asked(), start=asked().start + timedelta(minutes=15))),
        (confirmed(), yes(asked(), host_ids=("mem_bruno",))),
    ):
        with pytest.raises(Violation):
            transitions.settle(booking, answer, SOON)


def test_a_yes_to_a_move_that_was_refused_is_answered_by_its_release() -> None:
    booking, attempt = moving()
    no = SlotRefused(
        workspace_id=booking.workspace_id,
        calendar_id=booking.calendar_id,
        booking_id=booking.id,
        attempt=2,
        start=attempt.start,
        code="slot_taken",
    )
    refused = transitions.refuse(booking, no, SOON).record
    late = transitions.settle(refused, yes(booking, attempt=2, start=attempt.start, end=attempt.end), SOON)
    assert late.record is None
    (released,) = late.says
    assert isinstance(released, AttemptReleased)
    assert released.attempt == 2


def test_the_same_key_with_another_body_is_refused() -> None:
    again = transitions.request(confirmed(), asked().change(request_digest="another"))
    assert (again.answer.code, again.record) == ("idempotency_key_reused", None)


def test_a_replay_answers_with_the_booking_as_it_is_now() -> None:
    again = transitions.request(confirmed(), asked())
    assert (again.answer.replayed, again.answer.booking.status, again.record) == (True, "confirmed", None)


def test_the_keys_of_strangers_never_meet() -> None:
    ids = {
        routes.derived("bk", calendar, email, "key-1")
        for calendar in ("cal_a", "cal_b")
        for email in ("ada@example.org", "bruno@example.org")
    }
    assert len(ids) == 4


def test_after_a_loss_a_booking_says_what_it_asks_for_and_what_it_gave_up() -> None:
    facts = next(says.events for says in service.says if says.record is Booking and not says.daily)
    assert [said.topic() for said in facts(asked(), SOON)] == ["BookingRequested"]
    asking, _ = moving()
    assert [said.topic() for said in facts(asking, SOON)] == ["BookingConfirmed", "BookingRequested"]
    given_up = transitions.expire(asking, SOON + transitions.EXPIRE_AFTER).record
    assert [said.topic() for said in facts(given_up, SOON)] == ["BookingConfirmed", "AttemptReleased"]
