"""Several schedules of one member: which one counts where, and the form of one of them.

The API lets the newest one count where several could, and each change of one makes it the newest. So whatever the
console writes of a schedule says only what counts now: then no change of hours moves another schedule aside.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.web.domain.forms import Flag, Form, Sent, Text, Wrong, read
from services.web.domain.staff import SeenDraft, SeenSchedule

FIELDS = (Text("name"), Flag("default"))


@dataclass(frozen=True, slots=True)
class Place:
    """A calendar in which a schedule can count; `other`: the name of the schedule that does so now."""

    calendar_id: str
    name: str
    checked: bool
    other: str | None


def standard(schedules: Iterable[SeenSchedule]) -> SeenSchedule | None:
    """The schedule by which all calendars go that have no other one: the newest default one."""
    defaults = [one for one in schedules if one.default]
    return max(defaults, key=lambda one: one.changed_at, default=None)


def counts_in(schedules: Sequence[SeenSchedule]) -> dict[str, SeenSchedule]:
    """By calendar the schedule that counts there instead of the standard."""
    in_order = sorted(schedules, key=lambda one: one.changed_at)
    return {calendar_id: one for one in in_order for calendar_id in one.calendar_ids}


def calendars_of(schedule: SeenSchedule, schedules: Sequence[SeenSchedule]) -> list[str]:
    """The calendars in which this one counts instead of the standard, in its own order."""
    counting = counts_in(schedules)
    return [one for one in schedule.calendar_ids if counting[one].id == schedule.id]


def places(
    calendars: Iterable[SeenDraft], schedule: SeenSchedule | None, schedules: Sequence[SeenSchedule]
) -> list[Place]:
    """The calendars to choose from, in the order of their names."""
    counting = counts_in(schedules)
    found: list[Place] = []
    for one in sorted(calendars, key=lambda one: (one.name.casefold(), one.id)):
        there = counting.get(one.id)
        own = there is not None and schedule is not None and there.id == schedule.id
        found.append(Place(one.id, one.name, own, there.name if there is not None and not own else None))
    return found


def sent_places(offered: Iterable[Place], sent: Sent) -> list[Place]:
    """The same with what was ticked."""
    ticked = set(sent.get("calendar_id", ()))
    return [Place(one.calendar_id, one.name, one.calendar_id in ticked, one.other) for one in offered]


def chosen_in(shown: Iterable[Place], kept: Iterable[str] = ()) -> list[str]:
    """The ids of the calendars that are ticked. `kept`: those that count now; such as are not shown stay."""
    shown = list(shown)
    known = {one.calendar_id for one in shown}
    return [one for one in kept if one not in known] + [one.calendar_id for one in shown if one.checked]


def sent_form(sent: Sent, schedule: SeenSchedule | None, schedules: Sequence[SeenSchedule]) -> Form:
    """The form as it was sent. No two schedules of somebody have one name: nobody could tell them apart."""
    form = read(FIELDS, sent)
    own = schedule.id if schedule is not None else None
    taken = {one.name.casefold() for one in schedules if one.id != own}
    if str(form.values.get("name", "")).casefold() in taken:
        return form.with_errors({"name": Wrong("wrong.name_taken")})
    return form
