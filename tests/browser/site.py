"""The whole system at one real address, for a browser: all services in one process on a thread of its own."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from tests.support.system import System, Tenant
from turnus_runtime.embedded import Endpoints
from turnus_runtime.process import listening

T = TypeVar("T")
FIRST_DAY = "2027-01-04T06:00:00Z"
"""The Monday on which this installation begins to run, so that the tests pass in any year."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """`url` is what browsers open. `call` runs something on the loop of the services."""

    def __init__(self, endpoints: Endpoints, services: Sequence[str], **settings: Any) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.system = System(
            endpoints,
            services,
            public_url=self.url,
            api_url=self.url,
            trusted_proxies=("127.0.0.1/32",),
            clock_start=FIRST_DAY,
            **settings,
        )
        self.tenant: Tenant
        self._ready: Future[None] = Future()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()
        self._ready.result(60)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        try:
            async with (
                self.system.running() as system,
                listening(system.process.app(), "127.0.0.1", self.port),
            ):
                self.tenant = await system.tenant("sonnenhof")
                self._ready.set_result(None)
                await self._end.wait()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise

    def host(self, name: str, tz: str = "Europe/Berlin", **weekly: Any) -> str:
        """A member who works every day from nine to five."""
        return self.call(self._host(name, tz, weekly))

    def calendar(self, slug: str, members: Sequence[str], **more: Any) -> str:
        """A published calendar; gives its address."""
        return self.call(self._calendar(slug, members, more))

    def book(self, address: str, start: str, **more: Any) -> dict[str, Any]:
        """A booking by the API, as another guest would make it."""
        body = {
            "calendar": address,
            "start": start,
            "tz": "Europe/Berlin",
            "guest": {"name": "Somebody Else", "email": "else@example.org"},
            **more,
        }
        return self.call(self._post("/bookings", body, 201))

    def slots(self, address: str, start: str, end: str, tz: str = "Europe/Berlin") -> list[str]:
        """Free starts by the API."""
        return self.call(self._slots(address, start, end, tz))

    def retire(self, address: str) -> None:
        """Close a calendar."""
        self.call(self._retire(address))

    async def _host(self, name: str, tz: str, weekly: dict[str, Any]) -> str:
        member_id = await self.tenant.member(name, tz)
        hours = {"days": [1, 2, 3, 4, 5, 6, 7], "start": "09:00", "end": "17:00", **weekly}
        body = {"member_id": member_id, "name": "Hours", "tz": tz, "weekly": [hours]}
        await self._post("/schedules", body, 201, member_id)
        return member_id

    async def _calendar(self, slug: str, members: Sequence[str], more: dict[str, Any]) -> str:
        body = {
            "kind": "round_robin" if len(members) > 1 else "personal",
            "slug": slug,
            "name": slug.title(),
            "tz": "Europe/Berlin",
            "members": [{"member_id": member_id} for member_id in members],
            **more,
        }
        made = await self._post("/calendars", body, 201, members[0])
        await self._post(f"/calendars/{made['id']}/publish", None, 200, members[0])
        return str(made["address"])

    async def _retire(self, address: str) -> None:
        member = self.tenant.members[0]
        public = await self.system.client.get("/api/v1/calendars", params={"address": address})
        await self._post(f"/calendars/{public.json()['id']}/retire", None, 200, member)

    async def _slots(self, address: str, start: str, end: str, tz: str) -> list[str]:
        params = {"calendar": address, "start": start, "end": end, "tz": tz}
        answer = await self.system.client.get("/api/v1/slots", params=params)
        assert answer.status_code == 200, answer.text
        return [at for starts in answer.json()["days"].values() for at in starts]

    async def _post(
        self, path: str, body: dict[str, Any] | None, status: int, member_id: str | None = None
    ) -> dict[str, Any]:
        headers = self.tenant.headers(member_id) if member_id else {}
        answer = await self.system.client.post(f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return dict(answer.json())
