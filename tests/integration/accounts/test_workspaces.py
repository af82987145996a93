"""Workspaces over HTTP."""

import asyncio

import pytest

from services.accounts.domain import workspaces
from services.accounts.domain.members import Member
from services.accounts.domain.workspaces import SlugClaim, Workspace
from services.accounts.handlers import team
from tests.integration.accounts.conftest import PASSWORD, Accounts
from tests.support.system import eventually
from turnus_contracts import WorkspaceChanged
from turnus_runtime.records import Decision, Owed, millis

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_same_key_and_body_is_the_same_workspace_and_makes_nothing_again(accounts: Accounts) -> None:
    first = await accounts.found(Idempotency_Key="once")
    again = await accounts.found(Idempotency_Key="once")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers


async def test_the_same_key_with_another_body_or_password_is_refused(accounts: Accounts) -> None:
    await accounts.found(Idempotency_Key="once")
    body = {"slug": accounts.place("praxis"), "name": "Other", "tz": "Europe/Berlin", "locale": "de"}
    owner = {"name": "Olga", "email": accounts.mail("owner@example.org"), "password": PASSWORD}
    other = await accounts.ask("POST", "/workspaces", body | {"owner": owner}, Idempotency_Key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    body["name"] = "Praxis am Markt"
    wrong = await accounts.ask(
        "POST", "/workspaces", body | {"owner": owner | {"password": "wrong password"}}, Idempotency_Key="once"
    )
    assert (wrong.status_code, wrong.json()["code"]) == (422, "idempotency_key_reused")


async def test_keys_of_strangers_never_meet(accounts: Accounts) -> None:
    first = await accounts.found("praxis", "owner@example.org", Idempotency_Key="once")
    second = await accounts.found("kanzlei", "stranger@example.org", Idempotency_Key="once")
    assert second.status_code == 201
    assert first.json()["id"] != second.json()["id"]


async def test_an_address_belongs_to_one_workspace_whoever_races_for_it(accounts: Accounts) -> None:
    race = await asyncio.gather(*(accounts.found("praxis", f"owner{n}@example.org") for n in range(8)))
    assert sorted(answer.status_code for answer in race) == [201] + [409] * 7
    assert {answer.json()["code"] for answer in race if answer.status_code == 409} == {"workspace_slug_taken"}


async def test_somebody_with_an_account_needs_its_password_for_another_workspace(accounts: Accounts) -> None:
    await accounts.found("praxis", "owner@example.org")
    second = await accounts.found("kanzlei", accounts.mail("OWNER@example.org"))
    assert second.status_code == 201, second.text
    body = {"slug": accounts.place("laden"), "name": "Laden", "tz": "Europe/Berlin"}
    owner = {"name": "Thief", "email": accounts.mail("owner@example.org"), "password": "another password"}
    refused = await accounts.ask("POST", "/workspaces", body | {"owner": owner})
    assert (refused.status_code, refused.json()["code"]) == (409, "identity_exists")
    assert (await accounts.sign_in("praxis", "owner@example.org")).status_code == 201
    assert (await accounts.sign_in("praxis", "owner@example.org", "another password")).status_code == 401


async def test_reserved_addresses_are_refused(accounts: Accounts) -> None:
    for slug in ("api", "console", "de", "metrics"):
        body = {"slug": slug, "name": "x", "tz": "Europe/Berlin"}
        owner = {"name": "x", "email": "x@example.org", "password": PASSWORD}
        refused = await accounts.ask("POST", "/workspaces", body | {"owner": owner})
        assert refused.status_code == 422
        assert refused.json()["errors"] == [{"field": "slug", "message": "is reserved"}]


async def test_guests_see_the_public_part_only(accounts: Accounts) -> None:
    owner = await accounts.owner()
    seen = await accounts.ask("GET", f"/workspaces?slug={owner.slug}")
    assert seen.json() == {
        "id": owner.workspace_id,
        "slug": owner.slug,
        "name": "Praxis am Markt",
        "tz": "Europe/Berlin",
        "locale": "de",
    }
    assert seen.headers["access-control-allow-origin"] == "*"
    assert (await accounts.ask("GET", "/workspaces?slug=unknown")).status_code == 404


async def test_a_change_is_said_and_a_stale_one_is_not_made(accounts: Accounts) -> None:
    owner = await accounts.owner()
    path = f"/workspaces/{owner.workspace_id}"
    before = await owner.ask("GET", path)
    tag = before.headers["etag"]
    changed = await owner.ask("PATCH", path, {"name": "Neu", "locale": "en"}, If_Match=tag)
    assert (changed.status_code, changed.json()["name"], changed.json()["locale"]) == (200, "Neu", "en")
    stale = await owner.ask("PATCH", path, {"name": "Neuer"}, If_Match=tag)
    assert stale.status_code == 412
    assert stale.headers["etag"] == changed.headers["etag"]
    assert (await owner.ask("GET", path)).json() == changed.json()

    async def said() -> bool:
        return any(event.name == "Neu" and event.locale == "en" for event in accounts.said(WorkspaceChanged))

    await eventually(said)


async def test_a_founding_that_a_process_did_not_finish_is_finished(accounts: Accounts) -> None:
    """Only the claim on the address was written; the sweeper makes the rest, and only once."""
    await accounts.found("template", "template@example.org")
    turn = accounts.host.turn()
    claim = await turn.records(SlugClaim).get(accounts.place("template"))
    assert claim is not None
    like = await turn.records(Workspace).get(claim.workspace_id)
    assert like is not None
    owner = await turn.records(Member).get(like.owner_ids[0])
    assert owner is not None
    new = like.change(id="ws_dead", slug="dead")
    new_owner = owner.change(id="mem_lost", workspace_id="ws_dead")
    plan = {"workspace": new.model_dump(mode="json"), "owner": new_owner.model_dump(mode="json")}
    errand = Owed(id=workspaces.FOUND, kind="timer", name=workspaces.FOUND, due=millis(turn.now), data=plan)
    lost = SlugClaim(id="dead", workspace_id="ws_dead")
    await turn.records(SlugClaim).decide("dead", lambda _: Decision(None, lost, owes=[errand]))

    async def finished() -> bool:
        kept = await turn.records(SlugClaim).get("dead")
        return kept is not None and kept.owes(workspaces.FOUND) is None

    await eventually(finished)
    assert (await accounts.ask("GET", "/workspaces?slug=dead")).status_code == 200
    member = await turn.records(Member).get("mem_lost")
    assert member is not None
    assert member.role == "owner"
    await team.finish_founding("dead", errand, accounts.host.turn())
    again = await turn.records(Member).get("mem_lost")
    assert again is not None
    assert again.version == member.version
