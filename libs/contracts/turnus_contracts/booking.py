"""Events of `booking`: calendars as published, their groups, and the facts of a booking's life."""

from typing import ClassVar

from turnus_contracts.base import Event, Instant, Kind
from turnus_contracts.values import CalendarMember, Guest, Limits, Location, Minutes, Window


class CalendarPublished(Event):
    """A calendar is as described here. Said by `booking` at every publish, when it is retired, and once a day."""

    kind: ClassVar[Kind] = "state"
    keyed_by: ClassVar[str] = "calendar_id"
    identity: ClassVar[tuple[str, ...]] = ("calendar_id", "version")

    workspace_id: str
    calendar_id: str
    version: int
    status: str
    """active or retired (takes no new requests; open ones, moves and cancels go on)"""
    calendar_kind: str
    """personal or round_robin today"""
    address: str
    """`{workspace}/{slug}`, the public address"""
    name: str
    description: str = ""
    tz: str
    duration_minutes: Minutes
    interval_minutes: Minutes
    anchor: str
    """opening, clock or gapless"""
    buffer_before_minutes: Minutes = 0
    buffer_after_minutes: Minutes = 0
    notice_minutes: Minutes = 0
    window: Window | None = None
    location: Location | None = None
    optimize: str = "availability"
    """availability, equal or totals"""
    reschedule_policy: str = "same_host"
    """same_host or reassign"""
    guest_chooses_host: bool = False
    members: tuple[CalendarMember, ...] = ()
    limits: Limits | None = None
    """how many bookings of this calendar may start in a day, a week and a month of its zone"""
    look_busy_percent: int = 0
    """how much of each day's starts is not shown to guests; staff see and may book it"""


class GroupChanged(Event):
    """A group of calendars is as described here. Said by `booking` after every change and once a day."""

    kind: ClassVar[Kind] = "state"
    keyed_by: ClassVar[str] = "group_id"
    identity: ClassVar[tuple[str, ...]] = ("group_id", "version")

    workspace_id: str
    group_id: str
    version: int
    status: str
    """active, inactive (guests do not see it) or removed (then it holds no calendars)"""
    slug: str
    """unique among the groups of the workspace"""
    name: str
    description: str = ""
    calendar_ids: tuple[str, ...] = ()
    """in the order in which guests see them"""
    position: int
    """the order among the groups of the workspace: smaller ones first, of equal ones the smaller `group_id`"""


class GuestDetailsGiven(Event):
    """Who the guest of a booking is: the only event with guests' personal data. Compacted; an erased state ends it."""

    kind: ClassVar[Kind] = "state"
    keyed_by: ClassVar[str] = "booking_id"
    identity: ClassVar[tuple[str, ...]] = ("booking_id", "version")
    about: ClassVar[str | None] = "booking_id"
    personal: ClassVar[bool] = True

    workspace_id: str
    calendar_id: str
    booking_id: str
    version: int
    status: str
    """active or erased (then the fields below are empty)"""
    guest: Guest | None = None
    additional_guests: tuple[Guest, ...] = ()
    answers: dict[str, str] = {}
    locale: str = "en"
    tz: str = "UTC"
    token: str | None = None
    """the guest's own key to the booking, for links in messages"""
    reason: str | None = None
    """what the guest or the host wrote when cancelling or moving"""


class OfBooking(Event):
    """What every event about a booking names."""

    keyed_by: ClassVar[str] = "calendar_id"
    identity: ClassVar[tuple[str, ...]] = ("booking_id", "attempt")
    about: ClassVar[str | None] = "booking_id"

    workspace_id: str
    calendar_id: str
    booking_id: str


class BookingRequested(OfBooking):
    """A booking asks for a time: the first request, or a move (`attempt` > 1). Said by `booking`, again while open.

    Promises an answer is awaited: SlotRefused or AssigneeSettled for this attempt, whatever happens in between.
    """

    attempt: int
    calendar_version: int
    start: Instant
    duration_minutes: Minutes
    buffer_before_minutes: Minutes
    buffer_after_minutes: Minutes
    host_ids: tuple[str, ...] = ()
    """the only hosts who may serve: the guest chose them, or the move keeps the host; empty: anyone"""
    same_host: bool = False
    """a move that keeps its host: settled by availability at once, the rotation is not asked"""
    by_staff: bool = False
    """staff ask: what Look Busy hides is bookable for them"""
    overbook: bool = False
    """staff have decided to book whatever is in the way: the hours, notice, window, blocks, limits, pause and other
    bookings of the host do not count. Needs exactly one of `host_ids`"""
    requested_at: Instant


class AttemptReleased(OfBooking):
    """One ask for a time is given up; the booking itself may live on. Read by availability and assignment only."""

    attempt: int
    reason: str
    """expired, moved_on or over"""


class Settled(OfBooking):
    """What the four facts hold: the whole settled state. The highest `version` of the four wins, whatever the order."""

    identity: ClassVar[tuple[str, ...]] = ("booking_id", "version")

    version: int
    calendar_version: int
    attempt: int
    """the attempt in force; 0 if none was ever settled"""
    highest_attempt: int
    """the highest attempt ever asked for"""
    charged: int
    """the attempt whose choice is in force in the rotation; 0 for none"""
    revision: int
    """settled moves so far"""
    start: Instant
    end: Instant
    buffer_before_minutes: Minutes = 0
    buffer_after_minutes: Minutes = 0
    host_ids: tuple[str, ...]
    location: Location | None = None
    at: Instant


class BookingConfirmed(Settled):
    """The booking stands. Said once by `booking`, and again when asked to republish."""


class BookingMoved(Settled):
    """The booking stands at another time, `revision` raised; every attempt below `attempt` is over."""

    reason: str = "guest"
    """who moved it: guest or staff"""


class BookingReleased(Settled):
    """The booking is over: cancelled or expired. It ends all its attempts, known or not."""

    status: str
    """cancelled, rejected or expired"""
    reason: str
    """guest, staff, deadline …"""


class BookingConcluded(Settled):
    """The appointment is past and was attended, or the guest did not come."""

    status: str
    """attended or no_show"""
