"""Every protection of the protocol, switched off one at a time; the simulation must notice each.

A mutant is a patch of production code that lasts as long as its context. `seeds` says within how many histories (from
seed 0 on) it has to be found. Some protections mask each other and are switched off as a pair.
"""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

from services.assignment import handlers as assigning
from services.availability.domain import claims, hosts
from services.availability.domain.hosts import Host, Reply
from services.availability.handlers import reserving
from services.booking.domain import transitions
from services.booking.routes import bookings as booking_routes
from tests.simulation.broker import SimulatedConsumer
from tests.simulation.history import run
from tests.simulation.store import SimulatedStore
from tests.simulation.world import SERVICES
from turnus_runtime import store as record_store
from turnus_runtime.records import Decision
from turnus_runtime.store import RecordStore


@dataclass(frozen=True)
class Mutant:
    """One protection (or a pair of them) switched off."""

    name: str
    off: Callable[[], AbstractContextManager[None]]
    seeds: int
    slow: bool = False
    """found too late for the tests of every change: `make mutants` only"""


MUTANTS: list[Mutant] = []


@contextmanager
def changed(owner: Any, **values: Any) -> Generator[None]:
    """These attributes for a while."""
    kept = {name: owner.__dict__[name] if isinstance(owner, type) else getattr(owner, name) for name in values}
    for name, value in values.items():
        setattr(owner, name, value)
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(owner, name, value)


def mutant(seeds: int, *, slow: bool = False) -> Callable[[Callable[[], Generator[None]]], Any]:
    """Register a patch."""

    def register(patch: Callable[[], Generator[None]]) -> Callable[[], AbstractContextManager[None]]:
        off = contextmanager(patch)
        MUTANTS.append(Mutant(patch.__name__, off, seeds, slow))
        return off

    return register


def _unowed(decided: Decision[Any, Any]) -> Decision[Any, Any]:
    return Decision(decided.answer, says=decided.says)


# -- the host record


@mutant(300)
def refusals_are_forgotten() -> Generator[None]:
    reserve = hosts._reserve_unheard

    def forgetful(host: Host, ask: Any, *more: Any) -> Any:
        decided = reserve(host, ask, *more)
        return _unowed(decided) if decided.answer is Reply.REFUSED else decided

    with changed(hosts, _reserve_unheard=forgetful):
        yield


@mutant(50)
def overlap_is_only_the_same_start() -> Generator[None]:
    def same_start(host: Host, start: int, end: int, but: str) -> Any:
        return next((r for r in host.reservations if r.start == start and r.booking_id != but), None)

    with changed(Host, clash=same_start):
        yield


@mutant(2500, slow=True)
def hosts_keep_no_tombstone() -> Generator[None]:
    release = hosts.release

    def forgetful(host: Host | None, *more: Any) -> Any:
        decided = release(host, *more)
        if decided.record is None:
            return decided
        return replace(decided, record=decided.record.change(tombstones=host.tombstones if host else {}))

    with changed(hosts, release=forgetful):
        yield


@mutant(300)
def a_freed_answer_is_forgotten() -> Generator[None]:
    free = hosts.free

    def forgetful(host: Host | None, *more: Any) -> Any:
        decided = free(host, *more)
        if decided.record is None or host is None:
            return decided
        return replace(decided, record=decided.record.change(answered=host.answered))

    with changed(hosts, free=forgetful):
        yield


@mutant(300)
def rules_are_not_looked_at_again() -> Generator[None]:
    reserve = hosts._reserve_unheard

    def blind(host: Host, ask: Any, *more: Any) -> Any:
        return reserve(host, replace(ask, rules_version=host.rules_version), *more)

    with changed(hosts, _reserve_unheard=blind):
        yield


@mutant(300)
def blocks_of_the_calendar_are_not_looked_at_again() -> Generator[None]:
    reserve = hosts._reserve_unheard

    def blind(host: Host, ask: Any, *more: Any) -> Any:
        return reserve(host, replace(ask, blocks_version=1 << 60), *more)

    with changed(hosts, _reserve_unheard=blind):
        yield


@mutant(100)
def a_duplicate_is_dropped() -> Generator[None]:
    reserve = hosts.reserve

    def silent(*given: Any) -> Any:
        return replace(reserve(*given), says=())

    with changed(hosts, reserve=silent):
        yield


# -- the claim


@mutant(100)
def asked_is_not_written_before_asking() -> Generator[None]:
    pin, ask_next = claims.pin, claims.ask_next

    def unwritten(decided: Any) -> Any:
        if decided.record is None:
            return decided
        attempts = {name: attempt.model_copy(update={"asked": ()}) for name, attempt in decided.record.attempts.items()}
        return replace(decided, record=decided.record.change(attempts=attempts))

    with changed(
        claims,
        pin=lambda *given: unwritten(pin(*given)),
        ask_next=lambda *given: unwritten(ask_next(*given)),
    ):
        yield


def _release_without_tombstone() -> Any:
    release = claims.release
    return lambda *given: _unowed(release(*given))


def _no_answer_to_a_late_yes() -> Any:
    return lambda *_: Decision(None)


@mutant(300)
def neither_claim_tombstone_nor_release_of_a_late_yes() -> Generator[None]:
    with (
        changed(claims, release=_release_without_tombstone()),
        changed(transitions, _released_again=_no_answer_to_a_late_yes()),
    ):
        yield


