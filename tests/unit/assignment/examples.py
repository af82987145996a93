"""Events of a team calendar, with only what a test cares about spelled out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from services.assignment.domain.charging import charge
from services.assignment.domain.choice import Choice
from services.assignment.domain.rotation import Rotation, apply_calendar
from turnus_contracts import (
    AssigneeSettled,
    AttemptReleased,
    BookingConcluded,
    BookingConfirmed,
    BookingMoved,
    BookingReleased,
    CalendarMember,
    CalendarPublished,
    SlotReserved,
)
from turnus_runtime.records import Decision

NOW = datetime(2027, 1, 1, 12, tzinfo=UTC)
START = datetime(2027, 1, 4, 8, tzinfo=UTC)
PLACE = {"workspace_id": "ws_a", "calendar_id": "cal_a"}


def published(weights: dict[str, int], *, version: int = 1, optimize: str = "equal", **more: Any) -> CalendarPublished:
    """A team calendar whose members have these weights; `tiers` by member."""
    tiers = more.pop("tiers", {})
    members = tuple(
        CalendarMember(member_id=name, weight=weight, tier=tiers.get(name, 1)) for name, weight in weights.items()
    )
    return CalendarPublished.model_validate(
        {
            **PLACE,
            "version": version,
            "status": "active",
            "calendar_kind": "round_robin",
            "slug": "beratung",
            "address": "demo/beratung",
            "name": "Beratung",
            "tz": "Europe/Berlin",
            "duration_minutes": 30,
            "interval_minutes": 30,
            "anchor": "opening",
            "optimize": optimize,
            "members": [member.model_dump() for member in members],
            **more,
        }
    )


def rotation(weights: dict[str, int], **more: Any) -> Rotation:
    """The rotation of that calendar, nobody charged yet."""
    made = apply_calendar(published(weights, **more), None).record
    assert made is not None
    return made


def reserved(free: Sequence[str], *, booking: str = "bk_1", attempt: int = 1, **more: Any) -> SlotReserved:
    """These are free, the first one holds the time."""
    start = more.pop("start", START)
    given = {"calendar_version": 1, "host_ids": tuple(free[:1]), "free_host_ids": tuple(free), **more}
    return SlotReserved(
        **PLACE, booking_id=booking, attempt=attempt, start=start, end=start + timedelta(minutes=30), **given
    )


def settled(host: str, *, booking: str = "bk_1", attempt: int = 1, charged: bool = True) -> AssigneeSettled:
    """This host serves the attempt."""
    return AssigneeSettled(
        **PLACE,
        booking_id=booking,
        attempt=attempt,
        start=START,
        end=START + timedelta(minutes=30),
        host_ids=(host,),
        charged=charged,
    )


def attempt_released(*, booking: str = "bk_1", attempt: int = 1) -> AttemptReleased:
    """The attempt is given up."""
    return AttemptReleased(**PLACE, booking_id=booking, attempt=attempt, reason="expired")


def _facts(
    booking: str, version: int, attempt: int, charged: int, hosts: Sequence[str], highest: int
) -> dict[str, Any]:
    return {
        **PLACE,
        "booking_id": booking,
        "version": version,
        "calendar_version": 1,
        "attempt": attempt,
        "highest_attempt": highest,
        "charged": charged,
        "revision": max(0, attempt - 1),
        "start": START,
        "end": START + timedelta(minutes=30),
        "host_ids": tuple(hosts),
        "at": NOW,
    }


def confirmed(host: str, *, booking: str = "bk_1", version: int = 2, charged: int = 1) -> BookingConfirmed:
    """The first attempt stands."""
    return BookingConfirmed(**_facts(booking, version, 1, charged, [host], 1))


def moved(
    host: str, attempt: int, *, booking: str = "bk_1", version: int = 3, charged: int | None = None
) -> BookingMoved:
    """A later attempt stands; its own choice is in force unless `charged` says otherwise."""
    return BookingMoved(**_facts(booking, version, attempt, attempt if charged is None else charged, [host], attempt))


def concluded(host: str, attempt: int, *, booking: str = "bk_1", version: int = 9) -> BookingConcluded:
    """The appointment took place."""
    return BookingConcluded(**_facts(booking, version, attempt, attempt, [host], attempt), status="attended")


def released(*, booking: str = "bk_1", highest: int = 1, version: int = 10) -> BookingReleased:
    """The booking is over."""
    return BookingReleased(**_facts(booking, version, 0, 0, [], highest), status="cancelled", reason="guest")


def charged(event: SlotReserved, before: Rotation) -> tuple[Rotation, Choice]:
    """The rotation after this choice, and the choice."""
    decision: Decision[Rotation, Choice | None] = charge(event, before.version, (), NOW, before)
    assert decision.record is not None
    assert decision.answer is not None
    return decision.record.change(owed=tuple(decision.owes)), decision.answer


def serving(events: Sequence[SlotReserved], before: Rotation) -> list[str]:
    """Who serves these, one after the other."""
    served: list[str] = []
    for event in events:
        before, choice = charged(event, before)
        assert choice.charge is not None
        served.append(choice.charge.server)
    return served


at_noon = partial(datetime, hour=12, tzinfo=UTC)
