"""What a choice decided after it was charged, applied to the rotation exactly once."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from services.assignment.domain.choice import MOVE, Charge, Choice
from services.assignment.domain.credit import spread
from services.assignment.domain.rotation import FILE, MARK, Rotation, RotationMember, errand_due, errand_id
from turnus_runtime.records import Decision, Owed


def apply_effects(
    choice: Choice, read: int, done: Sequence[str], now: datetime, rotation: Rotation | None
) -> Decision[Rotation, bool]:
    """Apply what `choice` has pending, but for what the rotation owes marking, and owe marking it done.

    The caller has read the rotation in version `read` and then the choice. If the rotation has changed since, somebody
    may have applied and marked it: the answer is False, start again. `done` are errands to drop on the way.
    """
    if rotation is None or rotation.version != read:
        return Decision(False)
    new = [effect for effect in choice.pending if rotation.owes(errand_id(MARK, effect, choice.id)) is None]
    if not new or choice.charge is None:
        return Decision(True)
    members = rotation.members
    for effect in new:
        members = _applied(effect, choice, choice.charge, members)
    marks = [
        Owed(
            id=errand_id(MARK, effect, choice.id),
            kind="timer",
            name="mark_applied",
            due=errand_due(now),
            data={"choice_id": choice.id, "effect": effect},
        )
        for effect in new
    ]
    return Decision(True, rotation.change(members=members, version=rotation.version + 1), owes=marks, drops=done)


def choice_of(entry: Owed) -> str:
    """The id of the choice that an errand is about."""
    return entry.id.rpartition(":")[2]


def effect_of(entry: Owed) -> str:
    """The effect that an owed mark is about."""
    return entry.id.split(":")[1]


def is_done(entry: Owed, choice: Choice | None) -> bool:
    """Whether the choice shows what the errand is owed for, so that the rotation may forget it."""
    if choice is None or choice.charge is None:
        return False
    return entry.id.startswith(FILE) or effect_of(entry) in choice.applied


def drop_errands(done: Sequence[str], rotation: Rotation | None) -> Decision[Rotation, None]:
    """Forget errands that are done. This changes the version too, see `Rotation`."""
    if rotation is None or not any(rotation.owes(each) for each in done):
        return Decision(None)
    return Decision(None, rotation.change(version=rotation.version + 1), drops=done)


def _applied(
    effect: str, choice: Choice, charge: Charge, members: tuple[RotationMember, ...]
) -> tuple[RotationMember, ...]:
    """The members after one effect. Amounts always add up to zero: what belongs to somebody who left since (also if
    they came back, which begins anew) is spread evenly over those present.
    """
    payer = choice.payer or charge.server
    amounts, counts = _moved(charge, payer) if effect == MOVE else _returned(charge, payer)
    present = {member.member_id for member in members if member.joined < charge.turn}
    orphaned = sum(amount for who, amount in amounts.items() if who not in present)
    return tuple(
        _changed(member, charge, rest, amounts, counts)
        if member.member_id in present
        else member.model_copy(update={"credit": member.credit + rest})
        for member, rest in zip(members, spread(orphaned, len(members)), strict=True)
    )


Amounts = Mapping[str, int]


def _moved(charge: Charge, payer: str) -> tuple[Amounts, Amounts]:
    """Credit and counts that change when `payer` serves instead of the server."""
    return {charge.server: charge.paid, payer: -charge.paid}, {charge.server: -1, payer: 1}


def _returned(charge: Charge, payer: str) -> tuple[Amounts, Amounts]:
    """Credit and counts that change when the choice is taken back whole."""
    amounts = {share.member_id: -share.gained for share in charge.candidates}
    amounts[payer] = amounts.get(payer, 0) + charge.paid
    return amounts, {payer: -1}


def _changed(member: RotationMember, charge: Charge, rest: int, amounts: Amounts, counts: Amounts) -> RotationMember:
    credit = member.credit + amounts.get(member.member_id, 0) + rest
    by = counts.get(member.member_id, 0)
    count = max(0, member.served.get(charge.month, 0) + by)
    served = {month: number for month, number in member.served.items() if month != charge.month}
    if count:
        served[charge.month] = count
    update = {"credit": credit, "served": served, "last_turn": _last_turn(member, charge, by)}
    return member.model_copy(update=update)


def _last_turn(member: RotationMember, charge: Charge, by: int) -> int:
    """Who did not serve after all is as idle as before the choice. (One who took it over and then lost it too keeps
    the turn: nobody noted how idle they were. It costs them one place in the queue of `availability`.)
    """
    if by > 0:
        return max(member.last_turn, charge.turn)
    if by < 0 and member.member_id == charge.server and member.last_turn == charge.turn:
        return charge.idle_before
    return member.last_turn
