"""Whatever the weather, the invariants hold; and a history can be played again, byte for byte."""

import os
import subprocess
import sys

import pytest

from tests.simulation.history import run
from tests.simulation.shrinking import shrink

SEEDS = 60
AGAIN = (1, 8, 20, 26)
"""Seeds played in other processes too, one with notify at least."""


@pytest.mark.parametrize("first", range(0, SEEDS, 10))
def test_no_history_violates_an_invariant(first: int) -> None:
    for seed in range(first, first + 10):
        if run(seed).violation is not None:
            found = shrink(seed)
            pytest.fail(found.told() if found is not None else f"seed {seed} was another history this time")


def test_one_seed_is_one_history_in_every_process() -> None:
    def digests(hash_seed: str) -> str:
        code = f"from tests.simulation.history import run; print([run(seed).digest for seed in {AGAIN}])"
        given = {**os.environ, "PYTHONHASHSEED": hash_seed}
        return subprocess.run(
            [sys.executable, "-c", code], env=given, check=True, capture_output=True, text=True
        ).stdout

    assert digests("1") == digests("2") == f"{[run(seed).digest for seed in AGAIN]}\n"


def test_a_history_does_not_depend_on_those_before_it() -> None:
    first = run(26).digest
    run(8)
    assert run(26).digest == first


def test_the_digest_is_of_all_that_was_written_and_said() -> None:
    histories = [run(seed) for seed in AGAIN]
    assert len({history.digest for history in histories}) == len(histories)
    assert any("notify" in history.drawn for history in histories)
