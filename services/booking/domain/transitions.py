"""Every arrow of a booking, as pure functions; each is one compare-and-set that also owes its events.

A function gets the record (None: unknown) and returns a decision. None of them looks at a clock: `now` comes in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from services.booking.domain.bookings import (
    OVER,
    RELEASED,
    Attempt,
    Booking,
    Moment,
    Overbooking,
    attempt_released,
    fact,
    requested,
)
from turnus_contracts import AssigneeSettled, ChangeRecorded, GuestDetailsGiven, SlotRefused
from turnus_runtime.records import Decision, Owed, event, state, timer

REDRIVE_AFTER = timedelta(seconds=10)
EXPIRE_AFTER = timedelta(seconds=60)
CONCLUDE_AFTER = timedelta(hours=24)
"""A booking that nobody marked counts as attended a day after its end; staff may still correct it."""

REDRIVE, EXPIRE, CONCLUDE = "redrive", "expire", "conclude"


class Violation(Exception):
    """A reply that cannot be if everybody keeps the protocol: to the dead letters, never a compensation."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request on a booking. `code` is a problem code, None when it was done or is under way."""

    booking: Booking
    code: str | None = None
    replayed: bool = False
    attempt: Attempt | None = None


def _waiting(now: datetime) -> list[Owed]:
    return [timer(REDRIVE, now + REDRIVE_AFTER), timer(EXPIRE, now + EXPIRE_AFTER)]


def _told(booking: Booking, now: datetime, what: str, *, then: Sequence[Moment] = (), **more: Any) -> dict[str, Any]:
    """The values that every transition changes. `then`: further lines of the history."""
    moment = Moment(at=now, what=what, **more)
    return {"version": booking.version + 1, "changed_at": now, "history": (*booking.history, moment, *then)}


def request(current: Booking | None, new: Booking) -> Decision[Booking, Outcome]:
    """The first request. A replay gets the booking as it is now; the same key with another body is refused."""
    if current is not None:
        code = None if current.request_digest == new.request_digest else "idempotency_key_reused"
        return Decision(Outcome(current, code, replayed=True, attempt=current.attempts[0]))
    return Decision(
        Outcome(new, attempt=new.latest),
        new,
        owes=[event(requested(new, new.latest)), state(GuestDetailsGiven), *_waiting(new.created_at)],
    )


def settle(booking: Booking | None, reply: AssigneeSettled, now: datetime) -> Decision[Booking, None]:
    """The hosts hold the time for good: confirm, or carry out the move."""
    attempt = _asked(booking, reply.attempt)
    if booking is None or attempt is None:
        raise Violation(f"AssigneeSettled for attempt {reply.attempt} of a booking that never asked")
    if attempt.state == "settled":
        if reply.host_ids != attempt.host_ids and reply.attempt == booking.attempt:
            raise Violation(f"AssigneeSettled names other hosts for settled attempt {reply.attempt}")
        return Decision(None)
    if attempt.state in ("released", "refused") or booking.status in OVER:
        return _released_again(booking, attempt)
    if reply.start != attempt.start:
        raise Violation(f"AssigneeSettled for attempt {reply.attempt} names another start")
    moved = booking.attempt > 0
    noted, recorded = _overbooked(booking, attempt, now)
    settled = attempt.model_copy(update={"state": "settled", "host_ids": reply.host_ids})
    changed = booking.change(
        status="confirmed",
        attempts=booking.with_attempt(settled),
        attempt=attempt.number,
        # A move that let the rotation decide anew puts its own choice in force, also when nobody was left to charge:
        # only then are the charges of the attempts below it returned.
        charged=attempt.number if reply.charged or (moved and not attempt.same_host) else booking.charged,
        revision=booking.revision + 1 if moved else 0,
        start=attempt.start,
        end=attempt.end,
        host_ids=reply.host_ids,
        **_told(booking, now, "moved" if moved else "confirmed", then=noted, attempt=attempt.number, by=attempt.by),
    )
    owes = [*_facts(changed), *recorded, timer(CONCLUDE, changed.end + CONCLUDE_AFTER)]
    return Decision(None, changed, owes=owes, drops=(REDRIVE, EXPIRE))


