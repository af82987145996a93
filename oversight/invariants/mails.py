"""Mails: whoever is to be told something is told it once per revision of the booking."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from oversight.invariants.findings import Finding, place
from oversight.invariants.sagas import STANDING, booking_at
from services.booking.domain.bookings import RELEASED, Booking
from services.notify.domain.notices import (
    BOOKED,
    CANCELLED,
    GUEST,
    HOST,
    MOVED,
    UNMARKED,
    Message,
    Notice,
    message_key,
    reminding_id,
    sending_id,
)
from services.notify.domain.planning import Rules, keep_times


def notice_at(booking_id: str) -> str:
    """How a finding names a notice."""
    return place("notify", Notice, booking_id)


def once(notice: Notice) -> Iterator[Finding]:
    """No message is there twice or went out twice, and what waits will be sent."""
    at = (notice_at(notice.id),)
    whats = Counter((m.revision, m.event, m.receiver, m.number, m.offset_minutes) for m in notice.messages)
    for (revision, event, receiver, number, _), count in whats.items():
        if count > 1:
            yield Finding(
                "mail_twice", at, f"{event} of revision {revision} to {receiver} {number} is there {count} times"
            )
    for message in notice.messages:
        sent = sum(attempt.outcome == "sent" for attempt in message.attempts)
        if sent > 1:
            yield Finding("mail_twice", at, f"message {message.key} went out {sent} times")
        if not _is_seen_to(notice, message):
            yield Finding("mail_forgotten", at, f"message {message.key} is {message.status} and nothing is owed for it")


def _is_seen_to(notice: Notice, message: Message) -> bool:
    if message.status == "queued":
        return notice.owes(sending_id(message.key)) is not None
    if message.status == "planned":
        return notice.owes(reminding_id(message.revision, message.offset_minutes or 0)) is not None
    return True


def told(booking: Booking, notice: Notice | None) -> Iterator[Finding]:
    """What notify knows is what the booking is, not more, and the guest was to be told."""
    records = (booking_at(booking), notice_at(booking.id))
    standing = _standing(booking)
    known = notice.told if notice is not None else None
    if known is not None and known.version > booking.version:
        says = f"notify knows version {known.version}, the booking has version {booking.version}"
        yield Finding("newer_than_source", records, says)
        return
    if standing is None:
        return
    heard = (known.standing, known.revision, known.start, known.end, known.host_ids) if known is not None else None
    if heard != (standing, booking.revision, booking.start, booking.end, booking.host_ids):
        says = f"it is {booking.status} in revision {booking.revision}, notify knows {heard and heard[:2]}"
        yield Finding("not_told", records, f"{says} (version {booking.version})")
    elif notice is not None and notice.details is not None and not _is_planned(notice, standing, booking.revision):
        says = f"it is {booking.status} in revision {booking.revision}, and no message tells the guest"
        yield Finding("mail_missing", records, f"{says} (version {booking.version})")


def _standing(booking: Booking) -> str | None:
    """What notify is to know of the booking; None while there is nothing to know."""
    if booking.status in RELEASED:
        return "cancelled" if booking.attempt else "never_confirmed"
    if booking.status not in STANDING:
        return None
    return "stands" if booking.status == "confirmed" else "concluded"


def _is_planned(notice: Notice, standing: str, revision: int) -> bool:
    if standing == "concluded":
        return True
    event = CANCELLED if standing != "stands" else MOVED if revision else BOOKED
    return notice.message(message_key(revision, event, GUEST)) is not None


def reminded(notice: Notice, rules: Rules, now: datetime) -> Iterator[Finding]:
    """What waits is what these reminder times want, as far as it is not due."""
    anew = keep_times(notice.change(reminded_by=UNMARKED), rules, now).record
    if anew is None:
        return
    missing = [one.key for one in anew.messages if notice.message(one.key) is None]
    surplus = [
        one.key
        for one in notice.messages
        if one.status == "planned"
        and one.due > now
        and one.offset_minutes not in (rules.host_minutes if one.receiver == HOST else rules.guest_minutes)
    ]
    for what, keys in (("missing", missing), ("not wanted", surplus)):
        if keys:
            says = f"{', '.join(keys)}: {what} (planned by {notice.reminded_by}, the times are of {rules.mark})"
            yield Finding("reminded_otherwise", (notice_at(notice.id),), says)


def of_somebody(notice: Notice, booking: Booking | None) -> Iterator[Finding]:
    """A notice belongs to a booking."""
    if booking is None:
        yield Finding("newer_than_source", (notice_at(notice.id), booking_at(notice.id)), "nobody knows that booking")
