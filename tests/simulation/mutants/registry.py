"""What a mutant is, and the list of all of them. The patches are in the modules beside this one, by theme."""

from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

RULES = "docs/reliability.md"
SIMULATION = "simulation"
MODEL = "model"
ROTATION = "rotation"
SWITCH = "TURNUS_TEST_MUTANT"
"""Environment variable: the mutant that a test process switches off, see `plugin.py`."""


@dataclass(frozen=True)
class Mutant:
    """One protection (or a pair of them that mask each other) switched off.

    `theme` is the module of the patch. `off` patches production code for as long as its context lasts. `protects` is
    what the protection says, word for word as it stands in `page`. `seen_by` is who must notice: the simulation within
    `seeds` histories from seed 0 on, `model NAME` (a scenario of `tests.model`), `rotation` (the histories of
    `tests/unit/assignment`, many and short, of nothing else), or a test, `tests/….py::name`. `together` says why a pair
    is one.
    """

    name: str
    theme: str
    off: Callable[[], AbstractContextManager[None]]
    protects: str
    page: str = RULES
    seen_by: str = SIMULATION
    seeds: int = 400
    together: str = ""


MUTANTS: list[Mutant] = []


def mutant(protects: str, **more: Any) -> Callable[[Callable[[], Generator[None]]], Any]:
    """Register a patch under its name; `more` are fields of `Mutant`."""

    def register(patch: Callable[[], Generator[None]]) -> Callable[[], AbstractContextManager[None]]:
        off = contextmanager(patch)
        MUTANTS.append(Mutant(patch.__name__, patch.__module__, off, protects, **more))
        return off

    return register


@contextmanager
def changed(owner: Any, **values: Any) -> Generator[None]:
    """These attributes for a while; a module may get a name that only Python itself has had so far."""
    kept: dict[str, Any] = {name: vars(owner)[name] for name in values if name in vars(owner)}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name in values:
            if name in kept:
                setattr(owner, name, kept[name])
            else:
                delattr(owner, name)


@contextmanager
def handled_by(table: Any, name: str, handler: Any) -> Generator[None]:
    """Services hold the handlers themselves: put another in place of `name` wherever `table` (`consumes`) has it."""
    kept = dict(table)
    for event, known in kept.items():
        if known.__name__ == name:
            table[event] = handler
    try:
        yield
    finally:
        table.update(kept)


async def deaf(event: Any, on: Any) -> None:
    """A handler that does nothing."""
