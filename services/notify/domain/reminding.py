"""Reminder times: how long before an appointment its guests and its host are reminded, as a workspace has chosen. Pure.

A change counts for bookings that are known already, too, as far as their reminders are not due: the write that changes
the times owes a timer, by which all bookings to come are gone through, a page at a time. Whoever plans a booking reads
the times before, and again once it is written: of a change in between either that second look or the walk knows, for
the walk begins after the change is written.

`mark` orders times, not `version`: a store that was set back counts its versions again, but time goes on.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from services.notify.domain.planning import Rules
from turnus_contracts import ChangeRecorded, Instant
from turnus_runtime.records import Decision, Owed, Record, event, millis, timer

KEEP_TIMES = "keep_times"


class Minutes(BaseModel):
    """Whole minutes before the start, the earliest reminder first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    guests: tuple[int, ...]
    hosts: tuple[int, ...]

    @classmethod
    def of(cls, guests: Sequence[int], hosts: Sequence[int]) -> "Minutes":
        """These minutes, in whatever order they are given."""
        return cls(guests=tuple(sorted(guests, reverse=True)), hosts=tuple(sorted(hosts, reverse=True)))


class ReminderTimes(Record):
    """The reminder times of a workspace, whose id it has. Without minutes they are the installation's again."""

    collection: ClassVar[str] = "reminder_times"

    version: int
    mark: int
    minutes: Minutes | None = None
    changed_at: Instant


def rules_by(times: ReminderTimes | None, standard: Rules) -> Rules:
    """The rules of a workspace with these times; `standard`: of one that has chosen none."""
    if times is None:
        return standard
    if times.minutes is None:
        return replace(standard, mark=times.mark)
    return replace(standard, guest_minutes=times.minutes.guests, host_minutes=times.minutes.hosts, mark=times.mark)


def change(
    current: ReminderTimes | None, workspace_id: str, minutes: Minutes | None, actor_id: str, now: datetime
) -> Decision[ReminderTimes, ReminderTimes | None]:
    """These times from now on; None: the installation's again. The answer is the times as they are now."""
    before = current.minutes if current is not None else None
    if before == minutes:
        return Decision(current)
    changed = ReminderTimes(
        id=workspace_id,
        version=current.version + 1 if current is not None else 1,
        mark=max(millis(now), current.mark + 1) if current is not None else millis(now),
        minutes=minutes,
        changed_at=now,
    )
    return Decision(changed, changed, owes=[_recorded(changed, before, actor_id, now), timer(KEEP_TIMES, now)])


def walked(
    current: ReminderTimes | None, fired: Owed, after: str | None, now: datetime
) -> Decision[ReminderTimes, None]:
    """The bookings up to the place `after` go by these times; None: all do. A change meanwhile has begun anew."""
    if current is None or current.owes(KEEP_TIMES) != fired:
        return Decision(None)
    if after is None:
        return Decision(None, current, drops=(KEEP_TIMES,))
    return Decision(None, current, owes=[timer(KEEP_TIMES, now, data={"after": after})])


def _recorded(times: ReminderTimes, before: Minutes | None, actor_id: str, now: datetime) -> Owed:
    after = times.minutes
    fields = {"guests": "guest_reminder_minutes", "hosts": "host_reminder_minutes"}
    changed = [
        shown
        for name, shown in fields.items()
        if after is not None and (before is None or getattr(before, name) != getattr(after, name))
    ]
    return event(
        ChangeRecorded(
            workspace_id=times.id,
            change_id=f"reminder_times.{times.id}.{times.mark}",
            service="notify",
            at=now,
            actor_id=actor_id,
            action="changed" if after is not None else "reset",
            thing="notification_settings",
            thing_id=times.id,
            fields=tuple(changed),
        )
    )
