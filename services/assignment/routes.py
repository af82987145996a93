"""What staff can read: whose turn it is, and why everybody was chosen."""

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.assignment.domain.choice import Choice, choice_id, serves_by
from services.assignment.domain.credit import bookings
from services.assignment.domain.rotation import PERSONAL, Rotation
from turnus_runtime.http import Answer, Id, Instant, On, Page, Paged, Principal, answer, cursor, found, invalid, staff
from turnus_runtime.records import key

router = APIRouter(prefix="/rotations", tags=["rotations"])

Viewer = Annotated[Principal, staff("calendars:view")]
MOST_GAPS = 32


class RotationMemberView(Answer):
    """A member and what the rotation owes them: `credit` in bookings, above zero if they have served too few."""

    member_id: str
    weight: int
    tier: int
    credit: float
    served: dict[str, int]
    """bookings by month of the appointment, `2027-01`"""


class RotationView(Answer):
    """Whose turn it is in a team calendar. Credits add up to zero, each rounded to nine digits."""

    calendar_id: str
    version: int
    calendar_version: int
    status: str
    optimize: str
    members: list[RotationMemberView]


class CandidateView(Answer):
    """A member who was free: credit before the choice, and what they gained by it, in bookings."""

    member_id: str
    credit: float
    gained: float


class ChoiceView(Answer):
    """One choice and its reason. `host_id` was chosen; `charged_id` paid for it, null if nobody did or not any more."""

    id: str
    calendar_id: str
    booking_id: str
    attempt: int
    start: Instant
    chosen_at: Instant
    rule: str
    """availability, equal, totals, fixed (the guest chose) or kept (nobody of the rotation was free)"""
    host_id: str
    charged_id: str | None
    returned: bool
    candidates: list[CandidateView]


@router.get("/{calendar_id}", response_model=RotationView)
async def get_rotation(calendar_id: str, who: Viewer, on: On) -> Response:
    """The rotation of a team calendar. Personal calendars have none.

    Who is restricted to what is assigned to them has those in which they take turns.
    """
    rotation = await _rotation(calendar_id, who, on)
    return answer(_rotation_view(rotation), version=rotation.version)


@router.get("/{calendar_id}/choices")
async def list_choices(
    calendar_id: str,
    who: Viewer,
    paging: Paged,
    on: On,
    booking_id: Annotated[
        Annotated[str, Id("bk")] | None, Query(description="Only those about this booking, its first attempt first")
    ] = None,
) -> Page[ChoiceView]:
    """Every choice of a team calendar, the newest first. A page spans `limit` turns of the rotation.

    (Turns rise one by one, so a page is a narrow range of the index however many choices there are. A turn whose choice
    is not filed yet leaves its page one shorter.) Those of one booking are a single page; what was never charged, such
    as a request that was given up, is no choice.

    Who is restricted to what is assigned to them has the choices by which they serve, or all of a booking of theirs.
    """
    rotation = await _rotation(calendar_id, who, on)
    if booking_id is not None:
        choices = await _of_booking(booking_id, rotation, on)
        theirs = not who.assigned_only or serves_by(choices) == who.member_id
        return Page(items=[_choice_view(choice) for choice in choices] if theirs else [])
    if who.assigned_only:
        place = key(rotation.id, who.member_id)
        return await paging.page(on.records(Choice), "by_host", place, _choice_view, reverse=True)
    above = rotation.turn + 1 if paging.after is None else _turn(paging.after)
    lowest = max(1, above - paging.limit)
    bounds = key(rotation.id, lowest), key(rotation.id, above)
    choices = await on.records(Choice).find("rotation", *bounds, limit=paging.limit, reverse=True)
    return Page(items=[_choice_view(choice) for choice in choices], next=cursor(str(lowest)) if lowest > 1 else None)


async def _of_booking(booking_id: str, rotation: Rotation, on: On) -> list[Choice]:
    """The charged choices of a booking. Their ids follow from its attempts, which are looked up some at a time.

    Attempts that the rotation never heard of (moves that keep their host) leave gaps, of `MOST_GAPS` at most.
    """
    found: list[Choice] = []
    first = 1
    while True:
        numbers = range(first, first + MOST_GAPS)
        read = await asyncio.gather(*(on.records(Choice).get(choice_id(booking_id, number)) for number in numbers))
        known = [one for one in read if one is not None and one.calendar_id == rotation.id]
        found += [one for one in known if one.charge is not None]
        if not known:
            return found
        first += MOST_GAPS


def _turn(after: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,12}", after, re.ASCII):
        raise invalid("after", "must be the next of the page before")
    return int(after)


async def _rotation(calendar_id: str, who: Principal, on: On) -> Rotation:
    rotation = await on.records(Rotation).get(calendar_id)
    known = found(None if rotation is None or rotation.calendar_kind == PERSONAL else rotation, who)
    theirs = not who.assigned_only or who.member_id in [member.member_id for member in known.members]
    return found(known if theirs else None)


def _rotation_view(rotation: Rotation) -> RotationView:
    return RotationView(
        calendar_id=rotation.id,
        version=rotation.version,
        calendar_version=rotation.calendar_version,
        status=rotation.status,
        optimize=rotation.optimize,
        members=[
            RotationMemberView(
                member_id=member.member_id,
                weight=member.weight,
                tier=member.tier,
                credit=bookings(member.credit),
                served=dict(member.served),
            )
            for member in rotation.members
        ],
    )


def _choice_view(choice: Choice) -> ChoiceView:
    charge = choice.charge
    if charge is None:
        raise LookupError(f"{choice.id} is in the index of charged choices without its charge")
    return ChoiceView(
        id=choice.id,
        calendar_id=choice.calendar_id,
        booking_id=choice.booking_id,
        attempt=choice.attempt,
        start=charge.start,
        chosen_at=charge.at,
        rule=charge.rule,
        host_id=charge.server,
        charged_id=choice.payer if charge.charged and not choice.returned else None,
        returned=choice.returned,
        candidates=[
            CandidateView(member_id=each.member_id, credit=bookings(each.credit), gained=bookings(each.gained))
            for each in charge.candidates
        ],
    )
