"""Dates and times as people read them: in their own zone, which is always named."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_skeleton, format_time, get_timezone_name

from services.notify.adapters.catalogue import Catalogue


def zone(name: str) -> ZoneInfo:
    """The zone of this IANA name; UTC for a name that this machine's tzdata does not have (open contracts)."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def span(start: datetime, end: datetime, tz: str, words: Catalogue) -> str:
    """`Montag, 4. Januar 2027, 09:00–09:30 Uhr, Mitteleuropäische Normalzeit (Europe/Berlin)`."""
    first, last = start.astimezone(zone(tz)), end.astimezone(zone(tz))
    values = {
        "date": format_date(first, "full", locale=words.language),
        "start": format_time(first, "short", locale=words.language),
        "end": format_time(last, "short", locale=words.language),
        "zone": zone_name(first, words),
    }
    if first.date() == last.date():
        return words.text("when.one_day", **values)
    return words.text("when.two_days", **values, end_date=format_date(last, "full", locale=words.language))


def short(start: datetime, tz: str, words: Catalogue) -> str:
    """`Mo., 4. Jan. 2027, 09:00 Uhr (Europe/Berlin)`, for subjects."""
    local = start.astimezone(zone(tz))
    return words.text(
        "when.short",
        date=format_skeleton("yMMMEd", local, locale=words.language),
        start=format_time(local, "short", locale=words.language),
        zone=zone(tz).key,
    )


def zone_name(local: datetime, words: Catalogue) -> str:
    """`Mitteleuropäische Normalzeit (Europe/Berlin)`; `Europe/Kyiv` where the language has no name for it."""
    name = get_timezone_name(local, "long", locale=words.language)
    key = local.tzinfo.key if isinstance(local.tzinfo, ZoneInfo) else "UTC"
    return key if name.startswith("GMT") else f"{name} ({key})"


def differ(instant: datetime, one: str, other: str) -> bool:
    """Whether the clocks of two zones show different times at this instant."""
    return instant.astimezone(zone(one)).utcoffset() != instant.astimezone(zone(other)).utcoffset()
