"""From when until when starts can be booked: minimum notice and the booking window."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from services.availability.domain.schedule import Schedule, ranges_of_days
from services.availability.domain.zones import (
    DAY,
    FIRST_DAY,
    FIRST_MINUTE,
    LAST_DAY,
    LAST_MINUTE,
    ZoneTable,
    epoch_minute,
    next_epoch_minute,
    zone_table,
)

_MOST_DAYS = 36_525
"""A century: longer windows are as good as none."""
_CHUNK = 28


@dataclass(frozen=True, slots=True)
class Rolling:
    """Today and `count` days, weeks or months ahead: with 60 days the last day is today + 60.

    `available` counts only days on which at least one member works: today and the next 60 of these. Weeks and
    months are then that many days (2 weeks: the next 14 available days).
    """

    count: int
    unit: Literal["days", "weeks", "months"] = "days"
    counting: Literal["calendar", "available"] = "calendar"


@dataclass(frozen=True, slots=True)
class Range:
    """From the day `start` to the day `end`, both included."""

    start: date
    end: date


@dataclass(frozen=True, slots=True)
class Until:
    """To this day, included."""

    date: date


Window = Rolling | Range | Until | None


def bookable_span(
    tz: str, window: Window, now: datetime, *, notice_minutes: int, schedules: Sequence[Schedule], until: int
) -> tuple[int, int]:
    """The epoch minutes `[start, end)` in which starts may lie at `now`; empty if end ≤ start.

    Days are days in the calendar's zone `tz`. `schedules` are those of all members of the calendar; they are read
    only when available days are counted, and only until `until` (epoch minute; what nobody asks for is not counted).
    """
    earliest = max(next_epoch_minute(now) + notice_minutes, FIRST_MINUTE)
    if window is None:
        return earliest, LAST_MINUTE
    if isinstance(window, Rolling):
        minute = min(max(epoch_minute(now), FIRST_MINUTE), LAST_MINUTE)
        today = zone_table(tz, minute, minute).day_of(minute)
        last = _rolling_end(tz, window, schedules, today, min(until, LAST_MINUTE))
        return earliest, _midnight(tz, last + 1)
    if isinstance(window, Range):
        earliest = max(earliest, _midnight(tz, window.start.toordinal()))
        return earliest, _midnight(tz, window.end.toordinal() + 1)
    return earliest, _midnight(tz, window.date.toordinal() + 1)


def _midnight(tz: str, day: int) -> int:
    day = min(max(day, FIRST_DAY), LAST_DAY)
    minute = FIRST_MINUTE + (day - FIRST_DAY) * DAY
    return zone_table(tz, minute, minute).midnight(day)


def _rolling_end(tz: str, window: Rolling, schedules: Sequence[Schedule], today: int, until: int) -> int:
    """The last day (ordinal) of a rolling window."""
    ahead = _days_ahead(window, today)
    if window.counting == "calendar":
        return min(today + ahead, LAST_DAY)
    left, day = ahead, today + 1
    # after the last override weeks repeat: nearly each holds an available day, or none ever will
    irregular = max((max(one.overrides, default=date.min).toordinal() for one in schedules), default=0)
    stop = min(zone_table(tz, until, until).day_of(until), max(irregular, today) + 8 * (ahead + 2))
    while left > 0 and day <= stop:
        worked = _days_worked(tz, schedules, day, day + _CHUNK)
        if len(worked) >= left:
            return worked[left - 1]
        left -= len(worked)
        day += _CHUNK
    return day - 1


def _days_ahead(window: Rolling, today: int) -> int:
    if window.unit == "days":
        return min(window.count, _MOST_DAYS)
    if window.unit == "weeks":
        return min(window.count * 7, _MOST_DAYS)
    first = date.fromordinal(today)
    years, month0 = divmod(first.month - 1 + min(window.count, _MOST_DAYS // 31), 12)
    year = first.year + years
    return date(year, month0 + 1, min(first.day, monthrange(year, month0 + 1)[1])).toordinal() - today


def _days_worked(tz: str, schedules: Sequence[Schedule], first: int, stop: int) -> list[int]:
    """The days `first <= day < stop` in zone `tz` in which some working minute of some schedule lies."""
    minute = FIRST_MINUTE + (first - FIRST_DAY) * DAY
    table = zone_table(tz, minute, minute + (stop - first) * DAY)
    missing = set(range(first, min(stop, LAST_DAY)))
    worked: list[int] = []
    for schedule in schedules:
        if not missing:
            break
        # two zones are at most 26 hours apart
        days = _days_of(table, ranges_of_days(schedule, max(first - 2, FIRST_DAY), min(stop + 1, LAST_DAY)))
        worked.extend(missing & days)
        missing -= days
    return sorted(worked)


def _days_of(table: ZoneTable, ranges: list[tuple[int, int]]) -> set[int]:
    return {day for start, end in ranges for day in range(table.day_of(start), table.day_of(end - 1) + 1)}
