"""Groups of a workspace: one slug each, one order, no more than a page can show."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.booking.domain import groups
from services.booking.domain.doing import Actor
from services.booking.domain.groups import Changed, Group, Groups
from turnus_contracts import GroupChanged
from turnus_runtime.records import Decision, event

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
ACTOR = Actor(id="mem_ada", now=NOW + timedelta(hours=1))


def group(name: str, /, **values: Any) -> Group:
    return Group(
        **{"id": f"grp_{name}", "slug": name, "name": name.title(), "created_at": NOW, "changed_at": NOW} | values
    )


def created(current: Groups | None, new: Group, position: int | None = None) -> Decision[Groups, Changed]:
    return groups.create(current, "ws_a", new, position, ACTOR)


def those(*names: str) -> Groups:
    """A workspace with these groups, made in this order."""
    current: Groups | None = None
    for name in names:
        current = created(current, group(name)).record
    assert current is not None
    return current


def edited(
    current: Groups, name: str, expected: int | None = None, /, **values: Any
) -> Decision[Groups, Changed | None]:
    return groups.edit(current, f"grp_{name}", values, expected, ACTOR)


def removed(current: Groups, name: str, expected: int | None = None) -> Decision[Groups, Changed | None]:
    return groups.remove(current, f"grp_{name}", expected, ACTOR)


def order(current: Groups | None) -> list[str]:
    assert current is not None
    return [one.slug for one in current.listed]


def code(decision: Decision[Groups, Any]) -> str | None:
    """Why it was refused; nothing is written then."""
    assert decision.record is None
    assert list(decision.owes) == []
    return decision.answer.code


def test_a_new_group_says_itself_and_is_audited() -> None:
    decision = created(None, group("a", calendar_ids=("cal_b", "cal_a")))
    assert decision.record is not None
    (said,) = groups.states_now(decision.record, NOW)
    assert said == GroupChanged(
        workspace_id="ws_a", group_id="grp_a", version=1, status="active", slug="a", name="A",
        calendar_ids=("cal_b", "cal_a"), position=1,
    )  # fmt: skip
    state, recorded = decision.owes
    assert (state.kind, state.name) == ("state", "GroupChanged")
    assert recorded.data == {
        "workspace_id": "ws_a", "change_id": "grp_a.1", "service": "booking", "at": "2027-01-04T09:00:00Z",
        "actor_id": "mem_ada", "action": "created", "thing": "group", "thing_id": "grp_a", "fields": [],
    }  # fmt: skip


def test_a_new_group_stands_behind_all_others_unless_it_says_where() -> None:
    current = edited(those("a", "b"), "a", position=40).record
    assert order(created(current, group("c")).record) == ["b", "a", "c"]
    assert order(created(current, group("c"), 0).record) == ["c", "b", "a"]


def test_of_equal_positions_the_smaller_id_comes_first() -> None:
    current = those("b", "a")
    for name in "ab":
        current = edited(current, name, position=7).record or current
    assert order(current) == ["a", "b"]


def test_behind_the_last_position_there_is_none() -> None:
    current = created(None, group("a"), groups.LAST_POSITION).record
    after = created(current, group("b")).record
    assert after is not None
    assert [one.position for one in after.listed] == [groups.LAST_POSITION] * 2


def test_the_same_request_again_is_the_same_group_and_another_one_is_refused() -> None:
    current = created(None, group("a", request_digest="1")).record
    again = created(current, group("a", request_digest="1", name="Other"))
    assert (again.record, again.answer.code, again.answer.replayed) == (None, None, True)
    assert again.answer.group.name == "A"
    assert code(created(current, group("a", request_digest="2"))) == "idempotency_key_reused"


def test_a_slug_belongs_to_one_group_until_it_is_changed_or_removed() -> None:
    current = those("a", "b")
    assert code(created(current, group("c", slug="a"))) == "slug_taken"
    assert code(edited(current, "b", slug="a")) == "slug_taken"
    for freed in (edited(current, "a", slug="z").record, removed(current, "a").record):
        assert created(freed, group("c", slug="a")).answer.code is None


def test_an_inactive_group_keeps_its_slug_and_its_place_and_is_not_shown() -> None:
    current = edited(those("a", "b"), "a", status="inactive").record
    assert order(current) == ["a", "b"]
    assert current is not None
    assert [one.slug for one in current.shown] == ["b"]
    assert code(created(current, group("c", slug="a"))) == "slug_taken"


def test_a_change_is_written_by_the_names_of_what_differs() -> None:
    decision = edited(those("a"), "a", name="A", description="x", calendar_ids=("cal_a",))
    assert decision.answer is not None
    now = decision.answer.group
    assert (now.version, now.description, now.changed_at, now.created_at) == (2, "x", ACTOR.now, NOW)
    assert [entry.data["fields"] for entry in decision.owes if entry.data] == [["description", "calendar_ids"]]


def test_what_changes_nothing_is_not_written() -> None:
    decision = edited(those("a"), "a", name="A")
    assert (decision.record, decision.owes) == (None, ())
    assert decision.answer is not None
    assert decision.answer.code is None


def test_a_change_of_another_version_is_refused_and_one_of_another_group_does_not_matter() -> None:
    current = edited(those("a", "b"), "b", name="other").record
    assert current is not None
    assert code(edited(current, "a", 2, name="x")) == "stale_version"
    assert code(removed(current, "b", 2)) == "stale_version"
    assert edited(current, "a", 1, name="x").record is not None


def test_a_group_that_is_not_there_is_neither_changed_nor_removed() -> None:
    gone = removed(those("a"), "a").record
    assert gone is not None
    for current in (None, gone, those("b")):
        assert groups.edit(current, "grp_a", {"name": "x"}, None, ACTOR) == Decision(None)
    for current in (None, those("b")):
        assert groups.remove(current, "grp_a", None, ACTOR) == Decision(None)


def test_a_removed_group_says_so_once_more_with_nothing_in_it_and_removing_it_again_is_fine() -> None:
    decision = removed(edited(those("a"), "a", description="x", calendar_ids=("cal_a",)).record or those("a"), "a")
    assert decision.record is not None
    (said,) = groups.states_now(decision.record, NOW)
    assert (said.status, said.version, said.description, said.calendar_ids) == ("removed", 3, "", ())
    assert [entry.name for entry in decision.owes] == ["GroupChanged", "ChangeRecorded"]
    assert decision.record.listed == []
    again = removed(decision.record, "a", 1)
    assert (again.record, again.owes) == (None, ())
    assert again.answer is not None
    assert again.answer.code is None


def test_of_removed_groups_only_the_newest_are_remembered_and_versions_go_on() -> None:
    current = those("stays")
    for n in range(groups.REMOVED_KEPT + 5):
        current = created(current, group(f"g{n}")).record or current
        current = removed(current, f"g{n}").record or current
    assert order(current) == ["stays"]
    assert len(current.groups) == groups.REMOVED_KEPT + 1
    assert current.group("grp_g4") is None
    assert current.group("grp_g5") is not None
    anew = created(current, group("g0")).answer.group
    assert anew.version == 2 * (groups.REMOVED_KEPT + 5) + 2, "older than what was said of it when it was removed"


def test_a_workspace_has_no_more_groups_than_it_can_and_removed_ones_do_not_count() -> None:
    full = those(*(f"g{n}" for n in range(groups.MOST_GROUPS)))
    assert code(created(full, group("more"))) == "too_many_groups"
    assert edited(full, "g0", name="x").record is not None
    fewer = removed(full, "g0").record
    assert created(fewer, group("more")).record is not None


def test_all_groups_together_hold_no_more_calendars_than_a_page_can_show() -> None:
    many = tuple(f"cal_{n}" for n in range(groups.MOST_CALENDARS))
    current = those(*"abcdef")
    for name in "abcde":
        current = edited(current, name, calendar_ids=many).record or current
    assert sum(len(one.calendar_ids) for one in current.listed) == groups.MOST_IN_ALL
    assert code(edited(current, "f", calendar_ids=("cal_x",))) == "too_many_calendars"
    assert code(created(current, group("g", calendar_ids=("cal_x",)))) == "too_many_calendars"
    fewer = edited(current, "a", calendar_ids=many[1:]).record
    assert fewer is not None
    assert edited(fewer, "f", calendar_ids=("cal_x",)).record is not None


NAMES = st.sampled_from("abcd")
STEPS = st.one_of(
    st.tuples(st.just("create"), NAMES, NAMES, st.none() | st.integers(0, 3)),
    st.tuples(st.just("rename"), NAMES, NAMES, st.none()),
    st.tuples(st.just("move"), NAMES, NAMES, st.integers(0, 3)),
    st.tuples(st.just("remove"), NAMES, NAMES, st.none()),
)


@given(steps=st.lists(STEPS, max_size=30))
def test_whatever_is_done_every_group_has_one_place_one_slug_and_a_version_of_its_own(steps: list[Any]) -> None:
    current = Groups(id="ws_a")
    for what, name, slug, position in steps:
        decision: Decision[Groups, Any]
        if what == "create":
            decision = created(current, group(name, slug=slug), position)
        elif what == "remove":
            decision = removed(current, name)
        else:
            decision = edited(current, name, **({"slug": slug} if what == "rename" else {"position": position}))
        if decision.record is None:
            continue
        after = decision.record
        slugs = [one.slug for one in after.listed]
        assert len(slugs) == len(set(slugs))
        assert len({one.id for one in after.groups}) == len(after.groups)
        assert len({one.version for one in after.groups}) == len(after.groups)
        assert after.version == current.version + 1 == max(one.version for one in after.groups)
        assert after.listed == sorted(after.listed, key=lambda one: (one.position, one.id))
        others = [one for one in current.groups if one.id != f"grp_{name}"]
        assert [one for one in after.groups if one.id != f"grp_{name}"] == others, "somebody else's group was written"
        current = after
    for said in groups.states_now(current, NOW):
        assert event(said).key == said.group_id
