"""Signing in and out, and API keys, over HTTP."""

import asyncio

import jwt
import pytest

from services.accounts.adapters.passwords import Passwords
from services.accounts.domain import members
from services.accounts.domain.auditing import Actor
from services.accounts.domain.credentials import ApiKey, Session
from services.accounts.domain.identities import Identity
from services.accounts.domain.members import Member
from services.accounts.handlers import credentials
from services.accounts.store import identity_id
from tests.integration.accounts.conftest import PASSWORD, Accounts
from tests.support.system import eventually
from turnus_contracts import CredentialRevoked
from turnus_runtime.records import Decision, Owed, millis
from turnus_runtime.sweeper import FAR_MS

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_is_wrong_with_a_sign_in_is_not_told(accounts: Accounts) -> None:
    owner = await accounts.owner()
    await owner.member("Mia")
    await accounts.found("kanzlei", "other@example.org")
    wrong = [
        await accounts.sign_in("praxis", "owner@example.org", "wrong password"),
        await accounts.sign_in("praxis", "nobody@example.org"),
        await accounts.sign_in("praxis", "mia@example.org"),
        await accounts.sign_in("praxis", "other@example.org"),
        await accounts.sign_in("no-such-place", "owner@example.org"),
    ]
    told = [{**answer.json(), "request_id": ""} for answer in wrong]
    assert [answer.status_code for answer in wrong] == [401] * 5
    assert all(each == told[0] for each in told)
    assert told[0]["code"] == "sign_in_failed"


async def test_every_refused_sign_in_costs_one_password_check(accounts: Accounts, monkeypatch) -> None:
    """So its time does not tell whether the address is known."""
    await accounts.owner()
    passwords = accounts.host.ports.effects.passwords
    checks: list[int] = []
    verify = passwords._verify

    def counted(kept: str | None, password: str) -> bool:
        checks.append(1)
        return verify(kept, password)

    monkeypatch.setattr(passwords, "_verify", counted)
    for slug, email in (("praxis", "owner@example.org"), ("praxis", "nobody@example.org"), ("nowhere", "a@b.org")):
        checks.clear()
        await accounts.sign_in(slug, email, "wrong password")
        assert len(checks) == 1


async def test_the_same_key_and_account_is_the_same_session(accounts: Accounts) -> None:
    owner = await accounts.owner()
    first = await accounts.sign_in("praxis", "owner@example.org", Idempotency_Key="once")
    again = await accounts.sign_in("praxis", "owner@example.org", Idempotency_Key="once")
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert (await accounts.sign_in("praxis", "owner@example.org", "wrong", Idempotency_Key="once")).status_code == 401
    await owner.ask("DELETE", f"/sessions/{first.json()['id']}")
    ended = (await accounts.sign_in("praxis", "owner@example.org", Idempotency_Key="once")).json()
    assert (ended["status"], ended["token"]) == ("revoked", None)


async def test_an_ended_session_lets_nobody_in_and_is_said(accounts: Accounts) -> None:
    owner = await accounts.owner()
    other = await accounts.signed("praxis", "owner@example.org")
    listed = (await owner.ask("GET", "/sessions")).json()["items"]
    assert {each["id"]: each["current"] for each in listed} == {owner.session_id: True, other.session_id: False}
    assert (await owner.ask("DELETE", f"/sessions/{other.session_id}")).status_code == 204
    refused = await other.ask("GET", "/sessions")
    assert (refused.status_code, refused.json()["code"]) == (401, "credential_revoked")
    assert (await owner.ask("DELETE", f"/sessions/{other.session_id}")).status_code == 204
    assert (await owner.ask("DELETE", "/sessions/current")).status_code == 204
    assert (await owner.ask("GET", "/sessions")).status_code == 401

    async def said() -> bool:
        return {owner.session_id, other.session_id} <= {e.credential_id for e in accounts.said(CredentialRevoked)}

    await eventually(said)
    ended = [event for event in accounts.said(CredentialRevoked) if event.credential_id.startswith("ses_")]
    assert all(event.expires_at is not None for event in ended)


