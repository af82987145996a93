"""What is given back to the rotation, and members who come and go."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Generator
from typing import Any

from services.assignment import handlers as assigning
from services.assignment.domain import applying, charging
from services.assignment.domain import rotation as rotations
from services.assignment.service import service as assignment
from tests.simulation.mutants.registry import ROTATION, changed, deaf, handled_by, mutant

CHARGING = "tests/unit/assignment/test_charging.py::"


@mutant("A return gives back the whole choice")
def a_return_gives_the_payer_back_only() -> Generator[None]:
    returned = applying._returned

    def meagre(charge: Any, payer: str) -> Any:
        amounts, counts = returned(charge, payer)
        return {payer: amounts[payer]}, counts

    with changed(applying, _returned=meagre):
        yield


@mutant("the share of whoever left since is spread over those present", seen_by=ROTATION)
def the_share_of_leavers_is_lost() -> Generator[None]:
    with changed(applying, spread=lambda amount, over: [0] * over):
        yield


@mutant(
    "what leavers had is spread evenly over those who stay",
    page="services/assignment/domain/rotation.py",
    seen_by=ROTATION,
)
def the_credit_of_leavers_is_lost() -> Generator[None]:
    with changed(rotations, spread=lambda amount, over: [0] * over):
        yield


@mutant(
    "A `reassign` move returns *every* charged choice below `charged`, when BookingMoved or BookingConcluded says so",
)
def a_move_returns_nothing() -> Generator[None]:
    release = assigning._release

    async def kept(event: Any, attempts: Any, on: Any) -> None:
        if not isinstance(attempts, range) or event.topic() == "BookingReleased":
            await release(event, attempts, on)

    with changed(assigning, _release=kept):
        yield


@mutant("A `reassign` move returns *every* charged choice below `charged`", seeds=800)
def a_move_returns_the_last_choice_only() -> Generator[None]:
    release = assigning._release

    async def last(event: Any, attempts: Any, on: Any) -> None:
        moved = isinstance(attempts, range) and event.topic() != "BookingReleased"
        await release(event, attempts[-1:] if moved else attempts, on)

    with changed(assigning, _release=last):
        yield


@mutant("BookingReleased returns all, filing release halves up to the highest attempt ever asked.")
def a_release_returns_only_what_was_in_force() -> Generator[None]:
    release = assigning._release

    async def short(event: Any, attempts: Any, on: Any) -> None:
        over = event.topic() == "BookingReleased"
        await release(event, range(1, max(event.attempt, 1) + 1) if over else attempts, on)

    with changed(assigning, _release=short):
        yield


@mutant(
    "A single attempt given up is AttemptReleased, read by availability and assignment only.", seen_by="model CHOOSING"
)
def assignment_does_not_read_that_an_attempt_was_given_up() -> Generator[None]:
    with handled_by(assignment.consumes, "release_attempt", deaf):
        yield


@mutant(
    "A candidate removed by a newer calendar version takes no part",
    seen_by=f"{CHARGING}test_a_candidate_who_was_removed_takes_no_part",
)
def who_was_removed_is_chosen_all_the_same() -> Generator[None]:
    choose = charging._choose

    def generous(event: Any, rotation: Any, *more: Any) -> Any:
        known = {member.member_id for member in rotation.members}
        back = tuple(rotations.RotationMember(member_id=one) for one in event.free_host_ids if one not in known)
        return choose(event, rotation.change(members=(*back, *rotation.members)), *more)

    with changed(charging, _choose=generous):
        yield


@mutant(
    "if none is left, the provisional host stays, uncharged",
    seen_by=f"{CHARGING}test_if_the_holder_alone_was_removed_the_holder_stays_uncharged",
)
def whoever_is_kept_pays() -> Generator[None]:
    choose = charging._choose

    def greedy(*given: Any) -> Any:
        return choose(*given).model_copy(update={"charged": True})

    with changed(charging, _choose=greedy):
        yield
