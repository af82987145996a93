"""The host record: one per member, the guard of every reservation.

Padded half-open intervals in epoch minutes with (booking, attempt), recorded refusals and tombstones, and
`closed_until`, below which all of them are forgotten together, but for what limits have to count. Rules:
`reliability.md` ("Reserving"). No function here reads a clock to decide yes or no: `now` only moves `closed_until`, two
days behind it.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

from services.availability.domain.limits import Counted, FullPeriod, is_full
from services.availability.domain.marks import (
    Marks,
    Past,
    day_of,
    is_marked,
    is_past,
    mark_of,
    marked,
    of_past,
    since,
    with_past,
)
from services.availability.domain.zones import DAY, LAST_MINUTE, day_span, epoch_minute
from turnus_contracts import AssigneeSettled, MemberChanged, SlotReserved
from turnus_runtime.records import Decision, Record, event

CLOSED_BEHIND_MINUTES = 2 * DAY
"""How far `closed_until` trails the store's clock."""
KEPT_PAST_MINUTES = 40 * DAY
"""How far behind `closed_until` bookings are counted by limits: longer than the longest period."""


class Reservation(NamedTuple):
    """A held time. `start`/`end` are padded with the buffers promised to this booking, epoch minutes, half-open.

    `before` and `after` are those buffers (0 also of reservations from when they were not told apart); `overbooked`:
    staff decided that it may lie upon others. Stored as a list of its values: a host has hundreds, read and written
    with each booking, and by name they take three times as long.
    """

    start: int
    end: int
    booking_id: str
    attempt: int
    settled: bool = False
    before: int = 0
    after: int = 0
    overbooked: bool = False

    @property
    def begins(self) -> int:
        """When the appointment itself begins."""
        return self.start + self.before


class Pause(BaseModel):
    """The member's latest pause, epoch minutes, half-open; `version`: of the member when they said so.

    It stays when it is over, as one that ended: an older word of the member that comes late changes nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    start: int
    end: int


class Host(Record):
    """One member's time."""

    collection: ClassVar[str] = "hosts"
    format: ClassVar[int] = 4
    """2: `blocks_versions`, 3: `pause`, 4: buffers of reservations, which are lists, and `past`"""
    wakes: ClassVar[bool] = True

    rules_version: int = 0
    """Raised by every change of the member's schedules, blocks and limits."""
    blocks_versions: dict[str, int] = {}
    """Calendar whose own blocks changed while this member served in it -> its `blocks_version` since then, at least."""
    pause: Pause | None = None
    """None: they never paused"""
    reservations: tuple[Reservation, ...] = ()
    refused: Marks = {}
    """The marks of refused (booking, attempt), by day of the padded start."""
    tombstones: Marks = {}
    """The same for released ones."""
    answered: Marks = {}
    """The same for accepted ones whose time was freed again, at a swap or after a move: the answer is still yes."""
    past: Past = {}
    """What was archived and still counts for limits."""
    closed_until: int = 0

    def held(self, booking_id: str, attempt: int) -> Reservation | None:
        """The reservation of this attempt, if it is held."""
        return next((r for r in self.reservations if r.booking_id == booking_id and r.attempt == attempt), None)

    def had(self, booking_id: str, begins: int) -> bool:
        """Whether the booking, which begins at this minute, was held until it was archived, and may still count."""
        return is_past(self.past, mark_of(booking_id), begins)

    def clash(self, start: int, end: int, but: str) -> Reservation | None:
        """The first reservation of another booking that meets [start, end)."""
        return next((r for r in self.reservations if r.start < end and start < r.end and r.booking_id != but), None)

    def counted(self, but: str) -> list[Counted]:
        """What limits count: all bookings of the host, in whatever calendar, but this one."""
        own = mark_of(but)
        held = ((mark_of(r.booking_id), r.begins) for r in self.reservations)
        return [one for one in (*held, *of_past(self.past)) if one[0] != own]

    def is_paused(self, start: int, end: int) -> bool:
        """Whether [start, end) meets the pause."""
        pause = self.pause
        return pause is not None and pause.start < pause.end and pause.start < end and start < pause.end


