"""The HTTP side of availability: slots for guests, schedules and blocks for staff."""

from fastapi import APIRouter

from services.availability.routes import blocks, schedules, slots

router = APIRouter()
for part in (slots, schedules, blocks):
    router.include_router(part.router)
