"""The HTTP side of availability: slots for guests; schedules, blocks, limits and public holidays for staff."""

from fastapi import APIRouter

from services.availability.routes import blocks, holidays, limits, schedules, slots, why

router = APIRouter()
for part in (why, slots, schedules, blocks, limits, holidays):
    router.include_router(part.router)
