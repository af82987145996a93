"""The pages in front of the real services, at a real address."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from tests.support.processes import free_port
from tests.support.system import PATIENT_COUNTING, System, Tenant
from turnus_runtime.embedded import Endpoints
from turnus_runtime.listening import listening

SERVICES = ("booking", "availability", "assignment", "web")
READS_A_MINUTE = 40
NAME = 'Beratung <script>alert("1")</script>'


@dataclass
class Pages:
    """`client` asks for pages as browsers do; `address` is a calendar of one host; `retired` another one."""

    system: System
    client: httpx.AsyncClient
    tenant: Tenant
    address: str
    retired: str


@pytest.fixture
async def pages(
    embedded_servers: Endpoints, fresh_broker: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pages]:
    monkeypatch.setattr(*PATIENT_COUNTING)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    system = System(
        embedded_servers,
        SERVICES,
        kafka_url=fresh_broker,
        public_url=url,
        api_url=url,
        trusted_proxies=("127.0.0.1/32",),
        clock_start="2027-01-04T06:00:00Z",
        rate_limits_guest_reads_per_minute=READS_A_MINUTE,
    )
    async with (
        system.running(),
        listening(system.process.app(), "127.0.0.1", port),
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        tenant = await system.tenant("sonnenhof")
        member = await tenant.member("Ada")
        staff = tenant.headers(member)
        hours = {"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:00"}
        await _post(
            system, staff, "/schedules", {"member_id": member, "name": "H", "tz": "Europe/Berlin", "weekly": [hours]}
        )
        made = [
            await _post(
                system,
                staff,
                "/calendars",
                {
                    "kind": "personal",
                    "slug": slug,
                    "name": NAME,
                    "tz": "Europe/Berlin",
                    "members": [{"member_id": member}],
                },
            )
            for slug in ("beratung", "alt")
        ]
        for calendar in made:
            await _post(system, staff, f"/calendars/{calendar['id']}/publish", None)
        await _post(system, staff, f"/calendars/{made[1]['id']}/retire", None)
        yield Pages(system, client, tenant, made[0]["address"], made[1]["address"])


async def _post(system: System, staff: dict[str, str], path: str, body: object) -> dict[str, str]:
    answer = await system.client.post(f"/api/v1{path}", json=body, headers={**staff, "Prefer": "wait=30"})
    assert answer.is_success, answer.text
    return dict(answer.json())
