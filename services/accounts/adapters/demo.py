"""The demo workspace's people: Ada owns it and serves, Bruno and Chiara serve."""

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx

from services.accounts.domain.roles import EVERYTHING

SLUG, EMAIL = "demo", "ada@demo.example.org"
COLLEAGUES = {"bruno": "Bruno Klein", "chiara": "Chiara Conti"}
READY_SECONDS = 60


async def make_demo(client: httpx.AsyncClient, demo: Mapping[str, Any]) -> Mapping[str, Any]:
    """Workspace, owner, members and an API key with every scope. `demo["_secret"]` is the owner's password."""
    password = str(demo["_secret"])
    workspace = {
        "slug": SLUG,
        "name": "Praxis am Lindenplatz",
        "tz": "Europe/Berlin",
        "locale": "de",
        "owner": {"name": "Ada Berger", "email": EMAIL, "password": password},
    }
    made = await _post(client, "/workspaces", workspace, {"Idempotency-Key": "demo-workspace"})
    signed_in = await _post(client, "/sessions", {"workspace": SLUG, "email": EMAIL, "password": password}, {})
    staff = {"Authorization": f"Bearer {signed_in['token']}"}
    await _let_in(client, staff)
    members = {"ada": str(made["owner_ids"][0])}
    for key, name in COLLEAGUES.items():
        person = {"name": name, "email": f"{key}@demo.example.org", "role": "member"}
        member = await _post(client, "/members", person, {**staff, "Idempotency-Key": f"demo-member-{key}"})
        members[key] = str(member["id"])
    api_key = await _api_key(client, staff)
    return {
        "workspace": SLUG,
        "owner": {"email": EMAIL, "password": password, "api_key": api_key},
        "_members": members,
    }


async def _api_key(client: httpx.AsyncClient, staff: Mapping[str, str]) -> str:
    """A key is shown once: one whose answer was lost in an earlier try is deleted, and the next made."""
    for attempt in range(1, 100):
        headers = {**staff, "Idempotency-Key": f"demo-key-{attempt}"}
        made = await _post(client, "/api-keys", {"name": "Demo", "scopes": list(EVERYTHING)}, headers)
        if made["key"] is not None:
            return str(made["key"])
        await client.delete(f"/api/v1/api-keys/{made['id']}", headers=dict(staff))
    raise LookupError("the demo's API key was made a hundred times and never kept")


async def _let_in(client: httpx.AsyncClient, staff: Mapping[str, str]) -> None:
    """The very first signing key reaches the services by event, a moment after the first start."""
    async with asyncio.timeout(READY_SECONDS):
        while (await client.get("/api/v1/sessions/current", headers=dict(staff))).status_code == 503:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _post(client: httpx.AsyncClient, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> Any:
    answer = await client.post(f"/api/v1{path}", json=dict(body), headers=dict(headers))
    answer.raise_for_status()
    return answer.json()
