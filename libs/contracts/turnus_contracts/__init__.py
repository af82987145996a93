"""The events that Turnus' services say to each other and to the world. pydantic only; its own wheel.

The class name is the topic. `docs/asyncapi/` describes every topic, `docs/event-matrix.md` who says and hears it.
"""

from turnus_contracts.accounts import (
    ChangeRecorded,
    CredentialRevoked,
    MemberChanged,
    SigningKeyChanged,
    WorkspaceChanged,
)
from turnus_contracts.assignment import AssigneeChosen
from turnus_contracts.availability import AssigneeSettled, CalendarApplied, SlotRefused, SlotReserved
from turnus_contracts.base import Event, Instant, Kind, Value
from turnus_contracts.booking import (
    AttemptReleased,
    BookingConcluded,
    BookingConfirmed,
    BookingMoved,
    BookingReleased,
    BookingRequested,
    CalendarPublished,
    GroupChanged,
    GuestDetailsGiven,
    Settled,
)
from turnus_contracts.notify import NotificationFailed, NotificationSent, ReminderDue
from turnus_contracts.values import CalendarMember, Candidate, Guest, Limits, Location, Window

EVENTS: tuple[type[Event], ...] = (
    WorkspaceChanged,
    MemberChanged,
    SigningKeyChanged,
    CredentialRevoked,
    ChangeRecorded,
    CalendarPublished,
    GroupChanged,
    GuestDetailsGiven,
    BookingRequested,
    AttemptReleased,
    BookingConfirmed,
    BookingMoved,
    BookingReleased,
    BookingConcluded,
    SlotReserved,
    SlotRefused,
    AssigneeSettled,
    CalendarApplied,
    AssigneeChosen,
    ReminderDue,
    NotificationSent,
    NotificationFailed,
)
"""Every event there is, in the order of the services table."""

__all__ = [
    "EVENTS",
    "AssigneeChosen",
    "AssigneeSettled",
    "AttemptReleased",
    "BookingConcluded",
    "BookingConfirmed",
    "BookingMoved",
    "BookingReleased",
    "BookingRequested",
    "CalendarApplied",
    "CalendarMember",
    "CalendarPublished",
    "Candidate",
    "ChangeRecorded",
    "CredentialRevoked",
    "Event",
    "GroupChanged",
    "Guest",
    "GuestDetailsGiven",
    "Instant",
    "Kind",
    "Limits",
    "Location",
    "MemberChanged",
    "NotificationFailed",
    "NotificationSent",
    "ReminderDue",
    "Settled",
    "SigningKeyChanged",
    "SlotRefused",
    "SlotReserved",
    "Value",
    "Window",
    "WorkspaceChanged",
]
