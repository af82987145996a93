"""Months, days and parts of a day, for choosing a time."""

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Literal

FARTHEST_MONTHS = 36
"""So far ahead the calendar can be leafed through."""
MOST_DAYS = 92
"""As many days the API answers at once."""

Part = Literal["night", "morning", "afternoon", "evening"]


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A month of a year."""

    year: int
    number: int

    @classmethod
    def of(cls, day: date) -> "Month":
        """The month of a day."""
        return cls(day.year, day.month)

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.number, 1)

    @property
    def last(self) -> date:
        """Its last day."""
        return self.shifted(1).first - timedelta(days=1)

    def shifted(self, months: int) -> "Month":
        """So many months later, or earlier."""
        count = self.year * 12 + self.number - 1 + months
        return Month(count // 12, count % 12 + 1)

    def weeks(self, first_weekday: int = 0) -> list[list[date | None]]:
        """Its weeks from `first_weekday` (0 is Monday); None where the day belongs to another month."""
        weeks = calendar.Calendar(first_weekday).monthdatescalendar(self.year, self.number)
        return [[day if day.month == self.number else None for day in week] for week in weeks]

    def __str__(self) -> str:
        return f"{self.year:04}-{self.number:02}"


def month_named(text: str | None) -> Month | None:
    """`2027-01`, or None for anything else and for years that the API does not know."""
    found = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", text or "", re.ASCII)
    return Month(int(found[1]), int(found[2])) if found else None


def day_named(text: str | None) -> date | None:
    """`2027-01-04`, or None."""
    if not re.fullmatch(r"20\d\d-\d\d-\d\d", text or "", re.ASCII):
        return None
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def instant_named(text: str | None) -> datetime | None:
    """An instant with offset, or None."""
    try:
        found = datetime.fromisoformat((text or "").strip().replace(" ", "+"))
    except ValueError:
        return None
    return found if found.tzinfo is not None and 2000 <= found.year <= 2100 else None


def month_shown(asked: Month | None, day: date | None, today: date) -> Month:
    """The month to show: the asked one, else that of the day, else this one; never a past or a too distant one."""
    earliest = Month.of(today)
    wanted = asked or (Month.of(day) if day else earliest)
    return min(max(wanted, earliest), earliest.shifted(FARTHEST_MONTHS))


def part_of_day(start: datetime) -> Part:
    """The part of the day in which a time lies, by its own clock."""
    if start.hour < 5:
        return "night"
    if start.hour < 12:
        return "morning"
    return "afternoon" if start.hour < 17 else "evening"


def by_part(starts: Sequence[datetime]) -> list[tuple[Part, list[datetime]]]:
    """Starts of a day in order, grouped by part of the day."""
    return [(part, list(those)) for part, those in groupby(sorted(starts, key=datetime.timestamp), part_of_day)]


def twice_on_the_clock(starts: Sequence[datetime]) -> set[datetime]:
    """Starts (in UTC) whose wall-clock time another one has too: clocks were set back in between, so they need more.

    Python finds two times of one zone equal when their clocks show the same, so they are compared in UTC.
    """
    walls = [start.replace(tzinfo=None, fold=0) for start in starts]
    return {start.astimezone(UTC) for start, wall in zip(starts, walls, strict=True) if walls.count(wall) > 1}
