"""From the first yes of a host to the one who serves: choosing, keeping, swapping."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from services.assignment import handlers as assigning
from services.availability.domain import claims, hosts
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host, Reply
from services.availability.handlers import reserving
from tests.simulation.mutants.registry import changed, mutant

DIRECT = "tests/simulation/test_reserving.py::"


@mutant(
    "the first choice is final (pinned in the claim, also when it keeps; a different later one is a violation)",
    together="The claim keeps the first choice and assignment remembers it: as long as assignment says the same again, "
    "nobody can tell whether the claim would have taken another one.",
)
def the_first_choice_is_not_final_nor_remembered() -> Generator[None]:
    choose, look = claims.choose, assigning._look

    def fickle(claim: Any, chosen: Any) -> Any:
        attempt = claim.attempt(chosen.attempt) if claim is not None else None
        if attempt is not None and attempt.chosen is not None:
            claim = claim.with_attempt(attempt.model_copy(update={"chosen": None}))
        return choose(claim, chosen)

    async def blind(wanted: str, rotation: Any, on: Any) -> Any:
        _, done = await look(wanted, rotation, on)
        return None, done

    with changed(claims, choose=fickle), changed(assigning, _look=blind):
        yield


@mutant(
    "Another than the provisional one is written to the claim, reserved, then the provisional one freed", seeds=2500
)
def a_swap_frees_before_it_reserves() -> Generator[None]:
    ask_chosen = reserving._ask_chosen

    async def hasty(chosen: Any, attempt: Any, host_id: str, on: Any) -> Any:
        holder = attempt.next_to_ask
        await on.records(Host).decide(holder, lambda h: hosts.free(h, chosen.booking_id, chosen.attempt))
        return await ask_chosen(chosen, attempt, host_id, on)

    with changed(reserving, _ask_chosen=hasty):
        yield


@mutant("Another than the provisional one is written to the claim, reserved")
def a_swap_is_not_written_before_asking() -> Generator[None]:
    choose = claims.choose

    def unwritten(claim: Claim | None, chosen: Any) -> Any:
        decided = choose(claim, chosen)
        if decided.record is None or claim is None:
            return decided
        before = claim.attempt(chosen.attempt)
        return replace(decided, record=claim.with_attempt(decided.answer.model_copy(update={"asked": before.asked})))

    with changed(claims, choose=unwritten):
        yield


@mutant("on conflict the provisional one stays: the guest never loses the time", seeds=600)
def a_swap_that_meets_a_conflict_says_nothing() -> Generator[None]:
    ask_chosen = reserving._ask_chosen

    async def gives_up(*given: Any) -> Any:
        reply = await ask_chosen(*given)
        return Reply.CLOSED if reply is Reply.REFUSED else reply

    with changed(reserving, _ask_chosen=gives_up):
        yield


@mutant(
    "`fixed` where there is nothing to choose but the rotation must know (the guest chose the person)",
    seen_by=f"{DIRECT}test_a_person_whom_the_guest_chose_is_said_to_be_fixed",
)
def fixed_is_not_said() -> Generator[None]:
    reserved = reserving._reserved
    with changed(
        reserving,
        _reserved=lambda *given: reserved(*given).model_copy(update={"fixed": False}),
    ):
        yield


@mutant("assignment chooses among exactly the named hosts")
def assignment_chooses_among_all_members() -> Generator[None]:
    charge = assigning.charge

    def generous(event: Any, read: int, done: Any, now: Any, rotation: Any) -> Any:
        everybody = tuple(member.member_id for member in rotation.members) if rotation is not None else ()
        wider = event if event.fixed else event.model_copy(update={"free_host_ids": everybody})
        return charge(wider, read, done, now, rotation)

    with changed(assigning, charge=generous):
        yield
