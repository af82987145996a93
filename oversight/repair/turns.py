"""Assignment after a disaster: a choice is filed and charged for every booking that stands, the others are taken back.

Every change is one that the service makes itself, so the credits of a rotation add up to zero whatever was lost; who
was chosen is not decided again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from oversight.invariants.turns import in_force, is_needed
from services.assignment.domain import charging, choice
from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.rotation import PERSONAL, Rotation
from services.availability.domain.claims import Claim
from services.booking.domain.bookings import RELEASED, REPUBLISHED_FOR, Booking
from turnus_contracts import SlotReserved
from turnus_runtime.records import Decision

RELEASES_KEPT = REPUBLISHED_FOR
"""A request as old as this is in no topic any more: nobody charges for it, so no release needs to be filed for it."""


def missing(booking: Booking, choices: Mapping[int, Choice], claim: Claim | None) -> list[int]:
    """The attempts of a booking that stands for which there must be a charged or kept choice, and is none."""
    return [
        attempt.number
        for attempt in booking.attempts
        if attempt.state == "settled"
        and in_force(booking, attempt.number) | (attempt.number == booking.attempt)
        and is_needed(booking, attempt.number, claim)
        and (choices.get(attempt.number) is None or choices[attempt.number].charge is None)
    ]


def charge(
    booking: Booking, number: int, claim: Claim | None, now: datetime, rotation: Rotation | None
) -> Decision[Rotation, Choice | None]:
    """Charge again what was lost: whoever serves pays, those who were free then gain. The write owes the filing.

    The rotation says nothing: everybody else knows the choice already.
    """
    asked = claim.attempt(number) if claim is not None else None
    told = booking.attempts[number - 1]
    hosts = told.host_ids or booking.host_ids
    free = dict.fromkeys((*hosts, *(asked.candidates if asked is not None else ())))
    lost = SlotReserved(
        workspace_id=booking.workspace_id,
        calendar_id=booking.calendar_id,
        booking_id=booking.id,
        attempt=number,
        calendar_version=booking.calendar_version,
        start=told.start,
        end=told.end,
        host_ids=hosts,
        # Booking knows whether anybody was charged: without candidates the host is kept and pays nothing.
        free_host_ids=tuple(free) if number == booking.charged else (),
        fixed=number == booking.charged,
    )
    read = rotation.version if rotation is not None else 0
    decided = charging.charge(lost, read, (), now, rotation)
    filing = [owed for owed in decided.owes if owed.kind == "timer"]
    return Decision(decided.answer, decided.record, owes=filing)


def follow(booking: Booking, number: int, now: datetime, known: Choice | None) -> Decision[Choice, Choice | None]:
    """A choice that is there: paid by whoever serves, or taken back. What follows for the rotation is owed to it."""
    if known is None or known.charge is None:
        return Decision(known)
    if in_force(booking, number):
        return choice.settle(booking.host_ids, now, known)
    attempt = booking.attempt_of(number)
    if attempt is None or attempt.state == "open":
        return Decision(known)
    decided = choice.release(known, now, known)
    return Decision(decided.answer, decided.record, decided.owes, decided.drops)


def given_up(booking: Booking, choices: Mapping[int, Choice], rotation: Rotation | None, now: datetime) -> list[Choice]:
    """Releases that must be there before a late charge: of attempts given up lately, for which there is no choice."""
    if rotation is None or rotation.calendar_kind == PERSONAL:
        return []
    return [
        Choice(
            id=choice_id(booking.id, attempt.number),
            workspace_id=booking.workspace_id,
            calendar_id=booking.calendar_id,
            booking_id=booking.id,
            attempt=attempt.number,
        )
        for attempt in booking.attempts
        if attempt.number not in choices
        and (booking.status in RELEASED or attempt.state == "released")
        and now - attempt.requested_at < RELEASES_KEPT + timedelta(days=1)
    ]
