"""When a reminder fires, whether a message still goes, and what became of a try. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from services.notify.domain.notices import (
    CANCELLED,
    FINAL,
    GUEST,
    HOST,
    REMINDER,
    WITHDRAWN,
    Attempt,
    Message,
    Notice,
    Told,
    notification_id,
    reminding_id,
    sending,
    sending_id,
)
from turnus_contracts import NotificationFailed, NotificationSent, ReminderDue
from turnus_runtime.records import Decision, Owed, event, millis

CHANNEL = "email"
FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(hours=1)
LAST_MINUTE = timedelta(minutes=10)
"""News may still be sent this long after it happened, though the appointment has begun: whoever books a minute before
it begins, or is cancelled on late, gets the mail."""
ATTEMPTS_KEPT = 40
"""Of a message that is tried for weeks, the first tries and the latest are kept."""
WAITING_IS_OVER = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a message goes: `send`; `skip`, `fail` with a reason; `done`, it was settled before."""

    act: Literal["send", "skip", "fail", "done"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job has to report. `waiting`: something that the mail needs is not known yet, nothing was tried.

    `code` is the provider's reply code, `reply` its words without anybody's address, `reason` for skipped and failed.
    """

    kind: Literal["sent", "delayed", "refused", "skipped", "failed", "waiting"]
    code: int = 0
    reply: str = ""
    reason: str = ""


def remind(notice: Notice | None, fired: Owed, now: datetime) -> Decision[Notice, None]:
    """Queue the latest reminder that is due; earlier ones that are overdue too are skipped.

    This one write owes the sending jobs and ReminderDue together, and drops the timers.
    """
    if notice is None or notice.told is None or notice.owes(fired.id) is None:
        return Decision(None)
    told = notice.told
    due = [message for message in notice.messages if message.status == "planned" and message.due <= now]
    latest = max((message.due for message in due), default=now)
    drops = {fired.id} if due or _nobody_waits(notice, fired) else set[str]()
    if not drops:
        return Decision(None)
    owes: list[Owed] = []
    for message in due:
        drops.add(reminding_id(message.revision, message.offset_minutes or 0))
        changed = message.model_copy(update={"status": "queued"})
        if message.due < latest:
            changed = _settled(message, "skipped", "overtaken", now)
        elif now >= told.start:
            changed = _settled(message, "failed", "too_late", now)
            owes.append(event(_ended(notice, changed, now)))
        else:
            owes.append(sending(changed, now))
            owes += [event(_reminder_due(notice, told, changed, now))] if _speaks(due, changed) else []
        notice = notice.with_message(changed)
    return Decision(None, notice, owes=owes, drops=sorted(drops))


def _nobody_waits(notice: Notice, fired: Owed) -> bool:
    waiting = [message for message in notice.messages if message.status == "planned"]
    return all(fired.id != reminding_id(message.revision, message.offset_minutes or 0) for message in waiting)


def _speaks(due: list[Message], message: Message) -> bool:
    """ReminderDue is one per offset and revision: the first receiver's message gives it its id."""
    return message.key == next(one.key for one in due if one.offset_minutes == message.offset_minutes)


def verdict(notice: Notice, message: Message, now: datetime) -> Verdict:
    """Look at the state again, right before sending."""
    told = notice.told
    if message.status in FINAL:
        return Verdict("done")
    if told is None:
        return Verdict("skip", "superseded")
    if reason := _stale(notice, told, message):
        return Verdict("skip", reason)
    if now >= deadline(told, message):
        return Verdict("fail", "gave_up" if message.attempts else "too_late")
    return Verdict("send")


def _stale(notice: Notice, told: Told, message: Message) -> str:
    """Why the message would no longer be true; empty if it is."""
    if message.receiver != HOST:
        guests = 0 if notice.details is None else 1 if message.receiver == GUEST else _others(notice)
        if guests <= message.number:
            return "erased"
    if message.event == WITHDRAWN:
        back = told.standing == "stands" and message.member_id in told.host_ids
        return "superseded" if back else ""
    if message.event == CANCELLED:
        return ""
    if told.standing != "stands":
        return "over" if told.standing == "concluded" else "cancelled"
    return "superseded" if message.revision != told.revision else ""


def _others(notice: Notice) -> int:
    return len(notice.details.additional_guests) if notice.details is not None else 0


def deadline(told: Told, message: Message) -> datetime:
    """From when on the message helps nobody: the start; news has a few minutes from when it happened at least."""
    return told.start if message.event == REMINDER else max(told.start, told.at + LAST_MINUTE)


def report(notice: Notice | None, key: str, outcome: Outcome, now: datetime) -> Decision[Notice, None]:
    """Log what became of a try, say it, and owe the next one if there is to be one."""
    message = notice.message(key) if notice is not None else None
    if notice is None or notice.told is None or message is None:
        return Decision(None)
    if outcome.kind == "waiting":
        return _again(notice, message, now, most=WAITING_IS_OVER)
    attempt = attempt_of(outcome, now)
    if attempt is not None and attempt in message.attempts:
        return Decision(None)  # this very report was stored, although the store did not say so
    tried = message.model_copy(update={"attempts": _kept(message, attempt)}) if attempt is not None else message
    if message.status in FINAL:
        # Somebody else settled it meanwhile; what really went out is logged all the same.
        return Decision(None, notice.with_message(tried), drops=(sending_id(key),))
    if outcome.kind == "delayed" and now + _pause(notice, key) < deadline(notice.told, message):
        return _again(notice.with_message(tried), tried, now)
    settled = _settled(tried, *end_of(outcome), now)
    said = [event(_ended(notice, settled, now))] if settled.status in ("sent", "failed") else []
    return Decision(None, notice.with_message(settled), owes=said, drops=(sending_id(key),))


def end_of(outcome: Outcome) -> tuple[Literal["sent", "failed", "skipped"], str]:
    """The status that this outcome is for good, and its reason."""
    if outcome.kind == "sent":
        return "sent", ""
    if outcome.kind == "skipped":
        return "skipped", outcome.reason
    return "failed", {"refused": "refused", "delayed": "gave_up"}.get(outcome.kind, outcome.reason)


def attempt_of(outcome: Outcome, now: datetime) -> Attempt | None:
    """The try, if it was one."""
    if outcome.kind in ("sent", "delayed", "refused"):
        return Attempt(at=now, outcome=outcome.kind, code=outcome.code, reply=outcome.reply)
    return None


def _kept(message: Message, attempt: Attempt) -> tuple[Attempt, ...]:
    attempts = (*message.attempts, attempt)
    half = ATTEMPTS_KEPT // 2
    return attempts if len(attempts) <= ATTEMPTS_KEPT else (*attempts[:half], *attempts[-half:])


def _pause(notice: Notice, key: str, most: timedelta = LONGEST_RETRY) -> timedelta:
    """2, 4, 8 … seconds by the tries of the job so far."""
    owed = notice.owes(sending_id(key))
    return pause_after(owed.tries if owed is not None else 0, most)


def pause_after(tries: int, most: timedelta = LONGEST_RETRY) -> timedelta:
    """How long to wait after so many tries, `most` at most."""
    return min(FIRST_RETRY * 2 ** min(max(tries - 1, 0), 12), most)


def _again(
    notice: Notice, message: Message, now: datetime, *, most: timedelta = LONGEST_RETRY
) -> Decision[Notice, None]:
    owed = notice.owes(sending_id(message.key)) or sending(message, now)
    return Decision(None, notice, owes=[replace(owed, due=millis(now + _pause(notice, message.key, most)))])


def _settled(message: Message, status: Literal["sent", "failed", "skipped"], reason: str, now: datetime) -> Message:
    return message.model_copy(update={"status": status, "reason": reason, "settled_at": now})


def _reminder_due(notice: Notice, told: Told, message: Message, now: datetime) -> ReminderDue:
    about = _about(notice, message, now)
    return ReminderDue(**about, start=told.start, offset_minutes=message.offset_minutes or 0)


def _ended(notice: Notice, message: Message, now: datetime) -> NotificationSent | NotificationFailed:
    """What became of a message that was sent or has failed."""
    about = _about(notice, message, now)
    about |= {"event": message.event, "channel": CHANNEL, "receiver": message.receiver}
    return NotificationFailed(**about, code=message.reason) if message.status == "failed" else NotificationSent(**about)


def _about(notice: Notice, message: Message, now: datetime) -> dict[str, Any]:
    """What every event about a message says of it."""
    return {
        "workspace_id": notice.workspace_id,
        "calendar_id": notice.calendar_id,
        "booking_id": notice.id,
        "notification_id": notification_id(notice.id, message.key),
        "revision": message.revision,
        "at": now,
    }
