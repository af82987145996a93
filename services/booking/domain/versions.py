"""Versions: what was published of a calendar, when and by whom.

The newest one lies in the calendar itself. The write that publishes the next one owes the filing of the one before, as
a whole, so none is missing whoever dies in between: what is not filed yet is still owed, and seen there.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from services.booking.domain.calendars import KEEP_VERSION, Calendar
from services.booking.domain.doing import Publishing
from services.booking.domain.drafts import Draft
from turnus_runtime.records import Decision, Owed, Record, key


class CalendarVersion(Record):
    """A version that was published before the present one. Written once.

    `publishing` is None for what was published before this was noted.
    """

    collection: ClassVar[str] = "calendar_versions"
    format: ClassVar[int] = 2
    """2: limits and Look Busy"""
    indexes: ClassVar[tuple[str, ...]] = ("by_calendar",)
    long: ClassVar[tuple[str, ...]] = indexes

    workspace_id: str
    calendar_id: str
    version: int
    status: Literal["active", "retired"]
    settings: Draft
    publishing: Publishing | None = None

    def keys(self) -> Mapping[str, str | int | None]:
        """By calendar and number."""
        return {"by_calendar": key(self.calendar_id, self.version)}


def version_id(calendar_id: str, version: int) -> str:
    """The id of the record of a version."""
    return f"{calendar_id}.{version}"


def owed_version(entry: Owed) -> CalendarVersion:
    """The version whose filing is owed."""
    return _made(entry.data or {})


def held(calendar: Calendar) -> list[CalendarVersion]:
    """The versions that the calendar itself holds: the published one, and those that are not filed yet."""
    owed = [owed_version(entry) for entry in calendar.owed if entry.name == KEEP_VERSION]
    return [*owed, _made(calendar.edition)] if calendar.published is not None else owed


def file(current: CalendarVersion | None, version: CalendarVersion) -> Decision[CalendarVersion, None]:
    """Keep the first saying: a version never changes."""
    return Decision(None, version if current is None else None)


def _made(edition: Mapping[str, Any]) -> CalendarVersion:
    return CalendarVersion.model_validate({**edition, "id": version_id(edition["calendar_id"], edition["version"])})
