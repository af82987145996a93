"""Cases for the engine: by hand, from other systems, and drawn at random around clock changes."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from services.availability.domain.engine import HostTimes, Team
from services.availability.domain.limits import FullPeriod
from services.availability.domain.rasters import Busy, SlotRules
from services.availability.domain.schedule import Schedule, WeeklyRange
from services.availability.domain.window import Range, Rolling, Until, Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PEER = Path(__file__).parent / "peer"
EVERY_DAY = frozenset(range(1, 8))
FIRST_YEAR, LAST_YEAR = 2025, 2030
NO_MIDNIGHT = ("Asia/Beirut", "Africa/Cairo", "America/Havana", "America/Santiago", "America/Asuncion")


class Case(NamedTuple):
    team: Team
    lo: int
    hi: int
    now: datetime

    @property
    def rules(self) -> SlotRules:
        return self.team.rules

    @property
    def hosts(self) -> Sequence[HostTimes]:
        return self.team.hosts


def minute(text: str) -> int:
    """`2027-01-04T09:00+01:00` as an epoch minute."""
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(minutes=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def clock(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)


def hours(*ranges: str, days: frozenset[int] = EVERY_DAY) -> tuple[WeeklyRange, ...]:
    """`hours("09:00-12:00", "13:00-17:00")`."""
    pairs = [text.split("-") for text in ranges]
    return tuple(WeeklyRange(days, clock(start), clock(end)) for start, end in pairs)


def host(tz: str, *ranges: str, busy: tuple[Busy, ...] = (), host_id: str = "mem_1") -> HostTimes:
    return HostTimes(host_id, Schedule(tz, hours(*ranges)), busy)


def peer_case(name: str) -> tuple[SlotRules, list[HostTimes], date, date, list[int]]:
    """What another system's own code answered: the rules, the hosts, the asked days and its starts."""
    stored = json.loads((PEER / f"{name}.json").read_text())
    case = stored["case"]
    event = case["event"]
    rules = SlotRules(
        case["viewer_tz"],
        event["duration"],
        event["interval"],
        "clock",
        event["buffer_before"],
        event["buffer_after"],
        event["min_notice"],
    )
    hosts = [
        HostTimes(
            f"mem_{one['id']}",
            Schedule(
                one["tz"],
                tuple(WeeklyRange(frozenset(w["days"]), clock(w["start"]), clock(w["end"])) for w in one["weekly"]),
            ),
            [(minute(start), minute(end), "external") for start, end in one["busy"]],
        )
        for one in case["hosts"]
    ]
    zone = ZoneInfo(case["viewer_tz"])
    first = datetime.fromisoformat(case["window"]["start"]).astimezone(zone).date()
    return rules, hosts, first, first + timedelta(days=case["window"]["days"] - 1), [minute(s) for s in stored["slots"]]


