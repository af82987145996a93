"""The HTTP side of notify: the delivery log, reminder times, and templates; for staff."""

from fastapi import APIRouter

from services.notify.routes import notifications, settings, templates

router = APIRouter()
for part in (settings, notifications, templates):  # `/notifications/settings` is no notification's id
    router.include_router(part.router)
