"""All services in one process over real servers, spoken to through the public API only; one system for all tests here.

The clock begins before the workloads' window (`BEFORE`), so tests name dates and pass in any year. Tests share the
system and keep apart by workspace: `slug()` is a new one.
"""

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.support.stack import broker_in
from tests.support.system import System, eventually
from tests.support.workload import BEFORE, sign_up
from turnus_runtime.embedded import Endpoints

SERVICES = ("accounts", "booking", "availability", "assignment", "notify")
_NUMBERS = itertools.count(1)


def slug(name: str = "ws") -> str:
    """The slug of a workspace that no other test has."""
    return f"{name}-{next(_NUMBERS)}"


class Refused(Exception):
    """The API said no; `answer` is what it said."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:500]}")
        self.answer = answer


@dataclass(frozen=True)
class Api:
    """The public API of a running system."""

    system: System

    async def send(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None, **more: Any
    ) -> httpx.Response:
        content = {} if body is None else {"json": body}
        return await self.system.client.request(
            method, f"/api/v1{path}", headers=dict(headers or {}), **content, **more
        )

    async def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """The answer of a request that must succeed, asked again while a service waits for its first signing key."""
        answers: list[httpx.Response] = []

        async def answered() -> bool:
            answers.append(await self.send(method, path, body, headers))
            return answers[-1].status_code != 503

        await eventually(answered)
        if not answers[-1].is_success:
            raise Refused(answers[-1])
        return dict(answers[-1].json()) if answers[-1].content else {}

    async def slots(self, calendar: str, start: str, end: str | None = None, **more: str) -> list[str]:
        """The starts offered from one day to another, as they are answered."""
        params = {"calendar": calendar, "start": start, "end": end or start, **more}
        answer = await self.send("GET", "/slots", params=params)
        assert answer.status_code == 200, answer.text
        return [found for day in answer.json()["days"].values() for found in day]

    async def book(self, calendar: str, start: str, n: int = 1, **more: Any) -> httpx.Response:
        """Ask for a time as guest number `n`, who waits for the decision however busy the machine is."""
        guest = {"name": f"Guest {n}", "email": f"guest{n}@example.org"}
        body = {"calendar": calendar, "start": start, "tz": "Europe/Berlin", "guest": guest, **more}
        return await self.send("POST", "/bookings", body, {"Prefer": "wait=30"})


@dataclass(frozen=True)
class Office:
    """A workspace whose owner is signed in."""

    api: Api
    slug: str
    staff: dict[str, str]

    async def made(self, path: str, body: Any, **headers: str) -> dict[str, Any]:
        return await self.api.call("POST", path, body, {**self.staff, **headers})

    async def member(self, name: str = "Ada", tz: str = "Europe/Berlin") -> str:
        email = f"{name.lower()}@{self.slug}.example.org"
        return str((await self.made("/members", {"name": name, "email": email, "tz": tz, "role": "member"}))["id"])

    async def hours(self, member_id: str, start: str = "09:00", end: str = "12:00", **more: Any) -> dict[str, Any]:
        """A schedule with the same hours on every day."""
        weekly = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": start, "end": end}]
        body = {"member_id": member_id, "name": "Hours", "tz": "Europe/Berlin", "weekly": weekly, **more}
        return await self.made("/schedules", body)

    async def host(self, name: str = "Ada", start: str = "09:00", end: str = "12:00", **more: Any) -> str:
        """A member with these hours on every day."""
        member_id = await self.member(name)
        await self.hours(member_id, start, end, **more)
        return member_id

    async def draft(self, name: str, members: list[str], **more: Any) -> dict[str, Any]:
        kind = "round_robin" if len(members) > 1 else "personal"
        told = {"kind": kind, "slug": name, "name": name.title(), "tz": "Europe/Berlin"}
        return await self.made("/calendars", {**told, "members": [{"member_id": one} for one in members], **more})

    async def publish(self, calendar_id: str) -> dict[str, Any]:
        return await self.made(f"/calendars/{calendar_id}/publish", None, Prefer="wait=30")

    async def calendar(self, name: str, members: list[str], **more: Any) -> dict[str, Any]:
        """A published calendar."""
        return await self.publish((await self.draft(name, members, **more))["id"])


async def office(api: Api, name: str = "ws") -> Office:
    """A new workspace."""
    new = slug(name)
    return Office(api, new, await sign_up(api, new))


@asynccontextmanager
async def started(servers: Endpoints, tmp_path_factory: pytest.TempPathFactory, **settings: Any) -> AsyncIterator[Api]:
    """All services on a broker of their own."""
    async with broker_in(tmp_path_factory.mktemp("api") / "broker") as kafka_url:
        system = System(servers, SERVICES, kafka_url=kafka_url, clock_start=BEFORE, **settings)
        async with system.running():
            yield Api(system)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def api(embedded_servers: Endpoints, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    """The system that the tests of this folder share."""
    async with started(embedded_servers, tmp_path_factory) as running:
        yield running
