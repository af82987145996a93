"""The claim record, one per booking: per attempt the pinned candidates, the hosts asked, the choice, the refusals.

A host is written here before it is asked, and a release is written here before it frees anything, so whoever comes
later, or twice, or after a crash, finds the same way. Rules: `reliability.md` ("Reserving").
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from turnus_contracts import AssigneeChosen, BookingRequested, SlotRefused
from turnus_runtime.records import Decision, Owed, Record, event, key, timer


class Violation(Exception):
    """An event that cannot be if everybody keeps the protocol: to the dead letters, never a compensation."""


class Attempt(BaseModel):
    """What became of one ask. Times are epoch minutes; `start`/`end` unpadded, `padded_*` with the buffers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int
    start: int
    end: int
    padded_start: int
    padded_end: int
    candidates: tuple[str, ...]
    """who could serve, in the order in which they are asked; pinned at first sight"""
    at_once: bool
    """nothing to choose: the reserving write settles it (personal calendars, `same_host` moves)"""
    fixed: bool = False
    """the guest chose the person: the rotation only has to know"""
    asked: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    chosen: str | None = None
    """the first choice of the rotation, final"""
    charged: bool = False
    refusal: SlotRefused | None = None
    """the recorded no of the whole attempt"""

    @property
    def next_to_ask(self) -> str | None:
        """The first pinned candidate not noted as refused; None when nobody is left or the answer is no."""
        if self.refusal is not None:
            return None
        return next((host for host in self.candidates if host not in self.refused), None)

    @property
    def free(self) -> tuple[str, ...]:
        """The candidates that have not refused."""
        return tuple(host for host in self.candidates if host not in self.refused)


@dataclass(frozen=True, slots=True)
class Promised:
    """What a booking keeps when it is moved, in minutes, whatever has become of its calendar's rules."""

    duration: int
    buffer_before: int
    buffer_after: int


class Claim(Record):
    """What one booking asks of availability; the id is the booking's."""

    collection: ClassVar[str] = "claims"
    indexes: ClassVar[tuple[str, ...]] = ("by_calendar",)
    long: ClassVar[tuple[str, ...]] = ("by_calendar",)

    workspace_id: str
    calendar_id: str
    attempts: dict[str, Attempt] = {}
    tombstones: tuple[int, ...] = ()
    """attempts given up, known or not"""
    over: bool = False
    """the booking is over: every attempt, known or not, is given up"""

    def keys(self) -> dict[str, str | int | None]:
        """By calendar, in the order of the last start ever asked for; what is over or refused altogether not.

        Given up or refused, a start stays in the order: whoever reads it page by page misses nothing that goes back.
        """
        last = max((one.start for one in self.attempts.values()), default=0)
        return {"by_calendar": key(self.calendar_id, last, self.id) if self.standing() else None}

    def standing(self) -> list[Attempt]:
        """The attempts that are neither refused nor given up; a move leaves the ones before it among them."""
        return [one for one in self.attempts.values() if one.refusal is None and not self.is_released(one.number)]

    def attempt(self, number: int) -> Attempt | None:
        """The attempt with this number, if it was ever pinned."""
        return self.attempts.get(str(number))

    @property
    def promised(self) -> Promised | None:
        """What every attempt of the booking was asked with; None if it never asked, or is over."""
        attempt = next(iter(self.attempts.values()), None)
        if attempt is None or self.over:
            return None
        before, after = attempt.start - attempt.padded_start, attempt.padded_end - attempt.end
        return Promised(attempt.end - attempt.start, before, after)

    def is_released(self, number: int) -> bool:
        """Whether this attempt was given up."""
        return self.over or number in self.tombstones

    def with_attempt(self, attempt: Attempt) -> "Claim":
        """This claim with the attempt replaced."""
        return self.change(attempts={**self.attempts, str(attempt.number): attempt})


def pin(
    claim: Claim | None, request: BookingRequested, new: Attempt, refusal: SlotRefused | None
) -> Decision[Claim, Attempt | None]:
    """Pin the candidates at first sight and write the first one as asked; None if the attempt was given up.

    `refusal` is what the attempt gets if `new` has no candidates. A duplicate gets what was pinned; a recorded no is
    said again.
    """
    claim = claim or Claim(id=request.booking_id, workspace_id=request.workspace_id, calendar_id=request.calendar_id)
    if claim.is_released(request.attempt):
        return Decision(None)
    if (known := claim.attempt(request.attempt)) is not None:
        return Decision(known, says=[known.refusal] if known.refusal is not None else [])
    if not new.candidates:
        if refusal is None:
            raise Violation("an attempt without candidates needs its refusal")
        refused = _refused(new, refusal)
        return Decision(refused, claim.with_attempt(refused), owes=[event(refusal)])
    asked = new.model_copy(update={"asked": new.candidates[:1]})
    return Decision(asked, claim.with_attempt(asked))


