"""The time zones that a guest can choose from."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

from babel.core import get_global
from babel.dates import get_timezone_location
from pydantic import TypeAdapter, ValidationError

from turnus_runtime.http import ZoneName

_ZONE: TypeAdapter[str] = TypeAdapter(ZoneName)


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the world with its zones, each as (IANA name, city)."""

    key: str
    zones: tuple[tuple[str, str], ...]


def zone_named(text: str | None) -> str | None:
    """The IANA zone of that name in its canonical spelling, or None."""
    try:
        return _ZONE.validate_python(text)
    except ValidationError:
        return None


@cache
def country_of(zone: str) -> str | None:
    """`Europe/Berlin` -> `DE` (ISO 3166-1 alpha-2); None for a zone that is no country's."""
    found = get_global("zone_territories").get(get_global("zone_aliases").get(zone, zone))
    return found if found is not None and re.fullmatch("[A-Z]{2}", found) and found != "ZZ" else None


@cache
def city_of(zone: str, locale: str) -> str:
    """`Europe/Berlin` -> `Berlin`, in the reader's language."""
    if zone.count("/") == 0 or zone.startswith("Etc/"):
        return zone.removeprefix("Etc/").replace("_", " ")
    city = get_timezone_location(ZoneInfo(zone), locale=locale, return_city=True)
    return city.rpartition("/")[2] or zone.rpartition("/")[2].replace("_", " ")


def offset_of(at: datetime) -> str:
    """`UTC+1`, `UTC−3:30`: how far this time's zone is from UTC then."""
    minutes = round((at.utcoffset() or datetime.resolution * 0).total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    return "UTC" if not minutes else f"UTC{'+' if minutes > 0 else '−'}{hours}{f':{rest:02}' if rest else ''}"


@cache
def regions(locale: str) -> tuple[Region, ...]:
    """All zones of the IANA list by part of the world, cities in order; `UTC` for itself at the end."""
    lines = resources.files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8").splitlines()
    names = sorted({line.split("\t")[2] for line in lines if line and not line.startswith("#")})
    found: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        found.setdefault(name.partition("/")[0], []).append((name, city_of(name, locale)))
    return (
        *(Region(key, tuple(sorted(zones, key=lambda zone: zone[1]))) for key, zones in sorted(found.items())),
        Region("Etc", (("UTC", "UTC"),)),
    )
