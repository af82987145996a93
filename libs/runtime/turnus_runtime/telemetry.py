"""What the runtime says about itself while it runs: spans and measurements, by OpenTelemetry.

Everything here may be called at any time and does next to nothing until `telemetry_sdk.start`. Trace contexts are
carried on even when no trace is recorded: the log lines of one booking share a trace id in every installation.
"""

import contextlib
import random
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from contextvars import ContextVar
from typing import Literal, Protocol

from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    get_current_span,
    set_span_in_context,
)

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")

Record = Callable[[float, Mapping[str, str | int]], None]
"""Take one measurement with its labels."""
Gauge = Literal["owed_age", "owed", "lag", "busy", "clock_doubt", "audit_violations", "audit_checked", "audit_age"]
GAUGES: Mapping[Gauge, tuple[str, str, str]] = {
    "owed_age": ("turnus.owed.age", "s", "How long the oldest owed entry is due"),
    "owed": ("turnus.owed.entries", "", "Records with something due"),
    "lag": ("turnus.consumer.lag", "", "Messages written and not yet finished by this process"),
    "busy": ("turnus.consumer.busy", "", "Messages taken and not finished"),
    "clock_doubt": ("turnus.clock.doubt", "s", "How far the clock may be off the store's"),
    "audit_violations": ("turnus.audit.violations", "", "What the auditor knows to be violated"),
    "audit_checked": ("turnus.audit.checked", "", "Places the auditor has looked at since it began"),
    "audit_age": ("turnus.audit.age", "s", "How long ago the auditor's latest round ended"),
}

serving: ContextVar[str] = ContextVar("turnus_serving", default="")
"""The service for which this code runs; one process may serve several. Tasks inherit it."""

_watched: dict[tuple[Gauge, str], Callable[[], float | None]] = {}
_ids = random.Random()  # noqa: S311 - trace ids are no secrets
_on: "Sink | None" = None


class Sink(Protocol):
    """Where what is said here goes; `turnus_runtime.telemetry_sdk.Telemetry` is the one there is."""

    http: Record
    handler: Record
    store: Record
    broker: Record
    stored: Record
    sent: Record
    retries: Record
    dead: Record

    def tracer(self, service: str) -> Tracer | None:
        """The tracer of that service, or None if no trace is recorded."""
        ...


def use(sink: "Sink | None") -> None:
    """Say everything to this sink from now on, or to nobody. One per process; the last one must have gone first."""
    global _on  # noqa: PLW0603 - there is one process, and it has one telemetry
    if sink is not None and _on is not None:
        raise RuntimeError("telemetry is started already")
    _on = sink


def current_traceparent() -> str:
    """The W3C `traceparent` of the present context, "" outside any."""
    here = get_current_span().get_span_context()
    return f"00-{here.trace_id:032x}-{here.span_id:016x}-{int(here.trace_flags):02x}" if here.is_valid else ""


def current_trace() -> tuple[str, str] | None:
    """Trace id and span id of the present context in hex, for log lines."""
    here = get_current_span().get_span_context()
    return (f"{here.trace_id:032x}", f"{here.span_id:016x}") if here.is_valid else None


@contextlib.contextmanager
def continued(traceparent: str) -> Generator[None]:
    """Within, spans belong to the trace of this `traceparent` and to no other; a bad or empty one begins a new trace.

    https://www.w3.org/TR/trace-context/#traceparent-header
    """
    token = context.attach(_context_of(traceparent))
    try:
        yield
    finally:
        context.detach(token)


@contextlib.contextmanager
def span(name: str, /, *, kind: SpanKind = SpanKind.INTERNAL, **attributes: str | float | bool) -> Generator[Span]:
    """A span around what happens within; of an error it keeps the type only, because messages may name people."""
    tracer = _on.tracer(serving.get()) if _on is not None else None
    if tracer is None:
        with _unrecorded() as present:
            yield present
        return
    with tracer.start_as_current_span(
        name, kind=kind, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as present:
        try:
            yield present
        except Exception as error:
            present.set_attribute("error.type", type(error).__qualname__)
            present.set_status(StatusCode.ERROR)
            raise


def observe_http(method: str, route: str, status: int, seconds: float) -> None:
    """One answered request; `route` is the template, never the path."""
    if _on is not None:
        labels = {"http.request.method": method, "http.route": route, "http.response.status_code": status}
        _on.http(seconds, {**labels, "service": serving.get()})


def observe_handler(kind: str, name: str, outcome: str, seconds: float) -> None:
    """One handling: kind `event`, `timer` or `job`; outcome `done`, `retried` or `dead`."""
    if _on is not None:
        _on.handler(seconds, {"kind": kind, "name": name, "outcome": outcome, "service": serving.get()})


def observe_store(verb: str, name: str, seconds: float, count: int = 1) -> None:
    """One round trip to the store for `count` documents of collection `name`."""
    if _on is not None:
        labels = {"verb": verb, "name": name, "service": serving.get()}
        _on.store(seconds, labels)
        _on.stored(count, labels)


def observe_broker(verb: str, name: str, seconds: float, count: int = 1) -> None:
    """One round trip to the broker for `count` messages; `name` is a topic, or "" for several."""
    if _on is not None:
        labels = {"verb": verb, "name": name, "service": serving.get()}
        _on.broker(seconds, labels)
        _on.sent(count, labels)


def observe_host(verb: str, name: str, seconds: float, count: int) -> None:
    """What a host's consumer reports: verb `handle` or `dead_letter`, with the topic."""
    if verb == "dead_letter":
        count_dead_letter(name)
    else:
        observe_handler("event", name, "done", seconds / count if count else seconds)


def count_retry(name: str) -> None:
    """A handling is tried again, or a relay, job or timer was put off; `name` says which."""
    if _on is not None:
        _on.retries(1, {"name": name, "service": serving.get()})


def count_dead_letter(topic: str) -> None:
    """A message of that topic was given up."""
    if _on is not None:
        _on.dead(1, {"topic": topic, "service": serving.get()})


def watch(gauge: Gauge, service: str, read: Callable[[], float | None]) -> None:
    """Read this gauge of the service whenever metrics are collected (in a thread); None leaves it out."""
    _watched[(gauge, service)] = read


def unwatch(service: str) -> None:
    """Forget all gauges of the service."""
    for place in [place for place in _watched if place[1] == service]:
        del _watched[place]


def readings(gauge: Gauge) -> Callable[[CallbackOptions], Iterable[Observation]]:
    """The callback by which a meter reads this gauge of all watched services."""

    def read(_: CallbackOptions) -> Iterable[Observation]:
        for (name, service), value_of in list(_watched.items()):
            if name == gauge and (value := value_of()) is not None:
                yield Observation(value, {"service": service})

    return read


def _context_of(traceparent: str) -> Context:
    match = _TRACEPARENT.fullmatch(traceparent)
    if match is None or (traceparent.startswith("00-") and match[4]):
        return Context()
    flags = TraceFlags(int(match[3], 16) & 3)  # sampled, random; the other bits have no meaning yet
    parent = SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=flags)
    return set_span_in_context(NonRecordingSpan(parent), Context())


@contextlib.contextmanager
def _unrecorded() -> Generator[Span]:
    present = get_current_span()
    if present.get_span_context().is_valid:
        yield present
        return
    present = NonRecordingSpan(SpanContext(_ids.getrandbits(128) or 1, _ids.getrandbits(64) or 1, is_remote=False))
    token = context.attach(set_span_in_context(present))
    try:
        yield present
    finally:
        context.detach(token)
