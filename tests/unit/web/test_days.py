from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from services.web.domain.days import (
    Month,
    by_part,
    day_named,
    instant_named,
    month_named,
    month_shown,
    part_of_day,
    twice_on_the_clock,
)

BERLIN = ZoneInfo("Europe/Berlin")
TODAY = date(2027, 1, 15)


def test_a_month_has_whole_weeks_and_leaves_out_the_days_of_its_neighbours() -> None:
    weeks = Month(2027, 1).weeks()
    assert weeks[0] == [None, None, None, None, date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 3)]
    assert [day for week in weeks for day in week if day] == [date(2027, 1, n) for n in range(1, 32)]
    assert Month(2027, 1).weeks(6)[0][5] == date(2027, 1, 1)


def test_months_follow_each_other_over_the_year() -> None:
    assert Month(2027, 12).shifted(1) == Month(2028, 1)
    assert Month(2027, 1).shifted(-1) == Month(2026, 12)
    assert Month(2028, 2).last == date(2028, 2, 29)


@pytest.mark.parametrize(
    ("asked", "day", "shown"),
    [
        (None, None, Month(2027, 1)),
        (Month(2027, 3), date(2027, 5, 1), Month(2027, 3)),
        (None, date(2027, 5, 1), Month(2027, 5)),
        (Month(2020, 1), None, Month(2027, 1)),
        (Month(2099, 1), None, Month(2030, 1)),
    ],
)
def test_the_asked_month_is_shown_unless_it_is_past_or_too_far(
    asked: Month | None, day: date | None, shown: Month
) -> None:
    assert month_shown(asked, day, TODAY) == shown


@pytest.mark.parametrize("text", [None, "", "2027-13", "2027-00", "2027-1", "1999-01", "2027-01-01", "２０２７-01"])
def test_what_is_no_month_is_ignored(text: str | None) -> None:
    assert month_named(text) is None


@pytest.mark.parametrize("text", [None, "", "2027-02-30", "2027-2-3", "1999-01-01", "today"])
def test_what_is_no_day_is_ignored(text: str | None) -> None:
    assert day_named(text) is None


def test_an_instant_may_have_lost_its_plus_on_the_way() -> None:
    assert instant_named("2027-01-04T09:00:00 01:00") == datetime(2027, 1, 4, 8, tzinfo=UTC)
    assert instant_named("2027-01-04T08:00:00Z") == datetime(2027, 1, 4, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", [None, "", "2027-01-04T09:00:00", "9999-01-04T09:00:00Z", "soon"])
def test_what_is_no_instant_is_ignored(text: str | None) -> None:
    assert instant_named(text) is None


def test_times_are_grouped_by_the_part_of_the_day_on_their_own_clock() -> None:
    starts = [datetime(2027, 1, 4, hour, tzinfo=BERLIN) for hour in (17, 0, 9, 4, 12, 16)]
    assert [(part, [at.hour for at in those]) for part, those in by_part(starts)] == [
        ("night", [0, 4]),
        ("morning", [9]),
        ("afternoon", [12, 16]),
        ("evening", [17]),
    ]
    assert part_of_day(datetime(2027, 1, 4, 5, tzinfo=BERLIN)) == "morning"


def test_times_that_a_clock_shows_twice_are_told_apart() -> None:
    utc = [datetime(2027, 10, 30, 23, 30, tzinfo=UTC), *(datetime(2027, 10, 31, h, 30, tzinfo=UTC) for h in (0, 1, 2))]
    starts = [at.astimezone(BERLIN) for at in utc]
    assert [at.strftime("%H:%M") for at in starts] == ["01:30", "02:30", "02:30", "03:30"]
    assert twice_on_the_clock(starts) == set(utc[1:3])
    assert [at.astimezone(UTC) for _, those in by_part(starts[::-1]) for at in those] == utc
