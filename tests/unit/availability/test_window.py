from datetime import date, datetime
from typing import Literal

import pytest

from services.availability.domain.engine import HostTimes, Team, is_offered, offered_starts
from services.availability.domain.rasters import SlotRules
from services.availability.domain.schedule import Schedule
from services.availability.domain.window import Range, Rolling, Until, Window, bookable_span
from services.availability.domain.zones import LAST_MINUTE

from .cases import host, hours, minute, utc

NOON = utc("2027-01-04T11:00")  # Monday, 12:00 in Berlin


def end_of(
    window: Window, *schedules: Schedule, tz: str = "Europe/Berlin", now: datetime = NOON, until: str = "2035-01-01"
) -> int:
    ahead = minute(f"{until}T00:00Z")
    return bookable_span(tz, window, now, notice_minutes=0, schedules=schedules, until=ahead)[1]


@pytest.mark.parametrize(
    ("window", "after_the_last_day"),
    [
        (Rolling(0), "2027-01-05"),
        (Rolling(1), "2027-01-06"),
        (Rolling(60), "2027-03-06"),
        (Rolling(2, "weeks"), "2027-01-19"),
        (Rolling(1, "months"), "2027-02-05"),
        (Rolling(12, "months"), "2028-01-05"),
        (Until(date(2027, 1, 31)), "2027-02-01"),
        (Range(date(2027, 1, 10), date(2027, 1, 20)), "2027-01-21"),
    ],
)
def test_a_window_ends_with_the_last_midnight_of_its_last_day_in_the_calendars_zone(
    window: Window, after_the_last_day: str
) -> None:
    assert end_of(window) == minute(f"{after_the_last_day}T00:00+01:00")


def test_a_month_ahead_of_the_31st_is_the_last_day_of_a_shorter_month() -> None:
    assert end_of(Rolling(1, "months"), now=utc("2027-01-31T11:00")) == minute("2027-03-01T00:00+01:00")
    assert end_of(Rolling(13, "months"), now=utc("2027-01-31T11:00")) == minute("2028-03-01T00:00+01:00")


def test_today_is_the_day_in_the_calendars_zone_to_the_second() -> None:
    assert end_of(Rolling(0), now=datetime.fromisoformat("2027-01-04T22:59:59.999+00:00")) == minute(
        "2027-01-04T23:00Z"
    )
    assert end_of(Rolling(0), now=utc("2027-01-04T23:00")) == minute("2027-01-05T23:00Z")
    assert end_of(Rolling(0), now=utc("2027-01-04T23:00"), tz="America/Los_Angeles") == minute("2027-01-05T08:00Z")


def test_a_range_opens_with_its_first_midnight() -> None:
    window = Range(date(2027, 1, 10), date(2027, 1, 20))
    start, _ = bookable_span("Asia/Tokyo", window, NOON, notice_minutes=0, schedules=[], until=LAST_MINUTE)
    assert start == minute("2027-01-10T00:00+09:00")
    later = utc("2027-01-15T11:00")
    assert bookable_span("Asia/Tokyo", window, later, notice_minutes=30, schedules=[], until=0)[0] == minute(
        "2027-01-15T11:30Z"
    )


def test_notice_is_elapsed_time_from_now_to_the_second() -> None:
    rules = SlotRules("UTC", 30, 30, notice_minutes=60)
    day = date(2027, 1, 4)

    def first(now: str) -> int:
        return offered_starts(Team(rules, [host("UTC", "09:00-17:00")]), day, day, datetime.fromisoformat(now))[0]

    assert first("2027-01-04T11:00:00+00:00") == minute("2027-01-04T12:00Z")
    assert first("2027-01-04T11:00:00.000001+00:00") == minute("2027-01-04T12:30Z")


def test_notice_over_a_clock_change_counts_hours_that_pass() -> None:
    rules = SlotRules("Europe/Berlin", 30, 60, notice_minutes=24 * 60)
    starts = offered_starts(
        Team(rules, [host("Europe/Berlin", "00:00-24:00")]),
        date(2027, 3, 28),
        date(2027, 3, 28),
        utc("2027-03-27T11:00"),
    )
    assert starts[0] == minute("2027-03-28T13:00+02:00")  # noon to noon would be 23 hours


def test_the_past_is_not_offered_even_without_notice() -> None:
    rules, now = SlotRules("UTC", 30, 30), utc("2027-01-04T12:00")
    starts = offered_starts(Team(rules, [host("UTC", "09:00-17:00")]), date(2027, 1, 3), date(2027, 1, 4), now)
    assert starts[0] == minute("2027-01-04T12:00Z")


def test_a_slot_that_starts_in_the_window_may_end_after_its_last_midnight() -> None:
    rules = SlotRules("UTC", 90, 60, window=Until(date(2027, 1, 5)))
    starts = offered_starts(Team(rules, [host("UTC", "00:00-24:00")]), date(2027, 1, 4), date(2027, 1, 9), NOON)
    assert starts[-1] == minute("2027-01-05T23:00Z")


def weekdays(tz: str, *days: int) -> Schedule:
    return Schedule(tz, hours("09:00-17:00", days=frozenset(days)))


def test_available_days_are_those_on_which_some_member_works() -> None:
    mondays, thursdays = weekdays("Europe/Berlin", 1), weekdays("Europe/Berlin", 4)
    available = Rolling(3, counting="available")
    assert end_of(available, mondays) == minute("2027-01-26T00:00+01:00")  # 11, 18, 25
    assert end_of(available, mondays, thursdays) == minute("2027-01-15T00:00+01:00")  # 7, 11, 14


