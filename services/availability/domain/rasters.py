"""The starts that schedules make possible, whatever is in the way: a raster begins anew at every working range.

A raster is (first start, stop): its starts are first, first + step … below stop. Minutes are epoch minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from services.availability.domain.schedule import Schedule, ranges_of_days
from services.availability.domain.window import Window
from services.availability.domain.zones import DAY, EPOCH_DAY, FIRST_DAY, LAST_DAY, LAST_MINUTE, zone_table

Anchor = Literal["opening", "clock", "gapless"]
Raster = tuple[int, int]
Span = tuple[int, int]
"""Epoch minutes, half-open."""
Busy = tuple[int, int, str]
"""A stretch [start, end) in which nothing may lie, buffers of the new booking included, and its kind, for example
`booked` (a reservation with its own buffers already around it), `blocked` or `external` (as they are). Any order, may
overlap; one that ends before it begins blocks nothing."""


@dataclass(frozen=True, slots=True)
class SlotRules:
    """The rules of a calendar's current version; all lengths in minutes, `tz` the calendar's own zone."""

    tz: str
    duration: int
    interval: int
    anchor: Anchor = "opening"
    buffer_before: int = 0
    buffer_after: int = 0
    notice_minutes: int = 0
    window: Window = None
    calendar_id: str = ""
    """only Look Busy needs it"""
    look_busy_percent: int = 0

    def __post_init__(self) -> None:
        """Refuse what would make the arithmetic meaningless; the limits of the product are the API's to check."""
        margins = (self.buffer_before, self.buffer_after, self.notice_minutes)
        if self.duration < 1 or self.interval < 1 or min(margins) < 0 or not 0 <= self.look_busy_percent <= 100:
            raise ValueError("duration and interval must be at least 1 minute, buffers and notice at least 0")

    @property
    def step(self) -> int:
        """The distance of the starts that can be booked: with `gapless` finer than that of those on the list, because
        free stretches change while guests look.
        """
        return wall_clock_grid(self.interval) if self.anchor == "gapless" else self.interval


def wall_clock_grid(interval: int) -> int:
    """The largest of 60, 30, 20, 15, 10 and 5 minutes that divides an interval: `clock` and `gapless` begin on it."""
    return next(g for g in (60, 30, 20, 15, 10, 5, 1) if interval % g == 0)


def rasters(rules: SlotRules, schedule: Schedule, lo: int, hi: int) -> list[Raster]:
    """The rasters of a schedule inside `[lo, hi)`, cut to the starts whose whole duration is worked; steps of
    `rules.step`.
    """
    duration, step = rules.duration, rules.step
    # hours of a day lie within 26 hours of that day in UTC
    first = max(lo // DAY + EPOCH_DAY - 2, FIRST_DAY)
    last = min((hi + duration) // DAY + EPOCH_DAY + 2, LAST_DAY)
    first_start = None if rules.anchor == "opening" else clock_starts(rules, lo, hi)
    found: list[Raster] = []
    next_start = worked_until = LAST_MINUTE + DAY * 400
    for start, end in reversed(ranges_of_days(schedule, first, last)):
        if end < next_start:  # a gap: what follows cannot be run into
            worked_until = end
        next_start = start
        if start >= hi or end <= lo:
            continue
        origin = start if first_start is None else first_start(start)
        if origin < lo:
            origin += -((origin - lo) // step) * step
        stop = min(end, worked_until - duration + 1, hi)
        if origin < stop:
            found.append((origin, stop))
    found.reverse()
    return found


def gapless_rasters(rules: SlotRules, schedule: Schedule, forbidden: Sequence[Span], lo: int, hi: int) -> list[Raster]:
    """The rasters that the list shows with `gapless`, in steps of the whole interval.

    They begin at the first point of a range's own raster and anew at its first point after every forbidden stretch, so
    whatever is shown can be booked. `forbidden` is sorted and apart, and known from three days before `lo`.
    """
    step, found = rules.step, list[Raster]()
    i = 0
    # Where a raster begins decides which starts it has, so a range that began before `lo` is looked at from there.
    for first, stop in rasters(rules, schedule, lo - 2 * DAY, hi):
        while i < len(forbidden) and forbidden[i][1] <= first:
            i += 1
        begin = first
        for start, end in forbidden[i:]:
            if start >= stop:
                break
            found.append((begin, min(start, stop)))
            begin = max(begin, first + -((first - end) // step) * step)
        found.append((begin, stop))
    return [(begin, stop) for begin, stop in (_since(lo, rules.interval, *one) for one in found) if begin < stop]


def _since(lo: int, interval: int, first: int, stop: int) -> Raster:
    return first + max(-((first - lo) // interval), 0) * interval, stop


def clock_starts(rules: SlotRules, lo: int, hi: int) -> Callable[[int], int]:
    """From a minute to the first one at or after it at which the calendar's clock shows a multiple of the grid."""
    g = wall_clock_grid(rules.interval)
    table = zone_table(rules.tz, lo - 2 * DAY, hi + 2 * DAY)
    offset, until = table.stretch(lo)
    since = lo

    def first_start(start: int) -> int:
        nonlocal since, until, offset
        while True:
            if not since <= start < until:
                since = start
                offset, until = table.stretch(start)
            multiple = start + -(start + offset) % g
            if multiple < until:
                return multiple
            start = until  # the clock is changed before the multiple is reached: look on from there

    return first_start


def forbidden(rules: SlotRules, busy: Iterable[Busy], lo: int, hi: int) -> list[Span]:
    """The stretches of `[lo, hi)` in which no start may lie because of what is busy: sorted and apart.

    A busy stretch [b, e) forbids the starts s with s + duration + after > b and s − before < e.
    """
    reach, before = rules.duration + rules.buffer_after - 1, rules.buffer_before
    hi_start, lo_end = hi + reach, lo - before
    widened = [
        (start - reach, end + before) for start, end, _ in busy if start < end and start < hi_start and end > lo_end
    ]
    if not widened:
        return []
    widened.sort()
    merged: list[Span] = []
    begin, until = widened[0]
    for start, end in widened:
        if start > until:
            merged.append((begin, until))
            begin, until = start, end
        elif end > until:
            until = end
    merged.append((begin, until))
    return merged
