"""The invariants by properties: what they find is there, and the protocol as written gives them nothing to find."""

from datetime import datetime, timedelta
from itertools import combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from oversight.invariants import sagas, times
from services.availability.domain.hosts import Host, Reservation
from services.booking.domain import transitions
from services.booking.domain.bookings import Booking
from services.booking.domain.transitions import EXPIRE, REDRIVE, Move
from tests.unit.oversight.world import BEGIN, HOST, confirmed
from turnus_contracts import AssigneeSettled, SlotRefused
from turnus_runtime.records import Decision, timer

reservations = some.builds(
    lambda start, length, booking, attempt: Reservation(
        start=start, end=start + length, booking_id=f"bk_{booking}", attempt=attempt
    ),
    some.integers(0, 60),
    some.integers(1, 20),
    some.integers(0, 4),
    some.integers(1, 3),
)


@given(some.lists(reservations, max_size=8))
def test_of_all_pairs_those_are_found_that_overlap_and_are_of_different_bookings(held: list[Reservation]) -> None:
    pairs = [
        (one, other)
        for one, other in combinations(held, 2)
        if one.booking_id != other.booking_id and one.start < other.end and other.start < one.end
    ]
    found = list(times.double_bookings(Host(id=HOST, reservations=tuple(held))))
    assert len(found) == len(pairs)
    named = sorted(sorted(finding.records[1:]) for finding in found)
    assert named == sorted(sorted(sagas.booking_at(one.booking_id) for one in pair) for pair in pairs)


def after(booking: Booking, decided: Decision[Booking, Any]) -> Booking:
    """The booking as it is stored then, with the timers that it owes."""
    if decided.record is None:
        return booking
    gone = {entry.id for entry in decided.owes} | set(decided.drops)
    owed = [entry for entry in booking.owed if entry.id not in gone]
    owed += [entry for entry in decided.owes if entry.kind == "timer"]
    return decided.record.change(owed=tuple(owed))


def step(booking: Booking, what: str, attempt: int, now: datetime) -> Booking:
    """One arrow of the saga, or none where there is none."""
    said: dict[str, Any] = {
        "workspace_id": "ws_a",
        "calendar_id": "cal_a",
        "booking_id": booking.id,
        "attempt": attempt,
    }
    asked = booking.attempt_of(attempt)
    if what in ("settle", "refuse"):
        if asked is None or (what == "settle" and asked.state == "settled"):
            return booking
        if what == "settle":
            whole: dict[str, Any] = {
                **said,
                "start": asked.start,
                "end": asked.end,
                "host_ids": (HOST,),
                "charged": attempt % 2 == 1,
            }
            return after(booking, transitions.settle(booking, AssigneeSettled(**whole), now))
        refused = SlotRefused(**said, start=asked.start, code="slot_taken")
        return after(booking, transitions.refuse(booking, refused, now))
    if what == "move":
        ask = Move(now + timedelta(days=attempt), (), attempt % 2 == 0, "guest", "guest", None, None)
        return after(booking, transitions.move(booking, ask, now))
    fired = booking.owes(REDRIVE)
    if what == "redrive":
        return after(booking, transitions.redrive(booking, fired, now)) if fired is not None else booking
    arrows = {
        "expire": lambda: transitions.expire(booking, now),
        "cancel": lambda: transitions.cancel(booking, now, "guest", "guest", None),
        "attended": lambda: transitions.conclude(booking, now, "attended", "mem_b"),
        "no_show": lambda: transitions.conclude(booking, now, "no_show", "mem_b"),
        "unmarked": lambda: transitions.conclude_unmarked(booking, now),
    }
    return after(booking, arrows[what]())


ARROWS = ("settle", "refuse", "move", "redrive", "expire", "cancel", "attended", "no_show", "unmarked")


@given(some.lists(some.tuples(some.sampled_from(ARROWS), some.integers(1, 4), some.integers(0, 90_000)), max_size=12))
def test_whatever_the_saga_makes_of_a_booking_nothing_is_wrong_with_it(steps: list[tuple[str, int, int]]) -> None:
    model = confirmed("bk_a", BEGIN + timedelta(hours=3))
    waiting = model.attempts[0].model_copy(update={"state": "open", "host_ids": (), "requested_at": BEGIN})
    waits = tuple(timer(name, BEGIN + timedelta(seconds=10)) for name in (REDRIVE, EXPIRE))
    booking = model.change(
        status="requested", attempts=(waiting,), attempt=0, host_ids=(), history=model.history[:1], owed=waits
    )
    now = BEGIN
    for what, attempt, seconds in steps:
        now += timedelta(seconds=seconds)
        booking = step(booking, what, attempt, now)
        wrong = [*sagas.whole(booking), *sagas.path(booking), *sagas.timers(booking)]
        assert wrong == [], (what, attempt, booking.status, booking.history)
