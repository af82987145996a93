"""Limits: which periods are full, for the list and for booking alike."""

from datetime import timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from services.availability.domain.limits import Counted, full_periods, is_full, period_spans
from turnus_contracts import Limits

from .cases import EPOCH, NO_MIDNIGHT, minute

ZONES = ("UTC", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu", *NO_MIDNIGHT)


def period_of(start: int, tz: str, period: str) -> tuple[int, ...]:
    """The period in which a start lies, by the calendar on the wall."""
    day = (EPOCH + timedelta(minutes=start)).astimezone(ZoneInfo(tz)).date()
    if period == "week":
        return day.isocalendar()[:2]
    return (day.year, day.month, day.day) if period == "day" else (day.year, day.month)


@pytest.mark.parametrize("tz", ZONES)
def test_a_start_is_refused_exactly_if_its_day_week_or_month_has_as_many_bookings_as_it_takes(tz: str) -> None:
    rng = Random(f"limits {tz}")
    refused = 0
    for _ in range(150):
        around = minute("2027-01-01T00:00Z") + rng.randint(0, 366) * 1440
        limits = Limits(**{name: rng.choice([None, 1, 2, 3, 5]) for name in ("day", "week", "month")})
        counted: list[Counted] = [
            (f"bk_{rng.randint(1, 8)}", around + rng.randint(-40 * 1440, 40 * 1440)) for _ in range(rng.randint(0, 12))
        ]
        full = full_periods(limits, tz, counted)
        for start in (around, *(one[1] for one in counted), around + rng.randint(-45 * 1440, 45 * 1440)):
            expected = any(
                most is not None
                and len({b for b, at in counted if period_of(at, tz, name) == period_of(start, tz, name)}) >= most
                for name, most in (("day", limits.day), ("week", limits.week), ("month", limits.month))
            )
            assert any(one.start <= start < one.end for one in full) == expected
            assert is_full(period_spans(limits, tz, start), counted) == expected
            refused += expected
    assert refused > 100


def test_a_booking_that_is_being_moved_within_a_day_counts_once() -> None:
    morning, evening = minute("2027-01-04T09:00+01:00"), minute("2027-01-04T17:00+01:00")
    both: list[Counted] = [("bk_a", morning), ("bk_a", evening)]
    assert full_periods(Limits(day=2), "Europe/Berlin", both) == []
    assert len(full_periods(Limits(day=2), "Europe/Berlin", [*both, ("bk_b", morning)])) == 1


def test_a_week_begins_on_monday_and_a_month_on_its_first() -> None:
    sunday = minute("2027-01-31T23:30+01:00")
    week, month = full_periods(Limits(week=1, month=1), "Europe/Berlin", [("bk_a", sunday)])
    assert (week.period, week.start, week.end) == (
        "week",
        minute("2027-01-25T00:00+01:00"),
        minute("2027-02-01T00:00+01:00"),
    )
    assert (month.start, month.end) == (minute("2027-01-01T00:00+01:00"), minute("2027-02-01T00:00+01:00"))


def test_nobody_is_limited_without_limits() -> None:
    assert full_periods(Limits(), "UTC", [("bk_a", 0)]) == []
    assert period_spans(Limits(), "UTC", 0) == []
