"""How long a guest waits for the page of a calendar, and how much of that is the question for free times."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.load.figures import PERCENTILES, costs, percentile, told
from tests.load.parts import Bench
from tests.support.workload import sign_up

HOSTS = 50
ROUNDS = 200
WARM_ROUNDS = 20
BLOCKS = 6
"""Stretches of two hours in which each host is busy, spread over the month."""
WORKSPACE, SLUG = "bench", "pages"


async def pages(on: Bench) -> None:
    """The page of a round robin of many hosts, asked for one after the other; then what it asks the API, alone."""
    month = (datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(
        day=1
    )
    last = (month + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    staff = on.guests.staff = on.guests.staff or await sign_up(on.at, WORKSPACE)
    calendar_id = await _calendar(on, staff, month)
    await on.at.rest()
    (process,) = on.at.processes.values()
    asked: Mapping[str, tuple[str, dict[str, str]]] = {
        f"the page, {HOSTS} hosts": (f"/{WORKSPACE}/{SLUG}", {"month": f"{month:%Y-%m}", "tz": "Europe/Berlin"}),
        "the calendar alone": ("/api/v1/calendars", {"address": f"{WORKSPACE}/{SLUG}"}),
        "its free times alone": (
            "/api/v1/slots",
            {"calendar": calendar_id, "start": f"{month:%Y-%m-%d}", "end": f"{last:%Y-%m-%d}", "tz": "Europe/Berlin"},
        ),
    }
    whole = 0.0
    async with httpx.AsyncClient(base_url=process.url, headers={"Accept-Language": "de"}) as client:
        for name, (path, params) in asked.items():
            meter = on.at.meter()
            figures, sent = await _asked(client, path, params)
            used = meter.read()
            figures |= costs(used, WARM_ROUNDS + ROUNDS)
            whole = whole or figures["p50_ms"]
            on.add("pages", name, {**figures, "more": {"bytes": sent, "share of the page": figures["p50_ms"] / whole}})


async def _asked(client: httpx.AsyncClient, path: str, params: dict[str, str]) -> tuple[dict[str, Any], int]:
    """Waits of a single guest, and the bytes that came over the line."""
    waits: list[float] = []
    sent = 0
    for n in range(WARM_ROUNDS + ROUNDS):
        began = time.perf_counter()
        answer = await client.get(path, params=params)
        waits += [(time.perf_counter() - began) * 1000] if n >= WARM_ROUNDS else []
        assert answer.status_code == 200, answer.text
        sent = answer.num_bytes_downloaded
    waits.sort()
    figures = told({name: percentile(waits, share) for name, share in PERCENTILES.items()}, len(waits))
    return {**figures, "max_ms": waits[-1], "asked": len(waits)}, sent


async def _calendar(on: Bench, staff: dict[str, str], month: datetime) -> str:
    """Hosts who work from nine to five on weekdays and are busy now and then, and their calendar."""
    team = [await _host(on, staff, n, month) for n in range(HOSTS)]
    body = {"kind": "round_robin", "slug": SLUG, "name": "Beratung", "tz": "Europe/Berlin"}
    made = await on.at.call("POST", "/calendars", {**body, "members": [{"member_id": one} for one in team]}, staff)
    await on.at.call("POST", f"/calendars/{made['id']}/publish", None, {**staff, "Prefer": "wait=30"})
    return str(made["id"])


async def _host(on: Bench, staff: dict[str, str], n: int, month: datetime) -> str:
    person = {"name": f"Host {n}", "email": f"pages-{n}@bench.example.org", "tz": "Europe/Berlin", "role": "member"}
    member_id = str((await on.at.call("POST", "/members", person, staff))["id"])
    hours = [{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "17:00"}]
    schedule = {"member_id": member_id, "name": "Hours", "tz": "Europe/Berlin", "weekly": hours}
    await on.at.call("POST", "/schedules", schedule, staff)
    busy = [month + timedelta(days=(n + 5 * k) % 28, hours=8 + (n + k) % 7) for k in range(BLOCKS)]
    items = [{"start": at.isoformat(), "end": (at + timedelta(hours=2)).isoformat()} for at in busy]
    await on.at.call("POST", "/blocks", {"member_id": member_id, "items": items}, staff)
    return member_id
