"""The guests: k6 in waves that follow each other without a pause, and a board of what each of them was told."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.chaos.world import World
from tests.support.workload import sign_up

SCRIPT = Path(__file__).with_name("guests.js")
WAVE_SECONDS = 15
LEAD_SECONDS = 1.0
"""How long k6 takes to begin."""
READ_EVERY_SECONDS = 0.1
TEAMS = 16
TEAM_OF = 2
ALONE = 8
SETTING_UP_AT_ONCE = 6


@dataclass(slots=True)
class Guest:
    """What one guest asked and was told. Times are seconds since the epoch."""

    number: int
    asked: float
    answered: float | None = None
    http: int = 0
    id: str | None = None
    told: str | None = None
    """the latest status that an answer named"""
    told_at: float | None = None
    first_told: str | None = None
    code: str | None = None
    tries: int = 0
    start: str | None = None
    """the start that was promised last by a 2xx"""
    maybe: set[str] = field(default_factory=set)
    """starts asked for by moves of which no answer tells"""
    cancels: bool = False
    cancelled: bool = False
    odd: list[str] = field(default_factory=list)
    """answers that nobody expects"""

    @property
    def confirmed_at(self) -> float | None:
        """When they were told that they are booked."""
        return self.told_at if self.first_told == "confirmed" else None


class Board:
    """What all guests said so far, and who was confirmed when."""

    def __init__(self) -> None:
        self.guests: dict[int, Guest] = {}

    def hear(self, lines: Iterable[str]) -> None:
        """Lines of the script."""
        for line in lines:
            if line.startswith("{"):
                self._hear(json.loads(line))

    def confirmed_after(self, moment: float) -> float | None:
        """When the first guest who asked after `moment` was told that they are booked."""
        times = [
            guest.confirmed_at
            for guest in self.guests.values()
            if guest.asked >= moment and guest.confirmed_at is not None
        ]
        return min(times, default=None)

    def confirmed_between(self, begin: float, end: float) -> int:
        """How many were told so in that time."""
        return sum(
            guest.confirmed_at is not None and begin <= guest.confirmed_at < end for guest in self.guests.values()
        )

    @property
    def waiting(self) -> int:
        """Guests without a final answer."""
        return sum(guest.first_told is None for guest in self.guests.values())

    def _hear(self, said: dict[str, Any]) -> None:
        at, n = said["at"] / 1000, int(said["n"])
        if said["what"] == "asks":
            self.guests[n] = Guest(n, at)
            return
        guest = self.guests[n]
        match said["what"]:
            case "answered":
                self._answered(guest, said, at)
            case "decided":
                guest.told = guest.first_told = str(said["status"])
                guest.told_at, guest.code = at, said.get("code")
            case "moves":
                guest.maybe.add(said["start"])
            case "moved":
                self._moved(guest, said)
            case "cancels":
                guest.cancels = True
            case _:
                guest.cancelled = said["outcome"] == "cancelled"
                if not guest.cancelled:
                    guest.odd.append(f"cancel: {said['outcome']}")

    def _answered(self, guest: Guest, said: dict[str, Any], at: float) -> None:
        guest.answered, guest.http, guest.tries = at, said["http"], said["tries"]
        guest.id, guest.start, guest.code = said.get("id"), said.get("start"), said.get("code")
        if guest.http == 201:
            guest.told, guest.first_told, guest.told_at = said["status"], said["status"], at
        elif guest.http == 202:
            guest.told = "requested"
        elif guest.http == 409:
            guest.told = guest.first_told = "refused"
            guest.told_at, guest.id, guest.start = at, None, None
        else:
            guest.told = guest.first_told = "unknown"
            guest.odd.append(f"booking: http {guest.http} {guest.code or ''}")

    def _moved(self, guest: Guest, said: dict[str, Any]) -> None:
        if said["outcome"] == "moved":
            guest.start = said["start"]
        if said["outcome"] in {"moved", "refused"}:
            guest.maybe.discard(said["start"])
        else:
            guest.odd.append(f"move: {said['outcome']}")


class Guests:
    """Waves of k6 against the calendars of one world."""

    def __init__(self, world: World, calendars: list[str], staff: dict[str, str], *, rate: int, seed: int) -> None:
        self.board = Board()
        self.staff = staff
        self.calendars = calendars
        self.dropped = 0
        self.rate = rate
        self._seed = seed
        self._world = world
        self._first = 0
        self._waves: list[asyncio.Task[None]] = []
        self._base = (datetime.now(UTC) + timedelta(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)

    async def book(self, until: asyncio.Event) -> None:
        """Let them come until the event is set; returns when no more come."""
        while not until.is_set():
            self._waves.append(asyncio.create_task(self._wave(len(self._waves), self._first)))
            self._first += self.rate * (WAVE_SECONDS + 1)
            try:
                async with asyncio.timeout(WAVE_SECONDS if len(self._waves) > 1 else WAVE_SECONDS + LEAD_SECONDS):
                    await until.wait()
            except TimeoutError:
                for wave in self._waves:
                    if wave.done():
                        wave.result()

    async def gone(self) -> None:
        """Wait until the last guest has an answer."""
        await asyncio.gather(*self._waves)

    async def _wave(self, number: int, first: int) -> None:
        out = self._world.folder / f"wave-{number}.json"
        said = self._world.folder / f"wave-{number}.jsonl"
        told = {
            "URL": f"{self._world.url('booking')}/api/v1",
            "CALENDARS": json.dumps(self.calendars),
            "BASE": str(int(self._base.timestamp() * 1000)),
            "FIRST": str(first),
            "RATE": str(self.rate),
            "SECONDS": str(WAVE_SECONDS),
            "SEED": str(self._seed),
            "VUS": str(4 * self.rate),
            "MOST_VUS": str(100 * self.rate),
            "OUT": str(out),
        }
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).with_name("k6")),
            *("run", "--quiet", "--no-usage-report", "--address", "127.0.0.1:0"),
            *("--console-output", str(said), "--log-format", "raw", str(SCRIPT)),
            env={**os.environ, **told},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        complaining = asyncio.create_task(_last_words(process.stderr))
        reading = asyncio.create_task(self._read(said, process))
        try:
            code = await process.wait()
            await reading
            complaints = await complaining
        finally:
            reading.cancel()
            complaining.cancel()
            if process.returncode is None:
                process.kill()
                await process.wait()
        if not out.exists():
            raise RuntimeError(f"k6 ended with {code} without a summary:\n{complaints}")
        self.dropped += int(json.loads(out.read_text())["dropped"])

    async def _read(self, said: Path, process: asyncio.subprocess.Process) -> None:
        """Hear whole lines as they are written."""
        place = 0
        while True:
            over = process.returncode is not None
            if said.exists():
                with said.open("rb") as file:
                    file.seek(place)
                    whole, newline, _ = file.read().rpartition(b"\n")
                place += len(whole) + len(newline)
                self.board.hear(whole.decode().splitlines())
            if over:
                return
            await asyncio.sleep(READ_EVERY_SECONDS)


async def _last_words(stream: asyncio.StreamReader | None) -> str:
    """The end of what a process complains about, read as it comes so that it never blocks."""
    said = b""
    while stream is not None and (chunk := await stream.read(65536)):
        said = (said + chunk)[-2000:]
    return said.decode(errors="replace")


async def made(world: World, *, rate: int, seed: int) -> Guests:
    """Calendars by the public API: teams and people who are alone; everybody works around the clock."""
    staff = await sign_up(world, "chaos")
    at_once = asyncio.Semaphore(SETTING_UP_AT_ONCE)

    async def host(name: str) -> str:
        person = {"name": name, "email": f"{name}@chaos.example.org", "tz": "Europe/Berlin", "role": "member"}
        member_id = str((await world.call("POST", "/members", person, staff))["id"])
        hours = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "24:00"}]
        body = {"member_id": member_id, "name": "Hours", "tz": "Europe/Berlin", "weekly": hours}
        await world.call("POST", "/schedules", body, staff)
        return member_id

    async def calendar(number: int) -> str:
        async with at_once:
            team = number < TEAMS
            members = [{"member_id": await host(f"host{number}-{n}")} for n in range(TEAM_OF if team else 1)]
            body = {
                "kind": "round_robin" if team else "personal",
                "slug": f"c{number}",
                "name": f"C {number}",
                "tz": "Europe/Berlin",
                "optimize": "equal" if number % 2 else "availability",
                "reschedule_policy": "reassign" if number % 4 < 2 else "same_host",
                "members": members,
            }
            made = await world.call("POST", "/calendars", body, staff)
            waiting = {**staff, "Prefer": "wait=30"}
            return str((await world.call("POST", f"/calendars/{made['id']}/publish", None, waiting))["id"])

    calendars = list(await asyncio.gather(*(calendar(number) for number in range(TEAMS + ALONE))))
    return Guests(world, calendars, staff, rate=rate, seed=seed)


def now() -> float:
    """Seconds since the epoch, as the script says them too."""
    return time.time()
