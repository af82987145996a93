"""Booking after a disaster: what its bookings had come to, by what the others were told and have answered since.

Its four facts are right wherever they are kept: notify has the newest of each booking, availability every attempt, with
the answer that it gave. An attempt is never counted twice: what availability has seen stays taken, and what nobody has
answered is given up. A time that a host holds for good was promised.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.assignment.domain.choice import Choice
from services.availability.domain.claims import Attempt as Claimed
from services.availability.domain.claims import Claim
from services.booking.domain.bookings import (
    OVER,
    Attempt,
    Booking,
    Moment,
    Overbooking,
    Status,
    attempt_released,
    fact,
)
from services.booking.domain.calendars import Calendar
from services.booking.domain.transitions import CONCLUDE, CONCLUDE_AFTER, EXPIRE, REDRIVE
from services.notify.domain.notices import Notice, Told
from turnus_contracts import GuestDetailsGiven
from turnus_runtime.records import Decision, Owed, event, state, timer

BY = "turnus"
LOST = "given_up"
"""Why an attempt that nobody has answered is released."""
REASON_LOST = "?"
"""Why somebody overbooked is in the booking alone."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the others know of one booking. `settled`: the hosts that hold a time of it for good, by attempt."""

    claim: Claim | None = None
    notice: Notice | None = None
    choices: Mapping[int, Choice] = field(default_factory=dict[int, Choice])
    settled: Mapping[int, str] = field(default_factory=dict[int, str])
    calendar: Calendar | None = None
    overbooked: Mapping[int, str] = field(default_factory=dict[int, str])
    """by attempt whose time hosts hold as overbooked: the member who did it, as the audit log says"""

    @property
    def told(self) -> Told | None:
        """The newest fact that notify knows."""
        return self.notice.told if self.notice is not None else None

    @property
    def over(self) -> bool:
        """Whether availability was told that the booking is over."""
        return self.claim is not None and self.claim.over

    def claimed(self, number: int) -> Claimed | None:
        """What availability knows of an attempt."""
        return self.claim.attempt(number) if self.claim is not None else None

    def is_released(self, number: int) -> bool:
        """Whether availability was told that this attempt was given up."""
        return self.claim is not None and self.claim.is_released(number)

    @property
    def highest(self) -> int:
        """The highest attempt that anybody has seen."""
        seen = (*map(int, self.claim.attempts), *self.claim.tombstones) if self.claim is not None else ()
        return max((*seen, *self.choices, *self.settled), default=0)


def booking_follows(id: str, known: Known, now: datetime, booking: Booking | None) -> Decision[Booking, str | None]:
    """The booking as the others know it; the answer says what nobody knows, if it cannot be found again."""
    base = booking or _anew(id, known, now)
    if base is None:
        return Decision(_lost(id, known))
    news = known.told if known.told is not None and known.told.version > base.version else None
    course = _course(base, known, news)
    attempts = _attempts(base, known, course)
    status = _status(base, known, news, course, attempts)
    revised = base.change(
        status=status,
        attempts=attempts,
        attempt=course.attempt,
        charged=_charged(base, known, course.attempt),
        revision=course.revision,
        start=course.start if course.attempt else attempts[-1].start,
        end=course.end if course.attempt else attempts[-1].end,
        host_ids=course.host_ids if course.attempt else (),
        ended_by=(base.ended_by or BY) if status in ("cancelled", "expired") else base.ended_by,
    )
    if revised == booking:
        return Decision(None)
    heard = (base.version, known.told.version if known.told else 0, known.notice.details_version if known.notice else 0)
    changed = revised.change(
        version=max(heard) + 1, changed_at=now, history=(*base.history, *_history(base, revised, known, now))
    )
    return Decision(None, changed, owes=_owes(booking, changed), drops=_drops(changed))


@dataclass(frozen=True, slots=True)
class _Course:
    """Which attempt is in force, for when and with whom, after how many moves."""

    attempt: int
    revision: int
    start: datetime
    end: datetime
    host_ids: tuple[str, ...]


