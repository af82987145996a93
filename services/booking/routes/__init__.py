"""The HTTP side of booking: calendars for staff, bookings for guests and staff."""

from fastapi import APIRouter

from services.booking.routes import bookings, calendar_files, calendars

router = APIRouter()
for part in (calendars, bookings, calendar_files):
    router.include_router(part.router)