class Reply(Enum):
    """A host's answer to an ask. ACCEPTED and REFUSED are permanent; STALE asks for a look at the changed rules."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    CLOSED = "closed"
    STALE = "stale"


@dataclass(frozen=True, slots=True)
class Ask:
    """An attempt asks a host for a time. Padded epoch minutes; `offered` is the engine's word under `rules_version`."""

    booking_id: str
    attempt: int
    start: int
    end: int
    offered: bool
    rules_version: int | None
    """None: rules do not matter (any more), `offered` is the last word"""
    calendar_id: str = ""
    blocks_version: int = 0
    """as of which `offered` heeds the calendar's own blocks, and the ask its limits"""
    reserved: SlotReserved | None = None
    """What a yes says when the rotation still has to choose."""
    assigned: AssigneeSettled | None = None
    """What a yes says when this host serves for good."""
    at_once: bool = False
    """The reserving write settles the attempt: nothing is left to choose."""
    before: int = 0
    after: int = 0
    """the buffers in `start` and `end`"""
    limited: tuple[FullPeriod, ...] = ()
    """the periods in which the start lies and of which the member takes only so many"""
    overbook: bool = False
    """staff decided so: whatever is in the way does not count"""


def reserve(host: Host | None, ask: Ask, host_id: str, now: datetime) -> Decision[Host, Reply]:
    """Give `ask` the host's time, or say why not. The same ask always gets the same answer."""
    host = host or Host(id=host_id)
    if host.held(ask.booking_id, ask.attempt) is not None:
        # Once more what the first yes said, also if the rotation has settled it since: its answer comes again and ends
        # in the same AssigneeSettled. Only that way knows whether it was charged.
        return Decision(Reply.ACCEPTED, says=_said(ask))
    if ask.start < host.closed_until:
        return Decision(Reply.CLOSED)
    mark, day = mark_of(ask.booking_id, ask.attempt), day_of(ask.start)
    if is_marked(host.refused, day, mark) or is_marked(host.tombstones, day, mark):
        return Decision(Reply.REFUSED)
    if is_marked(host.answered, day, mark):
        return Decision(Reply.ACCEPTED, says=_said(ask))
    return _reserve_unheard(host, ask, day, mark, now)


def _reserve_unheard(host: Host, ask: Ask, day: str, mark: str, now: datetime) -> Decision[Host, Reply]:
    if _is_stale(host, ask):
        return Decision(Reply.STALE)
    if not ask.overbook and not _is_free(host, ask):
        return Decision(Reply.REFUSED, host.change(refused=marked(host.refused, day, mark)))
    held = Reservation(
        start=ask.start,
        end=ask.end,
        booking_id=ask.booking_id,
        attempt=ask.attempt,
        settled=ask.at_once,
        before=ask.before,
        after=ask.after,
        overbooked=ask.overbook,
    )
    changed = archive(host.change(reservations=_replaced(host, None, held)), now)
    return Decision(Reply.ACCEPTED, changed, owes=[event(said) for said in _said(ask)])


def _is_stale(host: Host, ask: Ask) -> bool:
    # No rules hinder what staff overbook, but a calendar that has begun to have limits counts it first.
    other_rules = ask.rules_version not in (None, host.rules_version)
    looks = ask.overbook or ask.rules_version is not None
    return other_rules or (looks and host.blocks_versions.get(ask.calendar_id, 0) > ask.blocks_version)


def _is_free(host: Host, ask: Ask) -> bool:
    # The pause is asked here and not only when rules are: nobody looks at them again in the middle of a swap.
    taken = host.clash(ask.start, ask.end, but=ask.booking_id) is not None
    if not ask.offered or taken or host.is_paused(ask.start, ask.end):
        return False
    return not ask.limited or not is_full(ask.limited, host.counted(but=ask.booking_id))


def _said(ask: Ask) -> list[SlotReserved | AssigneeSettled]:
    said = ask.assigned if ask.at_once else ask.reserved
    return [said] if said is not None else []


def keep(host: Host | None, settled: AssigneeSettled) -> Decision[Host, bool]:
    """The provisional holder stays: mark its interval settled and owe the last word. False if it is not there."""
    held = host.held(settled.booking_id, settled.attempt) if host is not None else None
    if host is None or held is None:
        return Decision(answer=False)
    if held.settled:
        return Decision(True, says=[settled])
    changed = host.change(reservations=_replaced(host, held, held._replace(settled=True)))
    return Decision(True, changed, owes=[event(settled)])


