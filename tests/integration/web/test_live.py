"""`/console/live`: pages of the console are told that they changed, by the events of the services."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from tests.integration.web.test_console import Console, _own_id, console, draft
from tests.support.system import eventually

__all__ = ["console"]
START = "2027-01-11T09:00:00+01:00"


class Stream:
    """What a browser was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    @property
    def changes(self) -> int:
        return self.lines.count("data: changed")

    async def told_more(self, before: int) -> None:
        async def more() -> bool:
            return self.changes > before

        await eventually(more)


@asynccontextmanager
async def listening(client: httpx.AsyncClient, path: str = "/console/live") -> AsyncIterator[Stream]:
    stream = Stream()
    async with client.stream("GET", path) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"

        async def read() -> None:
            async for line in answer.aiter_lines():
                stream.lines.append(line)

        reading = asyncio.create_task(read())

        async def opened() -> bool:
            return "retry: 3000" in stream.lines

        await eventually(opened)
        try:
            yield stream
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)


async def book(console: Console, start: str = START) -> dict[str, Any]:
    body = {
        "calendar": "sonnenhof/beratung",
        "start": start,
        "tz": "Europe/Berlin",
        "guest": {"name": "Grace Hopper", "email": "grace@example.org"},
    }
    answer = await console.client.post("/api/v1/bookings", json=body, headers={"Prefer": "wait=20"})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def open_calendar(console: Console) -> None:
    await console.post("/availability", tz="Europe/Berlin", hours_1_start="09:00", hours_1_end="17:00")
    made = await console.post("/calendars/new/personal", publish="1", **draft(member=await _own_id(console)))
    assert made.status_code == 303, made.text


async def test_the_overview_is_told_of_bookings_and_a_booking_of_what_happens_to_itself(console: Console) -> None:
    await open_calendar(console)
    async with listening(console.client) as overview:
        first = await book(console)
        await overview.told_more(0)
        async with listening(console.client, f"/console/live?booking={first['id']}") as own:
            await console.system.quiet()
            before, seen = own.changes, overview.changes
            await book(console, "2027-01-11T11:00:00+01:00")
            await overview.told_more(seen)
            await console.system.quiet()
            assert own.changes == before
            bearer = {"Authorization": f"Bearer {first['token']}"}
            cancelled = await console.client.post("/api/v1/bookings/current/cancel", json={}, headers=bearer)
            assert cancelled.status_code == 200, cancelled.text
            await own.told_more(before)
            told = {line for line in (*own.lines, *overview.lines) if line}
            assert told <= {"retry: 3000", "data: changed", ": still here"}


async def test_who_may_not_see_a_booking_is_not_told_of_it(console: Console) -> None:
    await open_calendar(console)
    booking = await book(console)
    page = f"/console/live?booking={booking['id']}"
    for path in ("/console/live?booking=bk_unknown", "/console/live?booking=%00", "/console/live?booking="):
        assert (await console.client.get(path)).status_code == 404, path
    console.client.cookies.clear()
    other = {"workspace_name": "Waldhof", "slug": "waldhof", "name": "Wim", "email": "wim@example.org"}
    begun = await console.post("/start", password="correct horse battery", tz="Europe/Berlin", locale="de", **other)
    assert begun.status_code == 303, begun.text
    assert (await console.client.get(page)).status_code == 404, "another workspace's"
    console.client.cookies.clear()
    for path in (page, "/console/live"):
        assert (await console.client.get(path)).headers["location"].startswith("/console/sign-in"), path


async def test_pages_that_listen_say_where_and_have_a_link_for_browsers_that_do_not(console: Console) -> None:
    await open_calendar(console)
    booking = await book(console)
    for path, stream in (
        ("/console", "/console/live"),
        (f"/console/bookings/{booking['id']}", "/console/live?booking="),
    ):
        text = (await console.client.get(path)).text
        assert f'data-stream="{stream}' in text
        assert '<a class="by-hand" href="">' in text
