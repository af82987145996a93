"""The words of one language: its catalogue, and dates and times as its readers write them.

A language is one file, `locale/<language>.po`, read at the start; its header `Language` says how dates are written.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton, format_time
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from services.web.domain.forms import Wrong

CATALOGUES = Path(__file__).parents[1] / "locale"


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    language: str
    locale: Locale
    catalogue: Mapping[str, str]

    def say(self, key: str, /, **values: object) -> str:
        """The text of `key` with these values in it. Raises `KeyError` for a key that the catalogue has not."""
        return self.catalogue[key].format_map(values) if values else self.catalogue[key]

    def knows(self, key: str) -> bool:
        """Whether the catalogue has this key."""
        return key in self.catalogue

    def wrong(self, problem: Wrong) -> str:
        """What is wrong with a field of a form, in words."""
        return self.say(problem.key, **problem.values)

    def long_day(self, day: date) -> str:
        """Montag, 4. Januar 2027."""
        return format_date(day, "full", locale=self.locale)

    def short_day(self, day: date) -> str:
        """Mo., 4. Jan."""
        return format_skeleton("MMMEd", day, locale=self.locale)

    def month(self, day: date) -> str:
        """Januar 2027."""
        return format_skeleton("yMMMM", day, locale=self.locale)

    def time(self, at: datetime) -> str:
        """09:00, by the clock of the instant's own zone."""
        return format_time(at.replace(tzinfo=None), "short", locale=self.locale)

    def moment(self, at: datetime, tz: str) -> str:
        """04.01.2027, 09:00: an instant by the clocks of a zone."""
        there = at.astimezone(ZoneInfo(tz))
        return f"{self.day(there)}, {self.time(there)}"

    def number(self, value: float) -> str:
        """1,25: at most two decimals."""
        return format_decimal(value, "#,##0.##", locale=self.locale)

    def span(self, start: datetime, end: datetime) -> str:
        """09:00–09:30; the end with its day if it is another one."""
        until = self.time(end) if end.date() == start.date() else f"{self.short_day(end)}, {self.time(end)}"
        return f"{self.time(start)}–{until}"

    def minutes(self, count: int) -> str:
        """30 Minuten; whole hours and days as such."""
        for size, unit in ((1440, "day"), (60, "hour")):
            if count and count % size == 0:
                return format_unit(count // size, f"duration-{unit}", "long", locale=self.locale)
        if count > 60:
            hours = format_unit(count // 60, "duration-hour", "long", locale=self.locale)
            return f"{hours} {format_unit(count % 60, 'duration-minute', 'long', locale=self.locale)}"
        return format_unit(count, "duration-minute", "long", locale=self.locale)

    def lasting(self, count: int, unit: str) -> str:
        """60 Tage, 8 Wochen, 1 Monat: so many days, weeks or months."""
        return format_unit(count, f"duration-{unit.removesuffix('s')}", "long", locale=self.locale)

    def share(self, part: float) -> str:
        """33 %: a part of the whole."""
        return format_percent(part, locale=self.locale)

    def weekdays(self) -> list[tuple[str, str]]:
        """The days of a week as (short, long), from the first."""
        days = cast("dict[str, dict[str, dict[int, str]]]", self.locale.days)["stand-alone"]
        order = [(self.locale.first_week_day + n) % 7 for n in range(7)]
        return [(days["short"][n].rstrip("."), days["wide"][n]) for n in order]

    def days_from_monday(self) -> list[tuple[int, str]]:
        """The days of a week as (1 for Monday … 7, long), from the first."""
        days = cast("dict[str, dict[str, dict[int, str]]]", self.locale.days)["stand-alone"]
        order = [(self.locale.first_week_day + n) % 7 for n in range(7)]
        return [(n + 1, days["wide"][n]) for n in order]

    def day(self, day: date) -> str:
        """04.01.2027, Jan 4, 2027: a date where room is short."""
        return format_date(day, "medium", locale=self.locale)

    def country(self, code: str) -> str:
        """Deutschland: a country by its code (ISO 3166-1 alpha-2)."""
        return cast("dict[str, str]", self.locale.territories).get(code, code)

    def tongue(self, language: str) -> str:
        """Deutsch, German: a language as this one calls it."""
        return str(Locale(language).get_display_name(self.locale) or language).capitalize()

    def own_name(self) -> str:
        """Deutsch, English: what its readers call it."""
        name = Locale(self.language).get_display_name(self.language)
        return str(name or self.language).capitalize()


@cache
def languages() -> dict[str, Words]:
    """All languages that have a catalogue."""
    return {path.stem: _read(path) for path in sorted(CATALOGUES.glob("*.po"))}


def _read(path: Path) -> Words:
    with path.open("rb") as file:
        catalogue = read_po(file, abort_invalid=True)
    texts: dict[str, str] = {}
    for message in cast("Any", catalogue):
        if message.id:
            texts[str(message.id)] = str(message.string)
    return Words(path.stem, cast("Locale", catalogue.locale), texts)