@cache
def clock_changes() -> dict[str, list[int]]:
    """Every zone and the epoch minutes at which its clock is changed in the tested years."""
    begin = (datetime(FIRST_YEAR, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(minutes=1)
    end = (datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC) - EPOCH) // timedelta(minutes=1)
    zones = sorted(available_timezones() - {"Factory", "localtime"})
    return {tz: [found for day in range(begin, end, 1440) for found in _changes(tz, day, 1440)] for tz in zones}


def _changes(tz: str, start: int, length: int) -> list[int]:
    """The changes in (start, start + length], looked for in ever smaller steps."""
    if _offset(tz, start) == _offset(tz, start + length):
        return []
    if length == 1:
        return [start + 1]
    step = 60 if length == 1440 else 1
    return [found for part in range(start, start + length, step) for found in _changes(tz, part, step)]


def _offset(tz: str, minute: int) -> timedelta | None:
    return (EPOCH + timedelta(minutes=minute)).astimezone(ZoneInfo(tz)).utcoffset()


@cache
def changing_zones() -> list[str]:
    return [tz for tz, found in clock_changes().items() if found]


@cache
def distinct_zones() -> list[str]:
    """One zone of each kind: those that differ from all others in changes or offsets."""
    kinds = {(tuple(found), *(_offset(tz, at) for at in found)): tz for tz, found in clock_changes().items() if found}
    return sorted(kinds.values())


def draw_case(rng: Random, number: int | None = None) -> Case:
    """A calendar and one to three hosts within two days of a clock change of one of them; with a number, the cases of
    consecutive numbers go through all zones, and again through all zones with their next change.
    """
    every = changing_zones()
    changing = rng.choice(every) if number is None else every[number % len(every)]
    changes = clock_changes()[changing]
    around = (rng.choice(changes) if number is None else changes[number // len(every) % len(changes)]) // 5 * 5
    other = rng.choice([changing, changing, rng.choice(every), "UTC", "Asia/Kathmandu", *NO_MIDNIGHT])
    zones = [changing, other]
    rng.shuffle(zones)
    lo = around + rng.choice([-1440, -720, -180, -60, 0]) + rng.randint(-300, 60)
    hi = lo + rng.choice([1, 60, 600, 1440, 2880])
    now = EPOCH + timedelta(minutes=rng.randint(lo - 2 * 1440, lo + 600), seconds=rng.choice([0, 0, 1, 30, 59]))
    interval = rng.choice([5, 10, 15, 15, 20, 25, 30, 30, 35, 45, 50, 60, 75, 90, 100, 120, 240, 720])
    rules = SlotRules(
        zones[0],
        rng.choice([5, 15, 20, 25, 30, 30, 45, 50, 60, 90, 120, 240, 1440]),
        interval,
        rng.choice(["opening", "clock", "gapless"]),
        rng.choice([0, 0, 5, 10, 15, 60, 480]),
        rng.choice([0, 0, 5, 10, 15, 60, 480]),
        rng.choice([0, 0, 0, 1, 60, 61, 1440]),
        _draw_window(rng, date(1970, 1, 1) + timedelta(days=around // 1440)),
        "cal_a",
        rng.choice([0, 0, 0, 1, 10, 33, 50, 90, 100]),
    )
    hosts = [
        HostTimes(
            f"mem_{i}", _draw_schedule(rng, rng.choice(zones), around), _draw_busy(rng, lo, hi), _draw_full(rng, lo, hi)
        )
        for i in range(rng.choice([1, 1, 1, 2, 3]))
    ]
    staff = rng.random() < 0.2
    return Case(Team(rules, hosts, _draw_full(rng, lo, hi), seen_by_staff=staff), lo, hi, now)


def _draw_full(rng: Random, lo: int, hi: int) -> list[FullPeriod]:
    if rng.random() < 0.8:
        return []
    start = rng.randint(lo - 700, hi + 700)
    return [FullPeriod(start, start + rng.choice([0, 1, 60, 240, 1440]), "day", 1)]


def _draw_window(rng: Random, day: date) -> Window:
    kind = rng.choice(["none", "none", "rolling", "rolling", "range", "until"])
    if kind == "rolling":
        unit = rng.choice(["days", "days", "weeks", "months"])
        count = rng.randint(0, 4) if unit == "days" else rng.randint(0, 1)
        return Rolling(count, unit, rng.choice(["calendar", "available"]))
    if kind == "range":
        start = day + timedelta(days=rng.randint(-2, 1))
        return Range(start, start + timedelta(days=rng.randint(-1, 2)))
    return Until(day + timedelta(days=rng.randint(-2, 2))) if kind == "until" else None


def _draw_ranges(rng: Random) -> list[tuple[int, int]]:
    """Up to four ranges that do not overlap and often touch; early hours, where clocks are changed, come most."""
    marks = sorted(
        {
            rng.choice([0, 0, 30, 60, 90, 120, 150, 180, 195, 240, 1380, 1440, 1440, rng.randint(0, 1440)])
            for _ in range(6)
        }
    )
    pairs = pairwise(marks)
    return [pair for pair in pairs if rng.random() < 0.7]


def _draw_schedule(rng: Random, tz: str, around: int) -> Schedule:
    days = rng.choice([EVERY_DAY, EVERY_DAY, frozenset(rng.sample(range(1, 8), 4))])
    weekly = tuple(WeeklyRange(days, start, end) for start, end in _draw_ranges(rng))
    day = date(1970, 1, 1) + timedelta(days=around // 1440)
    overrides = {
        day + timedelta(days=rng.randint(-1, 1)): tuple(_draw_ranges(rng)) for _ in range(rng.choice([0, 0, 0, 1, 2]))
    }
    return Schedule(tz, weekly, overrides)


def _draw_busy(rng: Random, lo: int, hi: int) -> list[Busy]:
    busy: list[Busy] = []
    for _ in range(rng.choice([0, 0, 1, 2, 5])):
        start = rng.randint(lo - 700, hi + 700)
        length = rng.choice([0, -30, 1, 5, 13, 15, 30, 45, 60, 240, 3000])
        busy.append((start, start + length, rng.choice(["booked", "blocked", "external", "paused", "buffer"])))
    return busy
