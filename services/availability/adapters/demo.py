"""Availability's part of the demo workspace: when its members work."""

from collections.abc import Mapping
from typing import Any

import httpx

HOURS = {
    "ada": [{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:00"}],
    "bruno": [
        {"days": [1, 2, 3, 4], "start": "08:00", "end": "12:00"},
        {"days": [1, 2, 3, 4], "start": "13:00", "end": "17:00"},
    ],
    "chiara": [{"days": [2, 3, 4, 5], "start": "10:00", "end": "18:30"}],
}


async def make_demo(client: httpx.AsyncClient, demo: Mapping[str, Any]) -> Mapping[str, Any]:
    """A schedule for each member."""
    headers = {"Authorization": f"Bearer {demo['owner']['api_key']}"}
    for name, weekly in HOURS.items():
        body = {"member_id": demo["_members"][name], "name": "Arbeitszeit", "tz": "Europe/Berlin", "weekly": weekly}
        answer = await client.post(
            "/api/v1/schedules", json=body, headers={**headers, "Idempotency-Key": f"demo-schedule-{name}"}
        )
        answer.raise_for_status()
    return {}
