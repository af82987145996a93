"""One person in several workspaces, and their password."""

import asyncio
from typing import Any

import pytest

from tests.integration.accounts.conftest import ANOTHER, PASSWORD, Accounts, Signed

pytestmark = pytest.mark.asyncio(loop_scope="session")
OWNER = "owner@example.org"
PATH = "/sessions/current"


async def anywhere(accounts: Accounts, email: str = OWNER, password: str = PASSWORD) -> Any:
    """Sign in without naming a workspace."""
    return await accounts.ask("POST", "/sessions", {"email": accounts.mail(email), "password": password})


async def test_who_is_in_one_workspace_need_not_name_it(accounts: Accounts) -> None:
    await accounts.owner()
    told = await anywhere(accounts)
    assert told.status_code == 201, told.text
    assert told.json()["workspace"] == {"slug": accounts.place("praxis"), "name": "Praxis am Markt"}
    for email, password in ((OWNER, ANOTHER), ("nobody@example.org", PASSWORD)):
        refused = await anywhere(accounts, email, password)
        assert (refused.status_code, refused.json()["code"]) == (401, "sign_in_failed")


async def test_who_is_in_several_enters_the_first_by_name_and_then_where_they_were_last(accounts: Accounts) -> None:
    for slug in ("b-praxis", "a-praxis"):  # of the same name: then by slug
        assert (await accounts.found(slug)).status_code == 201
    first = (await anywhere(accounts)).json()["workspace"]["slug"]
    assert first == accounts.place("a-praxis")
    await accounts.sign_in("b-praxis", OWNER)
    assert (await anywhere(accounts)).json()["workspace"]["slug"] == accounts.place("b-praxis")
    signed = await accounts.let_in(await anywhere(accounts))
    switched = await signed.ask("POST", f"{PATH}/switch", {"workspace": accounts.place("a-praxis")})
    assert switched.status_code == 201
    assert (await anywhere(accounts)).json()["workspace"]["slug"] == accounts.place("a-praxis")


