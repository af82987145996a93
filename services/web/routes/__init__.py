"""The pages. What stands first is tried first: `/b`, `/static`, `/styleguide` and `/console` are no workspaces."""

from fastapi import APIRouter

from services.web.routes import bookings, calendars, console, plain, styleguide

router = APIRouter(default_response_class=plain.Html)
for part in (plain, styleguide, console, bookings, calendars):
    router.include_router(part.router)
