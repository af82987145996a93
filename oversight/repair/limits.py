"""Limits after a disaster: the tally of a calendar counts what booking says of it, and nothing else."""

from collections.abc import Collection, Mapping
from datetime import datetime

from services.availability.domain import tallies
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Entry, Tally
from turnus_runtime.records import Decision

Counted = tuple[str, int]
"""A booking and the number of an attempt."""


def tally_follows(
    calendar: ServedCalendar,
    held: Mapping[Counted, int],
    waiting: Collection[Counted],
    now: datetime,
    tally: Tally | None,
    *,
    fill: bool,
) -> Decision[Tally, None]:
    """The tally counts what is `held` (the starts, epoch minutes) and gives back what neither is nor waits.

    `fill`: whether one that does not count yet does so from now on. Nobody may be asking hosts meanwhile.
    """
    known = tally or Tally(id=calendar.id)
    since = calendar.limited_since
    if not since or (known.filled_for < since and not fill):
        return Decision(None)
    kept = tuple(one for one in known.entries if (counts := (one.booking_id, one.attempt)) in held or counts in waiting)
    new = known if kept == known.entries else known.change(entries=kept)
    for one in known.entries:
        if one not in kept:
            new = tallies.release(new, calendar.id, one.booking_id, one.attempt, one.start).record or new
    lost = [
        Entry(booking_id=booking_id, attempt=attempt, start=start, calendar_version=0)
        for (booking_id, attempt), start in held.items()
        if start >= known.closed_until and not known.has(booking_id, attempt)
    ]
    if lost or new.filled_for < since:
        entries = sorted((*new.entries, *lost), key=lambda one: (one.start, one.booking_id, one.attempt))
        new = new.change(filled_for=max(since, new.filled_for), entries=tuple(entries))
    return Decision(None, None if new == known else tallies.archive(new, now))
