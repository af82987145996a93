"""Bookings of the past that the load measurement writes into the stores: what services would have left there."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.assignment.domain.choice import Charge, Choice, choice_id
from services.booking.domain.bookings import Booking, fact, guest_details
from services.notify.domain.planning import Rules, learn_details, learn_fact
from tests.integration.api.copies import Mould
from tests.load.filling import DAYS_AGO, Copies, Originals, after, over
from tests.unit.oversight.world import claim_of, confirmed
from turnus_runtime.forms import loaded
from turnus_runtime.ids import derived, is_id
from turnus_runtime.mongo import documents

START = datetime(2027, 3, 1, 9, tzinfo=UTC)
CALENDARS = [derived("cal", n) for n in range(3)]
HOSTS = [[derived("mem", calendar, n) for n in range(2)] for calendar in CALENDARS]
COPIES = 60


@pytest.fixture
def originals() -> Originals:
    host = HOSTS[1][1]
    booking = confirmed(derived("bk", "first"), START).change(calendar_id=CALENDARS[1], host_ids=(host,), charged=1)
    booking = booking.change(attempts=tuple(one.model_copy(update={"host_ids": (host,)}) for one in booking.attempts))
    (ask,) = claim_of(booking).attempts.values()
    ask = ask.model_copy(update={"candidates": tuple(HOSTS[1]), "asked": tuple(HOSTS[1]), "chosen": host})
    claim = claim_of(booking).change(calendar_id=CALENDARS[1], attempts={"1": ask})
    charge = Charge(
        host_ids=(host,), rule="availability", charged=True, turn=1, paid=0, start=START, month="2027-03", at=START
    )
    choice = Choice(
        id=choice_id(booking.id, 1),
        workspace_id="ws_a",
        calendar_id=CALENDARS[1],
        booking_id=booking.id,
        attempt=1,
        charge=charge,
        payer=host,
    )
    told = fact(booking)
    assert told is not None
    planned = learn_fact(None, told, Rules(), booking.changed_at)
    assert planned.record is not None
    notice = after(planned.record, learn_details(planned.record, guest_details(booking), Rules(), booking.changed_at))
    return Originals(over(booking, claim, choice, notice), CALENDARS, HOSTS)


def copied(originals: Originals, turns: Sequence[int] = (7, 7, 7)) -> list[list[Any]]:
    """For each kind of record its copies, each of them found to be what its service would have stored."""
    copies = Copies(originals, turns)
    moulds = [Mould(one, copies.of) for one in originals.records]
    return [
        [loaded(type(one), documents.read(mould.copy(n, check=True).raw)) for n in range(COPIES)]
        for one, mould in zip(originals.records, moulds, strict=True)
    ]


def test_a_booking_that_is_over_owes_nothing_and_all_its_mails_have_gone(originals: Originals) -> None:
    booking, claim, choice, notice = originals.records
    assert isinstance(booking, Booking)
    assert booking.status == "attended"
    assert not any(record.owed for record in (booking, claim, choice, notice))
    (notice,) = [loaded(type(notice), documents.read(Mould(notice, Copies(originals, (0, 0, 0)).of).copy(0).raw))]
    assert {one.status for one in notice.messages} == {"sent"}
    assert notice.told.standing == "concluded"


def test_copies_lie_in_the_past_and_nobody_serves_two_at_once(originals: Originals) -> None:
    bookings, *_ = copied(originals)
    latest = originals.booking.created_at - timedelta(days=DAYS_AGO)
    assert all(one.start <= latest for one in bookings)
    assert len({(one.host_ids, one.start) for one in bookings}) == COPIES
    assert {one.host_ids[0] for one in bookings} == {host for team in HOSTS for host in team}


def test_copies_of_one_booking_belong_together_in_all_services(originals: Originals) -> None:
    for booking, claim, choice, notice in zip(*copied(originals), strict=True):
        assert is_id("bk", booking.id)
        assert claim.id == notice.id == choice.booking_id == booking.id
        assert choice.id == choice_id(booking.id, 1)
        assert claim.calendar_id == choice.calendar_id == notice.calendar_id == booking.calendar_id
        team = HOSTS[CALENDARS.index(booking.calendar_id)]
        (ask,) = claim.attempts.values()
        assert set(ask.candidates) == set(team)
        assert (ask.chosen,) == notice.told.host_ids == choice.charge.host_ids == booking.host_ids
        assert notice.told.start == choice.charge.start == booking.start
        minutes = [int(instant.timestamp()) // 60 for instant in (booking.start, booking.end)]
        assert [ask.start, ask.end, ask.padded_end] == [*minutes, minutes[1] + booking.buffer_after_minutes]


def test_every_copy_is_a_turn_of_its_calendar_that_nobody_had_before(originals: Originals) -> None:
    _, _, choices, _ = copied(originals, (7, 100, 0))
    turns = [[one.charge.turn for one in choices if one.calendar_id == calendar] for calendar in CALENDARS]
    assert turns == [list(range(first + 1, first + 1 + COPIES // 3)) for first in (7, 100, 0)]
