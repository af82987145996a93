from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.system import System, Tenant
from turnus_runtime.embedded import Endpoints

CORE = ("booking", "availability", "assignment")
CLOCK_START = "2027-01-13T10:00:00Z"
"""When the installations of these tests begin to run: no midnight and no clock change is near, whenever they run."""


def day(ahead: int) -> str:
    """So many days after that."""
    return (datetime.fromisoformat(CLOCK_START) + timedelta(days=ahead)).date().isoformat()


@pytest.fixture
async def core(embedded_servers: Endpoints, fresh_broker: str) -> AsyncIterator[System]:
    """booking, availability and assignment in one process, on a broker of their own."""
    system = System(embedded_servers, CORE, kafka_url=fresh_broker, clock_start=CLOCK_START)
    async with system.running():
        yield system


@pytest.fixture
async def tenant(core: System) -> Tenant:
    return await core.tenant()


@pytest.fixture
def office() -> "Office":
    return Office()


PATIENT = {"Prefer": "wait=30"}


class Office:
    """Sets up members, schedules and calendars through the public API, and waits however busy the machine is."""

    async def host(self, tenant: Tenant, name: str, start: str = "09:00", end: str = "17:00") -> str:
        member_id = await tenant.member(name)
        answer = await tenant.system.client.post(
            "/api/v1/schedules",
            headers={**tenant.headers(member_id), **PATIENT},
            json={
                "member_id": member_id,
                "name": "Hours",
                "tz": "Europe/Berlin",
                "weekly": [{"days": [1, 2, 3, 4, 5, 6, 7], "start": start, "end": end}],
            },
        )
        assert answer.status_code == 201, answer.text
        return member_id

    async def calendar(self, tenant: Tenant, slug: str, members: list[str], **more: Any) -> dict[str, Any]:
        headers = {**tenant.headers(members[0]), **PATIENT}
        body = {
            "kind": "round_robin" if len(members) > 1 else "personal",
            "slug": slug,
            "name": slug.title(),
            "tz": "Europe/Berlin",
            "members": [{"member_id": member_id} for member_id in members],
            **more,
        }
        made = await tenant.system.client.post("/api/v1/calendars", headers=headers, json=body)
        assert made.status_code == 201, made.text
        published = await tenant.system.client.post(f"/api/v1/calendars/{made.json()['id']}/publish", headers=headers)
        assert published.status_code == 200, published.text
        return published.json()

    async def book(self, system: System, calendar: str, start: str, n: int = 1, **headers: str) -> Any:
        return await system.client.post(
            "/api/v1/bookings",
            headers={**PATIENT, **headers},
            json={
                "calendar": calendar,
                "start": start,
                "tz": "Europe/Berlin",
                "guest": {"name": f"Guest {n}", "email": f"guest{n}@example.org"},
            },
        )
