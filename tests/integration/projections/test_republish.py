"""A service whose store was emptied knows members and calendars again after `turnus republish` of their owners."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from pymongo import AsyncMongoClient

from services.assignment.domain.rotation import Rotation
from services.availability.domain import rules, serving
from services.booking.domain import directory
from services.notify.domain import projections
from tests.integration.saga.conftest import CLOCK_START, PATIENT, Office
from tests.integration.saga.test_booking import slots
from tests.support.system import System, eventually
from turnus_runtime.credentials import SigningKey
from turnus_runtime.embedded import Endpoints
from turnus_runtime.operations import republish
from turnus_runtime.records import Record

ALL = ("accounts", "booking", "availability", "assignment", "notify")
PROJECTIONS: dict[str, tuple[type[Record], ...]] = {
    "availability": (rules.Member, serving.ServedCalendar, SigningKey),
    "assignment": (SigningKey,),
    "booking": (directory.Member, directory.Workspace, directory.WorkspaceAddress, SigningKey),
    "notify": (projections.Member, projections.Calendar, projections.Workspace, SigningKey),
}
"""What each service has from others' full states alone, and needs to go on."""


@pytest.fixture
async def system(embedded_servers: Endpoints, fresh_broker: str) -> AsyncIterator[System]:
    made = System(embedded_servers, ALL, kafka_url=fresh_broker, clock_start=CLOCK_START)
    async with made.running():
        yield made


class RealOffice(Office):
    """Members and calendars over the public API, with accounts as it is."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.headers: dict[str, str] = {}

    async def post(self, path: str, body: dict[str, Any], status: int = 201) -> dict[str, Any]:
        answer = await self.system.client.post(f"/api/v1{path}", json=body, headers={**self.headers, **PATIENT})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def open(self) -> str:
        """A workspace with its owner signed in; the owner's id."""
        owner = {"name": "Ada", "email": "ada@example.org", "password": "a long enough password"}
        workspace = {"slug": "demo", "name": "Demo", "tz": "Europe/Berlin", "locale": "en", "owner": owner}
        made = await self.post("/workspaces", workspace)
        signed_in = {"workspace": "demo", "email": owner["email"], "password": owner["password"]}
        session = await self.post("/sessions", signed_in)
        self.headers = {"Authorization": f"Bearer {session['token']}"}

        async def first_key_arrived() -> bool:
            return all(
                [
                    await self.system.process.hosts[name].records.find(SigningKey, "self", "", "~", limit=1)
                    for name in ALL
                ]
            )

        await eventually(first_key_arrived)
        return str(made["owner_ids"][0])

    async def works(self, member_id: str) -> None:
        weekly = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "09:00", "end": "17:00"}]
        hours = {"member_id": member_id, "name": "Hours", "tz": "Europe/Berlin", "weekly": weekly}
        await self.post("/schedules", hours)

    async def publish(self, slug: str, kind: str, members: list[str]) -> dict[str, Any]:
        served = [{"member_id": member_id} for member_id in members]
        body = {"kind": kind, "slug": slug, "name": slug.title(), "tz": "Europe/Berlin", "members": served}
        made = await self.post("/calendars", body)
        return await self.post(f"/calendars/{made['id']}/publish", {}, 200)


async def everything(system: System) -> dict[str, dict[str, Any]]:
    """`service.collection` -> id -> state, of every projection."""
    found: dict[str, dict[str, Any]] = {}
    for name, kinds in PROJECTIONS.items():
        for kind in kinds:
            records = await system.process.hosts[name].records.find(kind, "self", "", "\U0010ffff", limit=1000)
            found[f"{name}.{kind.collection}"] = {one.id: one.model_dump() for one in records}
    return found


async def empty(system: System, mongo_url: str) -> None:
    """Drop the collections of all projections, as if the stores had lost them."""
    client: AsyncMongoClient[Any] = AsyncMongoClient(mongo_url)
    try:
        for name, kinds in PROJECTIONS.items():
            for kind in kinds:
                await client[f"{system.given['database_prefix']}_{name}"][kind.collection].delete_many({})
    finally:
        await client.close()


async def test_the_projections_of_emptied_stores_are_whole_again_after_republish(
    system: System, embedded_servers: Endpoints
) -> None:
    office = RealOffice(system)
    owner = await office.open()
    bob = (await office.post("/members", {"name": "Bob", "email": "bob@example.org", "role": "member"}))["id"]
    for member_id in (owner, bob):
        await office.works(member_id)
    team = await office.publish("team", "round_robin", [owner, bob])
    await office.publish("ada", "personal", [owner])
    await system.quiet()
    whole = await everything(system)
    assert all(whole.values()), "the test empties something that was never filled"
    free = await slots(system, "demo/team")

    await empty(system, embedded_servers.mongo_url)
    assert not any((await everything(system)).values())
    lost = await system.client.get(
        "/api/v1/slots", params={"calendar": "demo/team", "start": free[0][:10], "end": free[0][:10], "tz": "UTC"}
    )
    assert lost.json()["code"] == "calendar_unknown", "the slots came from somewhere else"

    for name in ("accounts", "booking"):
        await republish(system.process.hosts[name])

    async def are_whole() -> bool:
        return await everything(system) == whole

    await eventually(are_whole)
    assert await slots(system, "demo/team") == free
    booked = await office.book(system, "demo/team", free[0])
    assert booked.status_code == 201, booked.text
    assert booked.json()["host"]["id"] in {owner, bob}
    rotation = await system.process.hosts["assignment"].records.get(Rotation, team["id"])
    assert rotation is not None
