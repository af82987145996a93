"""How many bookings may start on one day, in one week, in one month: one evaluator for the list and for booking.

A limit counts bookings, not attempts, by the period in which they start, in the zone of whom it limits: a calendar's
in the calendar's zone, a member's (across all calendars) in the member's. Weeks begin on Monday. A booking that is
being moved counts in both places until the move is settled; the booking that asks is left out by whoever counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from services.availability.domain.zones import DAY, LAST_DAY, ZoneTable, zone_table
from turnus_contracts import Limits

Period = Literal["day", "week", "month"]


NONE = Limits()
Counted = tuple[str, int]
"""A booking (its id, or what else tells it from others) and a start of it, epoch minute."""


@dataclass(frozen=True, slots=True)
class FullPeriod:
    """A period that takes no further booking: starts in [start, end), epoch minutes; `most` is the limit, `counted`
    how many there are (overbooked ones too, so it may be more).
    """

    start: int
    end: int
    period: Period
    most: int
    counted: int = 0


def full_periods(limits: Limits, tz: str, counted: Sequence[Counted]) -> list[FullPeriod]:
    """The periods that are full, in which no further booking may start."""
    if limits == NONE or not counted:
        return []
    starts = [start for _, start in counted]
    table = zone_table(tz, min(starts) - 40 * DAY, max(starts) + 40 * DAY)
    days = [(booking, table.day_of(start)) for booking, start in counted]
    return [
        FullPeriod(*_span(table, period, number), period, most, counted)
        for period, most in _limited(limits)
        for number, counted in _full(days, period, most)
    ]


def period_spans(limits: Limits, tz: str, start: int) -> list[FullPeriod]:
    """The limited periods in which this start lies, whether they are full or not."""
    table = zone_table(tz, start - 40 * DAY, start + 40 * DAY)
    day = table.day_of(start)
    return [FullPeriod(*_span(table, period, _number(day, period)), period, most) for period, most in _limited(limits)]


def is_full(spans: Iterable[FullPeriod], counted: Sequence[Counted]) -> bool:
    """Whether one of these periods takes no further booking."""
    return any(len({one for one, start in counted if span.start <= start < span.end}) >= span.most for span in spans)


def _limited(limits: Limits) -> list[tuple[Period, int]]:
    told: tuple[tuple[Period, int | None], ...] = (("day", limits.day), ("week", limits.week), ("month", limits.month))
    return [(period, most) for period, most in told if most is not None]


def _full(days: Sequence[tuple[str, int]], period: Period, most: int) -> list[tuple[int, int]]:
    """The numbers of the periods that are full, and how many bookings each has."""
    bookings: dict[int, set[str]] = {}
    for booking, day in days:
        bookings.setdefault(_number(day, period), set()).add(booking)
    return sorted((number, len(those)) for number, those in bookings.items() if len(those) >= most)


def _number(day: int, period: Period) -> int:
    """The period in which a day (ordinal) lies, numbered so that later ones have greater numbers."""
    if period == "day":
        return day
    if period == "week":
        return (day - 1) // 7
    one = date.fromordinal(day)
    return one.year * 12 + one.month - 1


def _span(table: ZoneTable, period: Period, number: int) -> tuple[int, int]:
    """The epoch minutes [start, end) of a period."""
    if period == "day":
        first, after = number, number + 1
    elif period == "week":
        first, after = number * 7 + 1, number * 7 + 8
    else:
        first, after = _first_of(number), _first_of(number + 1)
    return table.midnight(first), table.midnight(min(after, LAST_DAY))


def _first_of(month: int) -> int:
    year, month0 = divmod(month, 12)
    return date(year, month0 + 1, 1).toordinal()
