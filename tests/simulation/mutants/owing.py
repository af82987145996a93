"""What is owed: events, full states, timers and jobs."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Any

from tests.simulation.mutants.registry import changed, mutant
from turnus_runtime import relay as relays
from turnus_runtime import store as record_store
from turnus_runtime import sweeper as sweepers
from turnus_runtime.clock import StoreClock
from turnus_runtime.relay import Relay
from turnus_runtime.sweeper import Sweeper

CLAIMED = "tests/simulation/test_claimed_jobs.py::"
ALONE = f"{CLAIMED}test_what_one_process_owes_and_claims_no_other_one_runs"
WAITED = f"{CLAIMED}test_a_claim_that_ended_while_it_waited_is_made_anew_or_is_somebody_elses"
OWED = "tests/simulation/test_owed_work.py::"


@mutant(
    "A job is *claimed* by a compare-and-set that moves its due time past its time limit",
    seen_by=f"{OWED}test_of_two_processes_that_find_a_job_one_runs_it",
)
def a_job_runs_without_a_claim() -> Generator[None]:
    async def hasty(self: Sweeper, record: Any, entry: Any) -> None:
        await self._run(record, entry)

    with changed(Sweeper, _work=hasty):
        yield


@mutant("moves its due time past its time limit", seen_by=f"{OWED}test_while_a_job_runs_nobody_else_finds_it_due")
def a_claim_ends_before_the_job_must() -> Generator[None]:
    with changed(Sweeper, _lease_ms=lambda self, entry: 1):
        yield


@mutant("A job that is due when it is owed is claimed by the very write that owes it", seen_by=ALONE)
def the_owing_write_claims_nothing() -> Generator[None]:
    with changed(
        record_store.RecordStore, _claim=lambda self, before, owed, claims, now: _only_noted(self, owed, claims, now)
    ):
        yield


def _only_noted(store: Any, owed: Any, claims: list[Any], now: int) -> Any:
    """Run by whoever writes it, but due for everybody else."""
    if store.works is not None:
        claims += [entry for entry in owed if store.works.claimed(entry, now) is not None]
    return owed


@mutant("a claim that waited too long for its turn is made anew or is somebody else's by then", seen_by=WAITED)
def a_claim_that_waited_is_not_renewed() -> Generator[None]:
    async def trusting(self: Sweeper, record: Any, claim: Any) -> None:
        await self._run(record, claim)

    with changed(Sweeper, _run_in_time=trusting):
        yield


@mutant(
    "An earlier entry of this name may still be waiting for its turn here, with a claim that it will not get.",
    page="libs/runtime/turnus_runtime/sweeper.py",
    seen_by=f"{CLAIMED}test_a_job_owed_anew_while_its_earlier_claim_waits_runs_all_the_same",
)
def a_claim_waits_behind_an_older_one_of_its_name() -> Generator[None]:
    start = Sweeper._start

    def nameless(self: Sweeper, place: Any, work: Any) -> None:
        collection, record, entry = place
        start(self, (collection, record, entry.partition("@")[0]), work)

    with changed(Sweeper, _start=nameless):
        yield


@mutant(
    "It owes nothing (the store refuses it)",
    page="libs/runtime/turnus_runtime/records.py",
    seen_by=f"{CLAIMED}test_a_projection_that_would_owe_is_refused_for_no_sweep_looks_there",
)
def a_projection_may_owe() -> Generator[None]:
    class Nothing:
        pass

    with changed(record_store, Projection=Nothing):
        yield


@mutant("Jobs and timers leave only by a versioned write.", seeds=3000)
def timers_leave_like_events() -> Generator[None]:
    async def hasty(self: Sweeper, record: Any, entry: Any) -> None:
        handler = self._service.timers[entry.name]
        await handler(record.id, entry, self._turn())
        await self._relay._store.clear(record.collection, record.id, [entry.id])
        self._relay.on_cleared((record.collection, record.id), frozenset({entry.id}))

    with changed(Sweeper, _fire=hasty):
        yield


@mutant(
    "Full states are built from the record when they are sent",
    seen_by=f"{OWED}test_a_state_that_is_published_late_is_the_one_of_that_moment",
)
def states_are_built_when_they_are_owed() -> Generator[None]:
    described = relays.described
    first: dict[Any, Any] = {}

    def early(service: Any, record: Any, now: Any, **more: Any) -> Any:
        place = (record.collection, record.id)
        return first.setdefault(place, described(service, record, now, **more))

    with changed(relays, described=early):
        yield


@mutant("and said again once a day", seen_by=f"{OWED}test_a_full_state_is_said_again_once_a_day")
def states_are_said_once() -> Generator[None]:
    again = record_store.again_entry

    def never(id: str, now: int) -> Any:
        return replace(again(id, now), due=sweepers.FAR_MS)

    with changed(record_store, again_entry=never), changed(sweepers, again_entry=never):
        yield


@mutant("(spread evenly)", seen_by=f"{OWED}test_the_daily_sayings_are_spread_over_the_day")
def all_states_are_said_again_at_midnight() -> Generator[None]:
    again = record_store.again_entry
    with changed(record_store, again_entry=partial(_at_midnight, again)):
        yield


def _at_midnight(again: Any, id: str, now: int) -> Any:
    return again("\0\0\0\0", now)


@mutant(
    "The clock of timers is the store's",
    seen_by="tests/integration/runtime/test_clock.py::test_the_clock_agrees_with_the_store_within_its_own_doubt",
)
def the_clock_is_the_process_own() -> Generator[None]:
    sample = StoreClock._sample

    async def own(self: StoreClock) -> Any:
        return replace(await sample(self), offset=0.0)

    with changed(StoreClock, _sample=own):
        yield


@mutant(
    "records of one id one after the other",
    page="libs/runtime/turnus_runtime/relay.py",
    seen_by=f"{OWED}test_what_a_record_says_is_published_in_the_order_of_its_writes",
)
def what_a_record_says_is_published_side_by_side() -> Generator[None]:
    def beside(self: Relay, record: Any) -> None:
        entries = [entry for entry in record.owed if entry.kind in ("event", "state")]
        if entries:
            self._spawn(_patiently(self, record, entries))

    with changed(Relay, offer=beside):
        yield


async def _patiently(relay: Relay, record: Any, entries: Any) -> None:
    await relay._publish_patiently(record, entries)
