"""Guests, as people are: they try again with and without the same key, click twice, use two tabs, change their minds,
and come back days later.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from starlette.requests import Request

from services.availability.routes.slots import list_slots
from services.booking.routes.bookings import (
    assign_booking,
    cancel_booking,
    create_booking,
    mark_attendance,
    reschedule_booking,
)
from services.booking.routes.views import AssignIn, AttendanceIn, CancelIn, GuestIn, MoveIn, NewBooking
from tests.simulation.process import Unreachable
from turnus_runtime.http import Idempotency
from turnus_runtime.http.problems import Problem
from turnus_runtime.turn import Turn

if TYPE_CHECKING:
    from tests.simulation.people import People
    from tests.simulation.world import World

NOBODY = Request({"type": "http", "query_string": b"", "headers": []})
"""Whoever asks, by no header: what they may is said by their token."""
FINAL = {"slot_taken": "refused", "slot_not_offered": "refused", "request_expired": "expired"}
PASSING = ("calendar_retired", "calendar_changed", "move_in_progress", "booking_over", "booking_undecided", "not_begun")
MOST_TRIES = 25
Post = Callable[[Turn], Awaitable[Any]]


@dataclass
class Known:
    """A booking as its guest knows it, and how it was asked for."""

    id: str
    token: str
    post: Post
    key: Idempotency


class Guest:
    """One guest, who books once and may change it."""

    def __init__(self, world: "World", people: "People", number: int) -> None:
        self.number = number
        self.there = world.lot.allows(f"guest {number}")
        self.known: Known | None = None
        self._world = world
        self._people = people
        self._chances = world.lot.stream(f"guest {number}")
        self._rng = self._chances.rng
        self._list = world.lot.stream(f"list of guest {number}")
        self._keys = 0
        self._moves: dict[str, MoveIn] = {}

    async def live(self, before: float | None = None) -> None:
        """Come at some time, book, and change it a few times."""
        rng = self._rng
        if before is None:
            late = rng.uniform(0.0, min(self._people.seconds, 60.0) * 0.7)
            before = late if self._chances.happens(0.7, "late") else 1.0
        await asyncio.sleep(before)
        await self._book()
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            pause = rng.choice((0.0, 0.3, 3.0, 15.0, 59.0))
            if self.known is not None and self._chances.happens(1.0, "change"):
                await asyncio.sleep(pause)
                await self.change()

    async def change(self) -> None:
        """Cancel, move, be handed over to another host; or cancel in one tab what is moved in the other."""
        known, rng = self.known, self._rng
        if known is None:
            return
        what = rng.random()
        if what < 0.3:
            await self._cancel(known)
        elif what < 0.75:
            key = self._fresh_key()
            tabs = 2 if self._chances.happens(0.25, "double click") else 1
            await asyncio.gather(*(self._move(known, key) for _ in range(tabs)))
        elif what < 0.9:
            await asyncio.gather(
                self._cancel(known, rng.choice((0.0, 0.01, 0.1))), self._move(known, self._fresh_key())
            )
        else:
            key, to = self._fresh_key(), AssignIn(host_id=rng.choice(self._people.members))
            await self._persist(lambda on: assign_booking(known.id, self._people.owner, to, key, 2.0, on), key)

    async def come_back(self) -> None:
        """Days later: reload the page of the request, change it again; staff say who came, and correct themselves."""
        known, rng = self.known, self._rng
        if known is None:
            return
        what = rng.random()
        if what < 0.2:
            await self._persist(known.post, known.key)
        elif what < 0.5:
            said = rng.choice(("attended", "no_show"))
            await self._mark(known, said)
            if self._chances.happens(0.6, "correction"):
                await self._mark(known, "no_show" if said == "attended" else "attended")
        elif what < 0.7:
            await self.change()

    # -- inside

    async def _book(self) -> None:
        """Book, with the same key until there is an answer; sometimes twice at once, sometimes without any key."""
        rng, people = self._rng, self._people
        calendar, start = rng.choice(people.calendars), people.start(rng)
        body = NewBooking(
            calendar=calendar,
            start=await self._chosen(calendar) or start,
            tz="UTC",
            guest=GuestIn(name=f"Guest {self.number}", email=f"guest{self.number}@example.org"),
            host_id=rng.choice(people.members) if rng.random() < 0.1 else None,
        )
        key = self._fresh_key() if rng.random() < 0.9 else Idempotency(None, "")
        wait = rng.choice((0.0, 2.0, 10.0))
        post: Post = lambda on: create_booking(body, None, key, wait, on)  # noqa: E731
        tabs = 2 if key.key is not None and self._chances.happens(0.25, "double click") else 1
        answers = await asyncio.gather(*(self._persist(post, key) for _ in range(tabs)))
        found = {answer["id"]: answer["token"] for answer in answers if answer is not None}
        if len(found) > 1:
            self._world.fail(f"one command made two bookings: {sorted(found)}")
        if found:
            self.known = Known(*next(iter(found.items())), post, key)
        elif key.key is None and self._chances.happens(0.7, "tries again with a new key"):
            again = self._fresh_key()
            post = lambda on: create_booking(body, None, again, wait, on)  # noqa: E731
            answer = await self._persist(post, again)
            self.known = Known(answer["id"], answer["token"], post, again) if answer is not None else None

    async def _chosen(self, calendar: str) -> datetime | None:
        """A start of a list that was read a while ago, for whoever goes by one."""
        if not self._list.happens(0.3, "reads the list"):
            return None
        rng, day = self._list.rng, self._people.start(self._list.rng).date()
        asked: dict[str, Any] = {"calendar": calendar, "start": day, "end": day, "tz": "UTC"}
        none = dict.fromkeys(("host_id", "booking_id", "with_"))
        try:
            answer = await self._world.ask(
                "availability", lambda on: list_slots(NOBODY, on, 0.0, **asked, **none), 5.0, self._list
            )
        except (Unreachable, Problem):
            return None
        starts = [start for starts in json.loads(answer.body)["days"].values() for start in starts]
        await asyncio.sleep(rng.choice((0.0, 1.0, 10.0, 30.0)))
        return datetime.fromisoformat(rng.choice(starts)) if starts else None

    async def be_overbooked(self, host_id: str) -> None:
        """Staff book for them, whatever is in the way; from then on they are a guest like any other."""
        rng, people = self._rng, self._people
        body = NewBooking(
            calendar=people.calendars[0],
            start=people.start(rng),
            tz="UTC",
            guest=GuestIn(name=f"Guest {self.number}", email=f"guest{self.number}@example.org"),
            host_id=host_id,
            overbook=True,
            reason="They were on the phone",
        )
        key = self._fresh_key()
        post: Post = lambda on: create_booking(body, people.owner, key, 2.0, on)  # noqa: E731
        made = await self._persist(post, key)
        if made is not None:
            self.known = Known(made["id"], made["token"], post, key)
            if self._chances.happens(0.5, "change"):
                await self.change()

    async def _cancel(self, known: Known, after: float = 0.0) -> None:
        await asyncio.sleep(after)
        await self._persist(
            lambda on: cancel_booking(known.id, NOBODY, known.token, CancelIn(reason=None), None, on), None
        )

    async def _move(self, known: Known, key: Idempotency) -> None:
        move, wait = MoveIn(start=self._people.start(self._rng)), self._rng.choice((0.0, 5.0))
        # The second click sends what the first one did.
        move = self._moves.setdefault(key.key or "", move)
        await self._persist(
            lambda on: reschedule_booking(known.id, NOBODY, known.token, move, key, None, wait, on), key
        )

    async def _mark(self, known: Known, status: str) -> None:
        came = AttendanceIn(status=cast("Any", status))
        await self._persist(lambda on: mark_attendance(known.id, self._people.owner, came, on), None)

    async def _persist(self, post: Post, key: Idempotency | None) -> dict[str, Any] | None:
        """Try until there is an answer, as a patient guest would; None if there is nothing to be had."""
        rng, name = self._rng, key.key if key is not None else None
        for tried in range(MOST_TRIES):
            try:
                response = await self._world.ask("booking", post, rng.choice((1.0, 8.0, 30.0)), self._chances)
            except Unreachable:
                if key is not None and name is None:
                    return None
                await asyncio.sleep(rng.uniform(0.1, 2.0) * (1 + tried))
                continue
            except Problem as problem:
                if problem.code in FINAL and name is not None:
                    self._world.watch.told(name, FINAL[problem.code])
                elif problem.code not in FINAL and problem.code not in PASSING and problem.status != 422:
                    self._world.fail(f"a guest was told {problem.status} {problem.code}")
                return None
            body = json.loads(response.body)
            if response.status_code == 202 and rng.random() < 0.6 and name is not None:
                await asyncio.sleep(rng.uniform(0.5, 2.5) * (1 + tried))
                continue
            if name is not None and response.status_code != 202:
                self._world.watch.told(name, "done")
            return body
        return None

    def _fresh_key(self) -> Idempotency:
        self._keys += 1
        text = f"guest-{self.number}-{self._keys}"
        return Idempotency(text, f"digest of {text}")
