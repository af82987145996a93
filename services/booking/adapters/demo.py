"""Booking's part of the demo workspace: two calendars, published, and a group of both."""

from collections.abc import Mapping
from typing import Any

import httpx


def _calendars(members: Mapping[str, str]) -> list[dict[str, Any]]:
    window = {"kind": "rolling", "count": 60, "unit": "days"}
    return [
        {
            "kind": "personal",
            "slug": "beratung",
            "name": "Beratung mit Ada",
            "description": "Eine halbe Stunde für deine Fragen.",
            "tz": "Europe/Berlin",
            "duration_minutes": 30,
            "buffer_after_minutes": 10,
            "notice_minutes": 60,
            "window": window,
            "location": {"kind": "address", "value": "Lindenstraße 7, 10969 Berlin"},
            "members": [{"member_id": members["ada"]}],
        },
        {
            "kind": "round_robin",
            "slug": "kennenlernen",
            "name": "Kennenlernen mit dem Team",
            "description": "Wer gerade an der Reihe ist, nimmt sich 45 Minuten Zeit für dich.",
            "tz": "Europe/Berlin",
            "duration_minutes": 45,
            "interval_minutes": 15,
            "anchor": "clock",
            "buffer_before_minutes": 10,
            "buffer_after_minutes": 10,
            "notice_minutes": 120,
            "window": window,
            "optimize": "equal",
            "location": {"kind": "link", "value": "https://meet.example.org/kennenlernen"},
            "members": [
                {"member_id": members["ada"], "weight": 2},
                {"member_id": members["bruno"]},
                {"member_id": members["chiara"]},
            ],
        },
    ]


async def make_demo(client: httpx.AsyncClient, demo: Mapping[str, Any]) -> Mapping[str, Any]:
    """A personal calendar and a round robin, published; a group that shows them the other way round."""
    headers = {"Authorization": f"Bearer {demo['owner']['api_key']}"}
    addresses: list[str] = []
    calendar_ids: list[str] = []
    for body in _calendars(demo["_members"]):
        made = await client.post(
            "/api/v1/calendars", json=body, headers={**headers, "Idempotency-Key": f"demo-calendar-{body['slug']}"}
        )
        made.raise_for_status()
        published = await client.post(f"/api/v1/calendars/{made.json()['id']}/publish", headers=headers)
        published.raise_for_status()
        addresses.append(str(published.json()["address"]))
        calendar_ids.append(str(published.json()["id"]))
    group = {"slug": "kundenbetreuung", "name": "Kundenbetreuung", "calendar_ids": calendar_ids[::-1]}
    grouped = await client.post("/api/v1/groups", json=group, headers={**headers, "Idempotency-Key": "demo-group"})
    grouped.raise_for_status()
    return {"calendars": addresses}
