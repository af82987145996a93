"""What becomes of a choice: charged and released in either order, settled elsewhere at most once, returned once."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import ClassVar

from services.assignment.domain.credit import bookings
from services.assignment.domain.rotation import Part, errand_due
from turnus_contracts import AssigneeChosen, Candidate, Instant
from turnus_runtime.records import Decision, Owed, Record, key

MOVE, RETURN = "move", "return"
"""The effects that a choice may have on the rotation after it was charged."""
APPLY = "apply"
"""The timer that a choice owes while one of its effects is decided and not known to be applied."""


class Share(Part):
    """A candidate as the choice saw them: credit before it, and what they gained by it, in units."""

    member_id: str
    credit: int
    gained: int


class Charge(Part):
    """The charge half: who was chosen, by which rule, among whom, and what it cost.

    `charged` False: nobody of the rotation was left, the provisional host stays (`kept`). `turn` is the rotation's,
    `paid` in units, `month` (`2027-01`) where it counts, `idle_before` the last turn that the server had served before.
    """

    host_ids: tuple[str, ...]
    rule: str
    charged: bool
    turn: int
    paid: int
    start: Instant
    month: str
    at: Instant
    idle_before: int = 0
    candidates: tuple[Share, ...] = ()

    @property
    def server(self) -> str:
        """Who was chosen."""
        return self.host_ids[0]


class Choice(Record):
    """The choice of one attempt of a booking; a record of its own, since a large team has tens of thousands open.

    `charge` and `released` are its two halves. `payer` is who pays in the end, `returned` that it was decided to take
    the whole choice back, `applied` the effects that the rotation has applied. (`by_host` is younger: a choice that
    nothing has changed since is not found by it.)
    """

    collection: ClassVar[str] = "choices"
    indexes: ClassVar[tuple[str, ...]] = ("rotation", "by_host")
    long: ClassVar[tuple[str, ...]] = ("by_host",)

    workspace_id: str
    calendar_id: str
    booking_id: str
    attempt: int
    charge: Charge | None = None
    released: bool = False
    payer: str | None = None
    returned: bool = False
    applied: tuple[str, ...] = ()

    def keys(self) -> Mapping[str, str | int | None]:
        """Of a calendar by turn: all charged choices, and of a host those that were not given up."""
        if self.charge is None:
            return {}
        stands = None if self.released else key(self.calendar_id, self.host, self.charge.turn)
        return {"rotation": key(self.calendar_id, self.charge.turn), "by_host": stands}

    @property
    def host(self) -> str:
        """Who serves by it: whoever pays in the end, else whoever was chosen; empty without a charge."""
        return self.payer or (self.charge.server if self.charge is not None else "")

    @property
    def pending(self) -> tuple[str, ...]:
        """Effects that are decided and not known to be applied, in the order in which they were decided."""
        if self.charge is None or not self.charge.charged:
            return ()
        moved = self.payer != self.charge.server
        decided = ((MOVE,) if moved else ()) + ((RETURN,) if self.returned else ())
        return tuple(effect for effect in decided if effect not in self.applied)


def choice_id(booking_id: str, attempt: int) -> str:
    """The id of an attempt's choice."""
    return f"cho_{booking_id.removeprefix('bk_')}_{attempt}"


def serves_by(choices: Sequence[Choice]) -> str:
    """Who serves a booking by its charged choices in the order of its attempts: the last that was not given up.

    Of a booking that is over all are given up: then the last. Empty if nobody was ever chosen.
    """
    standing = [choice for choice in choices if not choice.released] or list(choices)
    return standing[-1].host if standing else ""


def chosen(choice: Choice, charge: Charge) -> AssigneeChosen:
    """The answer to SlotReserved that this choice is; always the same."""
    return AssigneeChosen(
        workspace_id=choice.workspace_id,
        calendar_id=choice.calendar_id,
        booking_id=choice.booking_id,
        attempt=choice.attempt,
        start=charge.start,
        host_ids=charge.host_ids,
        charged=charge.charged,
        rule=charge.rule,
        candidates=tuple(
            Candidate(member_id=each.member_id, credit=bookings(each.credit), gained=bookings(each.gained))
            for each in charge.candidates
        ),
    )


def file(charged: Choice, now: datetime, choice: Choice | None) -> Decision[Choice, Choice]:
    """Add the charge half. The first one is final; meeting the release half it is returned at once."""
    if choice is None:
        return Decision(charged, charged)
    if choice.charge is not None:
        return Decision(choice)
    return _decided(choice.change(charge=charged.charge, payer=charged.payer), now)


def release(blank: Choice, now: datetime, choice: Choice | None) -> Decision[Choice, Choice]:
    """Add the release half, to `blank` if there is nothing yet; a charge that is there is returned, once."""
    if choice is not None and choice.released:
        return Decision(choice)
    return _decided((choice or blank).change(released=True), now)


def settle(host_ids: Collection[str], now: datetime, choice: Choice | None) -> Decision[Choice, Choice | None]:
    """These serve in the end: if the payer is not among them the payment moves to them, once, unless returned.

    A settlement that contradicts an earlier one is booking's to report; the payment has moved, and stays.
    """
    if choice is None or choice.charge is None or not choice.charge.charged or settles(choice, host_ids):
        return Decision(choice)
    moved = choice.change(payer=next(iter(host_ids)))
    return Decision(moved, moved, owes=[_applying(now)])


def settles(choice: Choice, host_ids: Collection[str]) -> bool:
    """Whether nothing is left to do on this charged choice when these hosts serve in the end."""
    if choice.charge is None:
        return False
    final = choice.returned or choice.payer != choice.charge.server or not choice.charge.charged
    return final or not host_ids or choice.payer in host_ids


def mark(effects: Collection[str], choice: Choice | None) -> Decision[Choice, None]:
    """The rotation has applied these effects."""
    if choice is None or set(effects) <= set(choice.applied):
        return Decision(None)
    marked = choice.change(applied=(*choice.applied, *(each for each in effects if each not in choice.applied)))
    return Decision(None, marked, drops=() if marked.pending else (APPLY,))


def _decided(choice: Choice, now: datetime) -> Decision[Choice, Choice]:
    """Both halves are there: the return is decided, in the write that joins them."""
    if choice.charge is None or not choice.charge.charged:
        return Decision(choice, choice)
    returned = choice.change(returned=choice.released)
    return Decision(returned, returned, owes=[_applying(now)] if returned.pending else ())


def _applying(now: datetime) -> Owed:
    return Owed(id=APPLY, kind="timer", name="apply_choice", due=errand_due(now))
