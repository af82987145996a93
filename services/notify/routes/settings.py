"""`/notifications/settings`: when guests and hosts are reminded."""

from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import Field

from services.notify.domain import reminding
from services.notify.domain.reminding import Minutes, ReminderTimes
from services.notify.settings import Settings
from turnus_runtime.http import (
    STALE_VERSION,
    Answer,
    Body,
    IfMatch,
    On,
    Principal,
    Request,
    answer,
    documented,
    invalid,
    staff,
    unless_stale,
)
from turnus_runtime.records import Decision
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/notifications/settings", tags=["notifications"])

Viewer = Annotated[Principal, staff("calendars:view")]
Manager = Annotated[Principal, staff("calendars:manage", of_all=True)]
MOST_REMINDERS = 5
MinutesBefore = Annotated[int, Field(ge=5, le=43_200, examples=[60])]
"""Five minutes to thirty days."""
Reminders = Annotated[list[MinutesBefore], Field(max_length=MOST_REMINDERS)]


class NotificationSettings(Request):
    """When to remind: minutes before the start, each once, in any order; none: no reminders."""

    guest_reminder_minutes: Reminders
    """of the guest and all additional guests"""
    host_reminder_minutes: Reminders


class NotificationSettingsView(Answer):
    """When people are reminded: minutes before the start, the earliest reminder first.

    `customised` false: the times of the installation.
    """

    guest_reminder_minutes: list[int]
    host_reminder_minutes: list[int]
    customised: bool
    version: int
    """0 before the first change"""


@router.get("", response_model=NotificationSettingsView)
async def get_settings(who: Viewer, on: On) -> Response:
    """The reminder times of your workspace."""
    return _answer(await on.records(ReminderTimes).get(who.workspace_id), on)


@router.put("", response_model=NotificationSettingsView, responses=documented(STALE_VERSION))
async def replace_settings(who: Manager, body: Body[NotificationSettings], expected: IfMatch, on: On) -> Response:
    """Choose reminder times. They count for bookings that exist already, too: what is not due yet is planned anew
    within moments, also earlier reminders whose time is still to come. What was sent is never sent again.
    """
    guests, hosts = body.guest_reminder_minutes, body.host_reminder_minutes
    for field, given in (("guest_reminder_minutes", guests), ("host_reminder_minutes", hosts)):
        for number, one in enumerate(given):
            if one in given[:number]:
                raise invalid(f"{field}.{number}", "is given twice")
    return _answer(await _change(who, Minutes.of(guests, hosts), expected, on), on)


@router.delete("", response_model=NotificationSettingsView, responses=documented(STALE_VERSION))
async def reset_settings(who: Manager, expected: IfMatch, on: On) -> Response:
    """Go back to the reminder times of the installation; the answer shows them."""
    return _answer(await _change(who, None, expected, on), on)


async def _change(who: Principal, minutes: Minutes | None, expected: int | None, on: Turn) -> ReminderTimes | None:
    def write(current: ReminderTimes | None) -> Decision[ReminderTimes, ReminderTimes | None]:
        unless_stale(expected, current.version if current is not None else 0)
        return reminding.change(current, who.workspace_id, minutes, who.member_id, on.now)

    return await on.records(ReminderTimes).decide(who.workspace_id, write)


def _answer(times: ReminderTimes | None, on: Turn) -> Response:
    chosen = times.minutes if times is not None else None
    standard = on.configured(Settings).notify_reminder_minutes
    shown = chosen or Minutes.of(standard, standard)
    view = NotificationSettingsView(
        guest_reminder_minutes=list(shown.guests),
        host_reminder_minutes=list(shown.hosts),
        customised=chosen is not None,
        version=times.version if times is not None else 0,
    )
    return answer(view, version=view.version)
