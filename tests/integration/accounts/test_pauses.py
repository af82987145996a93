"""Pausing and resuming over HTTP: who may, what is shown and said, and what again means."""

import pytest

from services.accounts.domain.auditing import AuditEntry
from tests.integration.accounts.conftest import Accounts
from tests.support.system import eventually
from turnus_contracts import MemberChanged

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_pause_is_shown_said_and_audited_until_it_is_over(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    path = f"/members/{mia['id']}"
    assert mia["paused"] is None
    paused = await owner.ask("POST", f"{path}/pause", {"until": "2099-02-01"}, If_Match='"1"')
    assert (paused.status_code, paused.headers["etag"]) == (200, '"2"')
    assert paused.json()["paused"]["until"] == "2099-02-01"
    listed = {one["id"]: one["paused"] for one in (await owner.ask("GET", "/members")).json()["items"]}
    assert listed == {mia["id"]: paused.json()["paused"], owner.member_id: None}
    resumed = await owner.ask("POST", f"{path}/resume", If_Match='"2"')
    assert (resumed.status_code, resumed.json()["version"], resumed.json()["paused"]) == (200, 3, None)

    async def said() -> bool:
        told = [(e.paused_since, e.resumed_at) for e in accounts.said(MemberChanged) if e.member_id == mia["id"]]
        return bool(told) and None not in told[-1]

    await eventually(said)

    async def audited() -> bool:
        entries = (
            await accounts.host.turn().records(AuditEntry).with_prefix("by_thing", f"{owner.workspace_id}|{mia['id']}")
        )
        return [(one.action, one.fields, one.actor_id) for one in entries][1:] == [
            ("paused", ("pause",), owner.member_id),
            ("resumed", ("pause",), owner.member_id),
        ]

    await eventually(audited)


async def test_again_is_fine_a_stale_version_is_refused_and_another_day_counts(accounts: Accounts) -> None:
    owner = await accounts.owner()
    path = f"/members/{(await owner.member('Mia'))['id']}"
    first = await owner.ask("POST", f"{path}/pause", {})
    again = await owner.ask("POST", f"{path}/pause", {}, If_Match='"1"')
    assert (again.status_code, again.json()) == (200, first.json())
    stale = await owner.ask("POST", f"{path}/pause", {"until": "2099-01-01"}, If_Match='"1"')
    assert (stale.status_code, stale.json()["code"], stale.headers["etag"]) == (412, "version_stale", '"2"')
    other = await owner.ask("POST", f"{path}/pause", {"until": "2099-01-01"}, If_Match='"2"')
    assert other.json()["paused"] == {**first.json()["paused"], "until": "2099-01-01"}
    for _ in range(2):
        resumed = await owner.ask("POST", f"{path}/resume")
        assert (resumed.status_code, resumed.json()["version"]) == (200, 4)


async def test_members_pause_themselves_and_whoever_manages_the_team_pauses_others(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia, max_ = await owner.member("Mia"), await owner.member("Max")
    signed = await accounts.enable(mia, owner)
    assert (await signed.ask("POST", f"/members/{mia['id']}/pause", {})).status_code == 200
    assert (await signed.ask("POST", f"/members/{mia['id']}/resume")).status_code == 200
    for what, body in (("pause", {}), ("resume", None)):
        no = await signed.ask("POST", f"/members/{max_['id']}/{what}", body)
        assert (no.status_code, no.json()["code"]) == (403, "forbidden")
    stranger = await accounts.owner("elsewhere", "else@example.org")
    assert (await stranger.ask("POST", f"/members/{mia['id']}/pause", {})).status_code == 404


async def test_a_day_that_is_no_later_day_is_refused_by_name_and_so_is_who_was_removed(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    path = f"/members/{mia['id']}"
    for wrong in ("2020-01-01", "tomorrow", "2027-02-30", 7):
        answer = await owner.ask("POST", f"{path}/pause", {"until": wrong})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "until"), wrong
    assert (await owner.ask("DELETE", path)).status_code == 204
    for what, body in (("pause", {}), ("resume", None)):
        gone = await owner.ask("POST", f"{path}/{what}", body)
        assert (gone.status_code, gone.json()["code"]) == (409, "member_removed")
