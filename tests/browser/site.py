"""The whole system at one real address, for a browser: all services in one process on a thread of its own."""

import asyncio
import contextlib
import io
import itertools
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import Any, TypeVar

import httpx
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from tests.support.processes import free_port
from tests.support.system import given
from turnus_runtime import logs
from turnus_runtime.consume import dead_letter_topic
from turnus_runtime.embedded import Endpoints
from turnus_runtime.embedded.mailbox_pages import mailbox_router
from turnus_runtime.ids import RandomIds
from turnus_runtime.listening import listening
from turnus_runtime.ports import Message
from turnus_runtime.process import Process, installed

T = TypeVar("T")
FIRST_DAY = "2027-01-04T06:00:00Z"
"""The Monday on which this installation begins to run, so that the tests pass in any year."""
OWNER_EMAIL, OWNER_PASSWORD = "olga@sonnenhof.example.org", "correct horse battery staple"
SERVICES = ("accounts", "booking", "availability", "assignment", "notify", "web")


class Site:
    """`url` is what browsers open; the workspace is `sonnenhof`. `call` runs something on the loop of the services."""

    def __init__(self, endpoints: Endpoints, **settings: Any) -> None:
        self.endpoints = endpoints
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = io.StringIO()
        self.process: Process
        self.client: httpx.AsyncClient
        self._given = given(
            endpoints,
            f"b{RandomIds().fresh('p')[-8:]}",
            public_url=self.url,
            api_url=self.url,
            trusted_proxies=("127.0.0.1/32",),
            clock_start=FIRST_DAY,
            **{"demo": True, **settings},
        )
        self._staff: dict[str, str] = {}
        self._names = itertools.count(1)
        self._ready: Future[None] = Future()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),))
        self._thread.start()
        self._ready.result(180)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(180)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()
        self._loop.close()

    def host(self, name: str, tz: str = "Europe/Berlin", **weekly: Any) -> str:
        """A member who works every day from nine to five."""
        email = f"{name.split(maxsplit=1)[0].lower()}.{next(self._names)}@sonnenhof.example.org"
        made = self.post("/members", {"name": name, "email": email, "tz": tz}, 201, staff=True)
        hours = {"days": [1, 2, 3, 4, 5, 6, 7], "start": "09:00", "end": "17:00", **weekly}
        schedule = {"member_id": made["id"], "name": "Hours", "tz": tz, "weekly": [hours]}
        self.post("/schedules", schedule, 201, staff=True)
        return str(made["id"])

    def owner_id(self) -> str:
        """The member who owns the workspace."""
        session = self.call(self._send("GET", "/sessions/current", None, 200, staff=True))
        return str(session["member_id"])

    def given_up(self, service: str, topic: str, about: str, **told: str) -> None:
        """A message of the workspace that a service gave up, as it would have put it aside."""
        session = self.call(self._send("GET", "/sessions/current", None, 200, staff=True))
        headers = {"workspace_id": session["workspace_id"], "origin_topic": topic, "error": "KeyError", **told}
        value = b"" if topic == "GuestDetailsGiven" else b"{}"
        letter = Message(dead_letter_topic(service), about, value, headers)
        self.call(self.process.broker.publish([letter]))

    def calendar(self, members: Sequence[str], slug: str | None = None, **more: Any) -> str:
        """A published calendar; gives its address."""
        body = {
            "kind": "round_robin" if len(members) > 1 else "personal",
            "slug": slug or f"calendar-{next(self._names)}",
            "name": "Beratung",
            "tz": "Europe/Berlin",
            "members": [{"member_id": member_id} for member_id in members],
            **more,
        }
        made = self.post("/calendars", body, 201, staff=True)
        self.post(f"/calendars/{made['id']}/publish", None, 200, staff=True)
        return str(made["address"])

    def change(self, address: str, **settings: Any) -> None:
        """Change a calendar and publish it again."""
        calendar_id = self.get("/calendars", address=address)["id"]
        self.patch(f"/calendars/{calendar_id}", **settings)
        self.post(f"/calendars/{calendar_id}/publish", None, 200, staff=True)

    def patch(self, path: str, **settings: Any) -> None:
        """Change something as staff."""
        self.call(self._send("PATCH", path, settings, 200, staff=True))

    def permit(self, member_id: str, permissions: Mapping[str, Any]) -> None:
        """Give a member permissions of their own."""
        self.call(self._send("PATCH", f"/members/{member_id}", {"permissions": permissions}, 200, staff=True))

    def retire(self, address: str) -> None:
        """Close a calendar."""
        calendar_id = self.get("/calendars", address=address)["id"]
        self.post(f"/calendars/{calendar_id}/retire", None, 200, staff=True)

    def book(self, address: str, start: str, **more: Any) -> dict[str, Any]:
        """A booking by the API, as another guest would make it."""
        guest = {"name": "Somebody Else", "email": "else@example.org"}
        return self.post(
            "/bookings", {"calendar": address, "start": start, "tz": "Europe/Berlin", "guest": guest, **more}, 201
        )

    def slots(self, address: str, day: str, tz: str = "Europe/Berlin") -> list[str]:
        """Free starts of a day by the API."""
        return list(self.get("/slots", calendar=address, start=day, end=day, tz=tz)["days"].get(day, []))

    def get(self, path: str, **params: str) -> dict[str, Any]:
        return self.call(self._send("GET", f"{path}?{httpx.QueryParams(params)}", None, 200))

    def listed(self, path: str) -> list[dict[str, Any]]:
        """Everything that staff find in a list."""
        found: list[dict[str, Any]] = []
        after: dict[str, Any] = {"limit": 200}
        while after:
            page = self.call(self._send("GET", f"{path}?{httpx.QueryParams(after)}", None, 200, staff=True))
            found += page["items"]
            after = {"limit": 200, "after": page["next"]} if page["next"] else {}
        return found

    def post(self, path: str, body: Any, status: int, *, staff: bool = False) -> dict[str, Any]:
        return self.call(self._send("POST", path, body, status, staff=staff))

    def mails(self, to: str, count: int) -> list[dict[str, Any]]:
        """The mails to somebody as the mailbox shows them, oldest first, once there are `count`."""
        return self.call(self._mails(to, count))

    @contextlib.contextmanager
    def without(self, service: str) -> Iterator[None]:
        """Nobody hears events for that service meanwhile; it goes on afterwards where it stopped."""
        host = self.process.hosts[service]
        assert host.consumer is not None
        self.call(host.consumer.stop())
        try:
            yield
        finally:
            self.call(host.start(consume=True, jobs=False))

    @contextlib.contextmanager
    def without_api(self) -> Iterator[None]:
        """The pages do not reach the API meanwhile."""
        client = self.process.hosts["web"].ports.effects._client
        known, client.base_url = client.base_url, f"http://127.0.0.1:{free_port()}"
        try:
            yield
        finally:
            client.base_url = known

    def later(self, **time: float) -> None:
        """So much later, for everybody."""
        self.process.clock._moved += timedelta(**time)

    async def _mails(self, to: str, count: int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        async with asyncio.timeout(120):
            while len(found) < count:
                await asyncio.sleep(0.05)
                found = (await self.client.get(f"{self.url}/mailbox/messages.json", params={"to": to})).json()
        opened = [(await self.client.get(f"{self.url}/mailbox/{mail['id']}.json")).json() for mail in found]
        for mail in opened:
            for part in mail["attachments"]:
                part["text"] = (await self.client.get(f"{self.url}{part['href']}")).text
        return opened[::-1]

    async def _run(self) -> None:
        try:
            async with self._running():
                self._ready.set_result(None)
                await self._end.wait()
        except BaseException as error:
            if not self._ready.done():
                self._ready.set_exception(error)
            raise

    @contextlib.asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        pages = FastAPI(openapi_url=None)
        pages.include_router(mailbox_router(self.endpoints.mailbox))

        async def mailbox(scope: Scope, receive: Receive, send: Send) -> None:
            await pages({**scope, "root_path": ""}, receive, send)

        self.process = Process(installed(SERVICES), given=self._given, mounts={"/mailbox": mailbox})
        logs.configure(self.process.settings, self.log)
        await self.process.start()
        try:
            async with (
                listening(self.process.app(), "127.0.0.1", self.port),
                httpx.AsyncClient(
                    base_url=f"{self.url}/api/v1", timeout=60, headers={"Prefer": "wait=20"}
                ) as self.client,
            ):
                await self._found_workspace()
                yield
        finally:
            await self.process.stop()

    async def _found_workspace(self) -> None:
        owner = {
            "name": "Olga Sommer",
            "email": OWNER_EMAIL,
            "password": OWNER_PASSWORD,
        }
        workspace = {"slug": "sonnenhof", "name": "Sonnenhof", "tz": "Europe/Berlin", "locale": "de", "owner": owner}
        await self._send("POST", "/workspaces", workspace, 201)
        sign_in = {"workspace": "sonnenhof", "email": owner["email"], "password": owner["password"]}
        session = await self._send("POST", "/sessions", sign_in, 201)
        self._staff = {"Authorization": f"Bearer {session['token']}"}
        for path in ("/sessions/current", "/calendars", "/schedules", "/notifications", "/operations/assignment"):
            async with asyncio.timeout(60):
                while (await self.client.get(path, headers=self._staff)).status_code in (401, 503):  # noqa: ASYNC110
                    await asyncio.sleep(0.05)

    async def _send(
        self, method: str, path: str, body: Any, status: int, *, staff: bool = False, token: str | None = None
    ) -> dict[str, Any]:
        headers = self._staff if staff else {"Authorization": f"Bearer {token}"} if token else {}
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return dict(answer.json())
