"""Choosing a day and a time: a month with the days that have free times, and the times of one of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from services.web.adapters.api import ApiRefused
from services.web.adapters.words import Words
from services.web.adapters.zones import city_of, offset_of, zone_named
from services.web.domain.days import (
    FARTHEST_MONTHS,
    MOST_DAYS,
    Month,
    Part,
    by_part,
    day_named,
    month_named,
    month_shown,
    twice_on_the_clock,
)
from services.web.domain.seen import SeenSlots
from services.web.routes.visit import Visit

LOOKS_AHEAD = 4
"""How many stretches of `MOST_DAYS` are searched for the next free day."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of the month."""

    day: date
    url: str | None
    free: int
    chosen: bool
    today: bool


@dataclass(frozen=True, slots=True)
class Time:
    """A time of the chosen day. Without `url` it is the time that the guest has now."""

    start: datetime
    label: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Picker:
    """All that the picker shows, of the days from `first` to `last`; `tag` names the free times of these.

    `never`: neither this month nor the year after it has a free day. `unknown_zone`: the address named a zone that does
    not exist.
    """

    month: Month
    weeks: list[list[Cell | None]]
    earlier: str | None
    later: str | None
    day: date | None
    parts: list[tuple[Part, list[Time]]]
    next_free: tuple[date, str] | None
    never: bool
    zone: str
    city: str
    offset: str
    zone_asked: bool
    unknown_zone: bool
    kept: list[tuple[str, str]]
    first: date
    last: date
    tag: str


class Link(Protocol):
    """Makes the address of the picker with these parameters."""

    def __call__(self, **params: str | None) -> str: ...


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen from: a calendar, one host's times in it only, and where its links lead.

    `booking_id` and `current` are the booking that is being moved and its time.
    """

    calendar: str
    tz: str
    link: Link
    time_link: Callable[[datetime, str], str]
    host_id: str | None = None
    booking_id: str | None = None
    current: datetime | None = None


async def pick(visit: Visit, choice: Choice) -> Picker:
    """The picker as the address asks for it (`?month=&day=&tz=`). One request to the API; more only if it is empty."""
    asked = visit.request.query_params
    zone = zone_named(asked.get("tz")) or choice.tz
    info = ZoneInfo(zone)
    today = visit.now.astimezone(info).date()
    wanted = day_named(asked.get("day"))
    if wanted is None and "month" not in asked and choice.current is not None:
        # Whoever moves a booking looks for a time near the one that they have.
        wanted = choice.current.astimezone(info).date()
    month = month_shown(month_named(asked.get("month")), wanted, today)
    first = max(month.first, today)
    free, tag = await _free(visit, choice, first, month.last, zone)
    day = _chosen(wanted, month, free)
    next_free = None
    if not free:
        found = await _next_free(visit, choice, month.last + timedelta(days=1), zone)
        if found is not None:
            next_free = found, choice.link(month=str(Month.of(found)), day=found.isoformat(), tz=zone)
    at = datetime(*(day or month.first).timetuple()[:3], 12, tzinfo=info)
    return Picker(
        month=month,
        weeks=[
            [_cell(one, free, day, today, choice, zone) for one in week]
            for week in month.weeks(visit.words.locale.first_week_day)
        ],
        earlier=choice.link(month=str(month.shifted(-1)), tz=zone) if month > Month.of(today) else None,
        later=choice.link(month=str(month.shifted(1)), tz=zone)
        if month < Month.of(today).shifted(FARTHEST_MONTHS)
        else None,
        day=day,
        parts=_parts(visit.words, choice, free.get(day, []) if day else [], day, zone),
        next_free=next_free,
        never=not free and next_free is None,
        zone=zone,
        city=city_of(zone, str(visit.words.locale)),
        offset=offset_of(at),
        zone_asked="tz" in asked,
        unknown_zone="tz" in asked and zone_named(asked["tz"]) is None,
        first=first,
        last=month.last,
        tag=tag,
        kept=[(name, asked[name]) for name in ("month", "day") if name in asked] + visit.carried(),
    )


async def _free(
    visit: Visit, choice: Choice, start: date, end: date, zone: str
) -> tuple[dict[date, list[datetime]], str]:
    """Free starts by day, in the zone, and what names them; the time that the guest has is none to choose."""
    slots = await _slots(visit, choice, start, end, zone, choice.host_id)
    if slots is None and choice.host_id is not None:
        # That person left the calendar: whoever serves then takes over, and any free time will do.
        slots = await _slots(visit, choice, start, end, zone, None)
    if slots is None:
        return {}, ""
    info = ZoneInfo(zone)
    current = choice.current.astimezone(UTC) if choice.current is not None else None
    free = {
        date.fromisoformat(day): [at.astimezone(info) for at in starts if at.astimezone(UTC) != current]
        for day, starts in sorted(slots.days.items())
    }
    return {day: starts for day, starts in free.items() if starts}, slots.tag


async def _slots(
    visit: Visit, choice: Choice, start: date, end: date, zone: str, host_id: str | None
) -> SeenSlots | None:
    try:
        return await visit.asking.slots(choice.calendar, start, end, zone, host_id, choice.booking_id)
    except ApiRefused:
        return None


async def _next_free(visit: Visit, choice: Choice, after: date, zone: str) -> date | None:
    for _ in range(LOOKS_AHEAD):
        free, _ = await _free(visit, choice, after, after + timedelta(days=MOST_DAYS - 1), zone)
        if free:
            return min(free)
        after += timedelta(days=MOST_DAYS)
    return None


def _chosen(asked: date | None, month: Month, free: dict[date, list[datetime]]) -> date | None:
    if asked is not None and Month.of(asked) == month:
        return asked
    return min(free, default=None)


def _cell(
    day: date | None, free: dict[date, list[datetime]], chosen: date | None, today: date, choice: Choice, zone: str
) -> Cell | None:
    if day is None:
        return None
    count = len(free.get(day, []))
    url = f"{choice.link(month=str(Month.of(day)), day=day.isoformat(), tz=zone)}#times" if count else None
    return Cell(day, url, count, chosen=day == chosen, today=day == today)


def _parts(
    words: Words, choice: Choice, starts: list[datetime], day: date | None, zone: str
) -> list[tuple[Part, list[Time]]]:
    # Compared in UTC: Python finds two times of one zone equal when their clocks show the same.
    current = choice.current.astimezone(UTC) if choice.current is not None else None
    if current is not None and current not in [at.astimezone(UTC) for at in starts]:
        there = current.astimezone(ZoneInfo(zone))
        starts = [*starts, there] if there.date() == day else starts
    twice = twice_on_the_clock(starts)

    def time(at: datetime) -> Time:
        label = f"{words.time(at)} ({offset_of(at)})" if at.astimezone(UTC) in twice else words.time(at)
        return Time(at, label, None if at.astimezone(UTC) == current else choice.time_link(at, zone))

    return [(part, [time(at) for at in those]) for part, those in by_part(starts)]