def free(
    host: Host | None, booking_id: str, attempt: int, settled: AssigneeSettled | None = None
) -> Decision[Host, None]:
    """Remove exactly (booking, attempt) at a swap or after a move; the answer stays recorded, no tombstone.

    At a swap this is the write that leaves one holder: it owes `settled`; with nothing left to free it is said again.
    """
    held = host.held(booking_id, attempt) if host is not None else None
    if host is None or held is None:
        return Decision(None, says=[settled] if settled is not None else [])
    # A no would send the next duplicate of the request on to another host, who would then hold the time as well.
    answered = marked(host.answered, day_of(held.start), mark_of(booking_id, attempt))
    changed = host.change(reservations=_replaced(host, held, None), answered=answered)
    return Decision(None, changed, owes=[event(settled)] if settled is not None else [])


def release(host: Host | None, booking_id: str, attempt: int, start: int, host_id: str) -> Decision[Host, None]:
    """The attempt is over: give its time back and never take the ask again. `start` is the padded start asked for."""
    host = host or Host(id=host_id)
    mark, day = mark_of(booking_id, attempt), day_of(start)
    held = host.held(booking_id, attempt)
    if held is None and (start < host.closed_until or is_marked(host.tombstones, day, mark)):
        return Decision(None)
    changed = host.change(reservations=_replaced(host, held, None), tombstones=marked(host.tombstones, day, mark))
    return Decision(None, changed)


def change_rules(host: Host | None, host_id: str) -> Decision[Host, int]:
    """Schedules or blocks changed: a racing reservation must look again."""
    host = host or Host(id=host_id)
    changed = host.change(rules_version=host.rules_version + 1)
    return Decision(changed.rules_version, changed)


def change_blocks(host: Host | None, host_id: str, calendar_id: str, version: int) -> Decision[Host, None]:
    """The own blocks of a calendar in which this member serves changed: a racing reservation in it must look again."""
    host = host or Host(id=host_id)
    if host.blocks_versions.get(calendar_id, 0) >= version:
        return Decision(None)
    return Decision(None, host.change(blocks_versions={**host.blocks_versions, calendar_id: version}))


def learn_pause(host: Host | None, told: MemberChanged) -> Decision[Host, None]:
    """Keep the pause that the highest version of the member says. What is held stays: only new asks meet it.

    Whoever never paused says nothing of it, and nothing is kept of them.
    """
    host = host or Host(id=told.member_id)
    if told.paused_since is None or (host.pause is not None and host.pause.version >= told.version):
        return Decision(None)
    pause = Pause(version=told.version, start=epoch_minute(told.paused_since), end=_pause_end(told))
    return Decision(None, host.change(pause=pause))


def _pause_end(told: MemberChanged) -> int:
    """Where the day `paused_until` begins in the member's zone, or when they resumed, whichever comes first."""
    ends = [LAST_MINUTE]
    if told.paused_until is not None:
        ends.append(day_span(told.tz, told.paused_until, told.paused_until)[0])
    if told.resumed_at is not None:
        ends.append(epoch_minute(told.resumed_at))
    return min(ends)


def archive(host: Host, now: datetime) -> Host:
    """Forget what ended two days ago, raising `closed_until` in the same write."""
    closed = (epoch_minute(now) - CLOSED_BEHIND_MINUTES) // DAY * DAY
    if closed <= host.closed_until:
        return host
    return host.change(
        closed_until=closed,
        reservations=tuple(r for r in host.reservations if r.end > closed),
        refused=since(host.refused, closed),
        tombstones=since(host.tombstones, closed),
        answered=since(host.answered, closed),
        past=with_past(
            host.past,
            [(mark_of(r.booking_id), r.begins) for r in host.reservations if r.end <= closed],
            closed - KEPT_PAST_MINUTES,
        ),
    )


def _replaced(host: Host, old: Reservation | None, new: Reservation | None) -> tuple[Reservation, ...]:
    others = tuple(r for r in host.reservations if r is not old)
    if new is None:
        return others
    return tuple(sorted((*others, new), key=lambda r: (r.start, r.end, r.booking_id)))
