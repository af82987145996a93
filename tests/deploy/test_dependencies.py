"""Every library that a distribution imports is one that its pyproject.toml asks for: an image holds nothing else."""

import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.test_imports import graph

ROOT = Path(__file__).parents[2]
OURS = {"turnus_contracts", "turnus_runtime", "services", "oversight"}
SERVICES = sorted(path.name for path in (ROOT / "services").iterdir() if (path / "__init__.py").exists())


@cache
def project(folder: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]


def asked_for(folder: str, *extras: str) -> set[str]:
    """Names of the distributions that this project asks for, with these of its extras."""
    lines = list(project(folder)["dependencies"])
    for extra in extras:
        lines += project(folder)["optional-dependencies"][extra]
    return {canonicalize_name(Requirement(line).name) for line in lines}


def not_asked_for(package: str, asked: set[str]) -> set[tuple[str, str]]:
    """Each (module below `package`, library) where the library was not asked for."""
    known = packages_distributions()
    found: set[tuple[str, str]] = set()
    for module in [package, *graph().find_descendants(package)]:
        for target in graph().find_modules_directly_imported_by(module):
            library = target.split(".")[0]
            if library in OURS or library in sys.stdlib_module_names:
                continue
            if not asked & {canonicalize_name(name) for name in known.get(library, [])}:
                found.add((module, library))
    return found


def test_the_contracts_ask_for_all_that_they_import() -> None:
    assert not_asked_for("turnus_contracts", asked_for("libs/contracts")) == set()


def test_the_runtime_asks_for_all_that_it_imports() -> None:
    embedded = not_asked_for("turnus_runtime.embedded", asked_for("libs/runtime", "embedded"))
    assert embedded == set()
    everywhere = not_asked_for("turnus_runtime", asked_for("libs/runtime"))
    outside = {(module, library) for module, library in everywhere if ".embedded" not in module}
    assert outside == set(), "the extra `embedded` is for turnus_runtime.embedded alone"


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_asks_for_all_that_it_imports(service: str) -> None:
    shared = asked_for("libs/contracts") | asked_for("libs/runtime")
    assert not_asked_for(f"services.{service}", shared | asked_for(".", service)) == set()


def test_oversight_needs_no_more_than_every_image_has() -> None:
    assert not_asked_for("oversight", asked_for("libs/contracts") | asked_for("libs/runtime")) == set()
