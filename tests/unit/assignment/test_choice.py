"""What becomes of a choice after it was charged: halves, settlement, return, and their applying."""

import pytest

from services.assignment.domain.applying import apply_effects, drop_errands, is_done
from services.assignment.domain.choice import Choice, chosen, file, mark, release, settle, settles
from services.assignment.domain.credit import UNIT
from services.assignment.domain.rotation import Rotation, apply_calendar
from tests.unit.assignment.examples import NOW, charged, published, reserved, rotation
from turnus_runtime.records import Decision

TEAM = {"mem_a": 1, "mem_b": 1, "mem_c": 1}


def _charged(optimize: str = "equal") -> tuple[Rotation, Choice]:
    return charged(reserved(list(TEAM)), rotation(TEAM, optimize=optimize))


def _blank(choice: Choice) -> Choice:
    return choice.change(charge=None, payer=None)


def _written(decision: Decision[Choice, object]) -> Choice:
    assert decision.record is not None
    return decision.record


def _applied(choice: Choice, before: Rotation) -> Rotation:
    decision = apply_effects(choice, before.version, (), NOW, before)
    assert decision.record is not None
    return decision.record.change(owed=(*before.owed, *decision.owes))


def _credits(present: Rotation) -> dict[str, int]:
    return {member.member_id: member.credit for member in present.members}


def test_the_halves_may_come_in_either_order() -> None:
    _, choice = _charged()
    charge_first = _written(release(_blank(choice), NOW, choice))
    half = _written(release(_blank(choice), NOW, None))
    assert half.charge is None
    assert _written(file(choice, NOW, half)) == charge_first
    assert charge_first.returned
    assert charge_first.pending == ("return",)


def test_the_half_that_comes_second_owes_applying_the_return() -> None:
    _, choice = _charged()
    half = _written(release(_blank(choice), NOW, None))
    assert not release(_blank(choice), NOW, None).owes
    assert [entry.name for entry in file(choice, NOW, half).owes] == ["apply_choice"]
    assert [entry.name for entry in release(half, NOW, choice).owes] == ["apply_choice"]


def test_the_first_choice_is_final() -> None:
    present, choice = _charged()
    _, other = charged(reserved(["mem_c"]), present)
    decision = file(other, NOW, choice)
    assert decision.record is None
    assert decision.answer == choice
    assert choice.charge is not None
    assert chosen(decision.answer, choice.charge).host_ids == ("mem_a",)


def test_a_second_release_changes_nothing() -> None:
    _, choice = _charged()
    back = _written(release(choice, NOW, choice))
    assert release(choice, NOW, back).record is None


def test_a_return_gives_everybody_back_what_it_cost() -> None:
    present, choice = _charged()
    after = _applied(_written(release(choice, NOW, choice)), present)
    assert _credits(after) == dict.fromkeys(TEAM, 0)
    assert {tuple(member.served) for member in after.members} == {()}


def test_a_return_makes_the_server_as_idle_as_before() -> None:
    present, choice = _charged("availability")
    after = _applied(_written(release(choice, NOW, choice)), present)
    _, again = charged(reserved(list(TEAM), booking="bk_2"), after)
    assert again.charge is not None
    assert again.charge.server == "mem_a"


def test_a_return_is_applied_once_while_it_is_owed_marking() -> None:
    present, choice = _charged()
    back = _written(release(choice, NOW, choice))
    once = _applied(back, present)
    again = apply_effects(back, once.version, (), NOW, once)
    assert again.record is None
    assert again.answer is True


def test_a_return_is_not_applied_to_a_rotation_that_changed_since() -> None:
    present, choice = _charged()
    back = _written(release(choice, NOW, choice))
    decision = apply_effects(back, present.version - 1, (), NOW, present)
    assert decision.record is None
    assert decision.answer is False


def test_what_was_applied_is_marked_and_then_owed_no_more() -> None:
    _, choice = _charged()
    back = _written(release(choice, NOW, choice))
    decision = mark(back.pending, back)
    assert decision.drops == ("apply",)
    assert _written(decision).pending == ()
    assert mark(("return",), _written(decision)).record is None


