"""`/notifications`: every message about a booking, planned or sent, each try, and why one was not sent.

Nothing here names a guest: a receiver is `guest`, `additional_guest` or `host`.
"""

import re
from collections.abc import Callable, Iterable
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from services.notify.domain.notices import Attempt, Message, Notice, booking_and_key, notification_id
from services.notify.domain.trials import Trial
from turnus_runtime.http import (
    NOT_FOUND,
    Answer,
    Id,
    Instant,
    On,
    Page,
    Paged,
    Paging,
    Principal,
    answer,
    cursor,
    documented,
    found,
    invalid,
    staff,
)
from turnus_runtime.ids import is_id

router = APIRouter(prefix="/notifications", tags=["notifications"])

Viewer = Annotated[Principal, staff("bookings:view")]
Status = Literal["planned", "queued", "sent", "failed", "skipped"]
NOTICES_AT_ONCE, NOTICES_LOOKED_AT = 200, 1000
"""Of a filtered list: a page ends after so many bookings, though it may hold fewer messages than asked for."""
Entry = tuple[Notice, int]
"""A notice, and the number of a message in it."""


class AttemptView(Answer):
    """One try. `code` is the mail server's reply code, null without a reply; `reply` its words, addresses left out."""

    at: Instant
    outcome: Literal["sent", "delayed", "refused"]
    code: int | None
    reply: str | None


class NotificationView(Answer):
    """One message to one receiver.

    `status`: planned (a reminder waits for `due`), queued, sent, failed (`reason` refused, gave_up or too_late) or
    skipped (`reason` superseded, cancelled, over, past, overtaken, too_old, never_confirmed, erased, or unknown: the
    log was set back to an earlier time, and the message may have gone out since).

    The test of a template (`event` test, `receiver` member) is about no booking and in no list.
    """

    id: str
    booking_id: str | None
    calendar_id: str | None
    event: str
    """booked, moved, cancelled, reminder, withdrawn or test"""
    revision: int
    channel: Literal["email"]
    receiver: str
    """guest, additional_guest, host or member"""
    member_id: str | None
    offset_minutes: int | None
    """of a reminder: how long before the start"""
    status: Status
    reason: str | None
    due: Instant
    planned_at: Instant
    settled_at: Instant | None
    attempts: list[AttemptView]


@router.get("", responses=documented(NOT_FOUND))
async def list_notifications(
    who: Viewer,
    paging: Paged,
    on: On,
    booking_id: Annotated[str | None, Id("bk"), Query(description="Only those about this booking")] = None,
    status: Annotated[Status | None, Query(description="Only those in this state; a page may then hold fewer")] = None,
) -> Page[NotificationView]:
    """All messages about one booking in the order in which they were planned, reminders to come among them; or those of
    the workspace, by booking, the booking that became known last first.

    Who is restricted to what is assigned to them has those about bookings that they serve.
    """

    def keep(message: Message) -> bool:
        return status in (None, message.status)

    if booking_id is not None:
        notice = _notice_for(who, await on.records(Notice).get(booking_id))
        return _page(_entries([notice], keep, _begin(paging)), paging, None)
    place = ("by_host", who.member_id) if who.assigned_only else ("by_workspace", who.workspace_id)
    return await _of_many(place, paging, on, keep, filtered=status is not None)


@router.get("/{notification_id}", response_model=NotificationView)
async def get_notification(notification_id: str, who: Viewer, on: On) -> Response:
    """One message."""
    if is_id("ntf", notification_id):
        trial = found(await on.records(Trial).get(notification_id), who)
        return answer(of_trial(found(None if who.assigned_only and trial.member_id != who.member_id else trial)))
    booking_id, key = booking_and_key(notification_id)
    if not re.fullmatch(r"bk_[0-9a-z]{1,40}", booking_id):
        raise NOT_FOUND
    notice = _notice_for(who, await on.records(Notice).get(booking_id))
    return answer(_view(notice, found(notice.message(key))))


