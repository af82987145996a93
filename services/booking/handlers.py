"""What booking does about events and timers."""

import structlog

from services.booking.domain import calendars, directory, transitions, versions
from services.booking.domain.bookings import Booking
from services.booking.domain.calendars import Calendar
from services.booking.domain.directory import CalendarOfMember, Member, Workspace, WorkspaceAddress
from services.booking.domain.versions import CalendarVersion
from turnus_contracts import AssigneeSettled, CalendarApplied, MemberChanged, SlotRefused, WorkspaceChanged
from turnus_runtime.records import Owed, key
from turnus_runtime.turn import Turn

log = structlog.get_logger(__name__)


async def settle_booking(reply: AssigneeSettled, on: Turn) -> None:
    """Confirm the booking, or carry out its move."""
    await on.records(Booking).decide(reply.booking_id, lambda b: transitions.settle(b, reply, on.now))


async def refuse_booking(reply: SlotRefused, on: Turn) -> None:
    """Reject the request, or leave the booking where it was."""
    await on.records(Booking).decide(reply.booking_id, lambda b: transitions.refuse(b, reply, on.now))


async def note_applied(reply: CalendarApplied, on: Turn) -> None:
    """A service serves a published version."""
    await on.records(Calendar).decide(reply.calendar_id, lambda c: calendars.apply(c, reply))


async def learn_member(told: MemberChanged, on: Turn) -> None:
    """Know who can serve; a removed member leaves every calendar."""
    await on.records(Member).decide(told.member_id, lambda m: directory.learn_member(m, told))
    if told.status != "removed":
        return
    after: str | None = None
    while page := await on.records(CalendarOfMember).with_prefix("by_member", told.member_id, after=after):
        for serving in page:
            await on.records(Calendar).decide(
                serving.calendar_id, lambda c: calendars.drop_member(c, told.member_id, on.now)
            )
        after = key(told.member_id, page[-1].calendar_id)


async def learn_workspace(told: WorkspaceChanged, on: Turn) -> None:
    """Know the workspace; before that, whose its public address is, so that what is known can be found by it."""
    await on.records(WorkspaceAddress).decide(told.slug, lambda a: directory.learn_workspace_address(a, told))
    await on.records(Workspace).decide(told.workspace_id, lambda w: directory.learn_workspace(w, told))


async def ask_again(booking_id: str, fired: Owed, on: Turn) -> None:
    """Timer: still unanswered."""
    await on.records(Booking).decide(booking_id, lambda b: transitions.redrive(b, fired, on.now))


async def expire_attempt(booking_id: str, fired: Owed, on: Turn) -> None:
    """Timer: undecided for too long."""
    await on.records(Booking).decide(booking_id, lambda b: transitions.expire(b, on.now))


async def conclude_booking(booking_id: str, fired: Owed, on: Turn) -> None:
    """Timer: the appointment is past and nobody marked it."""
    await on.records(Booking).decide(booking_id, lambda b: transitions.conclude_unmarked(b, on.now))


async def keep_version(calendar_id: str, fired: Owed, on: Turn) -> None:
    """Timer: another version was published, and the one of before is to be filed."""
    version = versions.owed_version(fired)
    await on.records(CalendarVersion).decide(version.id, lambda v: versions.file(v, version))
    await on.records(Calendar).decide(calendar_id, lambda c: calendars.kept(c, fired.id))
