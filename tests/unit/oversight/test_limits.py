"""Who was let in by limits keeps them; what was there before, and what staff overbooked, may be more."""

from datetime import timedelta
from typing import Any

import pytest

from oversight.invariants import limits
from oversight.invariants.sagas import FINAL_WITHIN
from services.availability.domain import hosts
from services.availability.domain.claims import Claim
from services.availability.domain.rules import MemberLimits
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Entry, Tally
from services.booking.domain.bookings import Booking, Overbooking
from tests.unit.oversight.test_repair import limited
from tests.unit.oversight.world import BEGIN, HOST, claim_of, confirmed, host_of
from turnus_contracts import Limits

SET = BEGIN - timedelta(days=3)
"""when the limits began to be these"""
BEFORE, AFTER = SET - timedelta(hours=1), SET + timedelta(hours=1)
TOMORROW = BEGIN + timedelta(days=1)
SUNDAY = BEGIN + timedelta(days=6)


def booked(number: int, asked: Any, **more: Any) -> Booking:
    """A booking, asked for then, that starts tomorrow."""
    booking = confirmed(f"bk_{number}", more.pop("start", TOMORROW) + timedelta(minutes=number))
    update = {"requested_at": asked, **more}
    return booking.change(attempts=(booking.attempts[0].model_copy(update=update),))


def of_member(*bookings: Booking, **most: int) -> list[str]:
    told = MemberLimits(
        id=HOST, workspace_id="ws_a", version=1, limits=Limits(**most or {"day": 2}), tz="UTC", changed_at=SET
    )
    return [finding.kind for finding in limits.of_member(told, bookings)]


def test_more_than_limits_let_in_is_found_in_the_period_in_which_they_start() -> None:
    three = [booked(number, AFTER) for number in range(3)]
    assert of_member(*three) == ["over_limit"]
    assert of_member(*three[:2], booked(2, AFTER, start=TOMORROW + timedelta(days=1))) == []
    assert of_member(*three[:2], booked(2, AFTER, start=SUNDAY), week=2) == ["over_limit"]
    assert of_member(*three[:2], booked(2, AFTER, start=SUNDAY + timedelta(days=1)), week=2) == []
    assert of_member(*three[:2], booked(2, AFTER, start=BEGIN + timedelta(days=27)), month=2) == ["over_limit"]


def test_what_was_booked_before_counts_for_those_who_came_later_and_is_nothing_by_itself() -> None:
    before = [booked(number, BEFORE) for number in range(3)]
    assert of_member(*before) == []
    assert of_member(*before[:2], booked(2, AFTER)) == ["over_limit"]
    assert of_member(before[0], booked(2, AFTER)) == []


@pytest.mark.parametrize("asked", [SET, SET + FINAL_WITHIN / 2])
def test_who_asked_while_limits_changed_may_have_been_decided_by_the_old_ones(asked: Any) -> None:
    at_once = SET + FINAL_WITHIN
    assert of_member(booked(0, BEFORE), booked(1, asked), booked(2, at_once)) == []


def test_what_staff_overbooked_and_what_is_over_does_not_count() -> None:
    two = [booked(number, AFTER) for number in range(2)]
    over = booked(2, AFTER, overbooking=Overbooking(actor_id="mem_b", reason="Urgent"))
    assert of_member(*two, over) == []
    assert of_member(*two, booked(2, AFTER).change(status="cancelled")) == []


def of_calendar(since: int, *bookings: Booking, **more: Any) -> list[str]:
    """All are counted as let in by version `since` of a calendar that has had these limits since its second one."""
    entries = tuple(
        Entry(booking_id=one.id, attempt=1, start=int(one.start.timestamp()) // 60, calendar_version=since)
        for one in bookings
    )
    served: ServedCalendar = limited(**more)
    return [one.kind for one in limits.of_calendar(served, Tally(id="cal_a", filled_for=2, entries=entries), bookings)]


def test_a_calendar_is_held_to_its_limits_since_it_has_had_them() -> None:
    three = [booked(number, AFTER) for number in range(3)]
    assert of_calendar(2, *three) == ["over_limit"]
    assert of_calendar(2, *three[:2]) == []
    assert of_calendar(2, *three, same_limits_since=3) == []
    assert of_calendar(0, *three) == []
    assert of_calendar(2, *three, limited_since=0) == []


def test_what_was_held_until_it_was_archived_counts_unless_it_is_given_up_or_followed() -> None:
    booking = booked(0, BEFORE)
    claim, host = claim_of(booking), hosts.archive(host_of(booking), BEGIN + timedelta(days=9))
    assert host.reservations == ()

    def audit(known: Claim, *entries: Entry) -> list[str]:
        tally = Tally(id="cal_a", filled_for=2, entries=entries)
        return [one.kind for one in limits.counted(limited(), tally, {known.id: known}, {HOST: host})]

    (asked,) = claim.attempts.values()
    assert audit(claim) == ["not_counted"]
    assert audit(claim, Entry(booking_id=booking.id, attempt=1, start=asked.start, calendar_version=0)) == []
    assert audit(claim.change(over=True)) == []
    assert audit(claim.with_attempt(asked.model_copy(update={"number": 2, "start": asked.start + 60}))) == []
