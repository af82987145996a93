"""Each protection of the protocol, switched off in turn: the exploration must find what it protects from.

A patch that the simulation has too is taken from there; the others are here. What belongs to the runtime, which the
model replaces, is a switch of the explorer.
"""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

import gc
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from tests.model import scenarios
from tests.model.explore import Explorer
from tests.model.protocol import Scenario, World, as_modelled
from tests.model.states import NOTHING_OFF, Found, Switches
from tests.simulation.mutants import MUTANTS

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


PROTECTIONS: dict[str, Protection] = {
    "overlaps are compared, not starts": Protection(scenarios.RACE, SIMULATED["overlap_is_only_the_same_start"]),
    "a host records its refusals": Protection(scenarios.ZOMBIES, SIMULATED["refusals_are_forgotten"]),
    "a claim records its refusal": Protection(scenarios.RACE, SIMULATED["a_claim_forgets_its_refusal"]),
    "a freed yes stays a yes": Protection(scenarios.TEAM, SIMULATED["a_freed_answer_is_forgotten"]),
    "hosts keep tombstones": Protection(scenarios.OUTRUN, SIMULATED["hosts_keep_no_tombstone"]),
    "tombstone before freeing": Protection(scenarios.OUTRUN, SIMULATED["hosts_are_freed_before_the_tombstone"]),
    "closed_until": Protection(scenarios.OUTLIVED, SIMULATED["closed_until_is_not_asked"]),
    "attempts in every key": Protection(scenarios.CHOOSING, SIMULATED["hosts_hold_bookings_and_not_attempts"]),
    "asked is written before asking": Protection(scenarios.CHOOSING, SIMULATED["asked_is_not_written_before_asking"]),
    "claim tombstone, and a late yes is answered by its release": Protection(
        scenarios.CHOOSING, SIMULATED["neither_claim_tombstone_nor_release_of_a_late_yes"]
    ),
    "a move frees what is below it": Protection(scenarios.CHOOSING, SIMULATED["a_move_frees_nothing"]),
    "a move keeps the old time until it is settled": Protection(
        scenarios.CHOOSING, SIMULATED["a_move_gives_the_old_time_back_first"]
    ),
    "a move that was given up stays so": Protection(
        scenarios.CHOOSING, SIMULATED["a_move_that_was_given_up_may_still_be_settled"]
    ),
    "what is over stays over": Protection(scenarios.CHOOSING, SIMULATED["a_late_yes_changes_what_is_over"]),
    "a cancelling write owes its release": Protection(scenarios.CHOOSING, SIMULATED["a_cancel_says_nothing"]),
    "the first choice is final": Protection(
        scenarios.CHOOSING, SIMULATED["the_first_choice_is_not_final_nor_remembered"]
    ),
    "a swap reserves before it frees": Protection(scenarios.PATIENT, SIMULATED["a_swap_frees_before_it_reserves"]),
    "who serves pays": Protection(scenarios.SWAPPING, SIMULATED["nobody_else_ever_pays"]),
    "a charge names the version it was decided on": Protection(
        scenarios.TWO_CHOOSE, SIMULATED["a_charge_counts_on_any_version"]
    ),
    "a charge owes its filing": Protection(scenarios.CHARGING, SIMULATED["a_charge_does_not_owe_its_filing"]),
    "an owed filing is filed first": Protection(
        scenarios.CHARGING, SIMULATED["a_choice_that_is_still_owed_is_not_looked_for"]
    ),
    "an applied effect owes its mark": Protection(scenarios.RETURNING, SIMULATED["an_applied_effect_owes_no_mark"]),
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