def refuse(booking: Booking | None, reply: SlotRefused, now: datetime) -> Decision[Booking, None]:
    """The time cannot be had: reject the request; a move leaves the booking as it was. A late one is only noted."""
    attempt = _asked(booking, reply.attempt)
    if booking is None or attempt is None or attempt.state != "open" or booking.status in OVER:
        return Decision(None)
    refused = attempt.model_copy(update={"state": "refused", "code": reply.code, "alternatives": reply.alternatives})
    what = "move_refused" if booking.attempt else "rejected"
    changed = booking.change(
        status=booking.status if booking.attempt else "rejected",
        attempts=booking.with_attempt(refused),
        **_told(booking, now, what, attempt=attempt.number, detail=reply.code),
    )
    return Decision(None, changed, drops=(REDRIVE, EXPIRE))


def redrive(booking: Booking | None, fired: Owed, now: datetime) -> Decision[Booking, None]:
    """Unanswered: say the current command again, with backoff."""
    attempt = booking.open_attempt if booking is not None else None
    if booking is None:
        return Decision(None)
    if attempt is None or booking.status in OVER:
        return Decision(None, booking, drops=(REDRIVE,))
    again = attempt.model_copy(update={"asked": attempt.asked + 1})
    changed = booking.change(attempts=booking.with_attempt(again))
    later = timer(REDRIVE, now + redrive_after(attempt.asked))
    return Decision(None, changed, owes=[event(requested(changed, again)), later])


def redrive_after(asked: int) -> timedelta:
    """How long to wait for an answer after a command was said again for the `asked`-th time."""
    return REDRIVE_AFTER * 2 ** min(asked, 3)


def expire(booking: Booking | None, now: datetime) -> Decision[Booking, None]:
    """Undecided for too long: the request expires; a move is given up and the booking stays as it was."""
    if booking is None:
        return Decision(None)
    attempt = booking.open_attempt
    if attempt is None or booking.status in OVER:
        return Decision(None, booking, drops=(EXPIRE, REDRIVE))
    if now < attempt.requested_at + EXPIRE_AFTER:
        return Decision(None, booking, owes=[timer(EXPIRE, attempt.requested_at + EXPIRE_AFTER)])
    released = attempt.model_copy(update={"state": "released", "code": "expired"})
    attempts = booking.with_attempt(released)
    if booking.attempt:
        told = _told(booking, now, "move_expired", attempt=attempt.number)
        changed = booking.change(attempts=attempts, **told)
        return Decision(None, changed, owes=[event(attempt_released(changed, released))], drops=(REDRIVE, EXPIRE))
    told = _told(booking, now, "expired", attempt=attempt.number)
    changed = booking.change(status="expired", attempts=attempts, ended_by="deadline", **told)
    return Decision(None, changed, owes=_facts(changed), drops=(REDRIVE, EXPIRE))


def cancel(
    booking: Booking | None, now: datetime, by: Literal["guest", "staff"], actor: str, reason: str | None
) -> Decision[Booking, Outcome | None]:
    """Cancelling is always possible until the booking is over; doing it again gives the same."""
    if booking is None:
        return Decision(None)
    if booking.status == "cancelled":
        return Decision(Outcome(booking, replayed=True))
    if booking.status in OVER:
        return Decision(Outcome(booking, "booking_over"))
    attempts = tuple(
        a.model_copy(update={"state": "released", "code": "over"}) if a.state == "open" else a for a in booking.attempts
    )
    told = _told(booking, now, "cancelled", by=actor)
    changed = booking.change(status="cancelled", attempts=attempts, ended_by=by, reason=reason, **told)
    owes = [*_facts(changed), *([state(GuestDetailsGiven)] if reason else [])]
    return Decision(Outcome(changed), changed, owes=owes, drops=(REDRIVE, EXPIRE, CONCLUDE))


@dataclass(frozen=True, slots=True)
class Move:
    """A request for another time (or another host). `start` aware UTC; `host_ids` empty: anyone."""

    start: datetime
    host_ids: tuple[str, ...]
    same_host: bool
    by: Literal["guest", "staff"]
    actor: str
    request_key: str | None
    request_digest: str | None
    reason: str = ""
    """what was written about it, for the history"""
    overbook: bool = False
    """staff book whatever is in the way; needs `reason` and one of `host_ids`"""


