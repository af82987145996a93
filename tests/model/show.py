"""What was found, for people: tables in Markdown."""

from collections.abc import Iterator

from services.assignment.domain.choice import Choice
from services.assignment.domain.credit import UNIT
from services.assignment.domain.rotation import Rotation
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.booking.domain.bookings import Booking
from tests.model.protocol import World
from tests.model.states import By, Found, State, Way
from turnus_runtime.records import Record

_ALONE = {By.BROKER_LOST: "the broker loses everything", By.TIME_PASSED: "ten days pass"}
_MORE = {
    By.HEARD_AGAIN: " (long after)",
    By.DIED: ", and dies",
    By.UNACKNOWLEDGED: ", and dies before it acknowledges",
    By.UNHEARD: ": does not know the calendar yet",
}


def trace(found: Found) -> Iterator[str]:
    """The shortest way to the violation: who does what, and what it changes."""
    yield "| # | who | step | what is different then |"
    yield "|---|---|---|---|"
    before: State | None = None
    for number, (way, state) in enumerate(found.trace):
        who, step = ("guests", "ask") if before is None else _who(found.world, way)
        changed = [] if before is None else list(_changes(found.world, before, state))
        yield f"| {number} | {who} | {step} | {'; '.join(changed) or '–'} |"
        before = state
    yield f"\n**{found.violation}**"


def _who(world: World, way: Way) -> tuple[str, str]:
    machine = world.machine
    if way.by in _ALONE:
        return "–", _ALONE[way.by]
    if way.by is By.ASKED:
        return "guest", world.clients[way.what][0]
    if way.by is By.REPUBLISHED:
        return "operator", f"{world.bookings[way.what]} is said again"
    number = way.what
    if way.by in {By.HEARD, By.HEARD_AGAIN, By.UNHEARD}:
        number = machine.hearing(number, later=False)
    started, thread = machine.started(number), machine.threads[number]
    about = getattr(started.event, "booking_id", started.record_id)
    attempt = getattr(started.event, "attempt", None)
    about = f"{about} attempt {attempt}" if attempt else about
    return started.service, f"{started.what} ({about}): {thread.asked}{_MORE.get(way.by, '')}"


def _changes(world: World, before: State, after: State) -> Iterator[str]:
    machine = world.machine
    for slot, (old, new) in enumerate(zip(before.records, after.records, strict=True)):
        if old != new:
            yield f"{machine.slots[slot][1]}: {_summary(machine.records[new])}"
    topics = dict.fromkeys(
        machine.deliveries[bit].what.removeprefix("hears ")
        for bit in range(len(machine.deliveries))
        if (after.said & ~before.said | after.pending & ~before.pending) >> bit & 1
    )
    if topics:
        yield f"says {', '.join(topics)}"


def _summary(record: Record | None) -> str:
    match record:
        case Booking():
            attempts = ", ".join(f"{a.number} {a.state}" for a in record.attempts)
            return f"{record.status} (attempts: {attempts})"
        case Claim():
            asked = "; ".join(f"{a.number} asked {', '.join(a.asked) or 'nobody'}" for a in record.attempts.values())
            over = "over" if record.over else f"tombstones {record.tombstones}" if record.tombstones else ""
            return ", ".join(part for part in (asked, over) if part)
        case Host():
            held = ", ".join(f"{r.booking_id}/{r.attempt}" for r in record.reservations)
            return f"holds {held or 'nothing'}"
        case Rotation():
            return "credits " + ", ".join(f"{m.member_id} {m.credit / UNIT:+.2f}" for m in record.members)
        case Choice():
            charge = f"charged to {record.payer}" if record.charge is not None else "not charged"
            return f"{charge}{', released' if record.released else ''}{', returned' if record.returned else ''}"
        case _:
            return "–"
