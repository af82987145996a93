"""`/console`: where a team runs its day. Every page needs somebody who is signed in, but for those of `entrance`."""

from fastapi import APIRouter, Depends

from services.web.routes.console import (
    availability,
    bookings,
    calendars,
    changes,
    drafts,
    entrance,
    groups,
    holidays,
    keys,
    links,
    live,
    notifications,
    operations,
    overview,
    pausing,
    preview,
    profile,
    schedules,
    shortcuts,
    team,
    versions,
    why,
)
from services.web.routes.console.desk import own_site_only
from services.web.routes.visit import Html

router = APIRouter(default_response_class=Html, dependencies=[Depends(own_site_only)])
for part in (
    entrance,
    links,
    overview,
    live,
    bookings,
    changes,
    calendars,
    drafts,
    versions,
    preview,
    why,
    groups,
    availability,
    schedules,
    holidays,
    profile,
    team,
    pausing,
    notifications,
    keys,
    operations,
    shortcuts,
):
    router.include_router(part.router, prefix="/console")
