"""Guests and staff, as people are: they try again with and without the same key, click twice, change their minds."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from services.availability.routes.blocks import BlockIn, NewBlocks, create_blocks
from services.availability.routes.schedules import NewSchedule, WeeklyIn, create_schedule
from services.booking.routes.bookings import (
    assign_booking,
    cancel_booking,
    create_booking,
    mark_attendance,
    reschedule_booking,
)
from services.booking.routes.calendars import (
    ChangedSettings,
    MemberIn,
    NewCalendar,
    create_calendar,
    edit_calendar,
    publish_calendar,
    retire_calendar,
)
from services.booking.routes.views import AssignIn, AttendanceIn, CancelIn, GuestIn, MoveIn, NewBooking
from tests.simulation.process import Unreachable
from turnus_contracts import MemberChanged, WorkspaceChanged
from turnus_runtime.credentials import SCOPES, Principal
from turnus_runtime.http import Idempotency
from turnus_runtime.http.problems import Problem
from turnus_runtime.ids import derived
from turnus_runtime.turn import Turn

if TYPE_CHECKING:
    from tests.simulation.world import World

WORKSPACE = derived("ws", "simulated")
NOBODY = cast("Any", None)
FINAL = {"slot_taken": "refused", "slot_not_offered": "refused", "request_expired": "expired"}
PASSING = ("calendar_retired", "calendar_changed", "move_in_progress", "booking_over", "booking_undecided", "not_begun")


@dataclass
class Known:
    """A booking as its guest knows it."""

    id: str
    token: str


class People:
    """Everybody who uses one world."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._rng = world.rng
        rng = world.rng
        self.members = [derived("mem", "simulated", number) for number in range(rng.choice((2, 2, 3, 4)))]
        self.owner = Principal(self.members[0], WORKSPACE, "owner", frozenset(SCOPES), "ses_simulated")
        self.calendars: list[str] = []
        self.seconds = 100.0 if world.weather.outage else rng.choice((8.0, 15.0, 15.0, 30.0, 60.0))
        self._duration, self._interval = 30, rng.choice((15, 30, 30))
        self._guests = rng.choice((1, 2, 2, 3, 3, 4, 5, 7))
        self._busy_staff = rng.choice((0.0, 0.05, 0.2, 0.6))
        self._removals = rng.random() < 0.2
        self._known: list[Known] = []
        self._keys = 0

    # -- before the storm

    async def introduce(self) -> None:
        """What `accounts` says of the workspace and its members."""
        await self._world.say(
            WorkspaceChanged(
                workspace_id=WORKSPACE,
                version=1,
                status="active",
                slug="sim",
                name="Simulated",
                tz="UTC",
                locale="en",
            )
        )
        for member_id in self.members:
            await self._world.say(self._member(member_id))

    async def settle_in(self) -> None:
        """Members, their hours, and one or two calendars they share."""
        await self.introduce()
        for number, member_id in enumerate(self.members):
            hours = NewSchedule(
                member_id=member_id,
                name="hours",
                tz="UTC",
                weekly=[WeeklyIn(days=[1, 2, 3, 4, 5, 6, 7], start="09:00", end="11:00" if number else "10:30")],
            )
            await self._staff(
                "availability",
                lambda on, body=hours, n=f"schedule-{number}": create_schedule(self.owner, body, _key(n), 9.0, on),
            )
        for number in range(self._rng.choice((1, 1, 2))):
            await self._open_calendar(number)

    async def _open_calendar(self, number: int) -> None:
        rng = self._rng
        personal = number > 0 and rng.random() < 0.5
        members = [self.members[0]] if personal else self.members
        body = NewCalendar(
            kind="personal" if personal else "round_robin",
            slug=f"calendar-{number}",
            name="Calendar",
            tz="UTC",
            duration_minutes=self._duration,
            interval_minutes=self._interval,
            buffer_before_minutes=rng.choice((0, 0, 15)),
            buffer_after_minutes=rng.choice((0, 0, 15)),
            optimize=rng.choice(("availability", "equal", "equal", "totals")),
            reschedule_policy=rng.choice(("same_host", "reassign", "reassign")),
            guest_chooses_host=rng.random() < 0.4,
            members=[MemberIn(member_id=one, weight=rng.choice((1, 1, 2)), tier=1) for one in members],
        )
        made = await self._staff("booking", lambda on: create_calendar(self.owner, body, _key(f"c{number}"), 9.0, on))
        self.calendars.append(made["id"])
        await self._staff("booking", lambda on: publish_calendar(made["id"], self.owner, None, 9.0, on))

    # -- the storm

    async def live(self) -> None:
        """All guests, side by side, and staff while the storm lasts."""
        guests = [asyncio.ensure_future(self._guest(number)) for number in range(self._guests)]
        staff = asyncio.ensure_future(self._administer())
        await asyncio.gather(*guests)
        staff.cancel()

    async def _guest(self, number: int, before: float | None = None) -> None:
        rng = self._rng
        if before is None:
            before = rng.uniform(0.0, min(self.seconds, 60.0) * 0.7) if rng.random() < 0.7 else 1.0
        await asyncio.sleep(before)
        body = NewBooking(
            calendar=rng.choice(self.calendars),
            start=self._start(),
            tz="UTC",
            guest=GuestIn(name=f"Guest {number}", email=f"guest{number}@example.org"),
            host_id=rng.choice(self.members) if rng.random() < 0.1 else None,
        )
        known = await self._book(body)
        if known is None:
            return
        self._known.append(known)
        for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
            await asyncio.sleep(rng.choice((0.0, 0.3, 3.0, 15.0)))
            await self._change(known)

    async def _book(self, body: NewBooking) -> Known | None:
        """Book, with the same key until there is an answer; sometimes twice at once, sometimes with a new key."""
        rng = self._rng
        key = self._fresh_key() if rng.random() < 0.9 else Idempotency(None, "")

        def post(on: Turn) -> Awaitable[Any]:
            return create_booking(body, key, rng.choice((0.0, 2.0, 10.0)), on)

        tries = [self._persist(post, key) for _ in range(2 if key.key is not None and rng.random() < 0.25 else 1)]
        answers = await asyncio.gather(*tries)
        found = {answer["id"]: answer["token"] for answer in answers if answer is not None}
        if len(found) > 1:
            self._world.fail(f"one command made two bookings: {sorted(found)}")
        return next((Known(*one) for one in found.items()), None)

    async def _change(self, known: Known) -> None:
        rng = self._rng
        what = rng.random()
        key = self._fresh_key()
        if what < 0.35:
            await self._persist(
                lambda on: cancel_booking(known.id, NOBODY, known.token, CancelIn(reason=None), None, on), None
            )
        elif what < 0.9:
            move = MoveIn(start=self._start())
            wait = rng.choice((0.0, 5.0))
            post: Callable[[Turn], Awaitable[Any]] = lambda on: reschedule_booking(  # noqa: E731
                known.id, NOBODY, known.token, move, key, None, wait, on
            )
            await asyncio.gather(*(self._persist(post, key) for _ in range(rng.choice((1, 1, 1, 2)))))
        else:
            hand_over = AssignIn(host_id=rng.choice(self.members))
            await self._persist(lambda on: assign_booking(known.id, self.owner, hand_over, key, 2.0, on), key)

    async def _persist(self, post: Callable[[Turn], Awaitable[Any]], key: Idempotency | None) -> dict[str, Any] | None:
        """Try until there is an answer, as a patient guest would; None if there is nothing to be had."""
        rng = self._rng
        for tried in range(25):
            try:
                response = await self._world.ask("booking", post, rng.choice((1.0, 8.0, 30.0)))
            except Unreachable:
                if key is not None and key.key is None:
                    return None
                await asyncio.sleep(rng.uniform(0.1, 2.0) * (1 + tried))
                continue
            except Problem as problem:
                if problem.code in FINAL and key is not None and key.key is not None:
                    self._world.watch.told(key.key, FINAL[problem.code])
                elif problem.code not in FINAL and problem.code not in PASSING and problem.status != 422:
                    self._world.fail(f"a guest was told {problem.status} {problem.code}")
                return None
            body = json.loads(response.body)
            if response.status_code == 202 and rng.random() < 0.6 and key is not None and key.key is not None:
                await asyncio.sleep(rng.uniform(0.5, 2.5) * (1 + tried))
                continue
            if key is not None and key.key is not None and response.status_code != 202:
                self._world.watch.told(key.key, "done")
            return body
        return None

    async def _administer(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self._rng.random() < self._busy_staff and self._world.weather.raging:
                try:
                    await self._change_settings()
                except (Unreachable, Problem):
                    continue

    async def _change_settings(self) -> None:
        rng, calendar_id = self._rng, self._rng.choice(self.calendars)
        what = rng.random()
        if what < 0.35:
            start = self._start()
            items = [BlockIn(start=start, end=start + timedelta(minutes=30))]
            whose = rng.choice((*self.members, calendar_id))
            owner = {"member_id": whose} if whose in self.members else {"calendar_id": whose}
            blocks = NewBlocks(**owner, items=items)
            key = self._fresh_key()
            await self._world.ask("availability", lambda on: create_blocks(self.owner, blocks, key, 0.0, on), 5.0)
        elif what < 0.65:
            weights = [
                MemberIn(member_id=one, weight=rng.choice((1, 2, 3)), tier=rng.choice((1, 2))) for one in self.members
            ]
            if calendar_id != self.calendars[0]:
                return
            await self._publish(calendar_id, ChangedSettings(members=weights, buffer_after_minutes=rng.choice((0, 15))))
        elif what < 0.85 and len(self.members) > 2 and calendar_id == self.calendars[0]:
            self._world.members_stay = False
            serving = rng.sample(self.members, rng.randint(1, len(self.members)))
            await self._publish(calendar_id, ChangedSettings(members=[MemberIn(member_id=one) for one in serving]))
        elif what < 0.9:
            await self._world.ask("booking", lambda on: retire_calendar(calendar_id, self.owner, None, on), 5.0)
        elif self._removals and len(self.members) > 2:
            self._world.members_stay = False
            self._removals = False
            gone = self.members.pop()
            await self._world.say(self._member(gone, version=2, status="removed"))

    async def _publish(self, calendar_id: str, change: ChangedSettings) -> None:
        await self._world.ask("booking", lambda on: edit_calendar(calendar_id, self.owner, change, None, 0.0, on), 5.0)
        await self._world.ask("booking", lambda on: publish_calendar(calendar_id, self.owner, None, 0.0, on), 5.0)

    # -- after the storm

    async def visit_again(self) -> None:
        """A new version of a calendar, and at once some who book by it or move."""
        change = ChangedSettings(buffer_before_minutes=self._rng.choice((0, 15)))
        try:
            if self._rng.random() < 0.5:
                await self._publish(self.calendars[0], change)
        except (Unreachable, Problem):
            return
        moves = [self._change(known) for known in self._known[:2]]
        await asyncio.gather(*(self._guest(100 + number, 0.0) for number in range(3)), *moves)

    async def come_back(self) -> None:
        """Days later some guests cancel or move again, and staff say who came."""
        for known in self._known:
            what = self._rng.random()
            if what < 0.3:
                status = AttendanceIn(status=self._rng.choice(("attended", "no_show")))
                await self._persist(lambda on, k=known, s=status: mark_attendance(k.id, self.owner, s, on), None)
            elif what < 0.5:
                await self._change(known)

    # -- inside

    async def _staff(self, service: str, work: Callable[[Turn], Awaitable[Any]]) -> dict[str, Any]:
        while True:
            try:
                response = await self._world.ask(service, work, 30.0)
            except Unreachable:
                await asyncio.sleep(0.1)
            else:
                return json.loads(response.body)

    def _member(self, member_id: str, version: int = 1, status: str = "active") -> MemberChanged:
        return MemberChanged(
            workspace_id=WORKSPACE,
            member_id=member_id,
            version=version,
            status=status,
            name="Member",
            email=f"{member_id}@example.org",
            tz="UTC",
            locale="en",
            role="member",
        )

    def _start(self) -> datetime:
        """One of a few starts tomorrow, so that people meet."""
        tomorrow = self._world.now().replace(hour=9, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return tomorrow + timedelta(minutes=self._rng.randrange(4) * self._interval)

    def _fresh_key(self) -> Idempotency:
        self._keys += 1
        return _key(f"key-{self._keys}")


def _key(text: str) -> Idempotency:
    return Idempotency(text, f"digest of {text}")
