"""Whatever the weather, the invariants hold; and a history can be played again."""

import os
import subprocess
import sys

import pytest

from tests.simulation.history import run

SEEDS = 60
REGRESSIONS = {98: "a repeated request said of a settled choice that it was not charged"}


@pytest.mark.parametrize("first", range(0, SEEDS, 10))
def test_no_history_violates_an_invariant(first: int) -> None:
    for seed in range(first, first + 10):
        history = run(seed)
        assert history.violation is None, f"{history.table}\n\nseed {seed}: {history.violation}"


@pytest.mark.parametrize("seed", REGRESSIONS)
def test_what_was_a_bug_once_stays_mended(seed: int) -> None:
    history = run(seed)
    assert history.violation is None, f"{history.table}\n\nseed {seed}: {history.violation}"


def test_one_seed_is_one_history_in_every_process() -> None:
    def digests(hash_seed: str) -> str:
        code = "from tests.simulation.history import run; print([run(seed).digest for seed in (1, 8, 20)])"
        given = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            [sys.executable, "-c", code], env=given, check=True, capture_output=True, text=True
        ).stdout

    assert digests("1") == digests("2") == f"{[run(seed).digest for seed in (1, 8, 20)]}\n"
