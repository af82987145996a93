"""Which starts are free: one Python int per host, one bit per possible start.

A host's starts are points of the rasters that begin at its working ranges. Whether a start is free is decided in
exact minutes: a busy stretch [b, e) forbids the starts s with s + duration + after > b and s − before < e, so it is
widened once to [b − duration − after + 1, e + before) and cleared from the host's bits; work is shortened by the
duration in the same way. So bits need no finer cells than the rasters have (usually the interval itself), nothing is
rounded, and a team is the OR of its hosts. Everything that only hides starts is one mask more.

The slot list, the check at booking and the alternatives all come from `start_masks`: they cannot disagree.
Minutes are epoch minutes, intervals half-open; `now` is an aware instant.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from itertools import compress
from math import gcd
from typing import Literal

from services.availability.domain.schedule import Schedule, ranges_of_days
from services.availability.domain.window import Window, bookable_span
from services.availability.domain.zones import (
    DAY,
    EPOCH_DAY,
    FIRST_DAY,
    FIRST_MINUTE,
    LAST_DAY,
    LAST_MINUTE,
    day_span,
    zone_table,
)

Busy = tuple[int, int, str]
"""A stretch [start, end) in which nothing may lie, buffers of the new booking included, and its kind, for example
`booked` (a reservation with its own buffers already around it), `blocked` or `external` (as they are). Any order, may
overlap; one that ends before it begins blocks nothing."""

Anchor = Literal["opening", "clock"]


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

    def __post_init__(self) -> None:
        """Refuse what would make the arithmetic meaningless; the limits of the product are the API's to check."""
        margins = (self.buffer_before, self.buffer_after, self.notice_minutes)
        if self.duration < 1 or self.interval < 1 or min(margins) < 0:
            raise ValueError("duration and interval must be at least 1 minute, buffers and notice at least 0")


@dataclass(frozen=True, slots=True)
class HostTimes:
    """One host as one calendar sees it: the schedule that counts there and everything that is in the way."""

    host_id: str
    schedule: Schedule
    busy: Sequence[Busy] = ()


@dataclass(frozen=True, slots=True)
class StartMasks:
    """Free starts: bit k of a host's mask is the epoch minute `base + k * cell`; `size` bits in all."""

    base: int
    cell: int
    size: int
    by_host: dict[str, int]

    def union(self) -> int:
        """The starts that at least one host has free."""
        mask = 0
        for one in self.by_host.values():
            mask |= one
        return mask

    def starts(self, mask: int) -> list[int]:
        """The epoch minutes of a mask's bits, in order."""
        if not mask:
            return []
        bits = f"{mask:b}"[::-1].encode().translate(_TO_BOOL)
        return list(compress(range(self.base, self.base + len(bits) * self.cell, self.cell), bits))

    def hosts_by_start(self) -> dict[int, list[str]]:
        """For each free start the hosts who are free, in the order in which they were given."""
        found: dict[int, list[str]] = {start: [] for start in self.starts(self.union())}
        for host_id, mask in self.by_host.items():
            for start in self.starts(mask):
                found[start].append(host_id)
        return found


_TO_BOOL = bytes.maketrans(b"01", b"\x00\x01")


def offered_starts(
    rules: SlotRules,
    hosts: Sequence[HostTimes],
    first: date,
    last: date,
    now: datetime,
    *,
    tz: str | None = None,
    only: Collection[str] | None = None,
) -> list[int]:
    """The starts offered on the days first … last (both included) in zone `tz` (default: the calendar's), in order.

    `hosts` are all members of the calendar; `only` asks for the starts of some of them (a chosen person, the same
    host of a move).
    """
    lo, hi = day_span(tz or rules.tz, first, last)
    masks = start_masks(rules, hosts, lo, hi, now, only=only)
    return masks.starts(masks.union())


def is_offered(
    rules: SlotRules, host: HostTimes, start: int, now: datetime, *, members: Sequence[HostTimes] | None = None
) -> bool:
    """Whether this host can be booked at this start: the same truth as the slot list.

    `members` (default: only this host) decide which days count in a window of available days.
    """
    hosts = [host] if members is None else members
    span = _asked(rules, hosts, start, start + 1, now)
    return _masks(rules, [host], *span).by_host[host.host_id] != 0


def free_hosts(
    rules: SlotRules, hosts: Sequence[HostTimes], start: int, now: datetime, *, only: Collection[str] | None = None
) -> list[str]:
    """The hosts who can be booked at this start, in the order given."""
    masks = start_masks(rules, hosts, start, start + 1, now, only=only)
    return [host_id for host_id, mask in masks.by_host.items() if mask]


def alternatives(
    rules: SlotRules,
    hosts: Sequence[HostTimes],
    around: int,
    now: datetime,
    count: int = 5,
    *,
    tz: str | None = None,
    only: Collection[str] | None = None,
) -> list[int]:
    """Up to `count` other offered starts: those of the same day (in `tz`, default the calendar's) first, then nearest.

    At most about three months away from `around`, which itself is never among them. Of two equally near the earlier.
    """
    around = min(max(around, FIRST_MINUTE), LAST_MINUTE)
    table = zone_table(tz or rules.tz, around, around)
    day = table.day_of(around)
    lo, hi = table.midnight(day), table.midnight(day + 1)
    found = _nearest(start_masks(rules, hosts, lo, hi, now, only=only), around)
    for days in (2, 7, 28, 92):
        if len(found) >= count:
            break
        masks = start_masks(rules, hosts, around - days * DAY, around + days * DAY + 1, now, only=only)
        near = _nearest(masks, around)
        found = [start for start in near if lo <= start < hi] + [start for start in near if not lo <= start < hi]
    return found[:count]