async def test_who_was_removed_where_they_were_last_enters_elsewhere(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    assert (await accounts.found("own", mia["email"])).status_code == 201
    assert (await accounts.accept(await owner.invited(mia))).status_code == 201
    assert (await anywhere(accounts, mia["email"])).json()["workspace"]["slug"] == owner.slug
    assert (await owner.ask("DELETE", f"/members/{mia['id']}")).status_code == 204
    assert (await anywhere(accounts, mia["email"])).json()["workspace"]["slug"] == accounts.place("own")


async def test_ones_workspaces_are_listed_and_can_be_entered(accounts: Accounts) -> None:
    owner = await accounts.owner()
    elsewhere = await accounts.owner("kanzlei")
    await accounts.owner("foreign", "other@example.org")
    listed = (await owner.ask("GET", f"{PATH}/workspaces")).json()
    assert {(each["slug"], each["member_id"], each["current"]) for each in listed["items"]} == {
        (owner.slug, owner.member_id, True),
        (elsewhere.slug, elsewhere.member_id, False),
    }
    page = (await owner.ask("GET", f"{PATH}/workspaces?limit=1")).json()
    rest = (await owner.ask("GET", f"{PATH}/workspaces?limit=1&after={page['next']}")).json()
    assert [*page["items"], *rest["items"]] == listed["items"]
    switched = await owner.ask("POST", f"{PATH}/switch", {"workspace": elsewhere.slug})
    assert switched.status_code == 201, switched.text
    told = switched.json()
    assert (told["workspace_id"], told["member_id"]) == (elsewhere.workspace_id, elsewhere.member_id)
    there = await accounts.let_in(switched)
    assert (await there.ask("GET", f"/workspaces/{elsewhere.workspace_id}")).status_code == 200
    assert (await there.ask("GET", f"/workspaces/{owner.workspace_id}")).status_code == 404
    assert (await owner.ask("GET", "/sessions/current")).status_code == 200, "the other session goes on"


async def test_the_same_key_is_the_same_session(accounts: Accounts) -> None:
    owner = await accounts.owner()
    await accounts.found("kanzlei")
    body = {"workspace": accounts.place("kanzlei")}
    first, again = [await owner.ask("POST", f"{PATH}/switch", body, Idempotency_Key="once") for _ in range(2)]
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"


async def test_nobody_enters_a_workspace_that_is_not_theirs(accounts: Accounts) -> None:
    owner = await accounts.owner()
    foreign = await accounts.owner("foreign", "other@example.org")
    await foreign.made("/members", {"name": "Not linked", "email": accounts.mail(OWNER)})
    for slug in (foreign.slug, accounts.place("nowhere")):
        refused = await owner.ask("POST", f"{PATH}/switch", {"workspace": slug})
        assert (refused.status_code, refused.json()["code"]) == (422, "workspace_not_yours")
        assert refused.json()["errors"][0]["field"] == "workspace"
    assert len((await owner.ask("GET", f"{PATH}/workspaces")).json()["items"]) == 1


async def test_an_api_key_gets_no_further_than_its_own_workspace(accounts: Accounts) -> None:
    owner = await accounts.owner()
    await accounts.found("kanzlei")
    key = await owner.made("/api-keys", {"name": "k", "scopes": ["team:view", "settings:manage"]})
    robot = Signed(accounts, owner.workspace_id, owner.slug, owner.member_id, key["key"], key["id"])
    assert (await robot.ask("GET", "/members")).status_code == 200
    asked: list[tuple[str, str, Any]] = [
        ("GET", "/workspaces", None),
        ("POST", "/switch", {"workspace": accounts.place("kanzlei")}),
        ("POST", "/password", {"password": PASSWORD, "new_password": ANOTHER}),
    ]
    for method, path, body in asked:
        assert (await robot.ask(method, f"{PATH}{path}", body)).status_code == 404, path
    assert (await accounts.sign_in("praxis", OWNER)).status_code == 201


async def test_a_changed_password_ends_all_other_sessions_and_keeps_this_one(accounts: Accounts) -> None:
    owner = await accounts.owner()
    other = await accounts.signed("praxis", OWNER)
    elsewhere = await accounts.owner("kanzlei")
    key = await owner.made("/api-keys", {"name": "k", "scopes": ["team:view"]})
    body = {"password": PASSWORD, "new_password": ANOTHER}
    changed = await owner.ask("POST", f"{PATH}/password", body)
    assert (changed.status_code, changed.content) == (204, b"")
    assert (await owner.ask("GET", "/sessions/current")).status_code == 200
    for ended in (other, elsewhere):
        assert (await ended.ask("GET", "/sessions/current")).status_code == 401
    assert (await accounts.ask("GET", "/members", Authorization=f"Bearer {key['key']}")).status_code == 200
    assert (await accounts.sign_in("praxis", OWNER)).status_code == 401
    assert (await accounts.sign_in("praxis", OWNER, ANOTHER)).status_code == 201
    again = {"password": ANOTHER, "new_password": "a third password"}
    assert (await owner.ask("POST", f"{PATH}/password", again)).status_code == 204, "the session goes on for good"


async def test_only_who_knows_the_password_changes_it(accounts: Accounts) -> None:
    owner = await accounts.owner()
    other = await accounts.signed("praxis", OWNER)
    wrong = await owner.ask("POST", f"{PATH}/password", {"password": ANOTHER, "new_password": "a third password"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "password_wrong")
    assert wrong.json()["errors"][0]["field"] == "password"
    assert (await other.ask("GET", "/sessions/current")).status_code == 200
    assert (await accounts.sign_in("praxis", OWNER)).status_code == 201


async def test_of_two_changes_at_once_one_counts(accounts: Accounts) -> None:
    first = await accounts.owner()
    second = await accounts.signed("praxis", OWNER)
    new = [f"a password number {n}" for n in range(2)]
    answers = await asyncio.gather(
        *(
            signed.ask("POST", f"{PATH}/password", {"password": PASSWORD, "new_password": password})
            for signed, password in zip((first, second), new, strict=True)
        )
    )
    assert [answer.status_code for answer in answers].count(204) == 1
    won = 0 if answers[0].status_code == 204 else 1
    await accounts.system.quiet()
    assert (await (first, second)[won].ask("GET", "/sessions/current")).status_code == 200
    assert (await (first, second)[1 - won].ask("GET", "/sessions/current")).status_code == 401
    assert (await accounts.sign_in("praxis", OWNER, new[won])).status_code == 201


async def test_a_session_names_its_workspace(accounts: Accounts) -> None:
    owner = await accounts.owner()
    shown = (await owner.ask("GET", "/sessions/current")).json()
    assert shown["workspace"] == {"slug": owner.slug, "name": "Praxis am Markt"}
