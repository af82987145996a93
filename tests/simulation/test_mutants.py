"""Without one of its protections the protocol breaks, and somebody sees it: here those that the simulation sees soon.

All others are switched off by `make mutants`, which also writes `found.json` and the page.
"""

from pathlib import Path

import pytest

from tests.simulation.mutants import MUTANTS, Mutant, page, without
from tests.simulation.mutants.judging import ROOT, found_after
from tests.simulation.mutants.registry import RULES, SIMULATION

SOON = 5
"""Histories until it was noticed: those that take more are left to `make mutants`. So few that it is soon again where
the histories have changed since."""


def seen_soon() -> list[tuple[Mutant, int]]:
    """With the seed that showed something last time."""
    known = page.found()
    after = {one.name: known.get(one.name, (0, ""))[0] for one in MUTANTS if one.seen_by == SIMULATION}
    return [(one, after[one.name] - 1) for one in MUTANTS if 0 < after.get(one.name, 0) <= SOON]


@pytest.mark.parametrize(("mutant", "seed"), seen_soon(), ids=lambda one: getattr(one, "name", str(one)))
def test_without_this_protection_an_invariant_is_violated(mutant: Mutant, seed: int) -> None:
    seeds = range(seed, seed + mutant.seeds)
    assert found_after(mutant, seeds) is not None, f"{mutant.name} survived {mutant.seeds} histories"


def test_the_page_names_exactly_the_mutants_there_are() -> None:
    names = [one.name for one in MUTANTS]
    assert list(page.found()) == [name for name in names if name in page.found()]
    assert sorted(page.named()) == sorted(names)
    assert page.PAGE.read_text() == page.rendered(), "`make mutants WRITE=1` writes it anew (ONLY=name judges one)"


def test_somebody_noticed_every_mutant() -> None:
    assert [name for name, (_, by) in page.found().items() if not by] == []


def test_every_sentence_that_forbids_or_orders_something_has_a_mutant_or_a_reason() -> None:
    rules = (ROOT / RULES).read_text()
    assert without.unguarded(rules) == []


def test_what_mutants_quote_is_still_said() -> None:
    pages = {one.page: (ROOT / one.page).read_text() for one in MUTANTS} | {RULES: (ROOT / RULES).read_text()}
    assert without.unfounded(pages) == []


def test_every_test_that_has_to_notice_a_mutant_is_there() -> None:
    for one in MUTANTS:
        path, test, name = one.seen_by.partition("::")
        assert not test or f"def {name}(" in Path(ROOT / path).read_text(), one.seen_by
