"""Signing keys over their life, and saying everything again, in a process of the test's own."""

import asyncio
from dataclasses import replace
from typing import Any

import jwt

from services.accounts.domain import signing
from services.accounts.domain.signing import SigningPair
from services.accounts.handlers.signing import open_keys, remove_key, retire_key, rotate_key
from services.accounts.store import signing_pairs
from tests.integration.accounts.conftest import Accounts, Signed
from tests.support.system import eventually
from turnus_contracts import CredentialRevoked, MemberChanged, SigningKeyChanged, WorkspaceChanged
from turnus_runtime.credentials import SigningKey
from turnus_runtime.mongo import MongoStore
from turnus_runtime.operations import republish
from turnus_runtime.records import Owed
from turnus_runtime.store import RecordStore

FIRED = Owed(id="x", kind="timer", name="x", due=0)


def kid(token: str) -> str:
    return jwt.get_unverified_header(token)["kid"]


async def heard(accounts: Accounts, key_id: str, status: str) -> None:
    """Until the service itself has learned this state of the key by event."""

    async def learned() -> bool:
        known = await accounts.host.turn().records(SigningKey).get(key_id)
        return known is not None and known.status == status

    await eventually(learned)


async def test_of_many_processes_that_start_at_once_one_makes_the_first_key(alone: Accounts) -> None:
    host = alone.host
    store = MongoStore(host.settings.mongo_url, f"{host.settings.database_prefix}_accounts_fresh")
    await store.prepare({SigningPair.collection: ["self"]})
    shelves = [RecordStore(store, host.ports.clock, host.ports.signals, lambda _: True) for _ in range(6)]
    turns = [_on(host.turn(), shelf) for shelf in shelves]
    await asyncio.gather(*(open_keys(turn) for turn in turns))
    made = {pair.key_id for turn in turns for pair in await signing_pairs(turn)}
    await store.close()
    assert len(made) == 1


def _on(turn: Any, shelf: RecordStore) -> Any:
    return replace(turn, shelf=shelf)


async def test_a_rotation_keeps_every_living_token_valid_and_then_withdraws_the_key(alone: Accounts) -> None:
    owner = await alone.owner()
    key = await owner.made("/api-keys", {"name": "k", "scopes": ["team:view"]})
    old = kid(owner.token)
    program = Signed(alone, owner.workspace_id, owner.slug, owner.member_id, key["key"], "")

    # The new key is made known, and does not sign yet.
    await rotate_key(signing.FIRST, FIRED, alone.host.turn())
    await rotate_key(signing.FIRST, FIRED, alone.host.turn())
    pairs = await signing_pairs(alone.host.turn())
    assert [pair.status for pair in pairs] == ["active", "active"]
    new = pairs[1].key_id
    await heard(alone, new, "active")
    assert kid((await alone.signed("praxis", "owner@example.org")).token) == old

    # Now it does; tokens of the old one are taken on.
    await retire_key(signing.FIRST, FIRED, alone.host.turn())
    await heard(alone, old, "retiring")
    later = await alone.signed("praxis", "owner@example.org")
    assert kid(later.token) == new
    for who in (owner, program):
        assert (await who.ask("GET", "/members")).status_code == 200

    # While the API key lives, the old key is not withdrawn; sessions alone would have ended by themselves.
    for session in (await later.ask("GET", "/sessions")).json()["items"]:
        if session["id"] != later.session_id:
            await later.ask("DELETE", f"/sessions/{session['id']}")
    await remove_key(signing.FIRST, FIRED, alone.host.turn())
    assert (await program.ask("GET", "/members")).status_code == 200
    assert (await signing_pairs(alone.host.turn()))[0].status == "retiring"

    # Then it is, with its private half.
    assert (await later.ask("DELETE", f"/api-keys/{key['id']}")).status_code == 204
    await remove_key(signing.FIRST, FIRED, alone.host.turn())
    await heard(alone, old, "removed")
    assert (await signing_pairs(alone.host.turn()))[0].private_key == ""
    assert (await later.ask("GET", "/members")).status_code == 200

    async def said() -> bool:
        told = [(e.key_id, e.version, e.status) for e in alone.said(SigningKeyChanged)]
        return {(old, 1, "active"), (new, 1, "active"), (old, 2, "retiring"), (old, 3, "removed")} <= set(told)

    await eventually(said)


async def test_everything_that_still_holds_can_be_said_again(alone: Accounts) -> None:
    owner = await alone.owner()
    mia = await owner.member("Mia")
    gone = await owner.member("Max")
    await owner.ask("DELETE", f"/members/{gone['id']}")
    other = await alone.signed("praxis", "owner@example.org")
    key = await owner.made("/api-keys", {"name": "k", "scopes": ["team:view"]})
    await owner.ask("DELETE", f"/api-keys/{key['id']}")
    await owner.ask("DELETE", f"/sessions/{other.session_id}")
    await alone.system.quiet()
    said = await republish(alone.host)
    assert said == {"WorkspaceChanged": 1, "MemberChanged": 3, "SigningKeyChanged": 1, "CredentialRevoked": 2}
    again = {(type(event), event.key): event for event in alone.heard}
    states = (WorkspaceChanged, MemberChanged, SigningKeyChanged, CredentialRevoked)
    assert {event.key for contract in states for event in alone.said(contract)} == {
        event.key for (contract, _), event in again.items() if contract in states
    }
    members = {event.member_id: event.status for event in alone.said(MemberChanged)}
    assert members == {owner.member_id: "active", mia["id"]: "active", gone["id"]: "removed"}


async def test_no_living_session_is_lost_by_starting_again(alone: Accounts) -> None:
    owner = await alone.owner()
    await open_keys(alone.host.turn())
    assert len(await signing_pairs(alone.host.turn())) == 1
    assert (await owner.ask("GET", "/members")).status_code == 200
