"""Wall-clock time to epoch minutes and back, by tables: the time zone database is read once per zone and year.

A local minute is the wall clock written as minutes since 1970-01-01 00:00 on that same wall clock, an epoch minute
counts from 1970-01-01T00:00Z; where a zone's offset is constant they differ by it. `ZoneTable` holds these stretches.
Two rules make every conversion total (`semantics.md`, Time): a wall time that does not exist is the first one that
does, one that exists twice is its first occurrence.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

DAY = 1440
EPOCH_DAY = date(1970, 1, 1).toordinal()
FIRST_DAY = EPOCH_DAY + 1
LAST_DAY = date(2999, 12, 31).toordinal()
"""Days (proleptic ordinals) outside FIRST_DAY … LAST_DAY have no working hours and are never offered."""
FIRST_MINUTE = (FIRST_DAY - EPOCH_DAY) * DAY
LAST_MINUTE = (LAST_DAY - EPOCH_DAY) * DAY

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  a wall clock or UTC reading, never mixed with aware instants
_FOREVER = 1 << 62


class PlainDays(NamedTuple):
    """Local midnights `first <= midnight < stop`; on these days (24:00 included) the offset is `offset` minutes."""

    first: int
    stop: int
    offset: int | None
    """None: the clock is changed on this one day."""


class ZoneTable:
    """One zone's offsets over some years: stretch i begins at epoch minute `starts[i]` and lasts to the next one."""

    __slots__ = ("_local_ends", "offsets", "starts")

    def __init__(self, starts: list[int], offsets: list[int]) -> None:
        self.starts = starts
        self.offsets = offsets
        self._local_ends = [end + offset for end, offset in zip([*starts[1:], _FOREVER], offsets, strict=True)]

    def offset_at(self, minute: int) -> int:
        """Minutes east of UTC at an epoch minute."""
        return self.offsets[max(0, bisect_right(self.starts, minute) - 1)]

    def stretch(self, minute: int) -> tuple[int, int]:
        """The offset at an epoch minute and the epoch minute at which it ends."""
        i = max(0, bisect_right(self.starts, minute) - 1)
        return self.offsets[i], self.starts[i + 1] if i + 1 < len(self.starts) else _FOREVER

    def to_utc(self, local: int) -> int:
        """The first epoch minute at which the wall clock shows `local` or has jumped over it."""
        i = bisect_right(self._local_ends, local)  # the first stretch that is not over yet at this wall time
        utc = local - self.offsets[i]
        return utc if i == 0 else max(utc, self.starts[i])

    def plain_days(self, midnight: int) -> PlainDays:
        """The run of days around a local midnight on which no clock is changed, or that single day if one is."""
        i = bisect_right(self._local_ends, midnight)
        offset, last = self.offsets[i], self._local_ends[i] - DAY
        if midnight >= last:  # 24:00 of this day is not within the stretch any more
            return PlainDays(midnight, midnight + DAY, None)
        if i == 0:
            return PlainDays(-_FOREVER, last, offset)
        begin = self.starts[i] + max(offset, self.offsets[i - 1])
        return PlainDays(begin, last, offset) if midnight >= begin else PlainDays(midnight, midnight + DAY, None)

    def day_of(self, minute: int) -> int:
        """The date (ordinal) on the wall clock at an epoch minute."""
        return (minute + self.offset_at(minute)) // DAY + EPOCH_DAY

    def midnight(self, day: int) -> int:
        """The epoch minute at which a date (ordinal) begins."""
        return self.to_utc((day - EPOCH_DAY) * DAY)


def zone_table(tz: str, lo: int, hi: int) -> ZoneTable:
    """A table that is right for every epoch minute and every date of `[lo, hi]`, with days to spare on both sides.

    A zone that only another time zone database knows has the clock of UTC here, so that it breaks nothing; nobody works
    in it and no calendar there offers anything (`is_zone`).
    """
    return _table(tz, _year(lo - 4 * DAY), _year(hi + 4 * DAY))


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime"})  # placeholders, not places


def is_zone(tz: str) -> bool:
    """Whether this is the name of an IANA zone in the time zone database that runs here."""
    return tz in _zones()


def epoch_minute(instant: datetime) -> int:
    """The minute in which an aware instant lies."""
    return (instant - _EPOCH) // timedelta(minutes=1)


def local_minute(tz: str, wall: datetime) -> int:
    """The epoch minute at which clocks of a zone show `wall`, which has no zone of its own."""
    local = (wall - _NAIVE_EPOCH) // timedelta(minutes=1)
    return zone_table(tz, local, local).to_utc(local)


def next_epoch_minute(instant: datetime) -> int:
    """The first whole minute at or after an aware instant."""
    return -((_EPOCH - instant) // timedelta(minutes=1))


def instant_of(minute: int) -> datetime:
    """An epoch minute as an aware UTC instant."""
    return _EPOCH + timedelta(minutes=minute)


def day_span(tz: str, first: date, last: date) -> tuple[int, int]:
    """The epoch minutes `[start, end)` of the days first … last, both included, in a zone."""
    begin = min(max(first.toordinal(), FIRST_DAY), LAST_DAY)
    stop = min(max(last.toordinal() + 1, FIRST_DAY), LAST_DAY)
    table = zone_table(tz, (begin - EPOCH_DAY) * DAY, (stop - EPOCH_DAY) * DAY)
    return table.midnight(begin), table.midnight(stop)


def _year(minute: int) -> int:
    return date.fromordinal(min(max(minute // DAY + EPOCH_DAY, FIRST_DAY - 366), LAST_DAY + 366)).year


@lru_cache(maxsize=4096)
def _table(tz: str, first_year: int, last_year: int) -> ZoneTable:
    starts: list[int] = []
    offsets: list[int] = []
    for year in range(first_year, last_year + 1):
        for start, offset in _changes(tz, year):
            if not offsets or offsets[-1] != offset:
                starts.append(start)
                offsets.append(offset)
    return ZoneTable(starts, offsets)


@lru_cache(maxsize=8192)
def _changes(tz: str, year: int) -> tuple[tuple[int, int], ...]:
    """(epoch minute, offset from then on) at the beginning of a year (UTC) and at every change within it.

    One probe a day: two changes that undo each other within 24 hours would be missed; no zone has ever done that.
    """
    zone = ZoneInfo(tz if is_zone(tz) else "UTC")

    def offset_at(minute: int) -> int:
        utc = _NAIVE_EPOCH + timedelta(minutes=minute)
        return (zone.fromutc(utc.replace(tzinfo=zone)).replace(tzinfo=None) - utc) // timedelta(minutes=1)

    begin = (date(year, 1, 1).toordinal() - EPOCH_DAY) * DAY
    end = (date(year + 1, 1, 1).toordinal() - EPOCH_DAY) * DAY
    current = offset_at(begin)
    found = [(begin, current)]
    for probe in range(begin + DAY, end, DAY):
        after = offset_at(probe)
        if after == current:
            continue
        low, high = probe - DAY, probe
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset_at(middle) == current else (low, middle)
        found.append((high, after))
        current = after
    return tuple(found)
