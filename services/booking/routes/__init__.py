"""The HTTP side of booking: calendars for staff, bookings for guests and staff."""

from fastapi import APIRouter

from services.booking.routes import bookings, calendars

router = APIRouter()
for part in (calendars, bookings):
    router.include_router(part.router)
