"""Starts written for people: by day, as RFC 3339 in the asked zone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from functools import lru_cache

from services.availability.domain.zones import DAY, EPOCH_DAY, zone_table


def to_iso(starts: Sequence[int], tz: str) -> dict[str, list[str]]:
    """`{"2027-01-04": ["2027-01-04T09:00:00+01:00", …]}`: sorted epoch minutes by their day in `tz`; no empty days."""
    if not starts:
        return {}
    table = zone_table(tz, starts[0], starts[-1])
    days: dict[str, list[str]] = {}
    i, n = 0, len(starts)
    while i < n:
        offset, until = table.stretch(starts[i])
        day = (starts[i] + offset) // DAY
        midnight = day * DAY - offset
        stop = bisect_left(starts, min(midnight + DAY, until), i)
        name = date.fromordinal(day + EPOCH_DAY).isoformat()
        times = _times_of_day(offset)
        days.setdefault(name, []).extend([name + times[start - midnight] for start in starts[i:stop]])
        i = stop
    return days


def iso(start: int, tz: str) -> str:
    """One epoch minute as RFC 3339 in `tz`."""
    return next(iter(to_iso([start], tz).values()))[0]


@lru_cache(maxsize=128)
def _times_of_day(offset: int) -> tuple[str, ...]:
    sign = "-" if offset < 0 else "+"
    suffix = f":00{sign}{abs(offset) // 60:02}:{abs(offset) % 60:02}"
    return tuple(f"T{minute // 60:02}:{minute % 60:02}{suffix}" for minute in range(DAY))
