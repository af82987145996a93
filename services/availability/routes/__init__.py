"""The HTTP side of availability: slots for guests; schedules, blocks and public holidays for staff."""

from fastapi import APIRouter

from services.availability.routes import blocks, holidays, schedules, slots

router = APIRouter()
for part in (slots, schedules, blocks, holidays):
    router.include_router(part.router)
