"""For pytest (`-p tests.simulation.mutants.plugin`): all tests run with the mutant that the environment names."""

import os
from contextlib import ExitStack

import pytest

from tests.simulation.mutants import MUTANTS
from tests.simulation.mutants.registry import SWITCH

_off = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Before anything is collected, so that whoever imports a patched name gets the patch."""
    name = os.environ.get(SWITCH, "")
    if name:
        _off.enter_context(next(one for one in MUTANTS if one.name == name).off())


def pytest_unconfigure(config: pytest.Config) -> None:
    """As it was."""
    _off.close()
