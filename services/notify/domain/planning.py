"""What is to be sent, as a pure function of what was known, the news, and what is known besides.

Facts and guests' details come in any order, again and again; the highest version of each counts. Messages are planned
when both are known, once per stage (standing and revision) of the booking:

- it stands: booked (revision 0) or moved, to guest, additional guests and host; reminders as timers. A host who is new
  to a moved booking gets `booked`, one who lost it `withdrawn`; a host nobody was told of before gets what guests get.
- it was cancelled: cancelled, to all of them.
- it was never confirmed (expired, or cancelled while undecided): nothing. Nothing was promised, the booking's own page
  tells the guest, and rejected requests say no fact either. Logged as skipped.
- it is over: nothing.

News that is older than a set age when first heard of (a store that was emptied and told everything again) is logged as
skipped and not sent; its reminders are planned all the same.

Reminders are planned by the reminder times of the workspace (`reminding.py`), and anew when those are changed, as far
as they are not due yet. A notice keeps the mark of the times it was planned by and goes by a newer one only, so that
any order of hearing of bookings and of times ends in the newest.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.notify.domain.notices import (
    ADDITIONAL_GUEST,
    BOOKED,
    CANCELLED,
    GUEST,
    HOST,
    MOVED,
    REMIND,
    REMINDER,
    WITHDRAWN,
    Appointment,
    Details,
    Message,
    Notice,
    Standing,
    Told,
    message_key,
    reminding_id,
    sending,
)
from turnus_contracts import BookingConcluded, BookingReleased, GuestDetailsGiven, Settled
from turnus_runtime.records import Decision, Owed, timer


@dataclass(frozen=True, slots=True)
class Rules:
    """Minutes before the start at which guests and hosts are reminded; `too_old`: how old news may be.

    `mark` orders reminder times: those with a higher one are newer. 0: the workspace has chosen none.
    """

    guest_minutes: tuple[int, ...] = (1440, 60)
    host_minutes: tuple[int, ...] = (1440, 60)
    too_old: timedelta = timedelta(hours=24)
    mark: int = 0


@dataclass(frozen=True, slots=True)
class _Receiver:
    kind: str
    number: int = 0
    member_id: str | None = None


def learn_fact(notice: Notice | None, fact: Settled, rules: Rules, now: datetime) -> Decision[Notice, bool]:
    """Keep the highest of the four facts, and plan what it changes.

    The answer is whether reminders may wait that were planned by these rules or older ones: whoever read the rules
    looks then whether they are still the newest.
    """
    if notice is not None and notice.told is not None and notice.told.version >= fact.version:
        return keep_times(notice, rules, now)
    told = Told(
        version=fact.version,
        standing=_standing(fact),
        revision=fact.revision,
        start=fact.start,
        end=fact.end,
        host_ids=fact.host_ids,
        location=fact.location,
        at=fact.at,
        late=now - fact.at > rules.too_old,
    )
    return _planned((notice or _blank(fact, now)).change(told=told), rules, now)


def learn_details(
    notice: Notice | None, given: GuestDetailsGiven, rules: Rules, now: datetime
) -> Decision[Notice, bool]:
    """Keep the newest details, or that they were erased, and plan what waited for them. The answer: `learn_fact`."""
    if notice is not None and notice.details_version >= given.version:
        return keep_times(notice, rules, now)
    details = None
    if given.guest is not None and given.status != "erased":
        details = Details(
            guest=given.guest,
            additional_guests=given.additional_guests,
            answers=given.answers,
            locale=given.locale,
            tz=given.tz,
            token=given.token,
            reason=given.reason,
        )
    known = (notice or _blank(given, now)).change(
        details=details, details_version=given.version, erased=details is None
    )
    return _planned(known, rules, now)


def keep_times(notice: Notice | None, rules: Rules, now: datetime) -> Decision[Notice, bool]:
    """Plan the reminders to come by these rules, if they are newer than those that they are planned by.

    What is due already stays as it is, sent or about to be. What waits and is not wanted any more leaves the log: it
    was a plan, and nothing was done. A message that is there is never planned again, so nobody is reminded twice. The
    answer: see `learn_fact`.
    """
    told = notice.told if notice is not None else None
    if notice is None or told is None or notice.planned != told.stage or not _may_remind(told, now):
        return Decision(answer=False)
    if rules.mark <= notice.reminded_by:
        return Decision(answer=True)
    wanted = {message.key: message for message in _reminders(notice, told, rules, now)}
    stays = tuple(one for one in notice.messages if one.key in wanted or not _waits(one, now))
    there = {message.key for message in stays}
    new = [one for one in wanted.values() if one.status == "planned" and one.key not in there]
    left = {message.offset_minutes for message in (*stays, *new) if message.status == "planned"}
    gone = {one.offset_minutes or 0 for one in notice.messages if one.key not in there} - left
    changed = notice.change(messages=(*stays, *new), reminded_by=rules.mark)
    drops = [reminding_id(told.revision, offset) for offset in sorted(gone)]
    return Decision(True, changed, owes=_timers(new), drops=drops)


def _waits(message: Message, now: datetime) -> bool:
    return message.status == "planned" and message.due > now


def _may_remind(told: Told, now: datetime) -> bool:
    return told.standing == "stands" and told.start > now


def _standing(fact: Settled) -> Standing:
    if isinstance(fact, BookingConcluded):
        return "concluded"
    if isinstance(fact, BookingReleased):
        return "cancelled" if fact.attempt else "never_confirmed"
    return "stands"


def _blank(event: Settled | GuestDetailsGiven, now: datetime) -> Notice:
    return Notice(id=event.booking_id, workspace_id=event.workspace_id, calendar_id=event.calendar_id, created_at=now)


def _planned(notice: Notice, rules: Rules, now: datetime) -> Decision[Notice, bool]:
    told = notice.told
    if told is None or not (notice.details or notice.erased):
        return Decision(answer=False, record=notice)
    if notice.planned == told.stage:
        kept = keep_times(notice, rules, now)
        return kept if kept.record is not None else replace(kept, record=notice)
    appointment = Appointment(start=told.start, host_ids=told.host_ids)
    ended, drops = _reminders_ended(notice, told, now)
    staged = notice.change(
        planned=told.stage,
        formerly=notice.now_told,
        now_told=appointment,
        reminded_by=rules.mark,
        messages=ended,
    )
    new = [*_news(staged, told, now), *_reminders(staged, told, rules, now)]
    owes = [sending(message, now) for message in new if message.status == "queued"]
    owes += _timers(new)
    return Decision(_may_remind(told, now), staged.change(messages=(*ended, *new)), owes=owes, drops=drops)


def _reminders_ended(notice: Notice, told: Told, now: datetime) -> tuple[tuple[Message, ...], list[str]]:
    """The messages with every reminder of an earlier stage ended, and the timers that leave with them.

    What is queued already is decided by its job, which looks at the state again right before it sends.
    """
    reason = "superseded" if told.standing == "stands" else _over(told)
    ended: list[Message] = []
    drops: list[str] = []
    for message in notice.messages:
        if message.status != "planned" or message.offset_minutes is None:
            ended.append(message)
            continue
        drops.append(reminding_id(message.revision, message.offset_minutes))
        ended.append(message.model_copy(update={"status": "skipped", "reason": reason, "settled_at": now}))
    return tuple(ended), sorted(set(drops))


def _over(told: Told) -> str:
    return "over" if told.standing == "concluded" else "cancelled"


def _news(notice: Notice, told: Told, now: datetime) -> Iterator[Message]:
    """The messages that tell this stage."""
    if told.standing == "concluded":
        return
    event = CANCELLED if told.standing != "stands" else MOVED if told.revision else BOOKED
    reason = "never_confirmed" if told.standing == "never_confirmed" else "too_old" if told.late else ""
    before = notice.formerly.host_ids if notice.formerly is not None else told.host_ids
    receivers = [_Receiver(GUEST)] if told.standing == "never_confirmed" else _receivers(notice, told)
    for receiver in receivers:
        new_to_it = event == MOVED and receiver.member_id is not None and receiver.member_id not in before
        yield _message(told, BOOKED if new_to_it else event, receiver, now, reason=reason)
    if told.standing == "stands":
        lost = [host_id for host_id in before if host_id not in told.host_ids]
        for number, host_id in enumerate(lost):
            yield _message(told, WITHDRAWN, _Receiver(HOST, number, host_id), now, reason=reason)


def _reminders(notice: Notice, told: Told, rules: Rules, now: datetime) -> Iterator[Message]:
    """One reminder per offset and receiver; one whose time has passed already is skipped."""
    if told.standing != "stands":
        return
    for offset in sorted({*rules.guest_minutes, *rules.host_minutes}, reverse=True):
        due = told.start - timedelta(minutes=offset)
        for receiver in _receivers(notice, told):
            if offset in (rules.host_minutes if receiver.kind == HOST else rules.guest_minutes):
                reason = "past" if due <= now else ""
                yield _message(told, REMINDER, receiver, now, due=due, offset=offset, reason=reason)


def _timers(messages: list[Message]) -> list[Owed]:
    """One timer per offset, for all receivers."""
    waiting = {
        message.offset_minutes: message
        for message in messages
        if message.status == "planned" and message.offset_minutes is not None
    }
    return [
        timer(REMIND, message.due, id=reminding_id(message.revision, offset)) for offset, message in waiting.items()
    ]


def _receivers(notice: Notice, told: Told) -> list[_Receiver]:
    guests: list[_Receiver] = []
    if notice.details is not None:
        others = len(notice.details.additional_guests)
        guests = [_Receiver(GUEST), *(_Receiver(ADDITIONAL_GUEST, number) for number in range(others))]
    return [*guests, *(_Receiver(HOST, number, host_id) for number, host_id in enumerate(told.host_ids))]


def _message(
    told: Told,
    event: str,
    receiver: _Receiver,
    now: datetime,
    *,
    due: datetime | None = None,
    offset: int | None = None,
    reason: str = "",
) -> Message:
    return Message(
        key=message_key(told.revision, event, receiver.kind, receiver.number, offset),
        event=event,
        revision=told.revision,
        receiver=receiver.kind,
        number=receiver.number,
        member_id=receiver.member_id,
        offset_minutes=offset,
        status="skipped" if reason else "queued" if due is None else "planned",
        reason=reason,
        due=due or now,
        planned_at=now,
        settled_at=now if reason else None,
    )