@mutant(300)
def the_first_choice_is_not_final_nor_remembered() -> Generator[None]:
    choose, look = claims.choose, assigning._look

    def fickle(claim: Any, chosen: Any) -> Any:
        attempt = claim.attempt(chosen.attempt) if claim is not None else None
        if attempt is not None and attempt.chosen is not None:
            claim = claim.with_attempt(attempt.model_copy(update={"chosen": None}))
        return choose(claim, chosen)

    async def blind(wanted: str, rotation: Any, on: Any) -> Any:
        _, done = await look(wanted, rotation, on)
        return None, done

    with changed(claims, choose=fickle), changed(assigning, _look=blind):
        yield


@mutant(2500, slow=True)
def a_swap_frees_before_it_reserves() -> Generator[None]:
    ask_chosen = reserving._ask_chosen

    async def hasty(chosen: Any, attempt: Any, host_id: str, on: Any) -> Any:
        holder = attempt.next_to_ask
        await on.records(Host).decide(holder, lambda h: hosts.free(h, chosen.booking_id, chosen.attempt))
        return await ask_chosen(chosen, attempt, host_id, on)

    with changed(reserving, _ask_chosen=hasty):
        yield


@mutant(50)
def a_move_frees_nothing() -> Generator[None]:
    async def deaf(moved: Any, on: Any) -> None: ...

    service = reserving.free_moved
    with changed(reserving, free_moved=service), _handlers("availability", "free_moved", deaf):
        yield


# -- the booking


@mutant(400, slow=True)
def nothing_is_asked_again() -> Generator[None]:
    def tired(booking: Any, fired: Any, now: Any) -> Any:
        return Decision(None, booking, drops=(transitions.REDRIVE,))

    with changed(transitions, redrive=tired):
        yield


@mutant(100)
def nothing_expires() -> Generator[None]:
    def patient(booking: Any, now: Any) -> Any:
        return Decision(None, booking, drops=(transitions.EXPIRE,))

    with changed(transitions, expire=patient):
        yield


@mutant(100)
def the_same_key_makes_a_new_booking() -> Generator[None]:
    made = iter(range(1_000_000))
    with changed(booking_routes, derived=lambda kind, *_: f"{kind}_{next(made):026d}"):
        yield


@mutant(100)
def a_late_yes_changes_what_is_over() -> Generator[None]:
    settle = transitions.settle

    def eager(booking: Any, reply: Any, now: Any) -> Any:
        if booking is not None and booking.status in ("expired", "cancelled"):
            attempt = booking.attempt_of(reply.attempt)
            if attempt is not None and attempt.state == "released":
                reopened = attempt.model_copy(update={"state": "open"})
                booking = booking.change(status="requested", attempts=booking.with_attempt(reopened))
        return settle(booking, reply, now)

    with changed(transitions, settle=eager):
        yield


# -- the rotation


@mutant(100)
def a_release_that_comes_first_is_dropped() -> Generator[None]:
    release = assigning.release

    def deaf(blank: Any, now: Any, choice: Any) -> Any:
        return Decision(blank) if choice is None else release(blank, now, choice)

    with changed(assigning, release=deaf):
        yield


@mutant(100)
def a_charge_does_not_owe_its_filing() -> Generator[None]:
    charge = assigning.charge

    def forgetful(*given: Any) -> Any:
        decided = charge(*given)
        return replace(decided, owes=[entry for entry in decided.owes if entry.kind == "event"])

    with changed(assigning, charge=forgetful):
        yield


# -- the runtime


@mutant(50)
def the_version_is_not_in_the_filter() -> Generator[None]:
    write = SimulatedStore.replace

    async def unguarded(self: SimulatedStore, collection: str, document: Any, expected: int) -> bool:
        kept = self.collections[collection].get(document.id)
        present = kept.version if kept is not None else expected
        return await write(self, collection, replace(document, version=present + 1), present)

    with changed(SimulatedStore, replace=unguarded):
        yield


@mutant(400, slow=True)
def owed_events_are_not_in_the_write() -> Generator[None]:
    form = record_store.stored_form

    def forgetful(record: Any, version: int) -> Any:
        return form(record.change(owed=tuple(one for one in record.owed if one.kind != "event")), version)

    with changed(record_store, stored_form=forgetful):
        yield


@mutant(300)
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


@mutant(2500, slow=True)
def an_owed_event_has_the_same_id_every_time() -> Generator[None]:
    owed_after = record_store._owed_after

    def same(before: Any, decided: Any, version: int, now: int, trace: str) -> Any:
        return owed_after(before, decided, 0, now, trace)

    with changed(record_store, _owed_after=same):
        yield


@mutant(100)
def offsets_are_committed_before_the_work() -> Generator[None]:
    def hasty(self: SimulatedConsumer) -> None:
        if self.positions:
            self._broker.commit(self, dict(self.positions))

    with changed(SimulatedConsumer, _commit=hasty):
        yield


@contextmanager
def _handlers(service: str, name: str, handler: Any) -> Generator[None]:
    """Tables hold the handlers themselves: put another in place of `name`."""
    table = next(one for one in SERVICES if one.name == service)
    kept = dict(table.consumes)
    consumes: Any = table.consumes
    for event, known in kept.items():
        if known.__name__ == name:
            consumes[event] = handler
    try:
        yield
    finally:
        consumes.update(kept)


def found_after(one: Mutant, seeds: Sequence[int]) -> tuple[int, str] | None:
    """How many histories it took to find this mutant, and by which invariant; None: it survived."""
    for count, seed in enumerate(seeds, 1):
        history = run(seed, one.off)
        if history.violation is not None:
            return count, history.violation
    return None
