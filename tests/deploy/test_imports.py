"""What import-linter's contracts cannot say: who alone may know a library."""

import sys
from functools import cache

import grimp
import pytest

ROOTS = ("turnus_contracts", "turnus_runtime", "services", "oversight")


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*ROOTS, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None)


def knowing(*libraries: str) -> set[str]:
    """Our modules that import one of these libraries; a package of the runtime counts as one module."""
    return {
        ".".join(module.split(".")[:2])
        for library in libraries
        if library in graph().modules
        for module in graph().find_modules_that_directly_import(library)
    }


def imported_by(*modules: str) -> set[str]:
    """Libraries outside the standard library that these modules import themselves."""
    found = {target for module in modules for target in graph().find_modules_directly_imported_by(module)}
    return {target.split(".")[0] for target in found} - set(sys.stdlib_module_names)


def test_the_contracts_need_pydantic_and_nothing_else() -> None:
    modules = {"turnus_contracts", *graph().find_descendants("turnus_contracts")}
    assert len(modules) > 1
    assert imported_by(*modules) - {"turnus_contracts"} == {"pydantic"}


def test_records_which_decisions_use_know_only_values() -> None:
    assert imported_by("turnus_runtime.records") <= {"pydantic", "turnus_contracts"}
    own = {
        m for m in graph().find_modules_directly_imported_by("turnus_runtime.records") if m.startswith("turnus_runtime")
    }
    assert own == set()


@pytest.mark.parametrize("libraries", [("faststream", "aiokafka"), ("motor", "pymongo"), ("redis",)], ids=str)
def test_one_module_of_the_runtime_alone_knows(libraries: tuple[str, ...]) -> None:
    (module,) = knowing(*libraries)
    assert module.startswith("turnus_runtime.")
