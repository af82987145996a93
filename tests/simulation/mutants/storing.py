"""One write: state, answer and what is owed together, guarded by the version."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

import asyncio
from collections.abc import Generator
from dataclasses import replace
from typing import Any

from tests.simulation.mutants.registry import changed, mutant
from tests.simulation.store import SimulatedStore
from turnus_runtime import store as record_store
from turnus_runtime.mongo import documents
from turnus_runtime.ports import StoreUnavailable
from turnus_runtime.relay import Relay
from turnus_runtime.store import RecordStore

OWED = "tests/simulation/test_owed_work.py::"
CONTRACT = "tests/contracts/test_store_port.py::"


@mutant("Every arrow is one compare-and-set of the booking record")
def the_version_is_not_in_the_filter() -> Generator[None]:
    write = SimulatedStore.replace

    async def unguarded(self: SimulatedStore, collection: str, document: Any, expected: int) -> bool:
        kept = self.collections[collection].get(document.id)
        present = kept.version if kept is not None else expected
        return await write(self, collection, replace(document, version=present + 1), present)

    with changed(SimulatedStore, replace=unguarded):
        yield


@mutant("the insert is the guard", seen_by=f"{CONTRACT}test_one_of_many_racing_inserts_wins")
def an_insert_overwrites() -> Generator[None]:
    insert = SimulatedStore.insert

    async def unguarded(self: SimulatedStore, collection: str, document: Any) -> bool:
        self.collections.setdefault(collection, {}).pop(document.id, None)
        return await insert(self, collection, document)

    with changed(SimulatedStore, insert=unguarded):
        yield


@mutant("that also owes its events", seeds=400)
def owed_events_are_not_in_the_write() -> Generator[None]:
    form = record_store.stored_form

    def forgetful(record: Any, version: int) -> Any:
        return form(record.change(owed=tuple(one for one in record.owed if one.kind != "event")), version)

    with changed(record_store, stored_form=forgetful):
        yield


@mutant("A decision that changes nothing *or raises* counts only on a fresh read")
def nothing_to_do_counts_on_a_stale_copy() -> Generator[None]:
    commit = RecordStore._commit

    async def hasty(self: RecordStore, kind: Any, place: Any, batch: Any) -> None:
        copy = self._copies.get(place)
        if copy is not None:
            fold = self._fold(kind, copy, batch, frozenset())
            if not fold.changed:
                for call, result in fold.results:
                    if isinstance(result, BaseException):
                        call.answer.set_exception(result)
                    else:
                        call.answer.set_result(result)
                return
        await commit(self, kind, place, batch)

    with changed(RecordStore, _commit=hasty):
        yield


@mutant("or raises* counts only on a fresh read", seeds=1200)
def what_raises_counts_on_a_stale_copy() -> Generator[None]:
    commit = RecordStore._commit

    async def hasty(self: RecordStore, kind: Any, place: Any, batch: Any) -> None:
        copy = self._copies.get(place)
        if copy is not None:
            fold = self._fold(kind, copy, batch, frozenset())
            raised = [(call, result) for call, result in fold.results if isinstance(result, BaseException)]
            for call, result in raised:
                call.answer.set_exception(result)
            batch = [call for call in batch if not call.answer.done()]
        if batch:
            await commit(self, kind, place, batch)

    with changed(RecordStore, _commit=hasty):
        yield


@mutant(
    "clearing an earlier sending of the same event never removes a later owing of it",
    page="libs/runtime/turnus_runtime/owing.py",
    seen_by=f"{OWED}test_an_event_owed_again_is_not_cleared_with_its_earlier_sending",
)
def an_owed_event_has_the_same_id_every_time() -> Generator[None]:
    owed_after = record_store.owed_after

    def same(before: Any, decided: Any, version: int, now: int, trace: str) -> Any:
        return owed_after(before, decided, 0, now, trace)

    with changed(record_store, owed_after=same):
        yield


@mutant(
    "the kept copy must not bring them back",
    page="libs/runtime/turnus_runtime/store.py",
    seen_by=f"{OWED}test_what_was_said_is_not_owed_again_by_the_next_write",
)
def what_was_cleared_stays_in_the_kept_copy() -> Generator[None]:
    with changed(RecordStore, forget=lambda self, place, owed_ids: None):
        yield


@mutant(
    "further decisions on it queue up in this process and are then folded, in order, into the next write",
    page="libs/runtime/turnus_runtime/store.py",
    seen_by=f"{OWED}test_decisions_that_go_into_one_write_see_each_other",
)
def decisions_of_one_write_do_not_see_each_other() -> Generator[None]:
    fold = RecordStore._fold

    def blind(self: RecordStore, kind: Any, copy: Any, batch: Any, sent: Any) -> Any:
        folds = [fold(self, kind, copy, [call], sent) for call in batch]
        last = next((one for one in reversed(folds) if one.changed), folds[-1])
        last.results = [result for one in folds for result in one.results]
        return last

    with changed(RecordStore, _fold=blind):
        yield


@mutant("What a record owes is cleared by one update that removes entries by id")
def clearing_removes_all_that_is_owed() -> Generator[None]:
    clear = SimulatedStore.clear

    class Everything(list[str]):
        def __contains__(self, _: object) -> bool:
            return True

    async def greedy(self: SimulatedStore, collection: str, id: str, owed_ids: Any) -> None:
        await clear(self, collection, id, Everything(owed_ids))

    with changed(SimulatedStore, clear=greedy):
        yield


@mutant("removes entries by id", seen_by=f"{CONTRACT}test_clearing_leaves_the_rest_owed_and_due")
def the_store_clears_all_that_is_owed() -> Generator[None]:
    clearing = documents.clearing

    def greedy(owed_ids: Any) -> Any:
        stages = clearing(owed_ids)
        return [{"$set": {"owed": {"$literal": []}}}, *stages[1:]]

    with changed(documents, clearing=greedy):
        yield


@mutant("recomputes `next_due` from what is left", seen_by=f"{CONTRACT}test_clearing_leaves_the_rest_owed_and_due")
def the_store_does_not_recompute_when_something_is_due() -> Generator[None]:
    clearing = documents.clearing
    with changed(documents, clearing=lambda owed_ids: clearing(owed_ids)[:1]):
        yield


@mutant("recomputes `next_due` from what is left")
def next_due_is_forgotten_when_something_is_cleared() -> Generator[None]:
    clear = SimulatedStore.clear

    async def forgetful(self: SimulatedStore, collection: str, id: str, owed_ids: Any) -> None:
        await clear(self, collection, id, owed_ids)
        kept = self.collections.get(collection, {}).get(id)
        if kept is not None:
            left = {name: value for name, value in kept.sorted_by.items() if name != documents.NEXT_DUE}
            object.__setattr__(kept, "sorted_by", left)

    with changed(SimulatedStore, clear=forgetful):
        yield


@mutant("the next write may leave them out", page="libs/runtime/turnus_runtime/store.py")
def what_is_owed_leaves_before_it_is_published() -> Generator[None]:
    offer = Relay.offer

    def hasty(self: Relay, record: Any) -> None:
        events = {entry.id for entry in record.owed if entry.kind in ("event", "state")}
        self._sent.setdefault((record.collection, record.id), set()).update(events)
        offer(self, record)
        self._sent.pop((record.collection, record.id), None)
        task = asyncio.ensure_future(_cleared(self, record, events))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    with changed(Relay, offer=hasty):
        yield


async def _cleared(relay: Relay, record: Any, events: set[str]) -> None:
    if events:
        try:
            await relay._store.clear(record.collection, record.id, sorted(events))
        except StoreUnavailable:
            return
        relay.on_cleared((record.collection, record.id), frozenset(events))
