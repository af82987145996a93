"""What was a bug once stays mended: its history holds, and shows the bug as soon as it is put back."""

from pathlib import Path

import pytest

from tests.simulation.history import run
from tests.simulation.regressions import BUGS, ELSEWHERE, Bug

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("bug", BUGS, ids=lambda one: one.name)
def test_its_history_holds_and_shows_the_bug_when_it_is_put_back(bug: Bug) -> None:
    assert run(bug.seed).violation is None
    again = run(bug.seed, bug.back)
    assert again.violation is not None, f"{bug.was}: `python -m tests.simulation.regressions {bug.name}`"


def test_each_bug_that_no_history_shows_has_its_test() -> None:
    for path, _, name in (test.partition("::") for test in ELSEWHERE.values()):
        assert f"def {name}(" in (ROOT / path).read_text(), name
