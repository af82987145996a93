"""The table of web."""

from services.web.adapters.api import Api
from services.web.handlers import wake_pages
from services.web.routes import router
from services.web.routes.plain import refusal
from turnus_contracts import (
    AttemptReleased,
    BookingConcluded,
    BookingConfirmed,
    BookingMoved,
    BookingReleased,
    BookingRequested,
    NotificationFailed,
    NotificationSent,
    SlotRefused,
)
from turnus_runtime.service import Service
from turnus_runtime.settings import Settings


def api(settings: Settings) -> Api:
    """The client of the public API in this process."""
    return Api(settings.api_url)


service = Service(
    name="web",
    summary="The pages of guests and the console of staff: a client of the public API",
    consumes=dict.fromkeys(
        (
            BookingRequested,
            SlotRefused,
            AttemptReleased,
            BookingConfirmed,
            BookingMoved,
            BookingReleased,
            BookingConcluded,
            NotificationSent,
            NotificationFailed,
        ),
        wake_pages,
    ),
    routes=router,
    refusal=refusal,
    api_file="services/web/api.json",
    effects=api,
)
