"""When somebody works: weekly hours in their own zone, and dates that replace the weekday."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from services.availability.domain.zones import DAY, EPOCH_DAY, FIRST_DAY, LAST_DAY, is_zone, zone_table

DayRanges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class WeeklyRange:
    """Working hours on some weekdays, in minutes after midnight on the wall clock, half-open; 1440 is 24:00."""

    days: frozenset[int]
    """1 = Monday … 7 = Sunday."""
    start_minute: int
    end_minute: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Weekly hours in a zone; an override replaces its date's weekday, and an empty one is a day off."""

    tz: str
    weekly: tuple[WeeklyRange, ...] = ()
    overrides: Mapping[date, tuple[tuple[int, int], ...]] = field(default_factory=dict[date, DayRanges])


class FieldProblem(NamedTuple):
    """What is wrong with one field, named by its path: `tz`, `weekly[1].end`, `overrides[2027-01-06].ranges[0]`."""

    field: str
    message: str


def working_ranges(schedule: Schedule, first_day: date, last_day: date) -> list[tuple[int, int]]:
    """The working hours of the days first … last (both included, dates in the schedule's zone), in order.

    Half-open, in epoch minutes. Ranges that touch, also over midnight, stay apart, since a raster begins at each.
    Hours that a clock change swallows whole are left out. The schedule has passed `check_schedule`.
    """
    first, last = max(first_day.toordinal(), FIRST_DAY), min(last_day.toordinal(), LAST_DAY)
    if first > last:
        return []
    return ranges_of_days(schedule, first, last)


def ranges_of_days(schedule: Schedule, first: int, last: int) -> list[tuple[int, int]]:
    """As `working_ranges`, by ordinals of dates. None in a zone that the time zone database here does not know."""
    if not is_zone(schedule.tz):
        return []
    week = _week(schedule.weekly)
    overrides = {day.toordinal(): sorted(ranges) for day, ranges in schedule.overrides.items()}
    midnight = (first - EPOCH_DAY) * DAY
    table = zone_table(schedule.tz, midnight, (last - EPOCH_DAY) * DAY)
    since, until, offset = table.plain_days(midnight)
    found: list[tuple[int, int]] = []
    for day in range(first, last + 1):
        ranges = overrides[day] if day in overrides else week[day % 7]
        if ranges:
            if not since <= midnight < until:
                since, until, offset = table.plain_days(midnight)
            if offset is not None:
                utc = midnight - offset
                for start, end in ranges:
                    found.append((utc + start, utc + end))
            else:
                exact = ((table.to_utc(midnight + start), table.to_utc(midnight + end)) for start, end in ranges)
                found.extend((start, end) for start, end in exact if start < end)
        midnight += DAY
    return found


@lru_cache(maxsize=4096)
def _week(weekly: tuple[WeeklyRange, ...]) -> tuple[DayRanges, ...]:
    """The ranges of each weekday, at the index `ordinal % 7` (ordinal 1 was a Monday)."""
    return tuple(
        tuple(sorted((hours.start_minute, hours.end_minute) for hours in weekly if (day or 7) in hours.days))
        for day in range(7)
    )


def check_schedule(schedule: Schedule) -> list[FieldProblem]:
    """Everything that is wrong with a schedule, each with the field it is about; empty when it is fine."""
    problems: list[FieldProblem] = []
    if not is_zone(schedule.tz):
        problems.append(FieldProblem("tz", "is no IANA time zone; write for example Europe/Berlin"))
    by_day: dict[int, list[tuple[int, int, str]]] = {}
    for i, hours in enumerate(schedule.weekly):
        name = f"weekly[{i}]"
        if not hours.days or not hours.days <= frozenset(range(1, 8)):
            problems.append(FieldProblem(f"{name}.days", "name at least one day, from 1 (Monday) to 7 (Sunday)"))
        problems.extend(_check_range(name, hours.start_minute, hours.end_minute))
        for day in hours.days:
            by_day.setdefault(day, []).append((hours.start_minute, hours.end_minute, name))
    problems.extend(_overlaps(by_day.values()))
    for day, ranges in schedule.overrides.items():
        named = [(start, end, f"overrides[{day}].ranges[{i}]") for i, (start, end) in enumerate(ranges)]
        for start, end, name in named:
            problems.extend(_check_range(name, start, end))
        problems.extend(_overlaps([named]))
    return problems


def _check_range(name: str, start: int, end: int) -> list[FieldProblem]:
    if not 0 <= start < DAY:
        return [FieldProblem(f"{name}.start", "must lie between 00:00 and 23:59")]
    if not 0 < end <= DAY:
        return [FieldProblem(f"{name}.end", "must lie between 00:01 and 24:00")]
    if end <= start:
        message = "must be after the start; write hours over midnight as two ranges, one until 24:00 and one from 00:00"
        return [FieldProblem(f"{name}.end", message)]
    return []


def _overlaps(days: Iterable[list[tuple[int, int, str]]]) -> list[FieldProblem]:
    """One problem for every range that begins within another one of the same day, each range named once."""
    found: dict[str, FieldProblem] = {}
    for ranges in days:
        valid = sorted(hours for hours in ranges if hours[0] < hours[1])
        reach, owner = -1, ""
        for start, end, name in valid:
            if start < reach:
                message = f"overlaps {owner}; ranges of one day may touch, not overlap"
                found.setdefault(name, FieldProblem(name, message))
            if end > reach:
                reach, owner = end, name
    return list(found.values())
