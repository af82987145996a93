"""Without one of its protections the protocol breaks, and the simulation sees it."""

import pytest

from tests.simulation.mutants import MUTANTS, Mutant, found_after


@pytest.mark.parametrize("mutant", [one for one in MUTANTS if not one.slow], ids=lambda one: one.name)
def test_without_this_protection_an_invariant_is_violated(mutant: Mutant) -> None:
    assert found_after(mutant, range(mutant.seeds)) is not None, f"{mutant.name} survived {mutant.seeds} histories"
