"""Each service in turn is killed with SIGKILL and started again while guests book."""

import asyncio
import itertools
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import httpx

from tests.support.cluster import Cluster
from tests.support.workload import Case, Loaded, load
from turnus_runtime import sweeper
from turnus_runtime.embedded import Endpoints

BOOKINGS = 300
AT_ONCE = 6


async def book(cluster: Cluster, work: Loaded, number: int, start: str) -> str:
    """A guest who insists: the same key until there is an answer. The booking's id."""
    body = {
        "calendar": work.calendar_id,
        "start": start,
        "tz": "Europe/Berlin",
        "guest": {"name": f"Guest {number}", "email": f"guest{number}@{work.workspace}.example.net"},
    }
    for _ in range(600):
        try:
            answer = await cluster.send("POST", "/bookings", body, {"Idempotency-Key": f"guest-{number}"})
        except httpx.TransportError:
            await asyncio.sleep(0.1)
            continue
        if answer.status_code in (201, 202):
            return str(answer.json()["id"])
        if answer.status_code == 409:
            return ""
        assert answer.status_code == 503, answer.text
        await asyncio.sleep(0.1)
    raise AssertionError(f"guest {number} got no answer")


async def final_bookings(cluster: Cluster, work: Loaded) -> list[dict[str, Any]]:
    """All bookings of the calendar, once none of them is undecided."""
    for _ in range(240):
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = await cluster.call(
                "GET", f"/bookings?calendar_id={work.calendar_id}&limit=200{after}", None, work.staff
            )
            found += page["items"]
            if page["next"] is None:
                break
            after = f"&after={page['next']}"
        if not any(one["status"] == "requested" or one["move"] for one in found):
            return found
        await asyncio.sleep(0.5)
    raise AssertionError(f"not all are final: {Counter(one['status'] for one in found)}")


def overlaps(bookings: list[dict[str, Any]], padding: int) -> list[tuple[str, str]]:
    """Pairs of confirmed bookings of one host whose padded times meet."""
    by_host: dict[str, list[tuple[datetime, datetime, str]]] = {}
    for one in bookings:
        if one["status"] == "confirmed":
            start, end = datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])
            pad = timedelta(minutes=padding)
            by_host.setdefault(one["host"]["id"], []).append((start - pad, end + pad, one["id"]))
    found: list[tuple[str, str]] = []
    for times in by_host.values():
        times.sort()
        found += [(a[2], b[2]) for a, b in itertools.pairwise(times) if b[0] < a[1]]
    return found


def mails_to(servers: Endpoints, domain: str) -> Counter[tuple[str, str]]:
    """How often each mail lies in the mailbox, by receiver and Message-ID."""
    found: Counter[tuple[str, str]] = Counter()
    for mail in servers.mailbox.list(limit=2000):
        found.update((address, mail.message_id) for address in mail.to if address.endswith(domain))
    return found


async def test_bookings_survive_the_sudden_death_of_every_service(
    cluster: Cluster, embedded_servers: Endpoints
) -> None:
    case = Case.of("rr10")
    work = await load(cluster, case, "kills", optimize="equal")
    starts = case.slots[200 : 200 + 9 * BOOKINGS : 9]
    assert len(starts) == BOOKINGS
    guests = asyncio.Semaphore(AT_ONCE)

    async def guest(number: int, start: str) -> str:
        async with guests:
            return await book(cluster, work, number, start)

    booking = asyncio.gather(*(guest(number, start) for number, start in enumerate(starts)))
    for name in ("availability", "booking", "assignment", "notify", "accounts"):
        if booking.done():
            break
        process = cluster.processes[name]
        await process.kill()
        await process.start()
        await process.ready()
    ids = await booking
    bookings = await final_bookings(cluster, work)
    await cluster.at_rest()
    assert await cluster.violations() == []
    confirmed = [one for one in bookings if one["status"] == "confirmed"]
    assert {one["id"] for one in confirmed} >= {one for one in ids if one} - {
        one["id"] for one in bookings if one["status"] != "confirmed"
    }
    assert len(confirmed) > BOOKINGS // 2
    assert overlaps(bookings, 10) == []
    mails = mails_to(embedded_servers, f"@{work.workspace}.example.net")
    assert sorted(to for to, _ in mails) == sorted(one["guest"]["email"] for one in confirmed)
    # What notify was handing over when it was killed may have come twice: the very same mail, and no other.
    assert mails.total() - len(mails) <= sweeper.AT_ONCE
