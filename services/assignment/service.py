"""The assignment service, in one table."""

from services.assignment import handlers
from services.assignment.domain.choice import Choice
from services.assignment.domain.rotation import Rotation
from services.assignment.routes import router
from services.assignment.settings import Settings
from turnus_contracts import (
    AssigneeChosen,
    AssigneeSettled,
    AttemptReleased,
    BookingConcluded,
    BookingConfirmed,
    BookingMoved,
    BookingReleased,
    CalendarApplied,
    CalendarPublished,
    SlotReserved,
)
from turnus_runtime.service import Service

service = Service(
    name="assignment",
    summary="Decides whose turn it is: a rotation per team calendar, and every choice with its reason.",
    records=(Rotation, Choice),
    consumes={
        CalendarPublished: handlers.apply_calendar,
        SlotReserved: handlers.choose_assignee,
        AssigneeSettled: handlers.follow_settlement,
        AttemptReleased: handlers.release_attempt,
        BookingConfirmed: handlers.follow_booking,
        BookingMoved: handlers.follow_booking,
        BookingConcluded: handlers.follow_booking,
        BookingReleased: handlers.release_booking,
    },
    publishes=(AssigneeChosen, CalendarApplied),
    timers={
        "file_choice": handlers.run_errand,
        "mark_applied": handlers.run_errand,
        "apply_choice": handlers.apply_choice,
    },
    one_at_a_time="key",
    resources=("rotations",),
    routes=router,
    settings=Settings,
)
