from datetime import date
from itertools import pairwise

import pytest

from services.availability.domain.schedule import Schedule, WeeklyRange, check_schedule, working_ranges

from .cases import EVERY_DAY, NO_MIDNIGHT, hours, minute


def worked(tz: str, day: str, *ranges: str) -> list[tuple[int, int]]:
    one = date.fromisoformat(day)
    return working_ranges(Schedule(tz, hours(*ranges)), one, one)


def spans(*pairs: tuple[str, str]) -> list[tuple[int, int]]:
    return [(minute(start), minute(end)) for start, end in pairs]


def test_weekly_hours_follow_the_wall_clock_through_a_clock_change() -> None:
    schedule = Schedule("Europe/Berlin", hours("09:00-17:00", days=frozenset({5, 1})))
    assert working_ranges(schedule, date(2027, 3, 26), date(2027, 3, 29)) == spans(
        ("2027-03-26T09:00+01:00", "2027-03-26T17:00+01:00"), ("2027-03-29T09:00+02:00", "2027-03-29T17:00+02:00")
    )


def test_every_weekday_has_its_number_from_monday_to_sunday() -> None:
    for number in range(1, 8):
        schedule = Schedule("UTC", hours("09:00-10:00", days=frozenset({number})))
        assert working_ranges(schedule, date(2027, 1, 4), date(2027, 1, 10)) == spans(
            (f"2027-01-{3 + number:02}T09:00Z", f"2027-01-{3 + number:02}T10:00Z")
        )


def test_a_start_that_the_spring_gap_swallows_is_the_first_time_that_exists() -> None:
    assert worked("Europe/Berlin", "2027-03-28", "02:30-04:00") == spans(
        ("2027-03-28T03:00+02:00", "2027-03-28T04:00+02:00")
    )


def test_an_end_that_the_spring_gap_swallows_is_the_first_time_that_exists() -> None:
    assert worked("Europe/Berlin", "2027-03-28", "01:00-02:30") == spans(
        ("2027-03-28T01:00+01:00", "2027-03-28T03:00+02:00")
    )


def test_hours_that_lie_wholly_in_the_spring_gap_are_no_hours() -> None:
    assert worked("Europe/Berlin", "2027-03-28", "02:00-03:00", "02:00-02:59") == []


def test_a_wall_time_that_comes_twice_is_its_first_occurrence() -> None:
    assert worked("Europe/Berlin", "2027-10-31", "02:30-04:00") == spans(
        ("2027-10-31T02:30+02:00", "2027-10-31T04:00+01:00")
    )
    assert worked("Europe/Berlin", "2027-10-31", "01:00-02:30") == spans(
        ("2027-10-31T01:00+02:00", "2027-10-31T02:30+02:00")
    )


def test_a_change_by_half_an_hour_is_kept_to_the_minute() -> None:
    assert worked("Australia/Lord_Howe", "2027-10-03", "02:10-03:00") == spans(
        ("2027-10-03T02:30+11:00", "2027-10-03T03:00+11:00")
    )


def test_hours_until_midnight_touch_those_from_midnight_and_stay_apart() -> None:
    schedule = Schedule("Europe/Berlin", hours("00:00-02:00", "22:00-24:00"))
    ranges = working_ranges(schedule, date(2027, 1, 4), date(2027, 1, 5))
    assert ranges == spans(
        ("2027-01-04T00:00+01:00", "2027-01-04T02:00+01:00"),
        ("2027-01-04T22:00+01:00", "2027-01-05T00:00+01:00"),
        ("2027-01-05T00:00+01:00", "2027-01-05T02:00+01:00"),
        ("2027-01-05T22:00+01:00", "2027-01-06T00:00+01:00"),
    )


@pytest.mark.parametrize("tz", NO_MIDNIGHT)
def test_round_the_clock_hours_are_one_unbroken_stretch_in_zones_without_midnight(tz: str) -> None:
    ranges = working_ranges(Schedule(tz, hours("00:00-24:00")), date(2026, 1, 1), date(2028, 12, 31))
    assert len(ranges) == 3 * 365 + 1
    assert all(end == start for (_, end), (start, _) in pairwise(ranges))


def test_hours_until_a_midnight_that_does_not_exist_end_when_the_next_day_begins() -> None:
    assert worked("Asia/Beirut", "2027-03-27", "22:00-24:00") == spans(
        ("2027-03-27T22:00+02:00", "2027-03-28T01:00+03:00")
    )


def test_hours_until_a_midnight_that_is_put_back_last_an_hour_longer() -> None:
    assert worked("America/Santiago", "2027-04-03", "22:00-24:00") == spans(
        ("2027-04-03T22:00-03:00", "2027-04-04T00:00-04:00")
    )


