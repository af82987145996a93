"""Starts written for people: by day, as RFC 3339 in the asked zone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from hashlib import blake2b

from services.availability.domain.engine import points
from services.availability.domain.grids import Grid
from services.availability.domain.masks import Offered
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


def days_json(offered: Offered, tz: str, lo: int, hi: int) -> tuple[bytes, bytes]:
    """The JSON of `to_iso` for what is offered in `[lo, hi)`, and a digest of it.

    Pieces and days whose starts were written before are not written again.
    """
    days: dict[str, bytes] = {}
    digests: list[bytes] = []
    lo, hi = max(lo, offered.lo), min(hi, offered.hi)
    for grid, mask in offered.pieces:
        told, digest = _piece_json(tz, grid, mask, max(lo, grid.lo), min(hi, grid.hi))
        for name, day in told:
            _add(days, name, day)
        digests.append(digest)
    return b"{" + b",".join(days.values()) + b"}", b"".join(digests)


def _add(days: dict[str, bytes], name: str, day: bytes) -> None:
    """A date may come in two pieces, or on both sides of a change of the clock."""
    days[name] = days[name][:-1] + b"," + day[_BEFORE_TIMES:] if name in days else day


_BEFORE_TIMES = len('"2027-01-04":[')


@lru_cache(maxsize=512)
def _piece_json(tz: str, grid: Grid, mask: int, since: int, until: int) -> tuple[Sequence[tuple[str, bytes]], bytes]:
    """The dates of the starts in `[since, until)` as JSON, and a digest of them."""
    days: dict[str, bytes] = {}
    digests: list[bytes] = []
    for name, midnight, offset, first, stop in _dates(tz, grid.lo, grid.hi):
        begin, bits = grid.cut(mask, max(since, first), min(until, stop))
        if bits:
            day, digest = _day_json(name, begin - midnight, grid.cell, bits, offset)
            _add(days, name, day)
            digests.append(digest)
    return tuple(days.items()), b"".join(digests)


@lru_cache(maxsize=1024)
def _dates(tz: str, lo: int, hi: int) -> tuple[tuple[str, int, int, int, int], ...]:
    """`[lo, hi)` by dates in `tz` and offsets: (date, its midnight by this offset, offset, start, stop)."""
    table = zone_table(tz, lo, hi)
    found: list[tuple[str, int, int, int, int]] = []
    while lo < hi:
        offset, until = table.stretch(lo)
        day = (lo + offset) // DAY
        midnight = day * DAY - offset
        stop = min(midnight + DAY, until, hi)
        found.append((date.fromordinal(day + EPOCH_DAY).isoformat(), midnight, offset, lo, stop))
        lo = stop
    return tuple(found)


@lru_cache(maxsize=8192)
def _day_json(name: str, first: int, cell: int, bits: int, offset: int) -> tuple[bytes, bytes]:
    """A date with its starts, `"…":["…","…"]`, and a digest. Bit k is `first + k * cell` minutes after midnight."""
    times = _times_of_day(offset)
    starts = ",".join([f'"{name}{times[start]}"' for start in points(bits, first, cell)])
    told = f'"{name}":[{starts}]'.encode()
    return told, blake2b(told, digest_size=12).digest()