def _course(base: Booking, known: Known, news: Told | None) -> _Course:
    course = _Course(base.attempt, base.revision, base.start, base.end, base.host_ids)
    if news is not None and news.host_ids:
        attempt = _attempt_of(base, known, news)
        course = _Course(attempt, news.revision, news.start, news.end, news.host_ids)
    later = [n for n in known.settled if n > course.attempt and not known.is_released(n)]
    if not later or base.status in OVER or known.over or (news is not None and news.standing != "stands"):
        return course
    latest = max(later)
    claimed = known.claimed(latest)
    if claimed is None:
        return course
    moves = course.revision + 1 if course.attempt else 0
    return _Course(latest, moves, _instant(claimed.start), _instant(claimed.end), (known.settled[latest],))


def _attempt_of(base: Booking, known: Known, news: Told) -> int:
    """The attempt by which the booking got the time that it was told to have."""
    if base.attempt and (base.revision, base.start, base.host_ids) == (news.revision, news.start, news.host_ids):
        return base.attempt
    claims = known.claim.attempts.values() if known.claim is not None else ()
    same = [one for one in claims if _instant(one.start) == news.start and one.refusal is None]
    held = [one.number for one in same if known.settled.get(one.number) in news.host_ids]
    asked = [one.number for one in same if set(one.asked) & set(news.host_ids)]
    return max(held or asked, default=max(known.highest, len(base.attempts)) + 1)


def _attempts(base: Booking, known: Known, course: _Course) -> tuple[Attempt, ...]:
    last = max(known.highest, course.attempt, len(base.attempts), 1)
    return tuple(_overbooked(_attempt(number, base, known, course), known) for number in range(1, last + 1))


def _overbooked(asked: Attempt, known: Known) -> Attempt:
    by = known.overbooked.get(asked.number)
    if by is None or asked.overbooking is not None:
        return asked
    return asked.model_copy(update={"by": "staff", "overbooking": Overbooking(actor_id=by, reason=REASON_LOST)})


def _attempt(number: int, base: Booking, known: Known, course: _Course) -> Attempt:
    there, claimed = base.attempt_of(number), known.claimed(number)
    asked = there or Attempt(
        number=number,
        start=_instant(claimed.start) if claimed is not None else course.start,
        end=_instant(claimed.end) if claimed is not None else course.end,
        requested_at=base.created_at,
    )
    if number == course.attempt:
        told = {"start": course.start, "end": course.end, "host_ids": course.host_ids}
        return asked.model_copy(update={**told, "state": "settled", "code": None})
    if asked.state != "open":
        return asked
    if claimed is not None and claimed.refusal is not None:
        no = claimed.refusal
        return asked.model_copy(update={"state": "refused", "code": no.code, "alternatives": no.alternatives})
    if claimed is None or number > course.attempt or known.is_released(number):
        return asked.model_copy(update={"state": "released", "code": LOST})
    # It was in force before a later move.
    host = known.settled.get(number) or claimed.chosen or claimed.asked[-1]
    return asked.model_copy(update={"state": "settled", "host_ids": (host,)})


def _status(base: Booking, known: Known, news: Told | None, course: _Course, attempts: tuple[Attempt, ...]) -> Status:
    if base.status in OVER and (news is None or base.status in ("attended", "no_show")):
        return base.status
    if known.over or (news is not None and news.standing in ("cancelled", "never_confirmed")):
        return "cancelled" if course.attempt or attempts[-1].state != "released" else "expired"
    if news is not None and news.standing == "concluded":
        return "attended"
    if course.attempt:
        return "confirmed"
    return "rejected" if attempts[-1].state == "refused" else "expired"


def _charged(base: Booking, known: Known, attempt: int) -> int:
    """The attempt whose choice is in force: the highest that was charged and not taken back."""
    charged = [
        number
        for number, choice in known.choices.items()
        if choice.charge is not None and choice.charge.charged and not choice.returned and number <= attempt
    ]
    return max((*charged, min(base.charged, attempt)), default=0)


