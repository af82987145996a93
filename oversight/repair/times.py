"""Availability after a disaster: a claim and a time held for every attempt that booking has settled, tombstones for the
others. The booking is right.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from oversight.invariants.sagas import STANDING
from oversight.invariants.times import is_overbooked, minute, padded
from services.assignment.domain.choice import Choice
from services.availability.domain import hosts
from services.availability.domain.claims import Attempt, Claim
from services.availability.domain.hosts import Ask, Host, Reservation
from services.booking.domain.bookings import RELEASED, Booking
from services.booking.domain.bookings import Attempt as Asked
from turnus_contracts import SlotRefused
from turnus_runtime.records import Decision


def claim_follows(booking: Booking, choices: Mapping[int, Choice], claim: Claim | None) -> Decision[Claim, Claim]:
    """The claim says what became of every attempt of the booking; one that is open goes on as it was.

    `choices` by attempt: whom the rotation chose.
    """
    known = claim or Claim(id=booking.id, workspace_id=booking.workspace_id, calendar_id=booking.calendar_id)
    attempts, tombstones = dict(known.attempts), list(known.tombstones)
    for asked in booking.attempts:
        number = asked.number
        if number == booking.attempt and booking.status in STANDING:
            attempts[str(number)] = _settled(booking, asked, choices.get(number), known.attempt(number))
        elif asked.state == "refused":
            attempts[str(number)] = _refused(booking, asked, known.attempt(number))
        elif asked.state != "open" and number not in tombstones:
            tombstones.append(number)
    over = known.over or booking.status in RELEASED
    changed = known.change(attempts=attempts, tombstones=tuple(tombstones), over=over)
    nothing = changed == claim or (claim is None and booking.status == "requested")
    return Decision(changed, None if nothing else changed)


def _settled(booking: Booking, asked: Asked, choice: Choice | None, known: Attempt | None) -> Attempt:
    host, charge = booking.host_ids[0], choice.charge if choice is not None else None
    start, end = padded(booking, asked.start, asked.end)
    if (
        known is not None
        and known.refusal is None
        and known.next_to_ask == host
        and host in known.asked
        and (known.padded_start, known.padded_end) == (start, end)
        and (charge is None or known.chosen == charge.server)
    ):
        return known
    chosen = charge.server if charge is not None else None
    named = (host,) if chosen in (None, host) else (host, chosen)
    return Attempt(
        number=asked.number,
        start=minute(asked.start),
        end=minute(asked.end),
        padded_start=start,
        padded_end=end,
        # The host first: whoever asks once more is led to the time that is held.
        candidates=named,
        at_once=charge is None,
        asked=tuple(dict.fromkeys((*named, *(known.asked if known is not None else ())))),
        chosen=chosen,
        charged=charge is not None and charge.charged,
    )


def _refused(booking: Booking, asked: Asked, known: Attempt | None) -> Attempt:
    if known is not None and known.refusal is not None and known.refusal.code == asked.code:
        return known
    start, end = padded(booking, asked.start, asked.end)
    no = SlotRefused(
        workspace_id=booking.workspace_id,
        calendar_id=booking.calendar_id,
        booking_id=booking.id,
        attempt=asked.number,
        start=asked.start,
        code=asked.code or "slot_taken",
        alternatives=asked.alternatives,
    )
    if known is not None:
        return known.model_copy(update={"refusal": no})
    return Attempt(
        number=asked.number,
        start=minute(asked.start),
        end=minute(asked.end),
        padded_start=start,
        padded_end=end,
        candidates=(),
        at_once=False,
        refusal=no,
    )


@dataclass(frozen=True, slots=True)
class Held:
    """What hosts must hold of one booking, and what they must not.

    `wanted` by host; `denied`: whom the rotation chose and who did not have the time, so that they never say yes.
    """

    wanted: Mapping[str, Reservation]
    denied: Mapping[str, Ask]


def held(booking: Booking, claim: Claim) -> Held:
    """What a booking that stands has a right to; `claim` as `claim_follows` leaves it."""
    if booking.status not in STANDING or not booking.host_ids:
        return Held({}, {})
    start, end = padded(booking, booking.start, booking.end)
    time = Reservation(
        start=start,
        end=end,
        booking_id=booking.id,
        attempt=booking.attempt,
        settled=True,
        before=booking.buffer_before_minutes,
        after=booking.buffer_after_minutes,
        overbooked=is_overbooked(booking),
    )
    asked, host = claim.attempt(booking.attempt), booking.host_ids[0]
    if asked is None or asked.chosen in (None, host):
        return Held({host: time}, {})
    no = Ask(booking.id, booking.attempt, start, end, offered=False, rules_version=None)
    return Held({host: time}, {asked.chosen: no})


def belongs(held: Reservation, host_id: str, booking: Booking) -> bool:
    """Whether the host holds this for the booking's time in force, or for an attempt that waits for its answer."""
    waiting = booking.open_attempt
    if waiting is not None and waiting.number == held.attempt:
        return True
    return booking.status in STANDING and booking.attempt == held.attempt and host_id in booking.host_ids


def host_follows(
    wanted: Sequence[Reservation],
    denied: Sequence[Ask],
    gone: Iterable[Reservation],
    now: datetime,
    host_id: str,
    host: Host | None,
) -> Decision[Host, None]:
    """The host holds what is wanted, has given back and marked what is gone, and denies what was denied.

    What cannot agree, two bookings at one time, is held for both: nobody else gets it, and the audit names them.
    """
    new = host or Host(id=host_id)
    for over in gone:
        new = hosts.release(new, over.booking_id, over.attempt, over.start, host_id).record or new
    due = {(one.booking_id, one.attempt): one for one in wanted if one.end > new.closed_until}
    kept = [one for one in new.reservations if due.get((one.booking_id, one.attempt), one) == one]
    missing = [one for one in due.values() if one not in kept]
    if missing or len(kept) != len(new.reservations):
        held = sorted((*kept, *missing), key=lambda one: (one.start, one.end, one.booking_id))
        new = new.change(reservations=tuple(held))
    for no in denied:
        if new.held(no.booking_id, no.attempt) is None:
            new = hosts.reserve(new, no, host_id, now).record or new
    return Decision(None, None if new == host or (host is None and new == Host(id=host_id)) else new)
