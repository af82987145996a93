"""Whose turn it is: the rules, and what the write that charges owes."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assignment.domain.charging import charge, filing_of
from services.assignment.domain.choice import Choice
from services.assignment.domain.credit import UNIT
from services.assignment.domain.rotation import Rotation
from tests.unit.assignment.examples import NOW, START, charged, reserved, rotation, serving
from turnus_contracts import AssigneeChosen

TEAM = {"mem_a": 1, "mem_b": 1, "mem_c": 1}


def _asks(frees: list[list[str]], **more: object) -> list:
    return [reserved(free, booking=f"bk_{n}", **more) for n, free in enumerate(frees)]


def _said(event: object, before: Rotation) -> AssigneeChosen:
    after, _ = charged(event, before)  # type: ignore[arg-type]
    (entry,) = [entry for entry in after.owed if entry.kind == "event"]
    assert entry.data is not None
    return AssigneeChosen.model_validate(entry.data)


# --- equal


def test_equal_members_take_turns_in_their_order() -> None:
    assert serving(_asks([list(TEAM)] * 6), rotation(TEAM)) == ["mem_a", "mem_b", "mem_c"] * 2


def test_twice_the_weight_serves_twice_as_often() -> None:
    served = Counter(serving(_asks([["mem_a", "mem_b"]] * 30), rotation({"mem_a": 2, "mem_b": 1})))
    assert served == {"mem_a": 20, "mem_b": 10}


def test_absence_earns_no_credit() -> None:
    frees = [["mem_a", "mem_b"]] * 10 + [list(TEAM)] * 3
    assert serving(_asks(frees), rotation(TEAM))[10:].count("mem_c") == 1


def test_a_choice_shows_every_candidate_with_credit_and_gain() -> None:
    _, choice = charged(reserved(["mem_b", "mem_a"]), rotation({"mem_a": 3, "mem_b": 1, "mem_c": 9}))
    assert choice.charge is not None
    assert [(each.member_id, each.credit, each.gained) for each in choice.charge.candidates] == [
        ("mem_a", 0, UNIT * 3 // 4),
        ("mem_b", 0, UNIT // 4),
    ]
    assert choice.charge.paid == UNIT


@given(st.lists(st.lists(st.sampled_from("abcde"), min_size=1, unique=True), max_size=40), st.data())
def test_credits_always_add_up_to_zero(frees: list[list[str]], data: st.DataObject) -> None:
    present = rotation({name: data.draw(st.integers(1, 100)) for name in "abcde"})
    for event in _asks(frees):
        present, _ = charged(event, present)
        assert sum(member.credit for member in present.members) == 0


# --- availability


def test_availability_asks_the_highest_tier_first() -> None:
    team = rotation(TEAM, optimize="availability", tiers={"mem_a": 3, "mem_b": 2, "mem_c": 1})
    frees = [list(TEAM), ["mem_a", "mem_b"], ["mem_a"], list(TEAM)]
    assert serving(_asks(frees), team) == ["mem_c", "mem_b", "mem_a", "mem_c"]


def test_availability_takes_who_has_been_idle_longest() -> None:
    frees = [["mem_b"], ["mem_a"], list(TEAM), list(TEAM), ["mem_a", "mem_c"]]
    assert serving(_asks(frees), rotation(TEAM, optimize="availability")) == [
        "mem_b",
        "mem_a",
        "mem_c",
        "mem_b",
        "mem_a",
    ]


def test_availability_leaves_credits_alone() -> None:
    after, choice = charged(reserved(list(TEAM)), rotation(TEAM, optimize="availability"))
    assert {member.credit for member in after.members} == {0}
    assert choice.charge is not None
    assert choice.charge.charged


def test_a_rule_that_nobody_knows_yet_is_taken_as_availability() -> None:
    assert _said(reserved(list(TEAM)), rotation(TEAM, optimize="invented")).rule == "availability"


# --- totals


def test_totals_makes_up_for_absence() -> None:
    frees = [["mem_a"]] * 4 + [["mem_a", "mem_b"]] * 5
    assert serving(_asks(frees), rotation(TEAM, optimize="totals"))[4:] == ["mem_b"] * 4 + ["mem_a"]


def test_totals_are_divided_by_weight() -> None:
    served = serving(_asks([["mem_a", "mem_b"]] * 9), rotation({"mem_a": 2, "mem_b": 1}, optimize="totals"))
    assert Counter(served) == {"mem_a": 6, "mem_b": 3}


def test_totals_count_the_month_of_the_slot_in_the_calendars_zone() -> None:
    late = datetime(2027, 1, 31, 23, 30, tzinfo=UTC)  # February in Berlin
    team = rotation(TEAM, optimize="totals")
    frees = _asks([["mem_a"]], start=late)
    team, _ = charged(frees[0], team)
    assert team.members[0].served == {"2027-02": 1}
    assert _said(reserved(list(TEAM), booking="bk_x", start=START), team).host_ids == ("mem_a",)
    assert _said(reserved(list(TEAM), booking="bk_x", start=late), team).host_ids == ("mem_b",)


def test_months_long_gone_are_forgotten() -> None:
    team, _ = charged(reserved(["mem_a"]), rotation(TEAM))
    later = datetime(2027, 6, 1, tzinfo=UTC)
    event = reserved(["mem_a"], booking="bk_2", start=later)
    after = charge(event, team.version, (), later, team).record
    assert after is not None
    assert after.members[0].served == {"2027-06": 1}


# --- nothing to choose


def test_a_guest_who_chooses_the_person_lets_all_free_ones_gain_and_that_one_pay() -> None:
    event = reserved(list(TEAM), host_ids=("mem_c",), fixed=True)
    after, choice = charged(event, rotation(TEAM))
    assert [member.credit for member in after.members] == [UNIT // 3, UNIT // 3, UNIT // 3 - UNIT]
    assert choice.charge is not None
    assert (choice.charge.rule, choice.charge.server) == ("fixed", "mem_c")


@pytest.mark.parametrize("fixed", [False, True])
def test_if_the_holder_alone_was_removed_the_holder_stays_uncharged(*, fixed: bool) -> None:
    before = rotation(TEAM)
    after, choice = charged(reserved(["mem_gone"], fixed=fixed), before)
    assert after.members == before.members
    said = _said(reserved(["mem_gone"], fixed=fixed), before)
    assert (said.host_ids, said.charged, said.rule, said.candidates) == (("mem_gone",), False, "kept", ())
    assert after.owes(f"file:{choice.id}") is not None


def test_a_candidate_who_was_removed_takes_no_part() -> None:
    _, choice = charged(reserved(["mem_gone", "mem_b"]), rotation(TEAM))
    assert choice.charge is not None
    assert [each.member_id for each in choice.charge.candidates] == ["mem_b"]
    assert choice.charge.host_ids == ("mem_b",)


def test_a_fixed_person_who_was_removed_is_not_replaced_by_another() -> None:
    said = _said(reserved(["mem_gone", "mem_b"], fixed=True), rotation(TEAM))
    assert (said.host_ids, said.rule) == (("mem_gone",), "kept")


# --- the write


def test_the_charge_owes_saying_it_and_filing_the_choice() -> None:
    after, choice = charged(reserved(list(TEAM)), rotation(TEAM))
    kinds = {entry.kind: entry for entry in after.owed}
    assert kinds["event"].name == "AssigneeChosen"
    assert filing_of(kinds["timer"]) == choice


def test_a_rotation_that_changed_since_it_was_read_is_not_charged() -> None:
    present = rotation(TEAM)
    decision = charge(reserved(list(TEAM)), present.version - 1, (), NOW, present)
    assert decision.record is None
    assert decision.answer is None


def test_a_choice_is_found_by_its_turn_and_a_mere_release_is_not_listed() -> None:
    _, choice = charged(reserved(list(TEAM)), rotation(TEAM))
    assert choice.keys() == {"rotation": "cal_a|0000000000001", "by_host": "cal_a|mem_a|0000000000001"}
    given_up = Choice.model_validate(choice.model_dump() | {"released": True})
    assert given_up.keys() == {"rotation": "cal_a|0000000000001", "by_host": None}
    assert Choice.model_validate(choice.model_dump() | {"charge": None}).keys() == {}
