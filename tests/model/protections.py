"""Each protection of the protocol, switched off in turn: the exploration must find what it protects from.

A patch that the simulation has too is taken from there; the others are here. What belongs to the runtime, which the
model replaces, is a switch of the explorer.
"""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

import gc
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from services.assignment import handlers as assigning
from services.availability.domain import claims, hosts
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.handlers import reserving
from services.booking.domain import transitions
from tests.model import scenarios
from tests.model.explore import Explorer
from tests.model.protocol import Scenario, World, as_modelled
from tests.model.states import NOTHING_OFF, Found, Switches
from tests.simulation.mutants import MUTANTS, changed
from turnus_runtime.records import Decision

SIMULATED = {mutant.name: mutant.off for mutant in MUTANTS}
OffSwitch = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Protection:
    """`off` takes a rule out of production code, `switches` out of the runtime."""

    scenario: Scenario
    off: OffSwitch = nullcontext
    switches: Switches = NOTHING_OFF


def explored(scenario: Scenario, protection: Protection | None = None, most: int | None = None) -> Found:
    """One scenario, with every protection or without one."""
    off = protection.off if protection is not None else nullcontext
    switches = protection.switches if protection is not None else NOTHING_OFF
    collects = gc.isenabled()
    gc.disable()  # millions of small tuples and no cycles: looking for some would take a third of the time
    try:
        with as_modelled(), off():
            return Explorer(World(scenario), switches).explore(most)
    finally:
        if collects:
            gc.enable()


@contextmanager
def _attempts_are_one() -> Generator[None]:
    """A host knows bookings, not attempts."""

    def held(host: Host, booking_id: str, _: int) -> Any:
        return next((r for r in host.reservations if r.booking_id == booking_id), None)

    with changed(Host, held=held):
        yield


@contextmanager
def _freed_before_the_tombstone() -> Generator[None]:
    """A release frees whoever was asked so far, and writes the tombstone into the claim after that."""

    async def release(booking_id: str, workspace_id: str, calendar_id: str, number: int | None, on: Any) -> None:
        claim = await on.records(Claim).get(booking_id)
        for attempt in claim.attempts.values() if claim is not None else ():
            if number in (None, attempt.number):
                for host_id in attempt.asked:
                    free = partial(hosts.free, booking_id=booking_id, attempt=attempt.number)
                    await on.records(Host).decide(host_id, lambda h, free=free: free(h))
        await on.records(Claim).decide(
            booking_id, lambda c: claims.release(c, booking_id, workspace_id, calendar_id, number)
        )

    with changed(reserving, _release=release):
        yield


@contextmanager
def _closed_until_is_not_asked() -> Generator[None]:
    reserve = hosts.reserve

    def forgetful(host: Host | None, *more: Any) -> Any:
        return reserve(host.change(closed_until=0) if host is not None else None, *more)

    with changed(hosts, reserve=forgetful):
        yield


@contextmanager
def _refusal_is_not_recorded() -> Generator[None]:
    """The claim says no and does not remember it."""
    pin, ask_next = claims.pin, claims.ask_next

    def without(decided: Any, before: Any) -> Any:
        answer = decided.answer
        return replace(decided, record=before) if answer is not None and answer.refusal is not None else decided

    def forgetful_pin(claim: Any, request: Any, *more: Any) -> Any:
        blank = Claim(id=request.booking_id, workspace_id=request.workspace_id, calendar_id=request.calendar_id)
        return without(pin(claim, request, *more), claim or blank)

    with changed(claims, pin=forgetful_pin, ask_next=lambda claim, *more: without(ask_next(claim, *more), claim)):
        yield


@contextmanager
def _a_charge_on_any_version() -> Generator[None]:
    charge = assigning.charge

    def hasty(event: Any, _: int, done: Any, now: Any, rotation: Any) -> Any:
        return charge(event, rotation.version if rotation is not None else 0, done, now, rotation)

    with changed(assigning, charge=hasty):
        yield


@contextmanager
def _effects_owe_no_mark() -> Generator[None]:
    apply = assigning.apply_effects

    def forgetful(*given: Any) -> Any:
        return replace(apply(*given), owes=())

    with changed(assigning, apply_effects=forgetful):
        yield


@contextmanager
def _filing_is_not_looked_for() -> Generator[None]:
    """Who needs a choice reads its record only, not what the rotation still owes filing."""
    look = assigning._look

    async def blind(wanted: str, rotation: Any, on: Any) -> Any:
        left = tuple(entry for entry in rotation.owed if not entry.id.startswith(f"file:{wanted}"))
        return await look(wanted, rotation.change(owed=left), on)

    with changed(assigning, _look=blind):
        yield


