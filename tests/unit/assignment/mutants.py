"""The rotation's protections, each with the change that switches it off: histories must then show a violation."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from services.assignment import handlers
from services.assignment.domain import choice as choices
from services.assignment.domain.applying import apply_effects, drop_errands
from services.assignment.domain.charging import charge
from services.assignment.domain.choice import Choice, file, release, settle, settles
from services.assignment.domain.rotation import Rotation
from turnus_runtime.records import Decision

Mutant = Callable[[pytest.MonkeyPatch], None]
MUTANTS: dict[str, Mutant] = {}


def mutant(change: Mutant) -> Mutant:
    """Register it under its name."""
    MUTANTS[change.__name__] = change
    return change


@mutant
def charges_without_comparing_versions(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(
        handlers, "charge", lambda event, _, done, now, now_is: charge(event, now_is.version, done, now, now_is)
    )


@mutant
def applies_without_comparing_versions(patch: pytest.MonkeyPatch) -> None:
    def careless(choice: Choice, _: int, done: Any, now: Any, rotation: Rotation) -> Any:
        return apply_effects(choice, rotation.version, done, now, rotation)

    patch.setattr(handlers, "apply_effects", careless)


@mutant
def drops_errands_without_raising_the_version(patch: pytest.MonkeyPatch) -> None:
    def quiet(done: Any, rotation: Rotation | None) -> Any:
        decided = drop_errands(done, rotation)
        if decided.record is None or rotation is None:
            return decided
        return Decision(None, decided.record.change(version=rotation.version), drops=decided.drops)

    patch.setattr(handlers, "drop_errands", quiet)


@mutant
def forgets_what_it_applied(patch: pytest.MonkeyPatch) -> None:
    def forgetful(choice: Choice, read: int, done: Any, now: Any, rotation: Rotation) -> Any:
        return apply_effects(choice, read, done, now, rotation.change(owed=()))

    patch.setattr(handlers, "apply_effects", forgetful)


@mutant
def reads_the_choice_before_the_rotation(patch: pytest.MonkeyPatch) -> None:
    async def hasty(choice: Choice, on: Any) -> None:
        while True:
            read = await on.records(Choice).get(choice.id)
            rotation = await on.records(Rotation).get(choice.calendar_id)
            if not read.pending:
                return
            decision = partial(apply_effects, read, rotation.version, (), on.now)
            if await on.records(Rotation).decide(choice.calendar_id, decision):
                await on.records(Choice).decide(choice.id, partial(choices.mark, read.pending))
                return

    patch.setattr(handlers, "_apply", hasty)


@mutant
def forgets_the_first_choice(patch: pytest.MonkeyPatch) -> None:
    look = handlers._look

    async def blind(wanted: str, rotation: Rotation, on: Any) -> Any:
        _, done = await look(wanted, rotation, on)
        return None, done

    patch.setattr(handlers, "_look", blind)


@mutant
def does_not_look_for_a_choice_that_is_still_owed(patch: pytest.MonkeyPatch) -> None:
    look = handlers._look

    async def blind(wanted: str, rotation: Rotation, on: Any) -> Any:
        return await look(wanted, rotation.change(owed=()), on)

    patch.setattr(handlers, "_look", blind)


@mutant
def drops_a_release_that_comes_first(patch: pytest.MonkeyPatch) -> None:
    def deaf(blank: Choice, now: Any, choice: Choice | None) -> Any:
        return Decision(blank) if choice is None else release(blank, now, choice)

    patch.setattr(handlers, "release", deaf)


@mutant
def keeps_a_charge_that_meets_its_release(patch: pytest.MonkeyPatch) -> None:
    def stubborn(charged: Choice, now: Any, choice: Choice | None) -> Any:
        if choice is not None and choice.charge is None:
            merged = choice.change(charge=charged.charge, payer=charged.payer)
            return Decision(merged, merged)
        return file(charged, now, choice)

    patch.setattr(handlers, "file", stubborn)


@mutant
def moves_the_payment_of_a_returned_choice(patch: pytest.MonkeyPatch) -> None:
    def late(choice: Choice, hosts: Any) -> bool:
        return settles(choice.change(returned=False), hosts)

    patch.setattr(choices, "settles", late)
    patch.setattr(handlers, "settles", late)


@mutant
def ignores_who_serves_in_the_end(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(handlers, "settle", lambda hosts, now, choice: settle((), now, choice))


@mutant
def returns_only_the_attempt_in_force(patch: pytest.MonkeyPatch) -> None:
    give_back = handlers._release

    async def last_only(event: Any, attempts: Any, on: Any) -> None:
        await give_back(event, list(attempts)[-1:], on)

    patch.setattr(handlers, "_release", last_only)


@mutant
def returns_nothing_after_a_move(patch: pytest.MonkeyPatch) -> None:
    async def only_settles(fact: Any, on: Any) -> None:
        if fact.charged:
            await handlers._settle(fact, fact.charged, fact.host_ids, on)

    patch.setattr(handlers, "follow_booking", only_settles)


@mutant
def owes_no_applying(patch: pytest.MonkeyPatch) -> None:
    for name, decided in (("release", release), ("file", file), ("settle", settle)):

        def forgetful(*given: Any, decided: Any = decided) -> Any:
            was = decided(*given)
            return Decision(was.answer, was.record)

        patch.setattr(handlers, name, forgetful)


@mutant
def owes_no_filing(patch: pytest.MonkeyPatch) -> None:
    def forgetful(*given: Any) -> Any:
        was = charge(*given)
        return Decision(was.answer, was.record, owes=[entry for entry in was.owes if entry.kind == "event"])

    patch.setattr(handlers, "charge", forgetful)


@mutant
def owes_no_marking(patch: pytest.MonkeyPatch) -> None:
    def forgetful(*given: Any) -> Any:
        was = apply_effects(*given)
        return Decision(was.answer, was.record)

    patch.setattr(handlers, "apply_effects", forgetful)
