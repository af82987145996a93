"""What staff ask for says so, and what they overbook is noted once: who, why, and in the audit log who."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from oversight.invariants import sagas
from services.booking.domain import transitions
from services.booking.domain.bookings import Attempt, Booking, Moment, Overbooking, requested
from services.booking.domain.transitions import Move
from tests.unit.oversight.world import HOST, confirmed
from turnus_contracts import AssigneeSettled, BookingRequested, SlotRefused
from turnus_runtime.records import Decision, Owed

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
START = NOW + timedelta(days=7)
REASON = "The guest comes from afar"


def asked(by: Literal["guest", "staff"] = "staff", overbook: bool = True) -> Booking:
    """A booking that was just asked for."""
    attempt = Attempt(
        number=1,
        start=START,
        end=START + timedelta(minutes=30),
        host_ids=(HOST,),
        by=by,
        overbooking=Overbooking(actor_id="mem_ada", reason=REASON) if overbook else None,
        requested_at=NOW,
    )
    history = (Moment(at=NOW, what="requested", attempt=1, by="mem_ada"),)
    values: dict[str, Any] = {"status": "requested", "attempts": (attempt,), "attempt": 0, "host_ids": ()}
    return confirmed("bk_1", START).change(**values, history=history, owed=())


def move(overbook: bool, by: Literal["guest", "staff"] = "staff") -> Move:
    return Move(
        start=START + timedelta(hours=1),
        host_ids=(HOST,),
        same_host=True,
        by=by,
        actor="mem_ada",
        request_key=None,
        request_digest=None,
        reason=REASON,
        overbook=overbook,
    )


def settled(booking: Booking) -> Decision[Booking, None]:
    """The hosts hold the time of the latest attempt."""
    latest = booking.latest
    reply = AssigneeSettled(
        workspace_id=booking.workspace_id,
        calendar_id=booking.calendar_id,
        booking_id=booking.id,
        attempt=latest.number,
        start=latest.start,
        end=latest.end,
        host_ids=(HOST,),
    )
    return transitions.settle(booking, reply, NOW + timedelta(seconds=1))


def after(decision: Decision[Booking, Any]) -> Booking:
    assert decision.record is not None
    return decision.record


def audited(decision: Decision[Booking, Any]) -> list[Owed]:
    return [one for one in decision.owes if one.name == "ChangeRecorded"]


def told(decision: Decision[Booking, Any]) -> BookingRequested:
    (said,) = [one.data for one in decision.owes if one.name == "BookingRequested"]
    return BookingRequested.model_validate(said)


@given(some.sampled_from(["guest", "staff"]), some.booleans(), some.booleans())
def test_a_request_says_whether_staff_ask_and_whether_they_overbook(
    by: Literal["guest", "staff"], overbook: bool, moved: bool
) -> None:
    overbook = overbook and by == "staff"
    if moved:
        said = told(transitions.move(confirmed("bk_1", START), move(overbook, by), NOW))
    else:
        said = told(transitions.request(None, asked(by, overbook)))
    assert (said.by_staff, said.overbook) == (by == "staff", overbook)


def test_a_command_that_is_said_again_says_the_same() -> None:
    first = transitions.request(None, asked())
    again = transitions.redrive(first.record, Owed(id="redrive", kind="timer", name="redrive", due=0), NOW)
    assert told(again) == told(first)


@pytest.mark.parametrize("moved", [False, True])
def test_what_is_overbooked_is_noted_once_with_who_and_why_and_the_audit_log_is_told_who(moved: bool) -> None:
    before = after(transitions.move(confirmed("bk_1", START), move(overbook=True), NOW)) if moved else asked()
    decision = settled(before)
    booking = after(decision)
    assert [(one.what, one.by, one.detail) for one in booking.history[-2:]] == [
        ("moved" if moved else "confirmed", "staff", ""),
        ("overbooked", "mem_ada", REASON),
    ]
    (recorded,) = audited(decision)
    assert recorded.data is not None
    wanted = {"actor_id": "mem_ada", "action": "overbooked", "thing": "booking", "thing_id": "bk_1", "fields": []}
    assert {name: recorded.data[name] for name in wanted} == wanted
    assert REASON not in str(recorded.data)
    assert settled(booking).record is None
    assert list(sagas.path(booking)) == []


def test_each_overbooking_of_a_booking_is_a_line_of_its_own_in_the_audit_log() -> None:
    first = settled(asked())
    second = settled(after(transitions.move(after(first), move(overbook=True), NOW)))
    assert len({one.id for decision in (first, second) for one in audited(decision)}) == 2


@pytest.mark.parametrize("overbook", [False, True])
def test_what_was_not_overbooked_or_not_had_after_all_is_noted_nowhere(overbook: bool) -> None:
    booking = asked(overbook=overbook)
    refused = SlotRefused(
        workspace_id="ws_a", calendar_id="cal_a", booking_id="bk_1", attempt=1, start=START, code="slot_not_offered"
    )
    decision = transitions.refuse(booking, refused, NOW) if overbook else settled(booking)
    assert audited(decision) == []
    assert "overbooked" not in {one.what for one in after(decision).history}


def test_a_move_after_an_overbooking_is_a_move_like_any_other() -> None:
    moved = transitions.move(after(settled(asked())), move(overbook=False), NOW)
    assert told(moved).overbook is False
    assert after(moved).history[-1].detail == REASON
    assert audited(settled(after(moved))) == []


def test_a_booking_of_before_is_read_as_one_that_nobody_overbooked() -> None:
    stored = confirmed("bk_1", START).model_dump(mode="json")
    for attempt in stored["attempts"]:
        del attempt["overbooking"]
    read = Booking.model_validate(Booking.upgrade(stored, 2))
    assert read.latest.overbooking is None
    assert requested(read, read.latest).overbook is False