def _notice_for(who: Principal, notice: Notice | None) -> Notice:
    """The notice. Raises 404 if it is not there for whoever asks."""
    known = found(notice, who)
    return found(None if who.assigned_only and not known.served_by(who.member_id) else known)


async def _of_many(
    of: tuple[str, str], paging: Paging, on: On, keep: Callable[[Message], bool], *, filtered: bool
) -> Page[NotificationView]:
    """The messages of a workspace or a host: `of` is an index and what its keys begin with.

    Messages lie in their booking's record, so a place in this list is a record and a message in it.
    """
    records, (index, prefix) = on.records(Notice), of
    at, _, place = (paging.after or "0;").partition(";")
    begin = _number(at)
    if place and not re.match(r"[0-9]{13}\|", place, re.ASCII):
        raise invalid("after", "must be the next of the page before")
    above = f"{prefix}|{place}" if place else None
    entries: list[Entry] = []
    if above is not None:
        # The record of the last page comes first, from the message after the last one.
        entries += _entries(await records.find(index, above, above + "\0", limit=1), keep, begin)
    most, looked_at = NOTICES_AT_ONCE if filtered else paging.limit + 1, 0
    while len(entries) <= paging.limit:
        notices = await records.with_prefix(index, prefix, limit=most, after=above, reverse=True)
        entries += _entries(notices, keep)
        if len(notices) < most:
            break
        above, looked_at = str(notices[-1].keys()[index]), looked_at + most
        if filtered and looked_at >= NOTICES_LOOKED_AT and len(entries) <= paging.limit:
            return _page(entries, paging, of, end=(notices[-1], len(notices[-1].messages)))
    return _page(entries, paging, of)


def _entries(notices: Iterable[Notice], keep: Callable[[Message], bool], begin: int = 0) -> list[Entry]:
    return [
        (notice, number)
        for notice in notices
        for number in range(begin, len(notice.messages))
        if keep(notice.messages[number])
    ]


def _page(
    entries: list[Entry], paging: Paging, of: tuple[str, str] | None, end: Entry | None = None
) -> Page[NotificationView]:
    """The page of these entries; without `of` of one booking. `end`: it goes on there, though no more were found."""
    shown = entries[: paging.limit]
    items = [_view(notice, notice.messages[number]) for notice, number in shown]
    if len(entries) > paging.limit:
        notice, number = shown[-1]
        end = notice, number + 1
    if end is None:
        return Page(items=items)
    place = str(end[0].keys()[of[0]]).removeprefix(f"{of[1]}|") if of is not None else ""
    return Page(items=items, next=cursor(f"{end[1]};{place}"))


def _begin(paging: Paging) -> int:
    return _number((paging.after or "0;").partition(";")[0])


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise invalid("after", "must be the next of the page before")
    return int(text)


def _view(notice: Notice, message: Message) -> NotificationView:
    return NotificationView(
        id=notification_id(notice.id, message.key),
        booking_id=notice.id,
        calendar_id=notice.calendar_id,
        event=message.event,
        revision=message.revision,
        channel="email",
        receiver=message.receiver,
        member_id=message.member_id,
        offset_minutes=message.offset_minutes,
        status=message.status,
        reason=message.reason or None,
        due=message.due,
        planned_at=message.planned_at,
        settled_at=message.settled_at,
        attempts=[_attempt(attempt) for attempt in message.attempts],
    )


def of_trial(trial: Trial) -> NotificationView:
    """The test of a template as a notification."""
    return NotificationView(
        id=trial.id,
        booking_id=None,
        calendar_id=None,
        event="test",
        revision=0,
        channel="email",
        receiver="member",
        member_id=trial.member_id,
        offset_minutes=None,
        status=trial.status,
        reason=trial.reason or None,
        due=trial.planned_at,
        planned_at=trial.planned_at,
        settled_at=trial.settled_at,
        attempts=[_attempt(attempt) for attempt in trial.attempts],
    )


def _attempt(attempt: Attempt) -> AttemptView:
    return AttemptView(at=attempt.at, outcome=attempt.outcome, code=attempt.code or None, reply=attempt.reply or None)
