"""The rotation: who is charged, and what becomes of it."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Any

from services.assignment import handlers as assigning
from services.assignment.domain import applying, charging
from services.assignment.domain import choice as choices
from services.assignment.domain import rotation as rotations
from services.assignment.domain.choice import Choice
from services.assignment.service import service as assignment
from tests.simulation.mutants.registry import ROTATION, changed, deaf, handled_by, mutant
from turnus_runtime.records import Decision

CHARGING = "tests/unit/assignment/test_charging.py::"


@mutant("The write that charges owes AssigneeChosen and *filing the choice*")
def a_charge_does_not_owe_its_filing() -> Generator[None]:
    charge = assigning.charge

    def forgetful(*given: Any) -> Any:
        decided = charge(*given)
        return replace(decided, owes=[entry for entry in decided.owes if entry.kind == "event"])

    with changed(assigning, charge=forgetful):
        yield


@mutant(
    "The write that charges owes AssigneeChosen",
    seen_by=f"{CHARGING}test_the_charge_owes_saying_it_and_filing_the_choice",
)
def a_charge_does_not_owe_its_answer() -> Generator[None]:
    charge = charging.charge

    def forgetful(*given: Any) -> Any:
        decided = charge(*given)
        return replace(decided, owes=[entry for entry in decided.owes if entry.kind != "event"])

    with changed(assigning, charge=forgetful), changed(charging, charge=forgetful):
        yield


@mutant("Every change reads the rotation, then the choice, then compare-and-sets the rotation", seen_by=ROTATION)
def a_charge_counts_on_any_version() -> Generator[None]:
    charge = assigning.charge

    def hasty(event: Any, _: int, done: Any, now: Any, rotation: Any) -> Any:
        return charge(event, rotation.version if rotation is not None else 0, done, now, rotation)

    with changed(assigning, charge=hasty):
        yield


@mutant("Every change reads the rotation, then the choice, then compare-and-sets the rotation", seen_by=ROTATION)
def effects_are_applied_to_any_version() -> Generator[None]:
    apply = assigning.apply_effects

    def careless(choice: Choice, _: int, done: Any, now: Any, rotation: Any) -> Any:
        return apply(choice, rotation.version if rotation is not None else 0, done, now, rotation)

    with changed(assigning, apply_effects=careless):
        yield


@mutant("Every change reads the rotation, then the choice", seen_by=ROTATION)
def the_choice_is_read_before_the_rotation() -> Generator[None]:
    async def hasty(choice: Choice, on: Any) -> None:
        while True:
            read = await on.records(Choice).get(choice.id)
            rotation = await on.records(rotations.Rotation).get(choice.calendar_id)
            if rotation is None or read is None or not read.pending:
                return
            decision = partial(applying.apply_effects, read, rotation.version, (), on.now)
            if await on.records(rotations.Rotation).decide(choice.calendar_id, decision):
                await on.records(Choice).decide(choice.id, partial(choices.mark, read.pending))
                return

    with changed(assigning, _apply=hasty):
        yield


@mutant("whatever is filed in between has changed the rotation's version", seen_by=ROTATION)
def forgetting_errands_does_not_raise_the_version() -> Generator[None]:
    drop_errands = assigning.drop_errands

    def quiet(done: Any, rotation: Any) -> Any:
        decided = drop_errands(done, rotation)
        if decided.record is None:
            return decided
        return replace(decided, record=decided.record.change(version=rotation.version))

    with changed(assigning, drop_errands=quiet):
        yield


@mutant("A release that comes first files its half")
def a_release_that_comes_first_is_dropped() -> Generator[None]:
    release = assigning.release

    def without_half(blank: Any, now: Any, choice: Any) -> Any:
        return Decision(blank) if choice is None else release(blank, now, choice)

    with changed(assigning, release=without_half):
        yield


@mutant("the charge that meets it adds its half and owes the return")
def a_charge_that_meets_its_release_stays() -> Generator[None]:
    file = assigning.file

    def stubborn(charged: Choice, now: Any, choice: Choice | None) -> Any:
        if choice is not None and choice.charge is None:
            merged = choice.change(charge=charged.charge, payer=charged.payer)
            return Decision(merged, merged)
        return file(charged, now, choice)

    with changed(assigning, file=stubborn):
        yield


@mutant("A return is decided on the choice, once, which owes applying it")
def a_return_does_not_owe_applying() -> Generator[None]:
    decided = choices._decided

    def forgetful(*given: Any) -> Any:
        return replace(decided(*given), owes=())

    with changed(choices, _decided=forgetful):
        yield


@mutant("the applying write owes marking it done", seen_by=ROTATION)
def an_applied_effect_owes_no_mark() -> Generator[None]:
    apply = assigning.apply_effects

    def forgetful(*given: Any) -> Any:
        return replace(apply(*given), owes=())

    with changed(assigning, apply_effects=forgetful):
        yield


@mutant("the applying write owes marking it done", seen_by=ROTATION)
def what_was_applied_is_not_looked_for() -> Generator[None]:
    apply = assigning.apply_effects

    def forgetful(choice: Choice, read: int, done: Any, now: Any, rotation: Any) -> Any:
        blank = rotation.change(owed=()) if rotation is not None else None
        return apply(choice, read, done, now, blank)

    with changed(assigning, apply_effects=forgetful):
        yield


@mutant("changes the payer on the choice")
def nobody_else_ever_pays() -> Generator[None]:
    with changed(assigning, settle=lambda _hosts, _now, choice: Decision(choice)):
        yield


@mutant("as AssigneeSettled or the hosts of BookingConfirmed, BookingMoved, BookingConcluded say")
def nobody_hears_who_serves_in_the_end() -> Generator[None]:
    with (
        handled_by(assignment.consumes, "follow_settlement", deaf),
        handled_by(assignment.consumes, "follow_booking", deaf),
    ):
        yield


@mutant("changes the payer on the choice, unless it is returned", seen_by=ROTATION)
def a_returned_choice_still_changes_its_payer() -> Generator[None]:
    settles = choices.settles

    def late(choice: Choice, hosts: Any) -> bool:
        return settles(choice.change(returned=False), hosts)

    with changed(choices, settles=late), changed(assigning, settles=late):
        yield


@mutant("like a return it is decided once and owes its applying")
def a_change_of_payer_does_not_owe_applying() -> Generator[None]:
    settle = assigning.settle

    def forgetful(*given: Any) -> Any:
        return replace(settle(*given), owes=())

    with changed(assigning, settle=forgetful):
        yield


@mutant("Who needs a choice that is still an owed entry files it first.")
def a_choice_that_is_still_owed_is_not_looked_for() -> Generator[None]:
    look = assigning._look

    async def blind(wanted: str, rotation: Any, on: Any) -> Any:
        left = tuple(entry for entry in rotation.owed if not entry.id.startswith(f"file:{wanted}"))
        return await look(wanted, rotation.change(owed=left), on)

    with changed(assigning, _look=blind):
        yield


@mutant("until that is done, the owed entry is the memory", seen_by=ROTATION)
def an_errand_is_forgotten_before_it_is_done() -> Generator[None]:
    with changed(assigning, is_done=lambda entry, choice: True):
        yield


@mutant("the first choice is final", seen_by="tests/unit/assignment/test_choice.py::test_the_first_choice_is_final")
def a_later_charge_replaces_the_first() -> Generator[None]:
    def fickle(charged: Choice, now: Any, choice: Choice | None) -> Any:
        return Decision(charged, charged)

    with changed(choices, file=fickle), changed(assigning, file=fickle):
        yield
