"""The workloads that a peer answered, loaded through the public API: members, schedules, blocks, a calendar.

They lie in `tests/unit/availability/peer`.
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

CASES = Path(__file__).parents[1] / "unit" / "availability" / "peer"
"""Copies of the workloads, so that a clone is enough to run them."""
BEFORE = "2027-02-20T00:00:00Z"
"""A clock start before the window of both workloads."""


class Api(Protocol):
    """Whatever answers the public API."""

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Case:
    """One workload and the starts that are expected for it (RFC 3339 in UTC)."""

    case: dict[str, Any]
    slots: list[str]

    @classmethod
    def of(cls, name: str) -> "Case":
        read = json.loads((CASES / f"{name}.json").read_text())
        return cls(read["case"], read["slots"])

    @property
    def hosts(self) -> list[dict[str, Any]]:
        return self.case["hosts"]


@dataclass(frozen=True)
class Loaded:
    """What was made of a workload."""

    workspace: str
    address: str
    calendar_id: str
    member_ids: tuple[str, ...]
    staff: dict[str, str]


async def sign_up(api: Api, slug: str) -> dict[str, str]:
    """A workspace with an owner who is signed in: the headers of their requests."""
    owner = {"name": "Owner", "email": f"owner@{slug}.example.org", "password": "correct horse battery staple"}
    await api.call(
        "POST",
        "/workspaces",
        {"slug": slug, "name": slug.title(), "tz": "Europe/Berlin", "locale": "en", "owner": owner},
    )
    session = await api.call(
        "POST", "/sessions", {"workspace": slug, "email": owner["email"], "password": owner["password"]}
    )
    return {"Authorization": f"Bearer {session['token']}"}


async def load(api: Api, case: Case, slug: str, **calendar: Any) -> Loaded:
    """Make the workload in a new workspace. The window is the days of its starts."""
    staff = await sign_up(api, slug)

    async def host(number: int, one: Mapping[str, Any]) -> str:
        person = {
            "name": f"Host {number}",
            "email": f"host{number}@{slug}.example.org",
            "tz": one["tz"],
            "role": "member",
        }
        member_id = str((await api.call("POST", "/members", person, staff))["id"])
        schedule = {"member_id": member_id, "name": "Hours", "tz": one["tz"], "weekly": one["weekly"]}
        await api.call("POST", "/schedules", schedule, staff)
        items = [{"start": start, "end": end} for start, end in one["busy"]]
        await api.call("POST", "/blocks", {"member_id": member_id, "items": items}, staff)
        return member_id

    member_ids = await asyncio.gather(*(host(number, one) for number, one in enumerate(case.hosts)))
    event = case.case["event"]
    body = {
        "kind": "round_robin" if len(member_ids) > 1 else "personal",
        "slug": "work",
        "name": "Work",
        "tz": case.case["viewer_tz"],
        "duration_minutes": event["duration"],
        "interval_minutes": event["interval"],
        "anchor": "clock",
        "buffer_before_minutes": event["buffer_before"],
        "buffer_after_minutes": event["buffer_after"],
        "notice_minutes": event["min_notice"],
        "window": {"kind": "range", "start": "2027-03-01", "end": "2027-04-29"},
        "members": [{"member_id": member_id} for member_id in member_ids],
        **calendar,
    }
    made = await api.call("POST", "/calendars", body, staff)
    published = await api.call("POST", f"/calendars/{made['id']}/publish", None, {**staff, "Prefer": "wait=30"})
    return Loaded(slug, f"{slug}/work", str(published["id"]), tuple(member_ids), staff)