def test_a_date_of_its_own_replaces_the_weekday_and_without_ranges_is_a_day_off() -> None:
    overrides = {date(2027, 1, 5): ((600, 660),), date(2027, 1, 6): (), date(2027, 1, 9): ((480, 540), (0, 60))}
    schedule = Schedule("UTC", hours("09:00-17:00", days=frozenset(range(1, 6))), overrides)
    assert working_ranges(schedule, date(2027, 1, 4), date(2027, 1, 10)) == spans(
        ("2027-01-04T09:00Z", "2027-01-04T17:00Z"),
        ("2027-01-05T10:00Z", "2027-01-05T11:00Z"),
        ("2027-01-07T09:00Z", "2027-01-07T17:00Z"),
        ("2027-01-08T09:00Z", "2027-01-08T17:00Z"),
        ("2027-01-09T00:00Z", "2027-01-09T01:00Z"),
        ("2027-01-09T08:00Z", "2027-01-09T09:00Z"),
    )


def test_hours_of_several_entries_for_one_day_are_in_order() -> None:
    assert worked("UTC", "2027-01-04", "13:00-17:00", "08:00-12:00") == spans(
        ("2027-01-04T08:00Z", "2027-01-04T12:00Z"), ("2027-01-04T13:00Z", "2027-01-04T17:00Z")
    )


def test_a_day_that_a_zone_left_out_has_no_hours() -> None:
    # Samoa crossed the date line: 2011-12-30 does not exist there
    assert worked("Pacific/Apia", "2011-12-30", "00:00-24:00") == []
    assert worked("Pacific/Apia", "2011-12-31", "09:00-10:00") == spans(
        ("2011-12-31T09:00+14:00", "2011-12-31T10:00+14:00")
    )


def test_days_in_the_wrong_order_or_beyond_all_calendars_have_no_hours() -> None:
    schedule = Schedule("America/Santiago", hours("00:00-24:00"))
    assert working_ranges(schedule, date(2027, 1, 5), date(2027, 1, 4)) == []
    assert working_ranges(schedule, date(1, 1, 1), date(2, 1, 1)) == []
    assert working_ranges(schedule, date(9999, 1, 1), date.max) == []


def test_a_good_schedule_has_no_problems() -> None:
    schedule = Schedule(
        "Australia/Lord_Howe",
        (*hours("00:00-09:00", "09:00-24:00", days=frozenset({1, 2})), *hours("08:00-10:00", days=frozenset({3}))),
        {date(2027, 1, 6): (), date(2027, 1, 7): ((0, 60), (60, 1440))},
    )
    assert check_schedule(schedule) == []


@pytest.mark.parametrize(
    ("schedule", "fields"),
    [
        (Schedule("Mars/Olympus", hours("09:00-10:00")), ["tz"]),
        (Schedule("UTC", (WeeklyRange(frozenset(), 0, 60),)), ["weekly[0].days"]),
        (Schedule("UTC", (WeeklyRange(frozenset({0}), 0, 60),)), ["weekly[0].days"]),
        (Schedule("UTC", (WeeklyRange(frozenset({8}), 0, 60),)), ["weekly[0].days"]),
        (Schedule("UTC", (WeeklyRange(EVERY_DAY, -1, 60),)), ["weekly[0].start"]),
        (Schedule("UTC", (WeeklyRange(EVERY_DAY, 1440, 1440),)), ["weekly[0].start"]),
        (Schedule("UTC", (WeeklyRange(EVERY_DAY, 60, 1441),)), ["weekly[0].end"]),
        (Schedule("UTC", (WeeklyRange(EVERY_DAY, 60, 60),)), ["weekly[0].end"]),
        (Schedule("UTC", (WeeklyRange(EVERY_DAY, 1320, 120),)), ["weekly[0].end"]),
        (Schedule("UTC", hours("09:00-12:00", "11:59-13:00")), ["weekly[1]"]),
        (Schedule("UTC", hours("09:00-17:00", "10:00-11:00", "12:00-13:00")), ["weekly[1]", "weekly[2]"]),
        (
            Schedule("UTC", (WeeklyRange(frozenset({1, 2}), 0, 60), WeeklyRange(frozenset({2, 3}), 0, 60))),
            ["weekly[1]"],
        ),
        (Schedule("UTC", (), {date(2027, 1, 6): ((0, 60), (30, 90))}), ["overrides[2027-01-06].ranges[1]"]),
        (Schedule("UTC", (), {date(2027, 1, 6): ((0, 1441),)}), ["overrides[2027-01-06].ranges[0].end"]),
    ],
)
def test_what_is_wrong_with_a_schedule_is_named_by_its_field(schedule: Schedule, fields: list[str]) -> None:
    assert [problem.field for problem in check_schedule(schedule)] == fields
    assert all(problem.message for problem in check_schedule(schedule))
