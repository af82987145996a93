"""Public holidays that somebody may take over as days off: what can be chosen, and what becomes of the schedule."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from services.web.domain.days import day_named
from services.web.domain.forms import Sent, last
from services.web.domain.seen import Seen
from services.web.domain.staff import SeenOverride, SeenSchedule
from services.web.domain.week import rows_of

YEARS_AHEAD = 2
LONGEST_LABEL = 100
FIELDS = OPEN, INSTEAD = "day", "instead"
"""The fields by which days are ticked: those that have nothing of their own, and those where that is to be replaced."""


class SeenRegion(Seen):
    """A part of a country with holidays of its own."""

    code: str
    name: str


class SeenCountry(Seen):
    """A country whose holidays are known in these years."""

    code: str
    regions: tuple[SeenRegion, ...]
    first_year: int
    last_year: int


class SeenCode(Seen):
    """A country by its code."""

    code: str


class SeenCodes(Seen):
    """All countries."""

    items: tuple[SeenCode, ...]


class SeenHoliday(Seen):
    """A public holiday."""

    date: date
    name: str


class SeenHolidays(Seen):
    """Those of a year, named in this language (BCP 47)."""

    language: str
    items: tuple[SeenHoliday, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose holidays: a country, one of its regions or None for what holds everywhere, a year."""

    country: SeenCountry | None
    region: str | None
    year: int

    @property
    def value(self) -> str:
        """The region with its country, `DE-BY`: one of another country is not mistaken for it."""
        return f"{self.country.code}-{self.region}" if self.country is not None and self.region is not None else ""

    def place(self, names: Mapping[str, str]) -> list[str]:
        """The region, if one was asked for, and the country by its name."""
        if self.country is None:
            return []
        region = next((one.name for one in self.country.regions if one.code == self.region), None)
        return [*([region] if region is not None else []), names.get(self.country.code, self.country.code)]

    @property
    def is_known(self) -> bool:
        """Whether the holidays of this country are known for the year."""
        return self.country is not None and self.country.first_year <= self.year <= self.country.last_year


@dataclass(frozen=True, slots=True)
class Line:
    """A holiday as it is offered.

    `state`: `taken` (it is a day off by this name, nothing to choose), `off` or `hours` (the date has something of its
    own, which stays unless it is chosen), `past`, `idle` (no working day anyway), `open`. `own`: what the date has now.
    """

    day: date
    name: str
    state: str
    checked: bool
    own: SeenOverride | None

    @property
    def field(self) -> str:
        """The field by which it is chosen."""
        return OPEN if self.own is None else INSTEAD

    @property
    def own_hours(self) -> str:
        """`09:00–12:00, 13:00–15:00`."""
        ranges = self.own.ranges if self.own is not None else ()
        return ", ".join(f"{row.start}–{row.end}" for row in rows_of(ranges))


def code_asked_for(asked: Mapping[str, str], known: Collection[str], proposed: str | None) -> str | None:
    """The country that was asked for; the proposed one if nobody chose any, or one that is nowhere."""
    return next((one for one in (asked.get("country"), proposed) if one in known), None)


def asked_for(asked: Mapping[str, str], country: SeenCountry | None, this_year: int) -> Asked:
    """What was asked for of a country; whatever is nowhere counts as not asked."""
    region = next(
        (
            one.code
            for one in (country.regions if country is not None else ())
            if country is not None and asked.get("region") == f"{country.code}-{one.code}"
        ),
        None,
    )
    years = {str(year): year for year in years_from(this_year)}
    return Asked(country, region, years.get(asked.get("year", ""), this_year))


def years_from(this_year: int) -> range:
    """The years that can be chosen."""
    return range(this_year, this_year + YEARS_AHEAD + 1)


def asked_in(sent: Sent) -> dict[str, str]:
    """What a form says of country, region and year."""
    return {name: last(sent, name) for name in ("country", "region", "year")}


def lines(holidays: Iterable[SeenHoliday], schedule: SeenSchedule | None, today: date) -> list[Line]:
    """The holidays as they are offered first: those are checked on which somebody would work otherwise."""
    own = {one.date: one for one in schedule.overrides} if schedule is not None else {}
    working = {day for one in schedule.weekly for day in one.days} if schedule is not None else set[int]()
    made: list[Line] = []
    for one in holidays:
        there = own.get(one.date.isoformat())
        state = _state(one, there, today, working)
        made.append(Line(one.date, label_of(one.name), state, state == "open" and schedule is not None, there))
    return made


def sent_lines(offered: Iterable[Line], sent: Sent) -> list[Line]:
    """The same with what was ticked. A date that has got something of its own since then has to be chosen anew."""
    return [Line(one.day, one.name, one.state, one.day in _days(sent, one.field), one.own) for one in offered]


def are_taken(offered: Iterable[Line], sent: Sent) -> bool:
    """Whether all that was ticked are days off by these names already: the form came twice."""
    taken = {one.day for one in offered if one.state == "taken"}
    return bool(_days(sent, OPEN)) and _days(sent, OPEN) <= taken


def taken_over(chosen: Sequence[Line], known: Sequence[SeenOverride]) -> list[dict[str, Any]]:
    """The dates of the schedule with the chosen holidays as days off, for the API."""
    off = {one.day.isoformat(): one.name for one in chosen}
    kept = [one.model_dump() for one in known if one.date not in off]
    return kept + [{"date": day, "ranges": [], "label": name} for day, name in off.items()]


def label_of(name: str) -> str:
    """A holiday's name as a schedule keeps it."""
    return name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1].rstrip()}…"


def sorting(name: str) -> str:
    """Ä stands by A, wherever the code point lies."""
    return unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().casefold() or name


def _state(one: SeenHoliday, own: SeenOverride | None, today: date, working: Collection[int]) -> str:
    if own is not None:
        if own.ranges:
            return "hours"
        return "taken" if own.label == label_of(one.name) else "off"
    if one.date < today:
        return "past"
    return "open" if one.date.isoweekday() in working else "idle"


def _days(sent: Sent, field: str) -> set[date]:
    return {day for text in sent.get(field, ()) if (day := day_named(text)) is not None}
