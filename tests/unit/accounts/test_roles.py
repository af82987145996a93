"""The matrix of roles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.accounts.domain.roles import EVERYTHING, SCOPES, may_give, not_held
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


@given(scopes=st.sets(st.sampled_from(EVERYTHING), min_size=1), maker=st.sets(st.sampled_from(EVERYTHING)), role=ROLES)
def test_an_api_key_gets_no_more_than_its_maker_and_its_member_have(scopes, maker, role) -> None:
    if not not_held(scopes, maker, role):
        assert scopes <= maker
        assert scopes <= set(SCOPES[role])
    else:
        assert not scopes <= (maker & set(SCOPES[role]))
