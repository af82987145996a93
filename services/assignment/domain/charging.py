"""Choosing: the rules of a rotation, and the write that charges it."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

from services.assignment.domain.choice import Charge, Choice, Share, choice_id, chosen
from services.assignment.domain.credit import UNIT, shares
from services.assignment.domain.rotation import FILE, Rotation, RotationMember, errand_due, errand_id
from turnus_contracts import SlotReserved
from turnus_runtime.records import Decision, Owed
from turnus_runtime.records import event as fact

EQUAL, TOTALS, AVAILABILITY, FIXED, KEPT = "equal", "totals", "availability", "fixed", "kept"
MONTHS_KEPT = timedelta(days=62)
"""Totals are about the month of the appointment: what lies further back is of no use."""


def charge(
    event: SlotReserved, read: int, done: Sequence[str], now: datetime, rotation: Rotation | None
) -> Decision[Rotation, Choice | None]:
    """Choose among the hosts that SlotReserved names, charge, and owe saying it and filing the choice.

    The caller has read the rotation in version `read` and then found no choice for this attempt. If the rotation has
    changed since, one may have been made: the answer is None, start again. `done` are errands to drop on the way.
    """
    if rotation is None or rotation.version != read:
        return Decision(None)
    turn = rotation.turn + 1
    charged = _choose(event, rotation, turn, now)
    choice = Choice(
        id=choice_id(event.booking_id, event.attempt),
        workspace_id=event.workspace_id,
        calendar_id=event.calendar_id,
        booking_id=event.booking_id,
        attempt=event.attempt,
        charge=charged,
        payer=charged.server,
    )
    gained = {share.member_id: share.gained for share in charged.candidates}
    members = tuple(_charged(each, charged, gained.get(each.member_id, 0), now) for each in rotation.members)
    filing = Owed(
        id=errand_id(FILE, choice.id),
        kind="timer",
        name="file_choice",
        due=errand_due(now),
        data=choice.model_dump(mode="json"),
    )
    return Decision(
        choice,
        rotation.change(members=members, turn=turn, version=rotation.version + 1),
        owes=[fact(chosen(choice, charged)), filing],
        drops=done,
    )


def filing_of(entry: Owed) -> Choice:
    """The choice that an owed filing remembers."""
    return Choice.model_validate(entry.data)


def _choose(event: SlotReserved, rotation: Rotation, turn: int, now: datetime) -> Charge:
    month = f"{event.start.astimezone(ZoneInfo(rotation.tz)):%Y-%m}"
    free = [member for member in rotation.members if member.member_id in event.free_host_ids]
    equal = rotation.optimize == EQUAL
    gains = shares([member.weight for member in free]) if equal and free else [0] * len(free)
    rule, server = _rule(event, rotation.optimize, list(zip(free, gains, strict=True)), month)
    if server is None:
        return Charge(
            host_ids=event.host_ids, rule=KEPT, charged=False, turn=turn, paid=0, start=event.start, month=month, at=now
        )
    return Charge(
        host_ids=(server.member_id,),
        rule=rule,
        charged=True,
        turn=turn,
        paid=UNIT if equal else 0,
        start=event.start,
        month=month,
        at=now,
        idle_before=server.last_turn,
        candidates=tuple(
            Share(member_id=member.member_id, credit=member.credit, gained=gained)
            for member, gained in zip(free, gains, strict=True)
        ),
    )


def _rule(
    event: SlotReserved, optimize: str, free: Sequence[tuple[RotationMember, int]], month: str
) -> tuple[str, RotationMember | None]:
    """Who serves, and by which rule; None: nobody of the rotation can. Ties go by the order of members.

    A rule that is not known here (a newer calendar) is taken as `availability`. Tier 1 is the highest priority.
    """
    if event.fixed:
        return FIXED, next((member for member, _ in free if member.member_id == event.host_ids[0]), None)
    if not free:
        return KEPT, None
    if optimize == EQUAL:
        return EQUAL, max(free, key=lambda each: each[0].credit + each[1])[0]
    if optimize == TOTALS:
        return TOTALS, min(free, key=lambda each: Fraction(each[0].served.get(month, 0), each[0].weight))[0]
    return AVAILABILITY, min(free, key=lambda each: (each[0].tier, each[0].last_turn))[0]


def _charged(member: RotationMember, charged: Charge, gained: int, now: datetime) -> RotationMember:
    """The member after the choice: all candidates gain, the server pays and has served."""
    if not charged.charged or member.member_id != charged.server:
        return member.model_copy(update={"credit": member.credit + gained}) if gained else member
    oldest = f"{now - MONTHS_KEPT:%Y-%m}"
    served = {month: count for month, count in member.served.items() if month >= oldest}
    served[charged.month] = served.get(charged.month, 0) + 1
    credit = member.credit + gained - charged.paid
    return member.model_copy(update={"credit": credit, "served": served, "last_turn": charged.turn})
