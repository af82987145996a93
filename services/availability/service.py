"""The table of availability."""

from services.availability.adapters.demo import make_demo
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.domain.rules import APPLY_RULES, Blocks, Member, MemberSchedule, ServedCalendar
from services.availability.handlers import learning, reserving
from services.availability.routes import router
from services.availability.store import RulesCache
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


def rules_cache(_: Settings) -> RulesCache:
    """Schedules and blocks kept in memory by this process."""
    return RulesCache()


service = Service(
    name="availability",
    summary="Which times are free, and who holds them",
    records=(Host, Claim, ServedCalendar, MemberSchedule, Blocks, Member),
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
    timers={APPLY_RULES: learning.apply_rules},
    resources=("slots", "schedules", "blocks", "holidays"),
    routes=router,
    effects=rules_cache,
    demo=make_demo,
    demo_order=2,
)
