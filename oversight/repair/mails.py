"""Notify after a disaster: everything that was due before the closing counts as told, for nobody knows whether it was.

A second mail would be a broken promise; a missing one is in the delivery log, as skipped for the reason `unknown`. What
happened after the closing is news and is sent, and reminders that come later are planned as they always are.
"""

from datetime import datetime

from services.booking.domain.bookings import Booking, fact, guest_details
from services.notify.domain.notices import UNMARKED, Message, Notice, reminding_id, sending_id
from services.notify.domain.planning import Rules, learn_details, learn_fact
from turnus_contracts import GuestDetailsGiven, Settled
from turnus_runtime.records import Decision, Owed

UNKNOWN = "unknown"
_SETTLING = frozenset({"confirmed", "moved"})


def notice_follows(
    booking: Booking, since: datetime, rules: Rules, now: datetime, notice: Notice | None
) -> Decision[Notice, None]:
    """The notice knows what the booking is; `since`: from then on nothing was sent.

    One that went by reminder times which are forgotten goes by those that are known.
    """
    if notice is not None and notice.reminded_by > rules.mark:
        notice = notice.change(reminded_by=UNMARKED)
    fold = _Fold(notice)
    fold.take(details_follow(notice, guest_details(booking), rules, since))
    if (then := fact(as_of(booking, since))) is not None:
        fold.take(learn_fact(fold.notice, then, rules, since))
    if fold.notice is not None:
        fold.take(_hushed(notice, fold.notice, since))
    told: Settled | None = fact(booking)
    if told is not None:
        fold.take(learn_fact(fold.notice, told, rules, now))
    if fold.notice == notice or (notice is None and told is None):
        return Decision(None)
    return Decision(None, fold.notice, list(fold.owes.values()), sorted(fold.drops))


def details_follow(
    notice: Notice | None, given: GuestDetailsGiven, rules: Rules, now: datetime
) -> Decision[Notice, bool]:
    """The guest's details, if they are not known; in another version alone they are as they were."""
    decided = learn_details(notice, given, rules, now)
    same = decided.record is not None and notice is not None and decided.record.details == notice.details
    return Decision(answer=False) if same else decided


class _Fold:
    """Several decisions as one."""

    def __init__(self, notice: Notice | None) -> None:
        self.notice = notice
        self.owes: dict[str, Owed] = {}
        self.drops: set[str] = set()

    def take(self, decided: Decision[Notice, object]) -> None:
        if decided.record is None:
            return
        self.notice = decided.record
        for gone in decided.drops:
            self.owes.pop(gone, None)
            self.drops.add(gone)
        for owed in decided.owes:
            self.owes[owed.id] = owed
            self.drops.discard(owed.id)


def as_of(booking: Booking, since: datetime) -> Booking:
    """The booking as it was then, as far as its four facts go. (Its version rises with every line of its history.)"""
    later = [moment for moment in booking.history if moment.at > since]
    if not later:
        return booking
    before = booking.history[: len(booking.history) - len(later)]
    settled = [moment for moment in before if moment.what in _SETTLING]
    version = booking.version - len(later)
    if not settled:
        return booking.change(status="requested", attempt=0, charged=0, revision=0, version=version, history=before)
    attempt = booking.attempts[settled[-1].attempt - 1]
    return booking.change(
        status="confirmed",
        attempt=attempt.number,
        revision=len(settled) - 1,
        start=attempt.start,
        end=attempt.end,
        host_ids=attempt.host_ids,
        version=version,
        changed_at=settled[-1].at,
        history=before,
    )


def _hushed(known: Notice | None, notice: Notice, since: datetime) -> Decision[Notice, None]:
    """Whatever waits and was due by then is skipped; so is what was only planned now and would have been due then."""
    before = {message.key for message in known.messages} if known is not None else set[str]()
    messages: list[Message] = []
    drops: set[str] = set()
    for message in notice.messages:
        new, waits = message.key not in before, message.status in ("queued", "planned")
        if not (message.due <= since and message.planned_at <= since and (waits or (new and _is_vague(message)))):
            messages.append(message)
            continue
        messages.append(message.model_copy(update={"status": "skipped", "reason": UNKNOWN, "settled_at": since}))
        if message.offset_minutes is not None:
            drops.add(reminding_id(message.revision, message.offset_minutes))
        drops.add(sending_id(message.key))
    changed = notice.change(messages=tuple(messages))
    return Decision(None) if changed == notice else Decision(None, changed, drops=sorted(drops))


def _is_vague(message: Message) -> bool:
    """Skipped when it was planned again, for having been due then: that says nothing about what became of it."""
    return message.status == "skipped" and message.reason in ("past", "too_old")
