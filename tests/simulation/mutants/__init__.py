"""Every protection of the protocol, switched off one at a time: somebody must notice each.

`python -m tests.simulation.mutants` does it; `docs/mutants.md` is its table.
"""

from tests.simulation.mutants import (
    booking,
    claims,
    consuming,
    disasters,
    hosts,
    learning,
    limits,
    notify,
    owing,
    returns,
    rotation,
    storing,
    swaps,
)
from tests.simulation.mutants.registry import MUTANTS, Mutant, changed

THEMES = (
    booking,
    hosts,
    claims,
    swaps,
    rotation,
    returns,
    storing,
    owing,
    notify,
    consuming,
    learning,
    limits,
    disasters,
)

__all__ = ["MUTANTS", "THEMES", "Mutant", "changed"]
