"""The way every workspace begins."""

import pytest

from tests.integration.accounts.conftest import Accounts

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_new_workspace_can_be_signed_in_to_and_gets_members_and_api_keys(accounts: Accounts) -> None:
    made = await accounts.found()
    assert made.status_code == 201, made.text
    workspace = made.json()
    owner = await accounts.signed("praxis", accounts.mail("Owner@example.org"))
    assert [owner.member_id] == workspace["owner_ids"]
    member = await owner.made(
        "/members", {"name": "Mia", "email": "mia@example.org", "tz": "Europe/Paris", "role": "member"}
    )
    assert member["tz"] == "Europe/Paris"
    assert member["locale"] == "de"
    key = await owner.made("/api-keys", {"name": "demo", "scopes": ["team:view", "calendars:manage"]})
    owner.token = key["key"]
    listed = await owner.ask("GET", "/members")
    assert {each["name"] for each in listed.json()["items"]} == {"Mia", "Olga"}
    assert (await owner.ask("POST", "/members", {"name": "x", "email": "x@example.org"})).status_code == 403
    await accounts.system.quiet()
