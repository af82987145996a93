"""Value types that several events share."""

from datetime import date
from typing import Annotated

from pydantic import Field

from turnus_contracts.base import Value

Minutes = Annotated[int, Field(ge=0)]
"""A duration in whole minutes."""


class Location(Value):
    """Where a booking takes place. kind is `address`, `phone` or `link` today; consumers accept others."""

    kind: str
    value: str


class CalendarMember(Value):
    """One member who serves in a calendar, with their share in the rotation."""

    member_id: str
    weight: int = 1
    tier: int = 1


class Window(Value):
    """How far ahead guests may book.

    kind `rolling`: `count` `unit`s (days, weeks, months) ahead, `counting` calendar days or available days only;
    kind `until`: up to and with `end`; kind `range`: from `start` to `end`, both included. Days of the calendar's zone.
    """

    kind: str
    count: int | None = None
    unit: str | None = None
    counting: str = "calendar"
    start: date | None = None
    end: date | None = None


class Limits(Value):
    """At most so many bookings that start on one day, in one week (Monday first) and in one month; None: no limit.

    Days are those of the zone of whom it limits: the calendar, or a member.
    """

    day: int | None = None
    week: int | None = None
    month: int | None = None


class Guest(Value):
    """A guest as they named themselves."""

    name: str
    email: str
    phone: str | None = None


class Candidate(Value):
    """A member whom a choice considered: credit before the choice, and what they gained by it."""

    member_id: str
    credit: float = 0.0
    gained: float = 0.0
