"""The table of booking."""

from services.booking import handlers
from services.booking.adapters.demo import make_demo
from services.booking.domain import bookings, calendars, groups, transitions
from services.booking.domain.bookings import Booking
from services.booking.domain.calendars import Calendar
from services.booking.domain.directory import Address, CalendarOfMember, Member, Workspace, WorkspaceAddress
from services.booking.domain.groups import Groups
from services.booking.domain.saga import SAGA
from services.booking.domain.tokens import LinkSecret
from services.booking.domain.versions import CalendarVersion
from services.booking.routes import router
from services.booking.store import Links, open_links
from turnus_contracts import (
    AssigneeSettled,
    AttemptReleased,
    BookingConcluded,
    BookingConfirmed,
    BookingMoved,
    BookingReleased,
    BookingRequested,
    CalendarApplied,
    CalendarPublished,
    ChangeRecorded,
    GroupChanged,
    GuestDetailsGiven,
    MemberChanged,
    SlotRefused,
    WorkspaceChanged,
)
from turnus_runtime.service import Says, Service
from turnus_runtime.settings import Settings


def links(_: Settings) -> Links:
    """The secret of guests' links in this process."""
    return Links()


service = Service(
    name="booking",
    summary="Calendars and their groups, and bookings: the saga",
    records=(
        *(Booking, Calendar, CalendarVersion, Groups, Address, CalendarOfMember),
        *(Member, Workspace, WorkspaceAddress, LinkSecret),
    ),
    consumes={
        SlotRefused: handlers.refuse_booking,
        AssigneeSettled: handlers.settle_booking,
        CalendarApplied: handlers.note_applied,
        MemberChanged: handlers.learn_member,
        WorkspaceChanged: handlers.learn_workspace,
    },
    publishes=(
        CalendarPublished,
        GroupChanged,
        GuestDetailsGiven,
        BookingRequested,
        AttemptReleased,
        BookingConfirmed,
        BookingMoved,
        BookingReleased,
        BookingConcluded,
        ChangeRecorded,
    ),
    says=(
        Says(Calendar, calendars.states_now),
        Says(Groups, groups.states_now),
        Says(Booking, bookings.details_now, index="ends", since=bookings.facts_since),
        Says(Booking, bookings.facts_now, index="ends", since=bookings.facts_since, daily=False),
    ),
    timers={
        transitions.REDRIVE: handlers.ask_again,
        transitions.EXPIRE: handlers.expire_attempt,
        transitions.CONCLUDE: handlers.conclude_booking,
        calendars.KEEP_VERSION: handlers.keep_version,
    },
    resources=("calendars", "groups", "bookings"),
    routes=router,
    effects=links,
    open=open_links,
    demo=make_demo,
    demo_order=3,
    saga=SAGA,
)
