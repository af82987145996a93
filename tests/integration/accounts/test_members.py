"""Members and roles over HTTP."""

import asyncio

import pytest

from services.accounts.domain import members
from services.accounts.domain.auditing import Actor
from services.accounts.domain.members import AddressClaim, Member
from services.accounts.domain.workspaces import Workspace, leave_seat
from services.accounts.store import address_id
from tests.integration.accounts.conftest import Accounts
from tests.support.system import eventually
from turnus_contracts import CredentialRevoked, MemberChanged
from turnus_runtime.records import Decision, Owed, millis

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_member_serves_at_once_and_cannot_sign_in_before_being_invited(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    assert (mia["role"], mia["tz"], mia["can_sign_in"]) == ("member", "Europe/Berlin", False)

    async def said() -> bool:
        return [e.status for e in accounts.said(MemberChanged) if e.member_id == mia["id"]] == ["active"]

    await eventually(said)
    assert (await accounts.sign_in("praxis", "mia@example.org")).status_code == 401


async def test_the_same_key_is_the_same_member_and_another_body_is_refused(accounts: Accounts) -> None:
    owner = await accounts.owner()
    body = {"name": "Mia", "email": "mia@example.org"}
    first = await owner.ask("POST", "/members", body, Idempotency_Key="once")
    again = await owner.ask("POST", "/members", body, Idempotency_Key="once")
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = await owner.ask("POST", "/members", body | {"email": "max@example.org"}, Idempotency_Key="once")
    assert other.json()["code"] == "idempotency_key_reused"
    assert (await owner.ask("POST", "/members", {"name": "Max", "email": "max@example.org"})).status_code == 201


async def test_an_address_belongs_to_one_member_whoever_races_for_it(accounts: Accounts) -> None:
    owner = await accounts.owner()
    body = {"name": "Mia", "email": "mia@example.org"}
    race = await asyncio.gather(*(owner.ask("POST", "/members", body) for _ in range(6)))
    assert sorted(answer.status_code for answer in race) == [201] + [409] * 5
    capitals = await owner.ask("POST", "/members", body | {"email": "MIA@example.org"})
    assert capitals.json()["code"] == "member_email_taken"
    made = next(answer.json()["id"] for answer in race if answer.status_code == 201)
    assert (await owner.ask("DELETE", f"/members/{made}")).status_code == 204
    assert (await owner.ask("POST", "/members", body)).status_code == 201


async def test_removal_is_said_ends_sessions_and_keys_and_again_is_fine(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    signed = await accounts.enable(mia, owner)
    key = await signed.made("/api-keys", {"name": "k", "scopes": ["team:view"]})
    assert (await owner.ask("DELETE", f"/members/{mia['id']}")).status_code == 204
    for token in (signed.token, key["key"]):
        signed.token = token
        refused = await signed.ask("GET", "/sessions")
        assert (refused.status_code, refused.json()["code"]) == (401, "credential_revoked")
    assert (await accounts.sign_in("praxis", "mia@example.org")).status_code == 401
    assert (await owner.ask("DELETE", f"/members/{mia['id']}")).status_code == 204
    assert (await owner.ask("GET", f"/members/{mia['id']}")).json()["status"] == "removed"
    assert [m["id"] for m in (await owner.ask("GET", "/members")).json()["items"]] == [owner.member_id]
    gone = await owner.ask("PATCH", f"/members/{mia['id']}", {"name": "x"})
    assert gone.json()["code"] == "member_removed"

    async def said() -> bool:
        revoked = {event.credential_id for event in accounts.said(CredentialRevoked)}
        return {signed.session_id, key["id"]} <= revoked

    await eventually(said)


async def test_another_role_ends_sessions_and_the_next_one_has_its_scopes(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    signed = await accounts.enable(mia, owner)
    assert (await signed.ask("POST", "/members", {"name": "x", "email": "x@example.org"})).status_code == 403
    assert (await owner.ask("PATCH", f"/members/{mia['id']}", {"role": "admin"})).status_code == 200
    assert (await signed.ask("GET", "/members")).status_code == 401
    again = await accounts.signed("praxis", "mia@example.org")
    assert (await again.ask("POST", "/members", {"name": "x", "email": "x@example.org"})).status_code == 201


async def test_the_last_owner_can_be_neither_demoted_nor_removed(accounts: Accounts) -> None:
    owner = await accounts.owner()
    path = f"/members/{owner.member_id}"
    for refused in (await owner.ask("PATCH", path, {"role": "admin"}), await owner.ask("DELETE", path)):
        assert (refused.status_code, refused.json()["code"]) == (409, "last_owner")
    otto = await owner.member("Otto", "owner")
    shown = await owner.ask("GET", f"/workspaces/{owner.workspace_id}")
    assert set(shown.json()["owner_ids"]) == {owner.member_id, otto["id"]}
    left = await owner.ask("PATCH", path, {"role": "admin", "name": "Olga A."})
    assert (left.status_code, left.json()["role"], left.json()["name"]) == (200, "admin", "Olga A.")
    workspace = await accounts.host.turn().records(Workspace).get(owner.workspace_id)
    assert workspace is not None
    assert workspace.owner_ids == [otto["id"]]


async def test_of_two_owners_who_remove_each_other_one_stays(accounts: Accounts) -> None:
    for round_ in range(5):
        owner = await accounts.owner(f"praxis-{round_}", f"owner{round_}@example.org")
        otto = await owner.member(f"Otto{round_}", "owner")
        other = await accounts.enable(otto, owner)
        outcome = await asyncio.gather(
            owner.ask("DELETE", f"/members/{otto['id']}"), other.ask("DELETE", f"/members/{owner.member_id}")
        )
        assert [answer.status_code for answer in outcome].count(204) <= 1 or 409 in [a.status_code for a in outcome]
        workspace = await accounts.host.turn().records(Workspace).get(owner.workspace_id)
        assert workspace is not None
        standing = [await accounts.host.turn().records(Member).get(each) for each in workspace.owner_ids]
        assert len(standing) >= 1
        assert all(each is not None and each.status == "active" and each.role == "owner" for each in standing)


async def test_admins_run_the_team_but_not_its_owners(accounts: Accounts) -> None:
    owner = await accounts.owner()
    admin = await accounts.enable(await owner.member("Anna", "admin"), owner)
    mia = await admin.member("Mia", "admin")
    assert (await admin.ask("PATCH", f"/members/{mia['id']}", {"role": "owner"})).status_code == 403
    body = {"name": "x", "email": "x@example.org", "role": "owner"}
    assert (await admin.ask("POST", "/members", body)).status_code == 403
    assert (await admin.ask("PATCH", f"/members/{owner.member_id}", {"role": "member"})).status_code == 403
    assert (await admin.ask("DELETE", f"/members/{owner.member_id}")).status_code == 403
    assert (await admin.ask("PATCH", f"/workspaces/{owner.workspace_id}", {"name": "x"})).status_code == 403
    assert (await admin.ask("GET", "/audit-log")).status_code == 403
    assert (await admin.ask("DELETE", f"/sessions/{owner.session_id}")).status_code == 403
    assert (await admin.ask("PATCH", f"/members/{mia['id']}", {"role": "member"})).status_code == 200
    assert (await admin.ask("DELETE", f"/members/{mia['id']}")).status_code == 204


async def test_members_change_themselves_but_nobody_else_and_no_role(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await accounts.enable(await owner.member("Mia"), owner)
    path = f"/members/{mia.member_id}"
    changed = await mia.ask("PATCH", path, {"name": "Maria", "tz": "Asia/Kathmandu", "locale": "en"})
    assert (changed.json()["name"], changed.json()["tz"]) == ("Maria", "Asia/Kathmandu")
    assert (await mia.ask("PATCH", path, {"role": "owner"})).status_code == 403
    assert (await mia.ask("PATCH", f"/members/{owner.member_id}", {"name": "x"})).status_code == 403
    assert (await mia.ask("DELETE", path)).status_code == 403
    assert (await mia.ask("GET", "/sessions/current")).status_code == 200


async def test_a_stale_change_of_a_member_is_not_made(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    path = f"/members/{mia['id']}"
    assert (await owner.ask("PATCH", path, {"name": "M."}, If_Match='"1"')).status_code == 200
    for stale in (
        await owner.ask("PATCH", path, {"role": "admin"}, If_Match='"1"'),
        await owner.ask("DELETE", path, If_Match='"1"'),
    ):
        assert stale.status_code == 412
    assert (await owner.ask("GET", path)).json()["role"] == "member"


async def test_a_joining_that_a_process_did_not_finish_is_finished(accounts: Accounts) -> None:
    owner = await accounts.owner()
    turn = accounts.host.turn()
    like = await turn.records(Member).get(owner.member_id)
    assert like is not None
    new = like.change(id="mem_dead", email="dead@example.org", role="member", owner_since=0)
    plan = {"member": new.model_dump(mode="json"), "actor_id": owner.member_id}
    errand = Owed(id=members.JOIN, kind="timer", name=members.JOIN, due=millis(turn.now), data=plan)
    claim = AddressClaim(
        id=address_id(owner.workspace_id, new.email), workspace_id=owner.workspace_id, member_id=new.id
    )
    await turn.records(AddressClaim).decide(claim.id, lambda _: Decision(None, claim, owes=[errand]))

    async def listed() -> bool:
        return "mem_dead" in {each["id"] for each in (await owner.ask("GET", "/members")).json()["items"]}

    await eventually(listed)


async def test_an_owner_whose_demotion_a_process_did_not_finish_is_demoted(accounts: Accounts) -> None:
    """The seat was left, the member not changed yet: the errand in the workspace does the rest."""
    owner = await accounts.owner()
    otto = await accounts.enable(await owner.member("Otto", "owner"), owner)
    turn = accounts.host.turn()
    left = await turn.records(Workspace).decide(
        owner.workspace_id, lambda ws: leave_seat(ws, otto.member_id, 1, "member", Actor(owner.member_id, turn.now))
    )
    assert left

    async def demoted() -> bool:
        return (await owner.ask("GET", f"/members/{otto.member_id}")).json()["role"] == "member"

    await eventually(demoted)
    await accounts.system.quiet()
    assert (await otto.ask("GET", "/members")).status_code == 401