def _nearest(masks: StartMasks, around: int) -> list[int]:
    starts = masks.starts(masks.union())
    return sorted((start for start in starts if start != around), key=lambda start: (abs(start - around), start))


def start_masks(
    rules: SlotRules,
    hosts: Sequence[HostTimes],
    lo: int,
    hi: int,
    now: datetime,
    *,
    only: Collection[str] | None = None,
) -> StartMasks:
    """Each host's free starts in `[lo, hi)`, notice and window applied, on one common grid."""
    asked = hosts if only is None else [host for host in hosts if host.host_id in only]
    return _masks(rules, asked, *_asked(rules, hosts, lo, hi, now))


def _asked(rules: SlotRules, hosts: Sequence[HostTimes], lo: int, hi: int, now: datetime) -> tuple[int, int]:
    """What is left of `[lo, hi)` after notice and window."""
    lo, hi = max(lo, FIRST_MINUTE), min(hi, LAST_MINUTE)
    if hi <= lo:
        return FIRST_MINUTE, FIRST_MINUTE
    schedules = [host.schedule for host in hosts]
    earliest, end = bookable_span(
        rules.tz, rules.window, now, notice_minutes=rules.notice_minutes, schedules=schedules, until=hi
    )
    lo, hi = max(lo, earliest), min(hi, end)
    return (lo, hi) if lo < hi else (FIRST_MINUTE, FIRST_MINUTE)


# A raster is (first start, stop): its starts are first, first + interval … below stop.
_Raster = tuple[int, int]


def _masks(rules: SlotRules, hosts: Sequence[HostTimes], lo: int, hi: int) -> StartMasks:
    if hi <= lo:
        return StartMasks(lo, rules.interval, 0, {host.host_id: 0 for host in hosts})
    rasters = [_rasters(rules, host.schedule, lo, hi) for host in hosts]
    interval = rules.interval
    residues = {first % interval for host_rasters in rasters for first, _ in host_rasters}
    residue = min(residues, default=0)
    cell = gcd(interval, *(other - residue for other in residues))
    base = lo - (lo - residue) % cell
    by_host = {
        host.host_id: _mask(host_rasters, _forbidden(rules, host.busy, lo, hi), interval, cell, base)
        for host, host_rasters in zip(hosts, rasters, strict=True)
    }
    return StartMasks(base, cell, -((base - hi) // cell), by_host)


def _rasters(rules: SlotRules, schedule: Schedule, lo: int, hi: int) -> list[_Raster]:
    """The rasters of a schedule inside `[lo, hi)`, cut to the starts whose whole duration is worked."""
    duration, interval = rules.duration, rules.interval
    # hours of a day lie within 26 hours of that day in UTC
    first = max(lo // DAY + EPOCH_DAY - 2, FIRST_DAY)
    last = min((hi + duration) // DAY + EPOCH_DAY + 2, LAST_DAY)
    first_start = _clock_starts(rules, lo, hi) if rules.anchor == "clock" else None
    found: list[_Raster] = []
    next_start = worked_until = LAST_MINUTE + DAY * 400
    for start, end in reversed(ranges_of_days(schedule, first, last)):
        if end < next_start:  # a gap: what follows cannot be run into
            worked_until = end
        next_start = start
        if start >= hi or end <= lo:
            continue
        origin = start if first_start is None else first_start(start)
        if origin < lo:
            origin += -((origin - lo) // interval) * interval
        stop = min(end, worked_until - duration + 1, hi)
        if origin < stop:
            found.append((origin, stop))
    found.reverse()
    return found


def _clock_starts(rules: SlotRules, lo: int, hi: int) -> Callable[[int], int]:
    """For anchor `clock`: from the start of a range to the first wall-clock multiple at or after it."""
    g = next(g for g in (60, 30, 20, 15, 10, 5, 1) if rules.interval % g == 0)
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


def _forbidden(rules: SlotRules, busy: Iterable[Busy], lo: int, hi: int) -> list[tuple[int, int]]:
    """The stretches of `[lo, hi)` in which no start may lie because of what is busy: sorted and apart."""
    reach, before = rules.duration + rules.buffer_after - 1, rules.buffer_before
    hi_start, lo_end = hi + reach, lo - before
    widened = sorted(
        (start - reach, end + before) for start, end, _ in busy if start < end and start < hi_start and end > lo_end
    )
    merged: list[tuple[int, int]] = []
    last_start, last_end = lo, lo
    for start, end in widened:
        if start > last_end:
            merged.append((last_start, last_end))
            last_start, last_end = start, end
        elif end > last_end:
            last_end = end
    merged.append((last_start, last_end))
    return merged


def _mask(rasters: list[_Raster], forbidden: list[tuple[int, int]], interval: int, cell: int, base: int) -> int:
    """The bits of the raster points that are not forbidden. Rasters and forbidden stretches are in order."""
    step, mask, i, n = interval // cell, 0, 0, len(forbidden)
    for first, stop in rasters:
        count = -((first - stop) // interval)
        bits = _every(step, count)
        while i < n and forbidden[i][1] <= first:
            i += 1
        j = i
        while j < n and forbidden[j][0] < stop:
            start, end = forbidden[j]
            cleared_from = max(-((first - start) // cell), 0)
            width = -((first - min(end, stop)) // cell) - cleared_from
            if width > 0:
                bits &= ~(((1 << width) - 1) << cleared_from)
            j += 1
        mask |= bits << ((first - base) // cell)
    return mask


@lru_cache(maxsize=4096)
def _every(step: int, count: int) -> int:
    """`count` ones, `step` bits apart."""
    return ((1 << step * count) - 1) // ((1 << step) - 1)
