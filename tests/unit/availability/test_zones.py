from datetime import date, datetime, timedelta, timezone

import pytest

from services.availability.domain.zones import (
    EPOCH_DAY,
    ZoneTable,
    day_span,
    epoch_minute,
    instant_of,
    is_zone,
    next_epoch_minute,
    zone_table,
)

from . import reference
from .cases import FIRST_YEAR, LAST_YEAR, NO_MIDNIGHT, clock_changes, distinct_zones, minute, utc


def whole_table(tz: str) -> ZoneTable:
    return zone_table(tz, minute(f"{FIRST_YEAR}-01-01T00:00Z"), minute(f"{LAST_YEAR}-12-31T23:59Z"))


def test_every_zone_changes_its_clock_in_the_table_exactly_when_the_database_says() -> None:
    first, last = minute(f"{FIRST_YEAR}-01-01T00:00Z"), minute(f"{LAST_YEAR + 1}-01-01T00:00Z")
    for tz, changes in clock_changes().items():
        assert [start for start in whole_table(tz).starts[1:] if first < start < last] == changes, tz


def test_wall_times_around_every_clock_change_of_every_zone_become_the_right_minutes() -> None:
    for tz, changes in clock_changes().items():
        table = whole_table(tz)
        for change in changes:
            shown = reference.wall(tz, change)
            for local in range(shown - 150, shown + 151, 15):
                assert table.to_utc(local) == reference.first_minute_showing(tz, local), (tz, change, local)


def test_offsets_and_dates_on_both_sides_of_every_clock_change_are_right() -> None:
    for tz, changes in clock_changes().items():
        table = whole_table(tz)
        for change in changes:
            for at in (change - 1, change, change + 1):
                assert table.offset_at(at) == reference.wall(tz, at) - at
                assert date.fromordinal(table.day_of(at)) == reference.date_of(tz, at)
            offset, until = table.stretch(change - 1)
            assert (offset, until) == (reference.wall(tz, change - 1) - change + 1, change)


def test_days_on_which_a_clock_is_changed_are_told_from_plain_ones() -> None:
    for tz in distinct_zones():
        changes = clock_changes()[tz]
        table = whole_table(tz)
        for change in changes:
            for day in range(table.day_of(change) - 2, table.day_of(change) + 3):
                midnight = (day - EPOCH_DAY) * 1440
                first, stop, offset = table.plain_days(midnight)
                assert first <= midnight < stop
                if offset is not None:
                    earliest = max(-(-first // 1440) * 1440, midnight - 200 * 1440)
                    for local in (earliest, *range(midnight, midnight + 1441, 15)):
                        assert local - offset == reference.first_minute_showing(tz, local), (tz, day)


@pytest.mark.parametrize("tz", [*NO_MIDNIGHT, "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_days_of_a_zone_follow_each_other_without_gap_or_overlap(tz: str) -> None:
    day = date(2025, 1, 1)
    _, end = day_span(tz, day, day)
    while day < date(2028, 1, 1):
        day += timedelta(days=1)
        start, stop = day_span(tz, day, day)
        assert start == end
        assert reference.date_of(tz, start) == day
        assert reference.date_of(tz, start - 1) == day - timedelta(days=1)
        end = stop


def test_a_day_without_midnight_begins_at_its_first_minute() -> None:
    start, end = day_span("Asia/Beirut", date(2027, 3, 28), date(2027, 3, 28))
    assert (start, end) == (minute("2027-03-28T01:00+03:00"), minute("2027-03-29T00:00+03:00"))


def test_days_far_outside_every_calendar_are_an_empty_span_and_no_error() -> None:
    for far in (date(1, 1, 1), date(9999, 12, 31)):
        start, end = day_span("America/Santiago", far, far)
        assert start == end


def test_a_table_answers_for_minutes_beyond_its_years() -> None:
    table = zone_table("Europe/Berlin", 0, 0)
    assert table.offset_at(-(1 << 62)) == 60
    assert table.offset_at((1 << 62) - 1) == 60
    assert table.to_utc(1 << 62) == (1 << 62) - 60


@pytest.mark.parametrize(
    "name", ["", "Berlin", "europe/berlin", "../etc/passwd", "Europe/Berlin\0", "right/UTC", "localtime"]
)
def test_only_names_of_the_database_are_zones(name: str) -> None:
    assert is_zone("Europe/Berlin")
    assert not is_zone(name)


def test_instants_and_minutes_become_each_other() -> None:
    assert instant_of(minute("2027-01-04T09:00+01:00")) == utc("2027-01-04T08:00")
    late = datetime(2027, 1, 4, 9, 0, 59, 999_999, tzinfo=timezone(timedelta(hours=1)))
    assert epoch_minute(late) == minute("2027-01-04T08:00Z")
    assert next_epoch_minute(late) == minute("2027-01-04T08:01Z")
    assert next_epoch_minute(utc("2027-01-04T08:00")) == minute("2027-01-04T08:00Z")
