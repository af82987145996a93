"""What a record owes after a decision on it. Pure."""

from dataclasses import replace
from typing import Any

from turnus_runtime.records import GRACE_MS, Decision, Owed

DAY_MS = 86_400_000


def owed_after(
    before: tuple[Owed, ...], decided: Decision[Any, Any], version: int, now: int, trace: str
) -> tuple[Owed, ...]:
    """What the record owes after the decision.

    Events and states get an id that is unique to this write: clearing an earlier sending of the same event never
    removes a later owing of it. A full state replaces the same state still owed: only the newest is ever said.
    """
    added: list[Owed] = []
    for entry in decided.owes:
        if entry.kind in ("event", "state"):
            added.append(replace(entry, id=f"{entry.id}@{version}", due=now + GRACE_MS, trace=trace))
        else:
            added.append(replace(entry, trace=entry.trace or trace))
    gone = {entry.id for entry in added} | set(decided.drops)
    said = {entry.name for entry in added if entry.kind == "state"}
    kept = [entry for entry in before if entry.id not in gone and not (entry.kind == "state" and entry.name in said)]
    return (*kept, *added)


def again_entry(id: str, now: int) -> Owed:
    """The owed entry by which a full state is said again once a day, spread over the day by its id."""
    spread = int.from_bytes(id.encode()[-4:], "big") % DAY_MS
    start_of_day = now // DAY_MS * DAY_MS
    due = start_of_day + spread
    while due < now + DAY_MS // 2:
        due += DAY_MS
    return Owed(id="again", kind="again", name="again", due=due)
