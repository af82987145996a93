"""What staff can read: every message about a booking, planned or sent, each try, and why one was not sent.

Nothing here names a guest: a receiver is `guest`, `additional_guest` or `host`.
"""

import re
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from services.notify.domain.notices import Attempt, Message, Notice, booking_and_key, notification_id
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

router = APIRouter(prefix="/notifications", tags=["notifications"])

Viewer = Annotated[Principal, staff("bookings:view")]


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
    """

    id: str
    booking_id: str
    calendar_id: str
    event: str
    """booked, moved, cancelled, reminder or withdrawn"""
    revision: int
    channel: Literal["email"]
    receiver: str
    """guest, additional_guest or host"""
    member_id: str | None
    offset_minutes: int | None
    """of a reminder: how long before the start"""
    status: Literal["planned", "queued", "sent", "failed", "skipped"]
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
) -> Page[NotificationView]:
    """All messages about one booking in the order in which they were planned; or those of the workspace, by booking,
    the booking that became known last first.
    """
    if booking_id is not None:
        notice = found(await on.records(Notice).get(booking_id), who)
        return _page([(notice, at) for at in range(_begin(paging), len(notice.messages))], paging, "")
    return await _of_workspace(who, paging, on)


@router.get("/{notification_id}", response_model=NotificationView)
async def get_notification(notification_id: str, who: Viewer, on: On) -> Response:
    """One message."""
    booking_id, key = booking_and_key(notification_id)
    if not re.fullmatch(r"bk_[0-9a-z]{1,40}", booking_id):
        raise NOT_FOUND
    notice = found(await on.records(Notice).get(booking_id), who)
    return answer(_view(notice, found(notice.message(key))))


async def _of_workspace(who: Principal, paging: Paging, on: On) -> Page[NotificationView]:
    """Messages lie in their booking's record, so a place in this list is a record and a message in it."""
    records, index = on.records(Notice), "by_workspace"
    at, _, place = (paging.after or "0;").partition(";")
    begin = _number(at)
    if place and not re.match(r"[0-9]{13}\|", place, re.ASCII):
        raise invalid("after", "must be the next of the page before")
    above = f"{who.workspace_id}|{place}" if place else None
    entries: list[tuple[Notice, int]] = []
    if above is not None:
        # The record of the last page comes first, from the message after the last one.
        entries += [
            (notice, number)
            for notice in await records.find(index, above, above + "\0", limit=1)
            for number in range(begin, len(notice.messages))
        ]
    while len(entries) <= paging.limit:
        notices = await records.with_prefix(index, who.workspace_id, limit=paging.limit + 1, after=above, reverse=True)
        entries += [(notice, number) for notice in notices for number in range(len(notice.messages))]
        if len(notices) <= paging.limit:
            break
        above = str(notices[-1].keys()[index])
    return _page(entries, paging, who.workspace_id)


def _page(entries: list[tuple[Notice, int]], paging: Paging, workspace_id: str) -> Page[NotificationView]:
    shown = entries[: paging.limit]
    items = [_view(notice, notice.messages[number]) for notice, number in shown]
    if len(entries) <= paging.limit:
        return Page(items=items)
    notice, number = shown[-1]
    place = str(notice.keys()["by_workspace"]).removeprefix(f"{workspace_id}|") if workspace_id else ""
    return Page(items=items, next=cursor(f"{number + 1};{place}"))


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


def _attempt(attempt: Attempt) -> AttemptView:
    return AttemptView(at=attempt.at, outcome=attempt.outcome, code=attempt.code or None, reply=attempt.reply or None)
