"""The tally of a calendar with limits: the guard that is asked before any host. Rules: `reliability.md` ("Limits").

It holds which booking starts when by (booking, attempt), counts bookings by period and answers each ask for good, as
hosts do; a release that comes first leaves a tombstone. Bookings from before the calendar had limits are counted by
reading the claims once (`fill`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from services.availability.domain.limits import Counted, FullPeriod, is_full
from services.availability.domain.marks import Marks, day_of, is_marked, mark_of, marked, since
from services.availability.domain.zones import DAY, epoch_minute
from turnus_runtime.records import Decision, Record

KEPT_MINUTES = 40 * DAY
"""How far behind the store's clock entries are kept: longer than the longest period."""


class Entry(BaseModel):
    """One attempt of a booking that counts; `start` in epoch minutes, without buffers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    booking_id: str
    attempt: int
    start: int
    calendar_version: int
    """of the calendar by which it was let in; 0: it was booked before there were limits"""


class Tally(Record):
    """What limits of a calendar count; the id is the calendar's."""

    collection: ClassVar[str] = "tallies"
    wakes: ClassVar[bool] = True

    filled_for: int = 0
    """The newest `ServedCalendar.limited_since` for which what was booked before has been counted."""
    entries: tuple[Entry, ...] = ()
    refused: Marks = {}
    """The marks of refused (booking, attempt), by day of the start."""
    tombstones: Marks = {}
    """The same for released ones."""
    answered: Marks = {}
    """The same for counted ones that a move has left: the answer is still yes."""
    closed_until: int = 0
    """Whatever starts before it (epoch minute) is forgotten."""

    def counted(self, but: str) -> list[Counted]:
        """All bookings of the calendar but this one."""
        return [(one.booking_id, one.start) for one in self.entries if one.booking_id != but]

    def has(self, booking_id: str, attempt: int) -> bool:
        """Whether this attempt counts."""
        return any(one.booking_id == booking_id and one.attempt == attempt for one in self.entries)


@dataclass(frozen=True, slots=True)
class Counting:
    """An attempt asks to be counted. `limited`: the limited periods in which its start lies, none if it only counts."""

    entry: Entry
    limited: tuple[FullPeriod, ...]


def count(tally: Tally | None, ask: Counting, calendar_id: str, now: datetime) -> Decision[Tally, bool]:
    """Count the attempt, or say no. The same ask always gets the same answer."""
    tally, entry = tally or Tally(id=calendar_id), ask.entry
    mark, day = mark_of(entry.booking_id, entry.attempt), day_of(entry.start)
    if tally.has(entry.booking_id, entry.attempt) or is_marked(tally.answered, day, mark):
        return Decision(answer=True)
    if is_marked(tally.refused, day, mark) or is_marked(tally.tombstones, day, mark):
        return Decision(answer=False)
    if is_full(ask.limited, tally.counted(but=entry.booking_id)):
        return Decision(False, tally.change(refused=marked(tally.refused, day, mark)))
    return Decision(True, archive(tally.change(entries=_sorted((*tally.entries, entry))), now))


def release(
    tally: Tally | None, calendar_id: str, booking_id: str, attempt: int, start: int, *, moved: bool = False
) -> Decision[Tally, None]:
    """The attempt is over, or a move has left it (`moved`): it counts no more. `start` is the one it asked for."""
    tally = tally or Tally(id=calendar_id)
    mark, day = mark_of(booking_id, attempt), day_of(start)
    name = "answered" if moved else "tombstones"
    marks: Marks = getattr(tally, name)
    if start < tally.closed_until or is_marked(marks, day, mark):
        return Decision(None)
    left = tuple(one for one in tally.entries if (one.booking_id, one.attempt) != (booking_id, attempt))
    return Decision(None, tally.change(entries=left, **{name: marked(marks, day, mark)}))


def fill(
    tally: Tally | None,
    calendar_id: str,
    limited_since: int,
    held: Sequence[Entry],
    now: datetime,
    *,
    left: Sequence[Entry] = (),
) -> Decision[Tally, None]:
    """Count also what was booked before the calendar had limits: what hosts hold, and nothing of earlier limits.

    What was given up or moved away meanwhile has left its mark; what a move had `left` before gets it here.
    """
    tally = tally or Tally(id=calendar_id)
    if tally.filled_for >= limited_since:
        return Decision(None)
    kept = {(one.booking_id, one.attempt): one for one in tally.entries if one.calendar_version >= limited_since}
    for one in held:
        mark, day = mark_of(one.booking_id, one.attempt), day_of(one.start)
        if not is_marked(tally.tombstones, day, mark) and not is_marked(tally.answered, day, mark):
            kept.setdefault((one.booking_id, one.attempt), one)
    answered = tally.answered
    for one in left:
        answered = marked(answered, day_of(one.start), mark_of(one.booking_id, one.attempt))
    changed = tally.change(filled_for=limited_since, entries=_sorted(tuple(kept.values())), answered=answered)
    return Decision(None, archive(changed, now))


def archive(tally: Tally, now: datetime) -> Tally:
    """Forget what no period that is still open can count."""
    closed = (epoch_minute(now) - KEPT_MINUTES) // DAY * DAY
    if closed <= tally.closed_until:
        return tally
    return tally.change(
        closed_until=closed,
        entries=tuple(one for one in tally.entries if one.start >= closed),
        refused=since(tally.refused, closed),
        tombstones=since(tally.tombstones, closed),
        answered=since(tally.answered, closed),
    )


def _sorted(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(sorted(entries, key=lambda one: (one.start, one.booking_id, one.attempt)))
