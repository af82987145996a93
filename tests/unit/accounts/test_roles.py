"""The matrix of roles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.accounts.domain.roles import (
    EVERYTHING,
    LEVELS,
    PERMITTED,
    SCOPES,
    Permissions,
    may_give,
    not_held,
    permissions_of,
    scopes_of,
)
from turnus_runtime import credentials

ROLES = st.sampled_from(["owner", "admin", "member"])


def test_the_scopes_are_those_that_every_service_knows() -> None:
    assert credentials.SCOPES == EVERYTHING


def test_each_role_may_what_the_one_below_may_and_more() -> None:
    assert set(SCOPES["member"]) < set(SCOPES["admin"]) < set(SCOPES["owner"]) == set(EVERYTHING)


def test_members_change_nothing() -> None:
    assert all(scope.endswith(":view") for scope in SCOPES["member"])


@pytest.mark.parametrize("thing", ["calendars", "groups", "bookings"])
def test_owners_and_admins_manage_what_members_view(thing: str) -> None:
    may = {role: {scope for scope in scopes if scope.startswith(f"{thing}:")} for role, scopes in SCOPES.items()}
    both = {f"{thing}:view", f"{thing}:manage"}
    assert may == {"owner": both, "admin": both, "member": {f"{thing}:view"}}


def test_the_settings_of_the_workspace_are_its_owners() -> None:
    assert [role for role, scopes in SCOPES.items() if "settings:manage" in scopes] == ["owner"]


@pytest.mark.parametrize(
    ("actor", "present", "wanted", "may"),
    [
        ("owner", "member", "owner", True),
        ("owner", "owner", "member", True),
        ("admin", "member", "admin", True),
        ("admin", "admin", "member", True),
        ("admin", "member", "owner", False),
        ("admin", "owner", "member", False),
        ("admin", "owner", "owner", False),
        ("member", "member", "member", False),
        ("member", "member", "owner", False),
    ],
)
def test_only_owners_make_and_touch_owners(actor: str, present: str, wanted: str, may: bool) -> None:
    assert may_give(actor, present, wanted) is may  # pyright: ignore[reportArgumentType]


@given(actor=ROLES, present=ROLES, wanted=ROLES)
def test_nobody_gives_more_than_they_are(actor, present, wanted) -> None:
    rank = {"member": 0, "admin": 1, "owner": 2}
    if may_give(actor, present, wanted):
        assert rank[actor] >= max(rank[present], rank[wanted])


@given(
    scopes=st.sets(st.sampled_from(EVERYTHING), min_size=1),
    maker=st.sets(st.sampled_from(EVERYTHING)),
    served=st.sets(st.sampled_from(EVERYTHING)),
)
def test_an_api_key_gets_no_more_than_its_maker_and_its_member_have(scopes, maker, served) -> None:
    if not not_held(scopes, maker, served):
        assert scopes <= maker
        assert scopes <= served
    else:
        assert not scopes <= (maker & served)


ALLOWED = st.builds(
    Permissions,
    calendars=st.sampled_from(LEVELS),
    bookings=st.sampled_from(LEVELS),
    groups=st.sampled_from(LEVELS),
    assigned_only=st.booleans(),
)


def test_a_member_without_permissions_of_their_own_looks_at_everything() -> None:
    assert scopes_of("member", Permissions()) == SCOPES["member"]
    assert not Permissions().assigned_only


@given(own=ALLOWED)
def test_a_members_own_permissions_say_what_they_may_do_with_each_thing(own: Permissions) -> None:
    scopes = scopes_of("member", own)
    for thing in PERMITTED:
        level = getattr(own, thing)
        assert (f"{thing}:view" in scopes) is (level != "none")
        assert (f"{thing}:manage" in scopes) is (level == "manage")
    assert {one for one in scopes if one.partition(":")[0] not in PERMITTED} == {"team:view"}
    assert permissions_of("member", own) == own


@given(own=ALLOWED, role=st.sampled_from(["owner", "admin"]))
def test_permissions_of_their_own_take_nothing_from_owners_and_admins(own: Permissions, role) -> None:
    assert scopes_of(role, own) == SCOPES[role]
    held = permissions_of(role, own)
    assert {held.calendars, held.bookings, held.groups} == {"manage"}
    assert not held.assigned_only


@given(own=ALLOWED)
def test_no_permission_makes_a_member_run_the_team_or_the_workspace(own: Permissions) -> None:
    assert not {"team:manage", "settings:manage"} & set(scopes_of("member", own))
