"""Public holidays by country and region, as the library `holidays` knows them (ADR 25).

It is imported by the first question, and of its countries those that are asked for: half a second and some 35 MB that a
process which nobody asks goes without. All of this works on the processor alone, so a route asks from a thread.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache
from importlib import import_module
from typing import Any

ENGLISH = ("en_GB", "en_US")
"""Which English is taken first, if a country does not write its own."""


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a country with holidays of its own. `code` is that of ISO 3166-2 without the country, if it has one."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Country:
    """A country (ISO 3166-1 alpha-2), its regions, and the years of which it is known when its holidays are."""

    code: str
    regions: tuple[Region, ...]
    first_year: int
    last_year: int


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day on which a country or region does not work. What falls on one day together has one name: `A / B`."""

    day: date
    name: str


@dataclass(frozen=True, slots=True)
class Year:
    """The holidays of a year in order, and the language (BCP 47) in which they are named."""

    language: str
    days: tuple[Holiday, ...]


@cache
def codes() -> tuple[str, ...]:
    """The codes of all countries, in order."""
    known: Mapping[str, Sequence[str]] = import_module("holidays.registry").COUNTRIES
    return tuple(sorted(names[1] for names in known.values()))


@lru_cache(maxsize=256)
def country_of(code: str) -> Country | None:
    """A country with its regions in the order of their names; None for a code that is none of `codes`."""
    if code not in codes():
        return None
    rules = _rules_of(code)
    names: dict[str, Sequence[str]] = rules.get_subdivision_aliases()
    regions = [Region(region, _name(region, aliases)) for region, aliases in names.items()]
    by_name = sorted(regions, key=lambda one: (one.name.casefold(), one.code))
    return Country(code, tuple(by_name), rules.start_year, rules.end_year)


@lru_cache(maxsize=256)
def holidays_in(country: str, region: str | None, year: int, language: str) -> Year:
    """The public holidays of a country, or of one of its regions, named in `language` if the library can.

    Otherwise in English, or as the country itself names them. Only for what `country_of` knows.
    """
    found = _rules_of(country)
    spoken = _language(found.supported_languages, found.default_language, language)
    known = found(subdiv=region, years=year, language=spoken)
    days = sorted(day for day in known if day.year == year)
    return Year(
        (spoken or "en").replace("_", "-"), tuple(Holiday(day, " / ".join(known.get_list(day))) for day in days)
    )


def _name(code: str, aliases: Sequence[str]) -> str:
    """What people call a region: the first name that is no second code of it."""
    return next((name for name in aliases if not (name.isupper() and len(name) <= 3)), code)


def _language(supported: Sequence[str], own: str | None, asked: str) -> str | None:
    """The library's name of the best language; None for a country that is written in one way only, which is English."""
    wanted = [name for language in (asked, "en") for name in (own, *ENGLISH, *supported) if _is(name, language)]
    return next((name for name in wanted if name in supported), own)


def _is(name: str | None, language: str) -> bool:
    return name is not None and name.partition("_")[0] == language


def _rules_of(country: str) -> Any:
    """The library's class of a country; it loads them one by one."""
    return getattr(import_module("holidays"), country).get_entity()
