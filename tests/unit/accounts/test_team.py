"""Workspaces, members and who owns what: decisions by example."""

import pytest

from services.accounts.domain import members, workspaces
from services.accounts.domain.members import AddressClaim
from services.accounts.domain.roles import Permissions
from services.accounts.domain.workspaces import SlugClaim
from tests.unit.accounts.team import ACTOR, NOW, member, owed, workspace, written
from turnus_contracts import ChangeRecorded
from turnus_runtime.records import timer

ERRAND = timer("errand", NOW)


def test_a_new_workspace_says_itself_and_is_audited() -> None:
    decision = workspaces.found(None, workspace("olga"), ACTOR)
    assert owed(decision) == ["WorkspaceChanged", "ChangeRecorded"]


def test_the_same_workspace_again_is_the_one_there_is() -> None:
    known = workspace("olga", name="renamed since")
    decision = workspaces.found(known, workspace("olga"), ACTOR)
    assert decision.record is None
    assert decision.answer == known


@pytest.mark.parametrize("slug", ["api", "b", "console", "static", "mailbox", "problems", "styleguide", "healthz"])
def test_addresses_of_pages_are_reserved(slug: str) -> None:
    assert workspaces.is_reserved(slug)


@pytest.mark.parametrize("slug", ["a", "de", "en", "zz", "readyz", "metrics"])
def test_addresses_of_one_or_two_letters_are_reserved(slug: str) -> None:
    assert workspaces.is_reserved(slug)


@pytest.mark.parametrize("slug", ["demo", "abc", "praxis-am-markt", "7b"])
def test_other_addresses_are_not(slug: str) -> None:
    assert not workspaces.is_reserved(slug)


@pytest.mark.parametrize("slug", ["-a", "a-", "A", "a_b", "a b", "ä", "", "a" * 41, "a/b", "a\n"])
def test_an_address_has_small_letters_digits_and_inner_hyphens(slug: str) -> None:
    assert not workspaces.is_slug(slug)


def test_the_first_to_claim_an_address_has_it() -> None:
    mine = SlugClaim(id="praxis", workspace_id="ws_a")
    first = workspaces.claim_slug(None, mine, None, ERRAND)
    assert (first.answer, owed(first)) == ("ws_a", ["errand"])
    second = workspaces.claim_slug(mine, SlugClaim(id="praxis", workspace_id="ws_b"), None, ERRAND)
    assert (second.answer, second.record) == ("ws_a", None)


def test_the_same_claim_again_writes_nothing() -> None:
    mine = SlugClaim(id="praxis", workspace_id="ws_a")
    assert workspaces.claim_slug(mine, mine, None, ERRAND).record is None


def test_an_address_whose_holder_has_another_one_can_be_taken_over() -> None:
    theirs = SlugClaim(id="praxis", workspace_id="ws_a")
    taken = workspaces.claim_slug(theirs, SlugClaim(id="praxis", workspace_id="ws_b"), "ws_a", ERRAND)
    assert taken.answer == "ws_b"


def test_a_change_of_a_workspace_names_the_changed_fields_and_no_values() -> None:
    decision = workspaces.change(workspace("olga"), {"name": "Neu", "tz": "Europe/Berlin"}, None, ACTOR)
    fact = next(entry for entry in decision.owes if entry.name == "ChangeRecorded")
    assert fact.data is not None
    assert fact.data["fields"] == ["name"]
    assert "Neu" not in str(fact.data)
    assert ChangeRecorded.model_validate(fact.data).change_id == "ws_a.2"


def test_a_stale_change_writes_nothing() -> None:
    decision = workspaces.change(workspace("olga", version=4), {"name": "Neu"}, 3, ACTOR)
    assert (decision.answer, decision.record) == (4, None)


def test_a_change_that_changes_nothing_writes_nothing() -> None:
    assert workspaces.change(workspace("olga"), {"name": "Praxis"}, None, ACTOR).record is None


def test_a_new_member_says_themselves() -> None:
    decision = members.join(None, member(), ACTOR)
    assert owed(decision) == ["MemberChanged", "ChangeRecorded"]


def test_a_new_owner_is_to_take_a_seat() -> None:
    assert members.TAKE_SEAT in owed(members.join(None, member(role="owner"), ACTOR))


def test_an_address_of_a_member_who_is_there_is_not_given_away() -> None:
    theirs = AddressClaim(id="adr_1", workspace_id="ws_a", member_id="mem_mia")
    mine = AddressClaim(id="adr_1", workspace_id="ws_a", member_id="mem_max")
    assert members.claim_address(theirs, mine, None, ERRAND).answer == "mem_mia"
    assert members.claim_address(theirs, mine, "mem_mia", ERRAND).answer == "mem_max"
    assert members.claim_address(theirs, mine, "mem_old", ERRAND).answer == "mem_mia"


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_another_role_ends_what_was_issued_before(role: str) -> None:
    decision = members.change(member(), {}, role, None, "owner", ACTOR)  # pyright: ignore[reportArgumentType]
    assert decision.record is not None
    assert decision.record.epoch == 2
    assert members.VOID_CREDENTIALS in owed(decision)


