"""The slot rules once more, minute by minute and with sets: slow, plain, and sharing no code with the engine.

Only the input types are the engine's. A wall time is found by walking along the minutes until the clock shows it (or
has jumped over it), a start is checked by looking at every minute that it needs.
"""

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from services.availability.domain.engine import HostTimes, SlotRules
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


def raster(rules: SlotRules, begin: int, stop: int) -> list[int]:
    start = begin
    if rules.anchor == "clock":
        g = max(g for g in (60, 30, 20, 15, 10, 5, 1) if rules.interval % g == 0)
        while wall(rules.tz, start) % g:
            start += 1
    return list(range(start, stop, rules.interval))


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


def offered(rules: SlotRules, hosts: list[HostTimes], lo: int, hi: int, now: datetime) -> dict[str, list[int]]:
    """Each host's starts in [lo, hi); every minute is looked at by itself."""
    now_minute = (now - EPOCH) // timedelta(minutes=1)
    first, last = date_of("UTC", min(lo, now_minute) - 3 * 1440), date_of("UTC", hi + rules.duration + 3 * 1440)
    ranges = {host.host_id: ranges_of(host.schedule, first, last) for host in hosts}
    worked = {
        host_id: {minute for begin, stop in own for minute in range(begin, stop)} for host_id, own in ranges.items()
    }
    today = date_of(rules.tz, now_minute)
    last_day = _last_day(rules, set().union(*worked.values()), today)
    first_day = rules.window.start if isinstance(rules.window, Range) else date.min
    found: dict[str, list[int]] = {}
    for host in hosts:
        busy = {minute for start, end, _ in host.busy for minute in range(max(start, lo - 3000), min(end, hi + 6000))}
        starts = {start for begin, stop in ranges[host.host_id] for start in raster(rules, begin, stop)}
        found[host.host_id] = sorted(
            start
            for start in starts
            if lo <= start < hi
            and EPOCH + timedelta(minutes=start) >= now + timedelta(minutes=rules.notice_minutes)
            and first_day <= date_of(rules.tz, start) <= last_day
            and all(minute in worked[host.host_id] for minute in range(start, start + rules.duration))
            and not any(
                minute in busy
                for minute in range(start - rules.buffer_before, start + rules.duration + rules.buffer_after)
            )
        )
    return found
