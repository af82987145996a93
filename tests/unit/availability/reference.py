"""The slot rules once more, minute by minute and with sets: slow, plain, and sharing no code with the engine.

Only the input types are the engine's. A wall time is found by walking along the minutes until the clock shows it (or
has jumped over it), a start is checked by looking at every minute that it needs.
"""

import hashlib
import math
from bisect import bisect_left
from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.availability.domain.engine import Team
from services.availability.domain.rasters import SlotRules
from services.availability.domain.schedule import Schedule
from services.availability.domain.window import Range, Rolling, Until

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEP = 15
"""Minutes at which an offset is looked up: no clock of the tested years is changed between two of these."""


@lru_cache(maxsize=2_000_000)
def _offset(tz: str, mark: int) -> int:
    there = (EPOCH + timedelta(minutes=mark * STEP)).astimezone(ZoneInfo(tz)).utcoffset()
    assert there is not None
    return there // timedelta(minutes=1)


def wall(tz: str, minute: int) -> int:
    """What the clock shows, in minutes since its own 1970-01-01 00:00."""
    return minute + _offset(tz, minute // STEP)


def date_of(tz: str, minute: int) -> date:
    return date(1970, 1, 1) + timedelta(days=wall(tz, minute) // 1440)


@lru_cache(maxsize=200_000)
def _latest_shown(tz: str, hour: int) -> int:
    return max(wall(tz, mark + STEP - 1) for mark in range(hour * 60, hour * 60 + 60, STEP))


@lru_cache(maxsize=200_000)
def first_minute_showing(tz: str, shown: int) -> int:
    hour = shown // 60 - 15
    while _latest_shown(tz, hour) < shown:
        hour += 1
    minute = hour * 60
    while wall(tz, minute) < shown:
        minute += 1
    return minute


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=i) for i in range((last - first).days + 1)]


def ranges_of(schedule: Schedule, first: date, last: date) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for day in days_between(first, last):
        if day in schedule.overrides:
            hours = list(schedule.overrides[day])
        else:
            hours = [(r.start_minute, r.end_minute) for r in schedule.weekly if day.isoweekday() in r.days]
        midnight = (day - date(1970, 1, 1)).days * 1440
        for start, end in sorted(hours):
            begin, stop = (first_minute_showing(schedule.tz, midnight + shown) for shown in (start, end))
            if begin < stop:
                found.append((begin, stop))
    return found


def grid_of(interval: int) -> int:
    return max(g for g in (60, 30, 20, 15, 10, 5, 1) if interval % g == 0)


def raster(rules: SlotRules, begin: int, stop: int) -> list[int]:
    """The starts in a range that can be booked if nothing is in the way."""
    start, step = begin, rules.interval
    if rules.anchor != "opening":
        while wall(rules.tz, start) % grid_of(rules.interval):
            start += 1
    if rules.anchor == "gapless":
        step = grid_of(rules.interval)
    return list(range(start, stop, step))


def gapless(rules: SlotRules, points: list[int], stop: int, may: Callable[[int], bool]) -> list[int]:
    """What the list shows of a range: minute by minute, anew at the first point after whatever forbids a start."""
    shown: list[int] = []
    last: int | None = None
    grid = set(points)
    for minute in range(points[0], stop):
        if not may(minute):
            last = None
        elif minute in grid and (last is None or (minute - last) % rules.interval == 0):
            last = minute if last is None else last
            shown.append(minute)
    return shown


def _last_day(rules: SlotRules, worked: set[int], today: date) -> date:
    window = rules.window
    if isinstance(window, Range):
        return window.end
    if isinstance(window, Until):
        return window.date
    if window is None:
        return date.max
    assert isinstance(window, Rolling)
    last = today
    if window.unit == "months":
        month = today.month - 1 + window.count
        year, month = today.year + month // 12, month % 12 + 1
        last = date(year, month, min(today.day, monthrange(year, month)[1]))
    else:
        last = today + timedelta(days=window.count * (7 if window.unit == "weeks" else 1))
    if window.counting == "calendar":
        return last
    wanted = (last - today).days
    available = sorted({day for day in {date_of(rules.tz, minute) for minute in worked} if day > today})
    if wanted == 0:
        return today
    return available[wanted - 1] if len(available) >= wanted else date.max


def hidden(
    team: Team, lo: int, hi: int, ranges: dict[str, list[tuple[int, int]]], worked: dict[str, set[int]]
) -> set[int]:
    """What Look Busy hides of the days from that of `lo` to that of `hi`."""
    rules = team.rules
    days: dict[date, set[int]] = {}
    for host in team.hosts:
        for begin, stop in ranges[host.host_id]:
            for start in raster(rules, begin, stop):
                if worked[host.host_id].issuperset(range(start, start + rules.duration)):
                    days.setdefault(date_of(rules.tz, start), set()).add(start)
    found: set[int] = set()
    for day in days_between(date_of(rules.tz, lo), date_of(rules.tz, hi)):
        starts = days.get(day, set())
        text = f"{rules.calendar_id}|{day.toordinal()}".encode()
        ranked = sorted(starts, key=lambda s: hashlib.blake2b(text + s.to_bytes(8, "big"), digest_size=16).digest())
        found |= set(ranked[: math.floor(len(ranked) * rules.look_busy_percent / 100 + 0.5)])
    return found


def offered(team: Team, lo: int, hi: int, now: datetime, *, shown: bool = True) -> dict[str, list[int]]:
    """Each host's starts in [lo, hi); every minute is looked at by itself. `shown`: on the list, not only bookable."""
    rules, hosts = team.rules, team.hosts
    now_minute = (now - EPOCH) // timedelta(minutes=1)
    first, last = date_of("UTC", min(lo, now_minute) - 4 * 1440), date_of("UTC", hi + rules.duration + 4 * 1440)
    ranges = {host.host_id: ranges_of(host.schedule, first, last) for host in hosts}
    worked = {
        host_id: {minute for begin, stop in own for minute in range(begin, stop)} for host_id, own in ranges.items()
    }
    today = date_of(rules.tz, now_minute)
    last_day = _last_day(rules, set().union(*worked.values()), today)
    first_day = rules.window.start if isinstance(rules.window, Range) else date.min
    hides = hidden(team, lo, hi, ranges, worked) if rules.look_busy_percent and not team.seen_by_staff else set[int]()
    found: dict[str, list[int]] = {}
    for host in hosts:
        minutes = {m for start, end, _ in host.busy for m in range(max(start, lo - 9000), min(end, hi + 6000))}

        def may(start: int, busy: Sequence[int] = sorted(minutes)) -> bool:
            following = bisect_left(busy, start - rules.buffer_before)
            return following == len(busy) or busy[following] >= start + rules.duration + rules.buffer_after

        starts: set[int] = set()
        for begin, stop in ranges[host.host_id]:
            points = [one for one in raster(rules, begin, stop) if lo - 2 * 1440 <= one < hi + 1440]
            if rules.anchor == "gapless" and shown and points:
                points = gapless(rules, points, stop, may)
            starts.update(points)
        found[host.host_id] = sorted(
            start
            for start in starts
            if lo <= start < hi
            and EPOCH + timedelta(minutes=start) >= now + timedelta(minutes=rules.notice_minutes)
            and first_day <= date_of(rules.tz, start) <= last_day
            and worked[host.host_id].issuperset(range(start, start + rules.duration))
            and may(start)
            and start not in hides
            and not any(one.start <= start < one.end for one in (*team.full, *host.full))
        )
    return found
