"""Events of `availability`: answers to requests for a time. (`CalendarApplied` is said by `assignment` too.)"""

from typing import ClassVar

from turnus_contracts.base import Event, Instant
from turnus_contracts.booking import OfBooking


class SlotReserved(OfBooking):
    """A host's time is held for this attempt; `assignment` now chooses among it and the other free hosts."""

    attempt: int
    calendar_version: int
    start: Instant
    end: Instant
    host_ids: tuple[str, ...]
    """who holds the time provisionally"""
    free_host_ids: tuple[str, ...]
    """everybody who could serve, the holder included, in the calendar's order"""
    fixed: bool = False
    """nothing to choose (the guest chose the person), but the rotation must know"""


class SlotRefused(OfBooking):
    """The time cannot be had: `slot_taken`, `slot_not_offered` or `calendar_retired`. Every attempt gets one answer."""

    attempt: int
    start: Instant
    code: str
    alternatives: tuple[Instant, ...] = ()
    """up to five free starts near the one asked for, as of now"""


class AssigneeSettled(OfBooking):
    """The hosts who serve this attempt hold its time for good, until it is released. The last word of an ask."""

    attempt: int
    start: Instant
    end: Instant
    host_ids: tuple[str, ...]
    charged: bool = False
    """the rotation charged a choice for this attempt"""


class CalendarApplied(Event):
    """A service serves this version of a calendar from now on."""

    keyed_by: ClassVar[str] = "calendar_id"
    identity: ClassVar[tuple[str, ...]] = ("service", "calendar_id", "version")
    shared: ClassVar[bool] = True

    workspace_id: str
    calendar_id: str
    version: int
    service: str