def test_marking_one_effect_keeps_the_other_owed() -> None:
    _, choice = _charged()
    both = _written(release(choice, NOW, _written(settle(("mem_b",), NOW, choice))))
    assert both.pending == ("move", "return")
    assert mark(("move",), both).drops == ()


def test_if_another_serves_the_payment_moves_to_them() -> None:
    present, choice = _charged()
    moved = _written(settle(("mem_b",), NOW, choice))
    after = _applied(moved, present)
    assert _credits(after) == {"mem_a": UNIT // 3, "mem_b": UNIT // 3 - UNIT, "mem_c": UNIT // 3}
    assert [dict(member.served) for member in after.members] == [{}, {"2027-01": 1}, {}]
    assert [member.last_turn for member in after.members] == [0, 1, 0]


def test_the_payment_moves_once() -> None:
    _, choice = _charged()
    moved = _written(settle(("mem_b",), NOW, choice))
    assert settle(("mem_c",), NOW, moved).record is None
    assert settle(("mem_b",), NOW, moved).record is None


def test_if_the_chosen_one_serves_nothing_is_written() -> None:
    _, choice = _charged()
    assert settles(choice, ("mem_a",))
    assert settle(("mem_a",), NOW, choice).record is None


def test_the_payment_of_a_returned_choice_does_not_move() -> None:
    _, choice = _charged()
    back = _written(release(choice, NOW, choice))
    assert settle(("mem_b",), NOW, back).record is None


def test_a_return_after_a_move_gives_the_payment_to_who_paid_it_in_the_end() -> None:
    present, choice = _charged()
    moved = _written(settle(("mem_b",), NOW, choice))
    marked = _written(mark(("move",), moved))
    after = _applied(_written(release(choice, NOW, marked)), _applied(moved, present))
    assert _credits(after) == dict.fromkeys(TEAM, 0)
    assert {tuple(member.served) for member in after.members} == {()}


def test_a_move_and_a_return_that_wait_together_are_applied_together() -> None:
    present, choice = _charged()
    both = _written(release(choice, NOW, _written(settle(("mem_b",), NOW, choice))))
    after = _applied(both, present)
    assert _credits(after) == dict.fromkeys(TEAM, 0)


@pytest.mark.parametrize("back_again", [False, True])
def test_the_share_of_whoever_left_since_is_spread_over_those_present(*, back_again: bool) -> None:
    present, choice = _charged()
    members = {"mem_b": 1, "mem_c": 1}
    left = apply_calendar(published(members, version=2), present).record
    assert left is not None
    if back_again:  # who comes back begins anew: neither what they paid nor what they gained is theirs any more
        left = apply_calendar(published({**members, "mem_a": 1}, version=3), left).record
        assert left is not None
    after = _applied(_written(release(choice, NOW, choice)), left)
    assert sum(_credits(after).values()) == 0
    gone = _credits(left)
    share = (UNIT - UNIT // 3) // (3 if back_again else 2)
    own = {"mem_a": 0, "mem_b": -(UNIT // 3), "mem_c": -(UNIT // 3)}
    assert all(abs(_credits(after)[name] - (gone[name] + own[name] + share)) <= 1 for name in _credits(after))


def test_a_choice_that_charged_nobody_returns_and_moves_nothing() -> None:
    _, kept = charged(reserved(["mem_gone"]), rotation(TEAM))
    back = release(kept, NOW, kept)
    assert _written(back).pending == ()
    assert not back.owes
    assert settle(("mem_a",), NOW, kept).record is None


def test_an_errand_is_done_when_the_choice_shows_it() -> None:
    present, choice = _charged()
    (filing,) = present.errands()
    assert not is_done(filing, None)
    assert not is_done(filing, _written(release(_blank(choice), NOW, None)))
    assert is_done(filing, choice)
    back = _written(release(choice, NOW, choice))
    marking = _applied(back, present).owes(f"mark:return:{choice.id}")
    assert marking is not None
    assert not is_done(marking, back)
    assert is_done(marking, _written(mark(("return",), back)))


def test_forgetting_errands_raises_the_version_and_forgetting_nothing_writes_nothing() -> None:
    present, choice = _charged()
    decision = drop_errands([f"file:{choice.id}"], present)
    assert decision.record is not None
    assert decision.record.version == present.version + 1
    assert drop_errands([f"file:{choice.id}"], present.change(owed=())).record is None