@contextmanager
def _a_move_may_be_settled_twice() -> Generator[None]:
    """The answer for a move that was given up is taken as if it were open."""
    settle = transitions.settle

    def eager(booking: Any, reply: Any, now: Any) -> Any:
        attempt = booking.attempt_of(reply.attempt) if booking is not None else None
        if attempt is not None and attempt.state == "released" and booking.status == "confirmed":
            booking = booking.change(attempts=booking.with_attempt(attempt.model_copy(update={"state": "open"})))
        return settle(booking, reply, now)

    with changed(transitions, settle=eager):
        yield


@contextmanager
def _a_cancel_says_nothing() -> Generator[None]:
    cancel = transitions.cancel
    with changed(transitions, cancel=lambda *given: replace(cancel(*given), owes=())):
        yield


@contextmanager
def _a_move_gives_the_old_time_back_first() -> Generator[None]:
    """Asking for a move also says that the time in force is over."""
    move = transitions.move

    def generous(booking: Any, ask: Any, now: Any) -> Any:
        decided = move(booking, ask, now)
        if decided.record is None:
            return decided
        given_up = transitions.attempt_released(decided.record, decided.record.attempts[0])
        return replace(decided, owes=[*decided.owes, transitions.event(given_up)])

    with changed(transitions, move=generous):
        yield


@contextmanager
def _nothing_settles_who_pays() -> Generator[None]:
    with changed(assigning, settle=lambda _hosts, _now, choice: Decision(choice)):
        yield


PROTECTIONS: dict[str, Protection] = {
    "overlaps are compared, not starts": Protection(scenarios.RACE, SIMULATED["overlap_is_only_the_same_start"]),
    "a host records its refusals": Protection(scenarios.ZOMBIES, SIMULATED["refusals_are_forgotten"]),
    "a claim records its refusal": Protection(scenarios.RACE, _refusal_is_not_recorded),
    "a freed yes stays a yes": Protection(scenarios.TEAM, SIMULATED["a_freed_answer_is_forgotten"]),
    "hosts keep tombstones": Protection(scenarios.OUTRUN, SIMULATED["hosts_keep_no_tombstone"]),
    "tombstone before freeing": Protection(scenarios.OUTRUN, _freed_before_the_tombstone),
    "closed_until": Protection(scenarios.OUTLIVED, _closed_until_is_not_asked),
    "attempts in every key": Protection(scenarios.CHOOSING, _attempts_are_one),
    "asked is written before asking": Protection(scenarios.CHOOSING, SIMULATED["asked_is_not_written_before_asking"]),
    "claim tombstone, and a late yes is answered by its release": Protection(
        scenarios.CHOOSING, SIMULATED["neither_claim_tombstone_nor_release_of_a_late_yes"]
    ),
    "a move frees what is below it": Protection(scenarios.CHOOSING, SIMULATED["a_move_frees_nothing"]),
    "a move keeps the old time until it is settled": Protection(
        scenarios.CHOOSING, _a_move_gives_the_old_time_back_first
    ),
    "a move that was given up stays so": Protection(scenarios.CHOOSING, _a_move_may_be_settled_twice),
    "what is over stays over": Protection(scenarios.CHOOSING, SIMULATED["a_late_yes_changes_what_is_over"]),
    "a cancelling write owes its release": Protection(scenarios.CHOOSING, _a_cancel_says_nothing),
    "the first choice is final": Protection(
        scenarios.CHOOSING, SIMULATED["the_first_choice_is_not_final_nor_remembered"]
    ),
    "a swap reserves before it frees": Protection(scenarios.PATIENT, SIMULATED["a_swap_frees_before_it_reserves"]),
    "who serves pays": Protection(scenarios.SWAPPING, _nothing_settles_who_pays),
    "a charge names the version it was decided on": Protection(scenarios.TWO_CHOOSE, _a_charge_on_any_version),
    "a charge owes its filing": Protection(scenarios.CHARGING, SIMULATED["a_charge_does_not_owe_its_filing"]),
    "an owed filing is filed first": Protection(scenarios.CHARGING, _filing_is_not_looked_for),
    "an applied effect owes its mark": Protection(scenarios.RETURNING, _effects_owe_no_mark),
    "a release that comes first is filed": Protection(
        next(one for one in scenarios.EACH_ONCE if one.tracked == "assignment hears BookingReleased"),
        SIMULATED["a_release_that_comes_first_is_dropped"],
    ),
    "a duplicate is answered again": Protection(scenarios.UNHEARD, SIMULATED["a_duplicate_is_dropped"]),
    "what is unanswered is asked again": Protection(scenarios.UNHEARD, SIMULATED["nothing_is_asked_again"]),
    "what is undecided expires": Protection(scenarios.RACE, SIMULATED["nothing_expires"]),
    "events are owed in the write": Protection(scenarios.RACE, switches=Switches(owed_in_the_write=False)),
    "the version is in the filter": Protection(scenarios.COPIES, switches=Switches(version_in_the_filter=False)),
    "acknowledged after the work": Protection(scenarios.OUTRUN, switches=Switches(offsets_after_the_work=False)),
}
"""By rule of `docs/reliability.md`, each with a scenario in which it is missed."""