def test_other_permissions_end_what_was_issued_before_and_are_audited_by_name() -> None:
    decision = members.change(
        member(), {}, None, None, "admin", ACTOR, {"bookings": "manage", "groups": "view", "assigned_only": True}
    )
    assert decision.record is not None
    assert decision.record.epoch == 2
    assert decision.record.permissions == Permissions(bookings="manage", assigned_only=True)
    assert members.VOID_CREDENTIALS in owed(decision)
    (audited,) = [one.data for one in decision.owes if one.name == "ChangeRecorded"]
    assert audited is not None
    assert list(audited["fields"]) == ["permissions.assigned_only", "permissions.bookings"]


def test_permissions_that_are_not_named_stay() -> None:
    known = member(own_permissions=Permissions(calendars="none", assigned_only=True))
    decision = members.change(known, {}, None, None, "admin", ACTOR, {"calendars": "manage"})
    assert decision.record is not None
    assert decision.record.permissions == Permissions(calendars="manage", assigned_only=True)


def test_the_same_permissions_again_write_nothing() -> None:
    assert members.change(member(), {}, None, None, "admin", ACTOR, {"bookings": "view"}).record is None


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_who_runs_things_has_no_permissions_of_their_own(role: str) -> None:
    known = member("olga", role)
    assert members.change(known, {}, None, None, "owner", ACTOR, {"bookings": "none"}).answer.refusal == "of_role"
    assert member(role=role, own_permissions=Permissions(bookings="none")).permissions.bookings == "manage"


def test_who_becomes_a_member_can_be_given_permissions_at_once() -> None:
    decision = members.change(member(role="admin"), {}, "member", None, "owner", ACTOR, {"bookings": "none"})
    assert decision.record is not None
    assert (decision.record.role, decision.record.permissions.bookings) == ("member", "none")


def test_members_give_nobody_permissions() -> None:
    refused = members.change(member(), {}, None, None, "member", ACTOR, {"bookings": "manage"})
    assert refused.answer.refusal == "forbidden"
    assert refused.record is None


def test_another_name_ends_nothing() -> None:
    decision = members.change(member(), {"name": "Maria"}, None, None, "admin", ACTOR)
    assert decision.record is not None
    assert decision.record.epoch == 1
    assert members.VOID_CREDENTIALS not in owed(decision)


def test_the_same_role_again_writes_nothing() -> None:
    assert members.change(member(role="admin"), {}, "admin", None, "admin", ACTOR).record is None


def test_an_owner_is_not_demoted_before_their_seat_is_free() -> None:
    decision = members.change(member("olga", "owner"), {"name": "O."}, "admin", None, "owner", ACTOR)
    assert decision.answer.leaves_office
    assert decision.record is not None
    assert decision.record.role == "owner"
    assert decision.record.name == "O."


def test_a_removal_is_a_status_and_is_said() -> None:
    decision = members.remove(member(), None, "admin", ACTOR)
    assert decision.record is not None
    assert decision.record.status == "removed"
    assert owed(decision) == ["MemberChanged", "ChangeRecorded", members.VOID_CREDENTIALS]


def test_a_second_removal_changes_nothing() -> None:
    gone = member(status="removed")
    assert members.remove(gone, None, "admin", ACTOR).record is None


def test_who_was_removed_cannot_be_changed() -> None:
    assert members.change(member(status="removed"), {"name": "x"}, None, None, "owner", ACTOR).answer.refusal == "gone"


def test_a_stale_change_of_a_member_is_refused() -> None:
    assert members.change(member(version=3), {"name": "x"}, None, 2, "owner", ACTOR).answer.refusal == "stale"
    assert members.remove(member(version=3), 2, "owner", ACTOR).answer.refusal == "stale"


def test_the_last_owner_keeps_the_seat() -> None:
    decision = workspaces.leave_seat(workspace("olga"), "mem_olga", 1, "admin", ACTOR)
    assert (decision.answer, decision.record) == (False, None)


def test_one_of_two_owners_may_leave_and_the_rest_is_owed() -> None:
    decision = workspaces.leave_seat(workspace("olga", "otto"), "mem_otto", 1, None, ACTOR)
    assert decision.answer
    assert workspaces.LEAVE_OFFICE in owed(decision)
    assert written(decision).owner_ids == ["mem_olga"]


def test_an_ownership_that_has_ended_takes_no_seat() -> None:
    left = written(workspaces.leave_seat(workspace("olga"), "mem_otto", 5, "admin", ACTOR))
    assert workspaces.take_seat(left, "mem_otto", 5, NOW).record is None
    assert written(workspaces.take_seat(left, "mem_otto", 8, NOW)).owner_ids == ["mem_olga", "mem_otto"]


def test_leaving_an_office_of_another_time_changes_nothing() -> None:
    again = member("otto", "owner", version=8, owner_since=8)
    assert members.leave_office(again, 5, "admin", ACTOR).record is None