def _history(base: Booking, changed: Booking, known: Known, now: datetime) -> list[Moment]:
    """The arrows that lead from what was kept to what is known."""
    at = known.told.at if known.told is not None else now
    settled = [attempt.number for attempt in changed.attempts if attempt.state == "settled"]
    way: list[Moment] = []
    if not base.history:
        way.append(Moment(at=base.created_at, what="requested", attempt=1, by="guest"))
    if changed.attempt and not base.attempt:
        way.append(Moment(at=at, what="confirmed", attempt=settled[0], by=BY))
        way += _noted(changed, settled[0], at)
    moves = changed.revision - (base.revision if base.attempt else 0)
    moved = settled[1:][-moves:] if moves > 0 else []
    moved += [changed.attempt] * (moves - len(moved))
    for number in moved:
        way += [Moment(at=at, what="moved", attempt=number, by=BY), *_noted(changed, number, at)]
    if changed.status not in ("confirmed", base.status):
        way.append(Moment(at=at, what=changed.status, attempt=changed.latest.number, by=BY))
    return way


def _noted(changed: Booking, number: int, at: datetime) -> list[Moment]:
    attempt = changed.attempt_of(number)
    if attempt is None or (done := attempt.overbooking) is None:
        return []
    return [Moment(at=at, what="overbooked", attempt=number, by=done.actor_id, detail=done.reason)]


def _owes(booking: Booking | None, changed: Booking) -> list[Owed]:
    before = {attempt.number for attempt in booking.attempts if attempt.state == "released"} if booking else set[int]()
    owes = [
        event(attempt_released(changed, attempt))
        for attempt in changed.attempts
        if attempt.state == "released" and attempt.number not in before
    ]
    if (told := fact(changed)) is not None:
        owes.append(event(told))
    if booking is None:
        owes.append(state(GuestDetailsGiven))
    if changed.status == "confirmed":
        owes.append(timer(CONCLUDE, changed.end + CONCLUDE_AFTER))
    return owes


def _drops(changed: Booking) -> tuple[str, ...]:
    return (REDRIVE, EXPIRE) if changed.status == "confirmed" else (REDRIVE, EXPIRE, CONCLUDE)


def _anew(id: str, known: Known, now: datetime) -> Booking | None:
    """A booking that the store has forgotten; None if nobody knows its guest or its time."""
    notice, told, first = known.notice, known.told, known.claimed(1)
    details = notice.details if notice is not None else None
    if notice is None or details is None or (told is None and first is None):
        return None
    terms = known.calendar.published if known.calendar is not None else None
    start = _instant(first.start) if first is not None else told.start if told is not None else now
    end = _instant(first.end) if first is not None else told.end if told is not None else now
    before, after = (terms.buffer_before_minutes, terms.buffer_after_minutes) if terms is not None else (0, 0)
    if first is not None:
        before, after = first.start - first.padded_start, first.padded_end - first.end
    return Booking(
        id=id,
        workspace_id=notice.workspace_id,
        calendar_id=notice.calendar_id,
        # Any version will do for asking availability, which takes a newer one.
        calendar_version=1,
        version=0,
        status="requested",
        attempts=(),
        start=start,
        end=end,
        duration_minutes=int((end - start) / timedelta(minutes=1)),
        buffer_before_minutes=before,
        buffer_after_minutes=after,
        reschedule_policy=terms.reschedule_policy if terms is not None else "same_host",
        cancel_cutoff_minutes=terms.cancel_cutoff_minutes if terms is not None else 0,
        reschedule_cutoff_minutes=terms.reschedule_cutoff_minutes if terms is not None else 0,
        location=told.location if told is not None else None,
        guest=details.guest,
        additional_guests=details.additional_guests,
        answers=details.answers,
        locale=details.locale,
        tz=details.tz,
        token=details.token or "",
        reason=details.reason,
        # What was sent is not known any more: the same request again is told that its key was used.
        request_digest="",
        created_at=notice.created_at,
        changed_at=now,
    )


def _lost(id: str, known: Known) -> str:
    attempts = known.claim.attempts.values() if known.claim is not None else ()
    times = [f"{_instant(one.start):%Y-%m-%d %H:%M} UTC with {', '.join(one.asked) or 'nobody'}" for one in attempts]
    return f"booking {id} is lost, nobody knows its guest; asked for was {'; '.join(times) or 'nothing that is known'}"


def _instant(minute: int) -> datetime:
    return datetime.fromtimestamp(minute * 60, UTC)
