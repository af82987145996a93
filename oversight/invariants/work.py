"""Owed work: nothing stays owed after it was due."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from oversight.invariants.findings import Finding
from turnus_runtime.records import Owed, millis


def done(at: str, owed: Sequence[Owed], now: datetime, within: timedelta) -> Iterator[Finding]:
    """Whatever the record at `at` owes is done `within` this of being due."""
    late = millis(now - within)
    for entry in owed:
        if entry.due < late:
            yield Finding("overdue", (at,), f"{entry.kind} {entry.id} was due at {entry.due}")
