"""The week editor: hours by weekday as somebody types them, and as the API takes them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from services.web.domain.forms import Sent, Wrong
from services.web.domain.staff import Hours, SeenSchedule, WeeklyHours

WEEK = range(1, 8)
"""1 is Monday."""
WORKDAYS = range(1, 6)
MOST_RANGES = 6
"""Rows that can be added to a day."""
MOST_SENT = 100
"""Ranges of a day that the API takes, and so may have."""
_CLOCK = re.compile(r"([01]?\d|2[0-3])[:.]?([0-5]\d)|24[:.]?00", re.ASCII)


@dataclass(frozen=True, slots=True)
class Row:
    """A stretch as it was typed; an empty one is none."""

    start: str = ""
    end: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was typed."""
        return not self.start.strip() and not self.end.strip()


Rows = Mapping[int, tuple[Row, ...]]


@dataclass(frozen=True, slots=True)
class Week:
    """Rows by weekday, and what is wrong, by weekday."""

    rows: Rows
    errors: Mapping[int, Wrong]

    def body(self) -> list[dict[str, Any]]:
        """The hours as the API takes them: days with the same stretch go together. Only of a week without errors."""
        by_stretch: dict[tuple[str, str], list[int]] = {}
        for day in WEEK:
            for start, end in sorted(stretches(self.rows[day])):
                by_stretch.setdefault((start, end), []).append(day)
        return [{"days": days, "start": start, "end": end} for (start, end), days in by_stretch.items()]


def week_of(schedule: SeenSchedule | None) -> Week:
    """The week of a schedule, each day with at least one row; a new one has hours that many people keep."""
    weekly: Sequence[WeeklyHours] = (
        (WeeklyHours(days=tuple(WORKDAYS), start="09:00", end="17:00"),) if schedule is None else schedule.weekly
    )
    rows = {
        day: tuple(Row(one.start, one.end) for one in sorted(weekly, key=lambda w: w.start) if day in one.days)
        for day in WEEK
    }
    return Week({day: those or (Row(),) for day, those in rows.items()}, {})


def sent_week(sent: Sent) -> Week:
    """The week as it was sent."""
    rows = {day: _sent_rows(sent, f"hours_{day}") for day in WEEK}
    errors = {day: wrong for day in WEEK if (wrong := wrong_of(rows[day])) is not None}
    return Week({day: those or (Row(),) for day, those in rows.items()}, errors)


def with_row(week: Week, day: int) -> Week:
    """One more row for this day, if there is room."""
    rows = {**week.rows}
    if len(rows[day]) < MOST_RANGES:
        rows[day] = (*rows[day], Row())
    return Week(rows, {})


def copied(week: Week, day: int, to: Iterable[int]) -> Week:
    """These days get the hours of that one."""
    return Week({**week.rows, **dict.fromkeys(to, week.rows[day])}, {})


def sent_rows(sent: Sent) -> tuple[Row, ...]:
    """The rows of a single date."""
    return _sent_rows(sent, "hours")


def stretches(rows: Iterable[Row]) -> list[tuple[str, str]]:
    """Rows that are filled in, with clock times as `HH:MM`."""
    return [(clock(row.start) or "", clock(row.end) or "") for row in rows if not row.is_empty]


def wrong_of(rows: Sequence[Row]) -> Wrong | None:
    """What is wrong with the rows of a day: a time that is none, an end before its start, stretches that overlap."""
    if any(not row.is_empty and (clock(row.start) is None or clock(row.end) is None) for row in rows):
        return Wrong("wrong.clock")
    found = sorted(stretches(rows))
    if any(start >= end for start, end in found):
        return Wrong("wrong.order")
    if any(before[1] > after[0] for before, after in pairwise(found)):
        return Wrong("wrong.overlap")
    return None


def clock(text: str) -> str | None:
    """`9:00`, `0900` and `09.00` are `09:00`; None for what is no time."""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        return None
    return f"{int(found[1]):02}:{found[2]}" if found[1] is not None else "24:00"


def rows_of(ranges: Iterable[Hours]) -> tuple[Row, ...]:
    """The hours of a date as rows."""
    return tuple(Row(one.start, one.end) for one in ranges)


def _sent_rows(sent: Sent, name: str) -> tuple[Row, ...]:
    starts, ends = sent.get(f"{name}_start", ()), sent.get(f"{name}_end", ())
    return tuple(Row(start[:10], end[:10]) for start, end in list(zip(starts, ends, strict=False))[:MOST_SENT])
