"""The core protocol, explored whole: every order of messages and steps, deaths and duplicates wherever they can be.

What is explored is in `scenarios.py`, what must hold in `invariants.py`; `docs/model.md` says what is left out.
"""

from functools import cache

import pytest

from services.booking.domain.saga import SAGA
from tests.model import scenarios
from tests.model.handling import Arrow
from tests.model.protections import PROTECTIONS, explored
from tests.model.protocol import Scenario
from tests.model.show import trace
from tests.model.states import Found

LATE = "late AssigneeSettled"
CONCLUDED = "what becomes of an appointment that is past: nothing is asked, held or charged by it"
OVERBOOKED = "the same write, which also tells the audit log: that holds a time of a host, this does not look at it"
LEFT_OUT = {
    ("requested", "POST …/cancel with a reason"): "the same write; the reason is for people and goes to notify",
    ("confirmed", "POST …/cancel with a reason"): "the same write; the reason is for people and goes to notify",
    ("requested", "AssigneeSettled of an overbooking"): OVERBOOKED,
    ("confirmed", "AssigneeSettled of an overbooking by the open move"): OVERBOOKED,
    ("confirmed", "POST …/assign"): "a move that names its host: the same write as any other move",
    ("confirmed", "POST …/attendance"): CONCLUDED,
    ("confirmed", "timer conclude"): CONCLUDED,
    ("attended", "POST …/attendance"): CONCLUDED,
    ("no_show", "POST …/attendance"): CONCLUDED,
    ("attended", LATE): CONCLUDED,
    ("no_show", LATE): CONCLUDED,
    ("rejected", LATE): "it would contradict the refusal, and no two answers do: in no state of the model",
}
"""Arrows of the saga that the model does not draw, and why."""


@cache
def found(scenario: Scenario) -> Found:
    return explored(scenario)


@pytest.mark.parametrize("scenario", scenarios.BOUNDED, ids=lambda one: one.name)
def test_every_promise_holds_in_every_state_and_rest_is_in_reach_of_all(scenario: Scenario) -> None:
    result = found(scenario)
    assert result.violation is None, "\n".join(trace(result))
    assert result.complete
    assert result.at_rest, "nothing ever came to rest: nothing was checked there"


@pytest.mark.parametrize("rule", PROTECTIONS)
def test_without_this_protection_a_promise_is_broken(rule: str) -> None:
    protection = PROTECTIONS[rule]
    result = explored(protection.scenario, protection)
    assert result.violation is not None, f"nobody misses it in {result.states} states"
    unhandled = result.violation.startswith("nobody can handle it")
    assert not unhandled or "Violation" in result.violation, "the switch is broken, not the protocol"
    shown = list(trace(result))
    assert len(shown) == len(result.trace) + 3, "the way there is not shown step by step"
    assert result.violation in shown[-1]


def drawn() -> frozenset[Arrow]:
    worlds = (scenarios.RACE, scenarios.CONTESTED, scenarios.CHOOSING)
    return frozenset(arrow for one in worlds for arrow in found(one).world.machine.arrows)


def test_the_model_draws_the_arrows_of_the_saga_and_no_others() -> None:
    table = {Arrow(one.source, one.on, one.target, frozenset(one.says)) for one in SAGA.transitions}
    assert drawn() - table == set(), "arrows that the code does not have"
    assert {(one.source, one.on) for one in table - drawn()} == LEFT_OUT.keys(), "left out, or not, without a word"


def test_the_same_world_is_explored_the_same_way_every_time() -> None:
    first, second = explored(scenarios.RETURNING), explored(scenarios.RETURNING)
    assert (first.states, first.transitions, first.depth) == (second.states, second.transitions, second.depth)


def test_a_request_that_is_undecided_for_days_leaves_nothing_behind() -> None:
    result = explored(scenarios.UNDECIDED_FOR_DAYS)
    assert result.violation is None, "\n".join(trace(result))