async def test_nobody_sees_or_ends_the_sessions_of_others_without_permission(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await accounts.enable(await owner.member("Mia"), owner)
    assert (await mia.ask("GET", f"/sessions/{owner.session_id}")).status_code == 404
    assert (await mia.ask("DELETE", f"/sessions/{owner.session_id}")).status_code == 404
    assert (await owner.ask("DELETE", f"/sessions/{mia.session_id}")).status_code == 204
    assert (await mia.ask("GET", "/sessions")).status_code == 401


async def test_an_api_key_is_shown_once_and_works_until_it_is_revoked(accounts: Accounts) -> None:
    owner = await accounts.owner()
    body = {"name": "Website", "scopes": ["team:view"]}
    first = await owner.made("/api-keys", body, Idempotency_Key="once")
    again = await owner.ask("POST", "/api-keys", body, Idempotency_Key="once")
    assert (again.json()["id"], again.json()["key"]) == (first["id"], None)
    assert again.headers["idempotency-replayed"] == "true"
    assert (await owner.ask("GET", f"/api-keys/{first['id']}")).json() == first | {"key": None}
    assert (await owner.ask("GET", "/api-keys")).json()["items"] == [first | {"key": None}]
    claims = jwt.decode(first["key"], options={"verify_signature": False})
    assert claims["scopes"] == ["team:view"]
    assert "exp" not in claims
    session, owner.token = owner.token, first["key"]
    assert (await owner.ask("GET", "/members")).status_code == 200
    assert (await owner.ask("GET", "/audit-log")).status_code == 403
    owner.token = session
    assert (await owner.ask("DELETE", f"/api-keys/{first['id']}")).status_code == 204
    owner.token = first["key"]
    assert (await owner.ask("GET", "/members")).status_code == 401


async def test_an_api_key_has_no_more_than_its_maker_and_its_member(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await accounts.enable(await owner.member("Mia"), owner)
    too_much = {"name": "k", "scopes": ["team:view", "team:manage"]}
    assert (await mia.ask("POST", "/api-keys", too_much)).status_code == 403
    assert (await owner.ask("POST", "/api-keys", too_much | {"member_id": mia.member_id})).status_code == 403
    assert (await mia.ask("POST", "/api-keys", {**too_much, "scopes": ["team:view"]})).status_code == 201
    narrow = await owner.made("/api-keys", {"name": "narrow", "scopes": ["team:view"]})
    owner.token = narrow["key"]
    assert (await owner.ask("POST", "/api-keys", {"name": "wide", "scopes": ["settings:manage"]})).status_code == 403


async def test_api_keys_for_others_need_a_permission_and_are_theirs(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await accounts.enable(await owner.member("Mia"), owner)
    body = {"name": "k", "scopes": ["team:view"]}
    assert (await mia.ask("POST", "/api-keys", body | {"member_id": owner.member_id})).status_code == 403
    key = await owner.made("/api-keys", body | {"member_id": mia.member_id})
    assert key["member_id"] == mia.member_id
    assert (await mia.ask("GET", "/api-keys")).json()["items"][0]["id"] == key["id"]
    assert (await mia.ask("GET", f"/api-keys?member_id={owner.member_id}")).status_code == 403
    mine = await owner.made("/api-keys", body)
    assert (await mia.ask("GET", f"/api-keys/{mine['id']}")).status_code == 404
    assert (await mia.ask("DELETE", f"/api-keys/{mine['id']}")).status_code == 404
    assert (await mia.ask("DELETE", f"/api-keys/{key['id']}")).status_code == 204


async def test_a_session_that_is_made_while_the_role_changes_is_ended(accounts: Accounts) -> None:
    """The role changed after the member was read and before the session was kept: nobody gets its token."""
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    await accounts.enable(mia, owner)
    turn = accounts.host.turn()
    stale = await turn.records(Member).get(mia["id"])
    identity = await turn.records(Identity).get(identity_id(mia["email"]))
    assert stale is not None
    assert identity is not None
    assert (await owner.ask("PATCH", f"/members/{mia['id']}", {"role": "admin"})).status_code == 200
    with pytest.raises(credentials.Overtaken):
        await credentials.start_session(stale, identity, "once", turn)
    assert not await turn.records(Session).with_prefix("by_member", mia["id"])


async def test_credentials_of_a_role_that_has_ended_are_ended_by_the_timer_too(accounts: Accounts) -> None:
    """The process died right after the role was changed."""
    owner = await accounts.owner()
    signed = await accounts.enable(await owner.member("Mia"), owner)
    key = await signed.made("/api-keys", {"name": "k", "scopes": ["team:view"]})
    turn = accounts.host.turn()

    def promote(current: Member | None) -> Decision[Member, members.Changed]:
        assert current is not None
        return members.change(current, {}, "admin", None, "owner", Actor(owner.member_id, turn.now))

    await turn.records(Member).decide(signed.member_id, promote)

    async def ended() -> bool:
        session = await turn.records(Session).get(signed.session_id)
        api_key = await turn.records(ApiKey).get(key["id"])
        return session is not None and api_key is not None and {session.status, api_key.status} == {"revoked"}

    await eventually(ended)


async def test_a_password_is_hashed_anew_when_the_parameters_rise(accounts: Accounts) -> None:

    await accounts.owner()
    turn = accounts.host.turn()
    before = await turn.records(Identity).get(identity_id(accounts.mail("owner@example.org")))
    assert before is not None
    weaker = await Passwords(memory_kib=8, passes=1, at_once=1, waiting=1).hashed(PASSWORD)
    kept = before.change(password_hash=weaker)
    await turn.records(Identity).decide(before.id, lambda _: Decision(None, kept))
    assert (await accounts.sign_in("praxis", "owner@example.org")).status_code == 201
    after = await turn.records(Identity).get(before.id)
    assert after is not None
    assert after.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert (await accounts.sign_in("praxis", "owner@example.org")).status_code == 201


async def test_many_sign_ins_at_once_all_succeed(accounts: Accounts) -> None:
    await accounts.owner()
    answers = await asyncio.gather(*(accounts.sign_in("praxis", "owner@example.org") for _ in range(20)))
    assert [answer.status_code for answer in answers] == [201] * 20
    assert len({answer.json()["token"] for answer in answers}) == 20


async def test_a_session_revoked_after_its_first_day_is_said_daily_from_then_on(accounts: Accounts) -> None:
    """While it lives it says nothing, so the daily saying rests; the end of it begins that anew."""
    owner = await accounts.owner()
    turn = accounts.host.turn()
    resting = Owed(id="again", kind="again", name="again", due=FAR_MS)

    def rest(current: Session | None) -> Decision[Session, None]:
        return Decision(None, current, owes=[resting])

    await turn.records(Session).decide(owner.session_id, rest)
    await owner.ask("DELETE", "/sessions/current")
    ended = await turn.records(Session).get(owner.session_id)
    assert ended is not None
    again = ended.owes("again")
    assert again is not None
    assert again.due <= millis(turn.now) + 2 * 86_400_000
