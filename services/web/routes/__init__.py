"""The pages of guests. What stands first is tried first: `/b` and `/static` are no workspaces."""

from fastapi import APIRouter

from services.web.routes import bookings, calendars, plain

router = APIRouter(default_response_class=plain.Html)
for part in (plain, bookings, calendars):
    router.include_router(part.router)
