from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from services.availability.domain.listing import iso, to_iso

from .cases import NO_MIDNIGHT, changing_zones, clock_changes, minute


def test_starts_are_listed_by_day_in_the_asked_zone() -> None:
    starts = [minute("2027-01-04T22:30Z"), minute("2027-01-04T23:00Z"), minute("2027-01-06T08:15Z")]
    assert to_iso(starts, "Europe/Berlin") == {
        "2027-01-04": ["2027-01-04T23:30:00+01:00"],
        "2027-01-05": ["2027-01-05T00:00:00+01:00"],
        "2027-01-06": ["2027-01-06T09:15:00+01:00"],
    }


def test_an_hour_that_comes_twice_is_told_apart_by_its_offset() -> None:
    starts = [minute("2027-10-31T00:30Z"), minute("2027-10-31T01:30Z")]
    assert to_iso(starts, "Europe/Berlin") == {"2027-10-31": ["2027-10-31T02:30:00+02:00", "2027-10-31T02:30:00+01:00"]}


def test_offsets_west_of_greenwich_and_of_quarter_hours_are_written_with_sign_and_minutes() -> None:
    assert iso(minute("2027-01-04T12:00Z"), "America/St_Johns") == "2027-01-04T08:30:00-03:30"
    assert iso(minute("2027-01-04T12:00Z"), "Asia/Kathmandu") == "2027-01-04T17:45:00+05:45"
    assert iso(minute("2027-01-04T12:00Z"), "UTC") == "2027-01-04T12:00:00+00:00"


def test_no_starts_are_no_days() -> None:
    assert to_iso([], "Europe/Berlin") == {}


@pytest.mark.parametrize("tz", [*NO_MIDNIGHT, *changing_zones()[::9]])
def test_around_clock_changes_the_list_says_what_the_time_zone_database_says(tz: str) -> None:
    for change in clock_changes()[tz][:4]:
        starts = list(range(change - 2000, change + 2000, 25))
        expected: dict[str, list[str]] = {}
        for start in starts:
            there = datetime.fromtimestamp(start * 60, UTC).astimezone(ZoneInfo(tz))
            expected.setdefault(there.date().isoformat(), []).append(there.isoformat())
        assert to_iso(starts, tz) == expected
