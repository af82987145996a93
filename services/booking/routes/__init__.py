"""The HTTP side of booking: calendars and groups for staff, bookings for guests and staff."""

from fastapi import APIRouter

from services.booking.routes import bookings, calendar_files, calendars, groups

router = APIRouter()
for part in (calendars, groups, bookings, calendar_files):
    router.include_router(part.router)
