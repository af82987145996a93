"""The Service table: everything a service is, said in one place (`services/<name>/service.py`).

From it the runtime makes consumers, relay, sweeper, jobs, HTTP, CLI, topics, AsyncAPI and the docs.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from turnus_contracts import Event
from turnus_runtime.records import Owed, Record
from turnus_runtime.saga import Saga
from turnus_runtime.settings import Settings

if TYPE_CHECKING:
    import httpx
    from fastapi import APIRouter
    from starlette.requests import Request
    from starlette.responses import Response

    from turnus_runtime.http.problems import Problem
    from turnus_runtime.turn import Turn

Handler = Callable[[Any, "Turn"], Awaitable[None]]
"""`async def reserve_slot(event, on)`: what a service does about an event."""

TimerHandler = Callable[[str, Owed, "Turn"], Awaitable[None]]
"""`async def expire_hold(record_id, timer, on)`: decides on the record so that the timer leaves or gets a later due
time; a timer that is still due afterwards fires again with backoff."""


@dataclass(frozen=True, slots=True)
class Job:
    """An effect on the outside world.

    `run(record_id, owed, on)` does the effect and then decides its outcome on the record (dropping the entry, or owing
    it again later). Claimed by moving its due time `time_limit_seconds` ahead; only the claimer runs it. If `run`
    raises, the entry stays and is due again after backoff.
    """

    run: Callable[[str, Owed, "Turn"], Awaitable[None]]
    time_limit_seconds: int = 60


@dataclass(frozen=True, slots=True)
class Says:
    """What records of one type say of themselves now: full states, or the facts of a booking (`turnus republish`).

    `events` is pure. Records are found by their key `index`, from `since(now)` upwards (all of them by default).
    `daily`: said again once a day, as full states must be, because a late duplicate in a compacted topic would
    otherwise stay the last word.
    """

    record: type[Record]
    events: Callable[[Any, datetime], Sequence[Event]]
    index: str = "self"
    since: Callable[[datetime], str | int] | None = None
    daily: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """One service. `resources` are the first path segments after `/api/v1/` that belong to it.

    What every service has besides comes when it runs (`turnus_runtime.http.equipment`), also the one resource of two
    segments, `operations/<name>`.
    """

    name: str
    summary: str
    records: Sequence[type[Record]] = ()
    consumes: Mapping[type[Event], Handler] = field(default_factory=dict[type[Event], Handler])
    publishes: Sequence[type[Event]] = ()
    says: Sequence[Says] = ()
    timers: Mapping[str, TimerHandler] = field(default_factory=dict[str, TimerHandler])
    jobs: Mapping[str, Job] = field(default_factory=dict[str, Job])
    one_at_a_time: Literal["subject", "key"] = "subject"
    """Of which messages no two are handled at once in a process: those about one thing (a booking), or those of one
    key (a calendar, for a service of which every handling changes that calendar's record)."""
    resources: Sequence[str] = ()
    routes: "APIRouter | None" = None
    refusal: "Callable[[Request, Problem], Response] | None" = None
    """How a service that owns pages instead of resources shows a problem to a person; its routes begin at the root."""
    api_file: str = ""
    """Of the service that shows the API: the file in its package, by its path in the checkout, into which `turnus
    schemas` writes what the whole API says of itself. A process that does not run every service shows that."""
    settings: type[Settings] = Settings
    saga: Saga | None = None
    """This service's state machine, held by a test to the functions that run (only booking has one)."""
    effects: Callable[[Any], Any] | None = None
    """Makes the adapters of outside effects from the service's settings; they are in `Turn.effects`.
    What it makes may have an `aclose()`, awaited when the process stops."""
    demo: Callable[["httpx.AsyncClient", Mapping[str, Any]], Awaitable[Mapping[str, Any]]] | None = None
    """Makes this service's part of the demo workspace over the public API, with fixed idempotency keys. Gets what the
    parts before it gave (`demo_order`) and gives what it adds to `demo.json`; names with `_` are not written there."""
    demo_order: int = 0
    open: Callable[["Turn"], Awaitable[None]] | None = None
    """Called once when a process of the service starts, in every role, before it serves (keys, first records)."""