def move(booking: Booking | None, ask: Move, now: datetime) -> Decision[Booking, Outcome | None]:
    """Ask for another time beside the one that is held. One move at a time."""
    if booking is None:
        return Decision(None)
    if ask.request_key is not None and (earlier := booking.attempt_with_key(ask.request_key)) is not None:
        code = None if earlier.request_digest == ask.request_digest else "idempotency_key_reused"
        return Decision(Outcome(booking, code, replayed=True, attempt=earlier))
    if booking.status != "confirmed":
        return Decision(Outcome(booking, "booking_over" if booking.status in OVER else "booking_undecided"))
    if booking.open_attempt is not None:
        return Decision(Outcome(booking, "move_in_progress"))
    attempt = Attempt(
        number=booking.latest.number + 1,
        start=ask.start,
        end=ask.start + timedelta(minutes=booking.duration_minutes),
        host_ids=ask.host_ids or (booking.host_ids if ask.same_host else ()),
        same_host=ask.same_host,
        by=ask.by,
        overbooking=Overbooking(actor_id=ask.actor, reason=ask.reason) if ask.overbook else None,
        requested_at=now,
        request_key=ask.request_key,
        request_digest=ask.request_digest,
    )
    detail = "" if ask.overbook else ask.reason
    told = _told(booking, now, "move_requested", attempt=attempt.number, by=ask.actor, detail=detail)
    changed = booking.change(attempts=(*booking.attempts, attempt), **told)
    return Decision(
        Outcome(changed, attempt=attempt), changed, owes=[event(requested(changed, attempt)), *_waiting(now)]
    )


def conclude(
    booking: Booking | None, now: datetime, status: Literal["attended", "no_show"], actor: str
) -> Decision[Booking, Outcome | None]:
    """Say what came of the appointment, once it has begun; staff may correct it."""
    if booking is None:
        return Decision(None)
    if booking.status == status:
        return Decision(Outcome(booking, replayed=True))
    if booking.status not in ("confirmed", "attended", "no_show"):
        return Decision(Outcome(booking, "booking_over" if booking.status in OVER else "booking_undecided"))
    if now < booking.start:
        return Decision(Outcome(booking, "not_begun"))
    if booking.open_attempt is not None:
        return Decision(Outcome(booking, "move_in_progress"))
    changed = booking.change(status=status, **_told(booking, now, status, by=actor))
    return Decision(Outcome(changed), changed, owes=_facts(changed), drops=(REDRIVE, EXPIRE, CONCLUDE))


def conclude_unmarked(booking: Booking | None, now: datetime) -> Decision[Booking, None]:
    """A day after the end of a booking that nobody marked: attended. One that moved meanwhile waits for its new end."""
    if booking is None:
        return Decision(None)
    if booking.status != "confirmed":
        return Decision(None, booking, drops=(CONCLUDE,))
    if booking.open_attempt is not None or now < booking.end + CONCLUDE_AFTER:
        due = max(booking.end + CONCLUDE_AFTER, now + EXPIRE_AFTER)
        return Decision(None, booking, owes=[timer(CONCLUDE, due)])
    decided = conclude(booking, now, "attended", "turnus")
    return Decision(None, decided.record, owes=decided.owes, drops=decided.drops)


def _asked(booking: Booking | None, number: int) -> Attempt | None:
    return booking.attempt_of(number) if booking is not None else None


def _facts(booking: Booking) -> list[Owed]:
    settled = fact(booking)
    return [event(settled)] if settled is not None else []


def _overbooked(booking: Booking, attempt: Attempt, now: datetime) -> tuple[list[Moment], list[Owed]]:
    """What is noted of a time that was overbooked: in the history who did it and why, in the audit log who."""
    if (done := attempt.overbooking) is None:
        return [], []
    moment = Moment(at=now, what="overbooked", attempt=attempt.number, by=done.actor_id, detail=done.reason)
    return [moment], [event(overbooked(booking, attempt.number, done.actor_id, now))]


def overbooked(booking: Booking, number: int, actor_id: str, now: datetime) -> ChangeRecorded:
    """What the audit log is told of a time that was overbooked."""
    return ChangeRecorded(
        workspace_id=booking.workspace_id,
        change_id=f"{booking.id}.{number}",
        service="booking",
        at=now,
        actor_id=actor_id,
        action="overbooked",
        thing="booking",
        thing_id=booking.id,
    )


def _released_again(booking: Booking, attempt: Attempt) -> Decision[Booking, None]:
    """A late yes for what was given up is answered by its release, said again."""
    if booking.status in RELEASED and (over := fact(booking)) is not None:
        return Decision(None, says=[over])
    return Decision(None, says=[attempt_released(booking, attempt)])
