"""The HTTP side of booking: calendars and groups for staff, bookings for guests and staff."""

from fastapi import APIRouter

from services.booking.routes import bookings, calendar_files, calendars, groups, versions

router = APIRouter()
for part in (calendars, groups, bookings, calendar_files, versions):
    router.include_router(part.router)
