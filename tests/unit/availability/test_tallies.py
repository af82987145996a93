"""The tally of a calendar: permanent answers, what is given back, and what was booked before there were limits."""

from datetime import UTC, datetime, timedelta

from services.availability.domain import tallies
from services.availability.domain.limits import period_spans
from services.availability.domain.tallies import Counting, Entry, Tally
from services.availability.domain.zones import DAY
from turnus_contracts import Limits

NOW = datetime(2027, 1, 4, tzinfo=UTC)
START = 30_000_000 // DAY * DAY + 600
ONE_A_DAY = Limits(day=1)


def asks(booking: str, attempt: int = 1, start: int = START, limits: Limits = ONE_A_DAY) -> Counting:
    return Counting(
        Entry(booking_id=booking, attempt=attempt, start=start, calendar_version=1),
        tuple(period_spans(limits, "UTC", start)),
    )


def count(tally: Tally | None, ask: Counting) -> tuple[bool, Tally | None]:
    decided = tallies.count(tally, ask, "cal_a", NOW)
    return decided.answer, decided.record or tally


def release(tally: Tally | None, booking: str, attempt: int = 1, start: int = START, *, moved: bool = False) -> Tally:
    decided = tallies.release(tally, "cal_a", booking, attempt, start, moved=moved)
    left = decided.record or tally
    assert left is not None
    return left


def test_the_same_ask_always_gets_the_same_answer() -> None:
    taken, tally = count(None, asks("bk_a"))
    refused, tally = count(tally, asks("bk_b"))
    assert (taken, refused) == (True, False)
    assert count(tally, asks("bk_a"))[0]
    tally = release(tally, "bk_a")
    assert not count(tally, asks("bk_b"))[0]  # although there would be room now
    assert not count(tally, asks("bk_a"))[0]  # what was released never counts again
    assert count(tally, asks("bk_c"))[0]


def test_a_release_that_comes_first_refuses_the_ask() -> None:
    assert not count(release(None, "bk_a"), asks("bk_a"))[0]


def test_a_move_within_the_day_counts_once_and_what_it_leaves_says_yes_again() -> None:
    _, tally = count(None, asks("bk_a"))
    moved, tally = count(tally, asks("bk_a", 2, START + 60))
    assert moved
    tally = release(tally, "bk_a", moved=True)
    assert [one.attempt for one in tally.entries] == [2]
    assert count(tally, asks("bk_a"))[0]
    assert [one.attempt for one in tally.entries] == [2]
    assert not count(tally, asks("bk_b"))[0]


def test_what_hosts_held_before_there_were_limits_counts_unless_it_was_given_up_meanwhile() -> None:
    tally = release(release(None, "bk_gone"), "bk_moved", moved=True)
    _, tally = count(tally, asks("bk_new", start=START + DAY))
    found = [
        Entry(booking_id=name, attempt=1, start=START, calendar_version=1) for name in ("bk_old", "bk_gone", "bk_moved")
    ]
    filled = tallies.fill(tally, "cal_a", 1, found, NOW).record
    assert filled is not None
    assert [one.booking_id for one in filled.entries] == ["bk_old", "bk_new"]
    assert tallies.fill(filled, "cal_a", 1, [], NOW).record is None
    assert not count(filled, asks("bk_b"))[0]


def test_what_a_move_had_left_before_there_were_limits_is_answered_and_never_counts() -> None:
    left = [Entry(booking_id="bk_a", attempt=1, start=START, calendar_version=0)]
    filled = tallies.fill(None, "cal_a", 1, [], NOW, left=left).record
    assert count(filled, asks("bk_a")) == (True, filled)
    assert count(filled, asks("bk_b"))[0]


def test_limits_that_come_back_count_what_is_held_then() -> None:
    _, tally = count(None, asks("bk_a"))
    found = [Entry(booking_id="bk_b", attempt=1, start=START + DAY, calendar_version=5)]
    filled = tallies.fill(tally, "cal_a", 5, found, NOW).record
    assert filled is not None
    assert [one.booking_id for one in filled.entries] == ["bk_b"]


def test_what_no_open_period_can_count_is_forgotten() -> None:
    _, tally = count(None, asks("bk_a"))
    assert tally is not None
    later = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=START + 41 * DAY)
    kept = tallies.archive(tally, later)
    assert kept.entries == ()
    assert tallies.archive(kept, later) is kept
    assert tallies.release(kept, "cal_a", "bk_a", 1, START).record is None
