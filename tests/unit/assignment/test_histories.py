"""Random histories of the handlers: any order, duplicates, crashes, lost facts. See `world`."""

import pytest

from tests.unit.assignment.mutants import MUTANTS
from tests.unit.assignment.world import Violation, run

SEARCHED = 400
"""Histories in which a protection that is switched off must be missed; the rarest one so far took 126."""


def test_any_history_ends_with_the_choices_in_force_and_nothing_owed() -> None:
    for seed in range(80):
        run(seed)


def test_credits_add_up_to_zero_while_members_come_and_go() -> None:
    for seed in range(40):
        run(seed, members_change=True)


@pytest.mark.parametrize("name", MUTANTS)
def test_no_protection_can_be_missed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[name](monkeypatch)
    for seed in range(SEARCHED):
        try:
            run(seed)
        except Violation:
            return
    pytest.fail(f"{SEARCHED} histories without a violation although the rotation {name.replace('_', ' ')}")
