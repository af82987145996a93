"""`/calendars/{…}/versions`: what was published of a calendar, by whom, and what was different each time."""

import re
from typing import Annotated

from fastapi import APIRouter, Path

from services.booking.domain.calendars import Calendar
from services.booking.domain.versions import CalendarVersion, held, version_id
from services.booking.routes.assigned import calendar_for
from services.booking.routes.calendar_views import VersionView, version_view
from turnus_runtime.http import NOT_FOUND, On, Page, Paged, Principal, cursor, found, invalid, staff
from turnus_runtime.records import key

router = APIRouter(prefix="/calendars")
Viewer = Annotated[Principal, staff("calendars:view")]


@router.get("/{calendar_id}/versions")
async def list_versions(calendar_id: str, who: Viewer, paging: Paged, on: On) -> Page[VersionView]:
    """The published versions of a calendar, the newest first; none of a draft that was never published.

    Of what was published before versions were kept there is the newest only, and nobody knows who published it.
    """
    # The calendar is read first: a version that it holds no more has been filed before.
    calendar = calendar_for(who, await on.records(Calendar).get(calendar_id))
    above = _number(paging.after) if paging.after is not None else None
    filed = await on.records(CalendarVersion).with_prefix(
        "by_calendar",
        calendar.id,
        limit=paging.limit + 1,
        after=key(calendar.id, above) if above is not None else None,
        reverse=True,
    )
    known = {one.version: one for one in (*filed, *held(calendar)) if above is None or one.version < above}
    newest = sorted(known, reverse=True)
    shown = [version_view(known[number]) for number in newest[: paging.limit]]
    return Page(items=shown, next=cursor(str(shown[-1].version)) if len(newest) > paging.limit else None)


@router.get("/{calendar_id}/versions/{version}")
async def get_version(
    calendar_id: str, version: Annotated[str, Path(json_schema_extra={"examples": ["3"]})], who: Viewer, on: On
) -> VersionView:
    """One published version."""
    calendar = calendar_for(who, await on.records(Calendar).get(calendar_id))
    if not re.fullmatch(r"[1-9][0-9]{0,8}", version, re.ASCII):
        raise NOT_FOUND
    for one in held(calendar):
        if one.version == int(version):
            return version_view(one)
    return version_view(found(await on.records(CalendarVersion).get(version_id(calendar.id, int(version))), who))


def _number(after: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,12}", after, re.ASCII):
        raise invalid("after", "must be the next of the page before")
    return int(after)