GIVE_BACK = "give_back"
"""Timer of a claim: an attempt that was refused is given back to the tally of its calendar."""


def refuse(claim: Claim | None, number: int, refused: Collection[str], refusal: SlotRefused) -> Decision[Claim, bool]:
    """The calendar takes no further booking: the attempt is refused, whoever else could serve.

    `refused` have said no for good. False: another one was asked meanwhile, who may have said yes.
    """
    attempt = claim.attempt(number) if claim is not None else None
    if claim is None or attempt is None or claim.is_released(number):
        return Decision(answer=True)
    if attempt.refusal is not None:
        return Decision(True, says=[attempt.refusal])
    noted = (*attempt.refused, *(host for host in attempt.asked if host in refused and host not in attempt.refused))
    if not set(attempt.asked) <= set(noted):
        return Decision(answer=False)
    over = _refused(attempt.model_copy(update={"refused": noted}), refusal)
    return Decision(True, claim.with_attempt(over), owes=[event(refusal)])


def given_back(claim: Claim | None, owed: Owed) -> Decision[Claim, None]:
    """What `ask_next` owed the tally is done."""
    return Decision(None, claim, drops=(owed.id,)) if claim is not None else Decision(None)


def ask_next(
    claim: Claim | None, number: int, host_id: str, refusal: SlotRefused, *, counted_at: datetime | None = None
) -> Decision[Claim, Attempt | None]:
    """`host_id` said no: note it and write the next one as asked; with nobody left the attempt is refused.

    `counted_at`: the attempt was counted by its calendar's tally, which a refusal owes giving back from then on.
    """
    attempt = claim.attempt(number) if claim is not None else None
    if claim is None or attempt is None or claim.is_released(number):
        return Decision(None)
    if attempt.refusal is not None:
        return Decision(attempt, says=[attempt.refusal])
    noted = (
        attempt if host_id in attempt.refused else attempt.model_copy(update={"refused": (*attempt.refused, host_id)})
    )
    following = noted.next_to_ask
    if following is None:
        refused = _refused(noted, refusal)
        back = [] if counted_at is None else [timer(GIVE_BACK, counted_at, id=f"{GIVE_BACK}:{number}")]
        return Decision(refused, claim.with_attempt(refused), owes=[event(refusal), *back])
    if following not in noted.asked:
        noted = noted.model_copy(update={"asked": (*noted.asked, following)})
    if noted == attempt:
        return Decision(attempt)
    return Decision(noted, claim.with_attempt(noted))


def _refused(attempt: Attempt, refusal: SlotRefused) -> Attempt:
    return attempt.model_copy(update={"refusal": refusal})


def choose(claim: Claim | None, chosen: AssigneeChosen) -> Decision[Claim, Attempt | None]:
    """Pin the first choice, and write its host as asked before it is asked. None if there is nothing to settle."""
    attempt = claim.attempt(chosen.attempt) if claim is not None else None
    if claim is None or attempt is None:
        raise Violation(f"AssigneeChosen for attempt {chosen.attempt}, which was never pinned here")
    if claim.is_released(chosen.attempt) or attempt.refusal is not None:
        return Decision(None)
    host_id = chosen.host_ids[0]
    if attempt.chosen is not None:
        if attempt.chosen != host_id:
            raise Violation(f"a second choice for attempt {chosen.attempt}")
        return Decision(attempt)
    if host_id not in attempt.candidates:
        raise Violation(f"AssigneeChosen for attempt {chosen.attempt} names somebody who was not free")
    asked = attempt.asked if host_id in attempt.asked else (*attempt.asked, host_id)
    pinned = attempt.model_copy(update={"chosen": host_id, "asked": asked, "charged": chosen.charged})
    return Decision(pinned, claim.with_attempt(pinned))


Asked = Mapping[int, Attempt]


def release(
    claim: Claim | None, booking_id: str, workspace_id: str, calendar_id: str, number: int | None
) -> Decision[Claim, Asked]:
    """Write the tombstone (None: of all attempts, the booking is over); the answer says who was asked what."""
    claim = claim or Claim(id=booking_id, workspace_id=workspace_id, calendar_id=calendar_id)
    asked = {a.number: a for a in claim.attempts.values() if number is None or a.number == number}
    if claim.over or (number is not None and number in claim.tombstones):
        return Decision(asked)
    if number is None:
        return Decision(asked, claim.change(over=True))
    return Decision(asked, claim.change(tombstones=(*claim.tombstones, number)))
