"""The installed services, for commands."""

import sys
from collections.abc import Sequence
from importlib.metadata import entry_points

from turnus_runtime.installation import OperationError
from turnus_runtime.process import installed
from turnus_runtime.service import Service
from turnus_runtime.settings import SERVICES_GROUP


def services_named(names: Sequence[str]) -> list[Service]:
    """These services, all by default. Raises `OperationError` for one that does not exist or cannot run here."""
    return [_loaded(name) for name in (names or _all())]


def services_here(names: Sequence[str]) -> list[Service]:
    """As `services_named`, but by default only those that can run here: an image holds the parts of one service."""
    if names:
        return services_named(names)
    found: list[Service] = []
    for name in _all():
        try:
            found.append(_loaded(name))
        except OperationError as problem:
            print(f"turnus: {name} is left out: {problem}", file=sys.stderr)
    return found


def _all() -> list[str]:
    return sorted(entry.name for entry in entry_points(group=SERVICES_GROUP))


def _loaded(name: str) -> Service:
    try:
        return installed([name])[0]
    except LookupError as unknown:
        raise OperationError(unknown.args[0]) from None
    except ModuleNotFoundError as missing:
        if str(missing.name).startswith(("services", "turnus")):
            raise
        raise OperationError(f"the service {name} needs {missing.name}: install turnus[{name}]") from None
