"""The pages. What stands first is tried first: `/b`, `/static` and `/console` are no workspaces."""

from fastapi import APIRouter

from services.web.routes import bookings, calendars, console, plain

router = APIRouter(default_response_class=plain.Html)
for part in (plain, console, bookings, calendars):
    router.include_router(part.router)
