"""Switch a mutant off and ask who has to notice: the simulation, the model, the rotation's histories, or a test."""

import os
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.model import protections, scenarios
from tests.model.states import Found
from tests.simulation.history import run
from tests.simulation.mutants.registry import MODEL, MUTANTS, ROTATION, SIMULATION, SWITCH, Mutant
from tests.unit.assignment import world

ROOT = Path(__file__).resolve().parents[3]
OUR_OWN = ("AttributeError", "KeyError", "NameError", "TypeError", "UnboundLocalError", "ValidationError")
"""What a patch that no longer fits the code raises: then the switch is broken, not the protocol."""
_TEST_SECONDS = 300


@dataclass(frozen=True)
class Verdict:
    """`after` histories, states or tests; `by` the invariant or the test that noticed, empty if nobody did."""

    mutant: str
    after: int
    by: str
    seconds: float
    broken: bool = False

    @property
    def survived(self) -> bool:
        """Whether nobody missed the protection."""
        return self.broken or not self.by


def judged(name: str, first: int = 0, most: int | None = None) -> Verdict:
    """Switch the mutant of this name off. `first` seed and the `most` histories are for the simulation."""
    one = next(each for each in MUTANTS if each.name == name)
    began = time.process_time()
    try:
        after, by = _asked(one, range(first, first + (most or one.seeds)))
    except Exception as problem:  # noqa: BLE001 (whatever it is, the patch does not fit)
        return Verdict(name, 0, f"{type(problem).__name__}: {problem}", 0.0, broken=True)
    broken = any(error in by for error in OUR_OWN) and "::" not in one.seen_by
    return Verdict(name, after, by, time.process_time() - began, broken)


def _asked(one: Mutant, seeds: Sequence[int]) -> tuple[int, str]:
    if one.seen_by == SIMULATION:
        return _simulated(one, seeds)
    if one.seen_by == ROTATION:
        return _rotated(one)
    return _modelled(one) if one.seen_by.startswith(MODEL) else _tested(one)


def found_after(one: Mutant, seeds: Sequence[int]) -> tuple[int, str] | None:
    """How many histories it took the simulation, and what it said; None: it survived."""
    for count, seed in enumerate(seeds, 1):
        history = run(seed, one.off)
        if history.violation is not None:
            return count, history.violation
    return None


def _simulated(one: Mutant, seeds: Sequence[int]) -> tuple[int, str]:
    return found_after(one, seeds) or (len(seeds), "")


def _modelled(one: Mutant) -> tuple[int, str]:
    scenario = getattr(scenarios, one.seen_by.partition(" ")[2])
    found: Found = protections.explored(scenario, protections.Protection(scenario, one.off))
    return found.states, found.violation or ""


def _rotated(one: Mutant) -> tuple[int, str]:
    for seed in range(one.seeds):
        with one.off():
            try:
                world.run(seed)
                world.run(seed, members_change=True)
            except world.Violation as found:
                return seed + 1, str(found) or "a violation"
    return one.seeds, ""


def _tested(one: Mutant) -> tuple[int, str]:
    """The test must fail, by itself: not because it is not there or cannot be collected."""
    done = pytest([one.seen_by], one.name)
    if done.returncode == 1:
        return 1, one.seen_by.partition("::")[2]
    if done.returncode:
        raise RuntimeError(f"{one.seen_by} cannot be run:\n{done.stdout}{done.stderr}")
    return 1, ""


def pytest(tests: Iterable[str], mutant: str = "") -> "subprocess.CompletedProcess[str]":
    """Run these tests in a process of their own, with this mutant switched off."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "tests.simulation.mutants.plugin", *tests]
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, SWITCH: mutant},
        capture_output=True,
        text=True,
        timeout=_TEST_SECONDS,
        check=False,
    )