def test_weeks_of_available_days_are_seven_each() -> None:
    assert end_of(Rolling(1, "weeks", "available"), weekdays("Europe/Berlin", 1)) == minute("2027-02-23T00:00+01:00")


def test_an_available_day_is_a_day_in_the_calendars_zone() -> None:
    # Tuesday 09:00 in Tokyo is still Monday in Los Angeles, where it ends on Tuesday at 00:00
    tokyo = weekdays("Asia/Tokyo", 2)
    assert end_of(Rolling(1, counting="available"), tokyo, tz="America/Los_Angeles") == minute("2027-01-12T00:00-08:00")


def test_hours_over_the_calendars_midnight_make_both_days_available() -> None:
    tokyo = Schedule("Asia/Tokyo", hours("09:00-18:00", days=frozenset({2})))  # Monday 16:00 to Tuesday 01:00 there
    ends = [end_of(Rolling(n, counting="available"), tokyo, tz="America/Los_Angeles") for n in (1, 2, 3)]
    assert ends == [minute(f"2027-01-{day:02}T00:00-08:00") for day in (6, 12, 13)]


def test_members_a_date_line_away_work_on_days_of_the_calendar_two_dates_off() -> None:
    late = Schedule("Etc/GMT+12", (), {date(2027, 1, 4): ((1380, 1440),)})  # 25 to 26 hours before the calendar's clock
    end = end_of(Rolling(1, counting="available"), late, tz="Pacific/Kiritimati", now=utc("2027-01-04T20:00"))
    assert end == minute("2027-01-07T00:00+14:00")
    # 28 days are looked at at once; the last of them, 2027-02-01, is the member's 2027-02-03
    early = Schedule("Pacific/Kiritimati", (), {date(2027, 2, 3): ((0, 60),)})
    end = end_of(Rolling(1, counting="available"), early, tz="Etc/GMT+12", now=utc("2027-01-05T08:00"))
    assert end == minute("2027-02-02T00:00-12:00")


def test_a_single_working_day_far_ahead_is_found() -> None:
    rare = Schedule("Europe/Berlin", (), {date(2027, 12, 1): ((540, 600),)})
    assert end_of(Rolling(1, counting="available"), rare) == minute("2027-12-02T00:00+01:00")


def test_days_off_and_extra_days_count_as_what_they_are() -> None:
    schedule = Schedule(
        "Europe/Berlin",
        hours("09:00-17:00", days=frozenset({1})),
        {date(2027, 1, 11): (), date(2027, 1, 13): ((600, 660),)},
    )
    assert end_of(Rolling(2, counting="available"), schedule) == minute("2027-01-19T00:00+01:00")  # 13, 18


def test_fully_booked_days_are_available_days() -> None:
    rules = SlotRules("UTC", 30, 30, window=Rolling(2, counting="available"))
    busy = ((minute("2027-01-05T00:00Z"), minute("2027-01-06T00:00Z"), "blocked"),)
    starts = offered_starts(
        Team(rules, [host("UTC", "09:00-10:00", busy=busy)]),
        date(2027, 1, 4),
        date(2027, 1, 20),
        utc("2027-01-04T12:00"),
    )
    assert starts == [minute("2027-01-06T09:00Z"), minute("2027-01-06T09:30Z")]


def test_when_nobody_ever_works_the_search_for_available_days_ends() -> None:
    off = Schedule("UTC", (), {date(2027, 1, 8): ((540, 600),)})
    for schedules in ([], [off], [Schedule("UTC")]):
        span = bookable_span(
            "UTC", Rolling(60, counting="available"), NOON, notice_minutes=0, schedules=schedules, until=LAST_MINUTE
        )
        assert minute("2027-01-09T00:00Z") <= span[1] < minute("2030-01-01T00:00Z")


@pytest.mark.parametrize("count", [10**6, 10**18])
@pytest.mark.parametrize("unit", ["days", "weeks", "months"])
@pytest.mark.parametrize("counting", ["calendar", "available"])
def test_an_absurdly_long_window_is_a_long_window(
    count: int, unit: Literal["days", "weeks", "months"], counting: Literal["calendar", "available"]
) -> None:
    window = Rolling(count, unit, counting)
    assert end_of(window, weekdays("UTC", 1), until="2027-06-01") >= minute("2027-06-01T00:00Z")


@pytest.mark.parametrize("window", [Range(date.min, date.min), Until(date.min), Range(date.max, date.min)])
def test_a_window_that_is_over_offers_nothing(window: Window) -> None:
    rules = SlotRules("Asia/Beirut", 30, 30, window=window)
    assert offered_starts(Team(rules, [host("UTC", "00:00-24:00")]), date(2027, 1, 4), date(2027, 1, 9), NOON) == []


def test_a_chosen_persons_window_counts_the_days_of_all_members() -> None:
    rules = SlotRules("UTC", 30, 30, window=Rolling(2, counting="available"))
    monday = HostTimes("mem_1", weekdays("UTC", 1))
    others = HostTimes("mem_2", weekdays("UTC", 2, 3))
    first, last = date(2027, 1, 5), date(2027, 1, 31)
    now = utc("2027-01-04T18:00")
    assert offered_starts(Team(rules, [monday, others], only=["mem_1"]), first, last, now) == []
    assert offered_starts(Team(rules, [monday]), first, last, now) != []
    start = minute("2027-01-11T09:00Z")
    assert is_offered(Team(rules, [monday]), monday.host_id, start, now)
    assert not is_offered(Team(rules, [monday, others]), monday.host_id, start, now)
