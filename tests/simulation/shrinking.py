"""From a history that violates something to the smallest part of it that still does.

What may be left out are guests, their changes, faults, whatever comes over the sky, and the chapters after the storm:
all that `chances` has names for. It is Zeller's ddmin over these names; the violation has to stay of the same kind.
"""

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from tests.simulation.history import History, run

MOST_RUNS = 250
ProtectionOff = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Shrunk:
    """The smallest history found, what it is made of, and of how many names and steps the whole one was."""

    history: History
    left: tuple[str, ...]
    whole: History
    runs: int

    def told(self) -> str:
        """For people: what is left, and everything that happens then."""
        whole, small = self.whole, self.history
        lines = [
            f"seed {small.seed}: {small.violation}",
            f"shrunk: {size(whole)} → {size(small)}, in {self.runs} histories; left are",
            *(f"  - {name}" for name in self.left),
            "",
            small.table,
        ]
        return "\n".join(lines)


def shrink(seed: int, protection_off: ProtectionOff = nullcontext, most_runs: int = MOST_RUNS) -> Shrunk | None:
    """None if the history of this seed violates nothing."""
    whole = run(seed, protection_off)
    if whole.violation is None:
        return None
    wanted = kind_of(whole.violation)
    best, runs = whole, 1

    def fails(names: tuple[str, ...]) -> bool:
        nonlocal best, runs
        runs += 1
        history = run(seed, protection_off, frozenset(names))
        same = history.violation is not None and kind_of(history.violation) == wanted
        if same:
            best = history
        return same

    left, parts = tuple(whole.drawn), 2
    while len(left) > 1 and runs < most_runs:
        for part in _parts(left, parts):
            rest = tuple(name for name in left if name not in part)
            if runs < most_runs and fails(rest):
                # What the smaller history never came to is gone as well.
                left, parts = tuple(name for name in rest if name in best.drawn), max(parts - 1, 2)
                break
        else:
            if parts >= len(left):
                break
            parts = min(parts * 2, len(left))
    return Shrunk(best, left, whole, runs)


def size(history: History) -> str:
    """How large a history is, in words."""
    return f"{len(history.drawn)} events, {history.steps} steps"


def kind_of(violation: str) -> str:
    """What a violation is about, without names and numbers."""
    return re.sub(r"\b\w+_\w{4}\b|\d+|\b(?:bk|mem|cal|cho|ntf)_\S+", "…", violation)[:40]


def _parts(names: tuple[str, ...], count: int) -> list[frozenset[str]]:
    ends = [len(names) * number // count for number in range(count + 1)]
    return [frozenset(names[ends[at] : ends[at + 1]]) for at in range(count) if ends[at + 1] > ends[at]]
