"""What a history goes without: log lines, traces, and reading one document twice.

Log lines and traces cost more than the steps they tell of, and trace ids are random. Log lines that report what must
not happen are violations.
"""

import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import structlog
from opentelemetry.trace import INVALID_SPAN, Span

from turnus_runtime import relay, store, sweeper, telemetry
from turnus_runtime.forms import loaded
from turnus_runtime.ports import Stored

if TYPE_CHECKING:
    from tests.simulation.world import World

FORBIDDEN = ("sweeper_failed", "sweeper_restarted", "message_skipped")
"""Log lines of the runtime that say that it caught what should never have been raised."""


HANDLING: ContextVar[str] = ContextVar("handling", default="")
"""What this code handles, by the name of its span: a topic, a timer, a job, a route."""


class _Named(AbstractContextManager[Span]):
    """Instead of a span: only its name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> Span:
        self._token = HANDLING.set(self._name)
        return INVALID_SPAN

    def __exit__(self, *_: object) -> None:
        HANDLING.reset(self._token)


class _Nothing(AbstractContextManager[Span]):
    """No context."""

    def __enter__(self) -> Span:
        return INVALID_SPAN

    def __exit__(self, *_: object) -> None: ...


_NOTHING = _Nothing()


class _Memory:
    """Records are immutable: one that was read from a document once is what everybody reads from it."""

    def __init__(self) -> None:
        self._records: dict[int, tuple[Stored, Any]] = {}

    def loaded(self, kind: type[Any], stored: Stored) -> Any:
        known = self._records.get(id(stored))
        if known is None or known[0] is not stored:
            known = self._records[id(stored)] = (stored, loaded(kind, stored))
        return known[1]


def _named(name: str, **_: Any) -> _Named:
    return _Named(name.split(maxsplit=1)[0] if not name.startswith(("timer", "job")) else name)


def _nothing(*_: Any, **__: Any) -> _Nothing:
    return _NOTHING


@contextmanager
def quiet(world: Callable[[], "World | None"]) -> Generator[None]:
    """While this lasts nothing is logged or traced."""
    kept = structlog.get_config()

    def swallow(_logger: Any, _method: str, line: Any) -> Any:
        late = isinstance(sys.exc_info()[1], TimeoutError)  # a job that takes too long is broken off and tried again
        if line.get("event") in FORBIDDEN and not late and (present := world()) is not None:
            present.fail(f"the runtime caught an error: {line}: {sys.exc_info()[1]!r}")
        raise structlog.DropEvent

    structlog.configure(
        processors=[swallow],
        wrapper_class=structlog.make_filtering_bound_logger(40),
        cache_logger_on_first_use=False,
    )
    with ExitStack() as stack:
        for module in (telemetry, sweeper):
            stack.enter_context(patch.multiple(module, continued=_nothing, span=_named))
        for module in (relay, store):
            stack.enter_context(patch.object(module, "current_traceparent", lambda: ""))
        stack.enter_context(patch.object(store, "loaded", _Memory().loaded))
        stack.enter_context(patch.object(structlog.contextvars, "bound_contextvars", _nothing))
        stack.enter_context(patch.object(structlog.contextvars, "bind_contextvars", _nothing))
        try:
            yield
        finally:
            structlog.configure(**kept)
