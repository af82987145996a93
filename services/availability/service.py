"""The table of availability."""

from services.availability.adapters.demo import make_demo
from services.availability.domain.claims import GIVE_BACK, Claim
from services.availability.domain.hosts import Host
from services.availability.domain.rules import APPLY_RULES, Blocks, Member, MemberLimits, MemberSchedule
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.availability.handlers import learning, limiting, reserving
from services.availability.routes import router
from services.availability.store.kept import Kept
from turnus_contracts import (
    AssigneeChosen,
    AssigneeSettled,
    AttemptReleased,
    BookingConcluded,
    BookingMoved,
    BookingReleased,
    BookingRequested,
    CalendarApplied,
    CalendarPublished,
    ChangeRecorded,
    MemberChanged,
    SlotRefused,
    SlotReserved,
)
from turnus_runtime.service import Service
from turnus_runtime.settings import Settings


def keep(_: Settings) -> Kept:
    """What this process keeps in memory: schedules, blocks, and what calendars offer."""
    return Kept()


service = Service(
    name="availability",
    summary="Which times are free, and who holds them",
    records=(Host, Claim, ServedCalendar, MemberSchedule, Blocks, MemberLimits, Member, Tally),
    consumes={
        MemberChanged: learning.learn_member,
        CalendarPublished: learning.serve_calendar,
        BookingRequested: reserving.reserve_slot,
        AssigneeChosen: reserving.settle_assignee,
        AttemptReleased: reserving.release_attempt,
        BookingMoved: reserving.free_moved,
        BookingReleased: reserving.release_booking,
        BookingConcluded: reserving.free_moved,
    },
    publishes=(SlotReserved, SlotRefused, AssigneeSettled, CalendarApplied, ChangeRecorded),
    timers={APPLY_RULES: learning.apply_rules, GIVE_BACK: limiting.give_back_refused},
    resources=("slots", "schedules", "blocks", "limits", "holidays"),
    routes=router,
    effects=keep,
    demo=make_demo,
    demo_order=2,
)
