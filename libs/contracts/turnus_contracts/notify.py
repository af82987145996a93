"""Events of `notify`: what was sent to whom, without saying their names."""

from typing import ClassVar

from turnus_contracts.base import Event, Instant


class _OfNotification(Event):
    keyed_by: ClassVar[str] = "calendar_id"
    identity: ClassVar[tuple[str, ...]] = ("notification_id",)
    about: ClassVar[str | None] = "booking_id"

    workspace_id: str
    calendar_id: str
    booking_id: str
    notification_id: str
    revision: int
    at: Instant


class ReminderDue(_OfNotification):
    """The time of a reminder has come. A fact for others; the reminder itself is sent by `notify` without it."""

    start: Instant
    offset_minutes: int
    """how long before the start"""


class NotificationSent(_OfNotification):
    """A message was taken by the provider."""

    event: str
    """booked, moved, cancelled or reminder"""
    channel: str
    receiver: str
    """guest or host"""


class NotificationFailed(_OfNotification):
    """A message will not be sent: the provider refused it for good, or it was given up."""

    event: str
    channel: str
    receiver: str
    code: str
    """refused, gave_up, too_late …"""
