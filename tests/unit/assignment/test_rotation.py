"""A calendar as published becomes a rotation, and the newest version stays."""

from datetime import timedelta

from services.assignment.domain.choice import Choice
from services.assignment.domain.credit import UNIT
from services.assignment.domain.rotation import Rotation, apply_calendar
from tests.unit.assignment.examples import NOW, charged, published, reserved, rotation
from turnus_contracts import CalendarApplied


def _after(event: object, before: Rotation) -> Rotation:
    made = apply_calendar(event, before).record  # type: ignore[arg-type]
    assert made is not None
    return made


def _credits(present: Rotation) -> dict[str, int]:
    return {member.member_id: member.credit for member in present.members}


def _served_once(weights: dict[str, int]) -> tuple[Rotation, Choice]:
    return charged(reserved(list(weights)), rotation(weights))


def test_a_new_calendar_begins_at_zero_in_the_order_of_its_members() -> None:
    present = rotation({"mem_b": 2, "mem_a": 1})
    assert _credits(present) == {"mem_b": 0, "mem_a": 0}
    assert [member.weight for member in present.members] == [2, 1]


def test_the_version_that_is_served_is_said_with_the_write() -> None:
    decision = apply_calendar(published({"mem_a": 1}, version=3), None)
    (entry,) = decision.owes
    assert entry.data is not None
    assert CalendarApplied.model_validate(entry.data) == CalendarApplied(
        workspace_id="ws_a", calendar_id="cal_a", version=3, service="assignment"
    )


def test_a_duplicate_changes_nothing_and_says_it_again() -> None:
    present = rotation({"mem_a": 1}, version=3)
    decision = apply_calendar(published({"mem_a": 1}, version=3), present)
    assert decision.record is None
    assert [said.version for said in decision.says if isinstance(said, CalendarApplied)] == [3]


def test_an_older_version_changes_nothing() -> None:
    present = rotation({"mem_a": 1}, version=3)
    decision = apply_calendar(published({"mem_b": 1}, version=2), present)
    assert decision.record is None
    assert [said.version for said in decision.says if isinstance(said, CalendarApplied)] == [3]


def test_a_personal_calendar_keeps_nobody_but_says_that_it_is_served() -> None:
    decision = apply_calendar(published({"mem_a": 1}, calendar_kind="personal"), None)
    assert decision.record is not None
    assert decision.record.members == ()
    assert len(decision.owes) == 1


def test_a_kind_of_calendar_that_nobody_knows_yet_has_a_rotation() -> None:
    present = rotation({"mem_a": 1}, calendar_kind="invented", optimize="invented")
    assert [member.member_id for member in present.members] == ["mem_a"]


def test_who_joins_starts_at_zero_and_is_not_made_to_catch_up() -> None:
    present, _ = _served_once({"mem_a": 1, "mem_b": 1})
    after = _after(published({"mem_c": 5, "mem_a": 1, "mem_b": 1}, version=2), present)
    assert _credits(after) == {"mem_c": 0, "mem_a": -UNIT // 2, "mem_b": UNIT // 2}


def test_what_a_leaver_had_is_spread_evenly_over_those_who_stay() -> None:
    present, _ = _served_once({"mem_a": 1, "mem_b": 1, "mem_c": 1})
    after = _after(published({"mem_b": 1, "mem_c": 1, "mem_new": 1}, version=2), present)
    assert _credits(after) == {"mem_b": 0, "mem_c": 0, "mem_new": 0}
    assert sum(_credits(present).values()) == 0


def test_who_leaves_and_comes_back_begins_anew() -> None:
    present, _ = _served_once({"mem_a": 1, "mem_b": 1})
    without = _after(published({"mem_b": 1}, version=2), present)
    after = _after(published({"mem_a": 1, "mem_b": 1}, version=3), without)
    assert _credits(after) == {"mem_a": 0, "mem_b": 0}
    assert after.members[0].joined == present.turn


def test_when_everybody_leaves_at_once_nothing_is_left_over() -> None:
    present, _ = _served_once({"mem_a": 1, "mem_b": 1})
    after = _after(published({"mem_c": 1}, version=2), present)
    assert _credits(after) == {"mem_c": 0}


def test_a_changed_weight_keeps_the_credit_and_a_changed_order_goes_with_the_calendar() -> None:
    present, _ = _served_once({"mem_a": 1, "mem_b": 1})
    after = _after(published({"mem_b": 7, "mem_a": 1}, version=2), present)
    assert [(member.member_id, member.weight) for member in after.members] == [("mem_b", 7), ("mem_a", 1)]
    assert _credits(after) == _credits(present)


def test_a_filing_is_left_alone_when_the_calendar_changes() -> None:
    present, choice = _served_once({"mem_a": 1})
    after = apply_calendar(published({"mem_b": 1}, version=2), present)
    assert after.drops == ()
    assert present.owes(f"file:{choice.id}") is not None
    assert present.owes(f"file:{choice.id}").due > (NOW + timedelta(seconds=1)).timestamp() * 1000  # type: ignore[union-attr]


def test_every_change_raises_the_version() -> None:
    present = rotation({"mem_a": 1})
    after, _ = charged(reserved(["mem_a"]), present)
    assert after.version == present.version + 1
    assert _after(published({"mem_b": 1}, version=2), after).version == after.version + 1
