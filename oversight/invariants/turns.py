"""Turns: credits add up to zero, and every booking that stands is paid once, by whoever serves it."""

from collections.abc import Iterator, Mapping

from oversight.invariants.findings import Finding, Kind, place
from oversight.invariants.sagas import STANDING, booking_at
from services.assignment.domain.choice import APPLY, Choice, choice_id
from services.assignment.domain.rotation import Rotation
from services.availability.domain.claims import Claim
from services.booking.domain.bookings import Booking


def choice_at(id: str) -> str:
    """How a finding names a choice."""
    return place("assignment", Choice, id)


def balanced(rotation: Rotation) -> Iterator[Finding]:
    """The credits of a rotation add up to exactly zero."""
    total = sum(member.credit for member in rotation.members)
    if total:
        at = place("assignment", Rotation, rotation.id)
        yield Finding("unbalanced", (at,), f"its credits add up to {total} (version {rotation.version})")


def in_force(booking: Booking, number: int) -> bool:
    """Whether the choice of this attempt is the one that counts."""
    return booking.status in STANDING and number == booking.charged


def paid(booking: Booking, choices: Mapping[int, Choice], claim: Claim | None = None) -> Iterator[Finding]:
    """Exactly one charge is in force for a booking that stands, and none otherwise; `choices` by attempt.

    `claim` says whether the rotation was to be asked at all.
    """
    for attempt in booking.attempts:
        if attempt.state == "open":
            continue
        choice = choices.get(attempt.number)
        for kind, says in _of_attempt(booking, attempt.number, choice, claim):
            records = (booking_at(booking), choice_at(choice_id(booking.id, attempt.number)))
            yield Finding(kind, records, f"{says} (version {booking.version})")


def _of_attempt(
    booking: Booking, number: int, choice: Choice | None, claim: Claim | None
) -> Iterator[tuple[Kind, str]]:
    charge = choice.charge if choice is not None else None
    if choice is None or charge is None:
        if booking.status in STANDING and is_needed(booking, number, claim):
            yield "charge_missing", f"attempt {number} had a choice, and there is none"
        return
    if not charge.charged:
        return
    stands = in_force(booking, number)
    if choice.returned == stands:
        word = "was returned" if stands else "was not returned"
        said = f"it is {booking.status}, in force is the choice of attempt {booking.charged}"
        yield "charge_unsettled", f"{said}, and that of attempt {number} {word}"
    elif stands and choice.payer not in booking.host_ids:
        yield "wrong_payer", f"{choice.payer} pays for attempt {number}, {booking.host_ids[0]} serves it"


def is_needed(booking: Booking, number: int, claim: Claim | None) -> bool:
    """A choice was charged for the first attempt, or one must have been made for the attempt in force."""
    if booking.charged == number == 1:
        return True
    asked = claim.attempt(number) if claim is not None and number == booking.attempt else None
    return asked is not None and not asked.at_once


def applied(choice: Choice) -> Iterator[Finding]:
    """What was decided about a choice is applied to the rotation, or a timer will see to it."""
    if choice.pending and choice.owes(APPLY) is None:
        yield Finding("charge_unapplied", (choice_at(choice.id),), f"{', '.join(choice.pending)} is not applied")


def of_somebody(choice: Choice, booking: Booking | None) -> Iterator[Finding]:
    """A choice belongs to an attempt of a booking."""
    if booking is None or choice.attempt > len(booking.attempts):
        records = (choice_at(choice.id), booking_at(choice.booking_id))
        yield Finding("charge_of_nobody", records, f"nobody asked for attempt {choice.attempt}")
