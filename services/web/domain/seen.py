"""What the API says, as far as the pages read it. More fields may come: they are ignored."""

from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict


class Seen(BaseModel):
    """Base of everything that is read from the API."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Place(Seen):
    """Where: `kind` is address, phone or link."""

    kind: str
    value: str


class Host(Seen):
    """Somebody who serves."""

    id: str
    name: str


class Person(Seen):
    """Somebody who comes."""

    name: str
    email: str
    phone: str | None = None


class SeenCalendar(Seen):
    """The public part of a calendar."""

    id: str
    version: int
    status: str
    address: str
    workspace_name: str
    kind: str
    name: str
    description: str
    tz: str
    duration_minutes: int
    location: Place | None
    hosts: tuple[Host, ...]
    cancel_cutoff_minutes: int
    reschedule_cutoff_minutes: int


class SeenCard(Seen):
    """A calendar that guests can book, in short. `host_count` is how many serve, `hosts` the first of them."""

    id: str
    address: str
    name: str
    description: str
    kind: str
    duration_minutes: int
    location_kind: str | None
    hosts: tuple[Host, ...]
    host_count: int


class SeenShelf(Seen):
    """A group of calendars, as guests see it."""

    slug: str
    name: str
    description: str
    calendars: tuple[SeenCard, ...]


class SeenPlace(Seen):
    """A workspace's public name and address."""

    slug: str
    name: str


class SeenOffers(Seen):
    """What can be booked in a workspace: groups in their order, then calendars that are in none."""

    workspace: SeenPlace
    items: tuple[SeenShelf, ...]
    calendars: tuple[SeenCard, ...]
    next: str | None


class SeenSlots(Seen):
    """Free starts by day (`YYYY-MM-DD`); days without any are absent."""

    tz: str
    days: dict[str, tuple[datetime, ...]]
    tag: str = ""
    """names this very answer, so that the next one is another"""


class SeenMove(Seen):
    """A move that is not decided yet."""

    start: datetime
    end: datetime


class SeenBooking(Seen):
    """A booking, as its guest may see it."""

    id: str
    status: str
    code: str | None
    revision: int
    version: int
    calendar_id: str
    calendar_address: str | None
    calendar_name: str | None
    start: datetime
    end: datetime
    tz: str
    host: Host | None
    location: Place | None
    guest: Person
    additional_guests: tuple[Person, ...]
    reason: str | None
    move: SeenMove | None
    alternatives: tuple[datetime, ...]
    token: str
    manage_url: str
    changed_at: datetime
    reschedule_policy: str = "reassign"


class SeenFieldError(Seen):
    """A field that was refused."""

    field: str


class SeenProblem(Seen):
    """A refusal: its stable code, the refused fields, free times near the wanted one."""

    code: str
    errors: tuple[SeenFieldError, ...] | None = None
    alternatives: tuple[datetime, ...] = ()


State = Literal["requested", "confirmed", "moved", "moving", "cancelled", "rejected", "expired", "past"]


def state_of(booking: SeenBooking, now: datetime) -> State:
    """What the page of a booking is about. A booking that is over in time is `past`, whatever was noted of it."""
    if booking.status in ("cancelled", "rejected", "expired", "requested"):
        return booking.status
    if booking.status in ("attended", "no_show") or booking.end <= now:
        return "past"
    if booking.move is not None:
        return "moving"
    return "moved" if booking.revision else "confirmed"


def latest(booking: SeenBooking, cutoff_minutes: int) -> datetime:
    """Until when a guest may cancel or move; the start itself when the calendar sets no cut-off."""
    return booking.start - timedelta(minutes=cutoff_minutes)
