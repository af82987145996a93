"""Everybody who uses one world: staff, who set it up and change it in the middle of everything, and guests."""

import asyncio
import contextlib
import json
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from services.availability.routes.blocks import BlockIn, NewBlocks, create_blocks
from services.availability.routes.limits import LimitsIn, replace_limits
from services.availability.routes.schedules import NewSchedule, WeeklyIn, create_schedule
from services.booking.routes.calendar_settings import ChangedSettings, MemberIn, NewCalendar
from services.booking.routes.calendar_settings import LimitsIn as LimitsOfCalendar
from services.booking.routes.calendars import create_calendar, edit_calendar, publish_calendar, retire_calendar
from services.notify.routes.settings import NotificationSettings, replace_settings
from services.notify.service import service as notify
from tests.simulation.guests import Guest
from tests.simulation.meddling import Crowd, Desk, Meddlers
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
ZONES = ("UTC", "UTC", "Europe/Berlin", "America/New_York")
L = TypeVar("L", LimitsIn, LimitsOfCalendar)
REMINDERS = (5, 60, 120, 1440, 1500, 1560, 1620)
"""Minutes before a start; of one tomorrow some reminders are due today."""


class People:
    """Everybody who uses one world."""

    def __init__(self, world: "World", rng: random.Random) -> None:
        self._world = world
        self._chances = world.lot.stream("staff")
        self._rng = self._chances.rng
        self.members = [derived("mem", "simulated", number) for number in range(rng.choice((2, 2, 3, 4)))]
        self.owner = Principal(self.members[0], WORKSPACE, "owner", frozenset(SCOPES), "ses_simulated")
        self.calendars: list[str] = []
        self.schedules: dict[str, str] = {}
        """by member"""
        self.seconds = 100.0 if world.weather.outage else rng.choice((8.0, 15.0, 15.0, 30.0, 60.0))
        self._duration, self._interval = 30, rng.choice((15, 30, 30))
        count = rng.choice((1, 2, 2, 3, 3, 4, 5, 7))
        self._busy_staff = rng.choice((0.0, 0.05, 0.2, 0.6))
        self._removals = rng.random() < 0.2
        self.tz = rng.choice(ZONES)
        night = self.tz == "Europe/Berlin" and rng.random() < 0.4
        self.opens, self._ends = ("01:30", ("04:00", "03:30")) if night else ("09:00", ("11:00", "10:30"))
        """at night the clocks change in some histories"""
        self.closes = self._ends[0]
        self._keys = 0
        self._clerk = world.lot.stream("clerk")
        """has an eye on reminders, and random numbers of its own"""
        self._saying: list[asyncio.Future[None]] = []
        self.told = {one: self._member(one) for one in self.members}
        """what was last said of each member, of those who left too"""
        self._tired = world.lot.stream("pauses")
        """who pauses and who resumes, in some histories: others are as they would be without"""
        self._pauses = self._tired.happens(0.25, "members pause")
        self._thrift = world.lot.stream("limits")
        """who limits calendars and members, and has them look busy, in some histories"""
        self._late = world.lot.stream("late limits")
        """who thinks of limits only days later"""
        self._limits = self._thrift.happens(0.3, "limits")
        self._crowd = Crowd(world, self)
        self._guests = [one for one in (Guest(world, self, number) for number in range(count)) if one.there]

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
            await self._world.say(self.told[member_id])

    async def settle_in(self) -> None:
        """Members, their hours, and one or two calendars they share."""
        await self.introduce()
        for number, member_id in enumerate(self.members):
            hours = NewSchedule(
                member_id=member_id,
                name="hours",
                tz=self.tz,
                weekly=[WeeklyIn(days=list(range(1, 8)), start=self.opens, end=self._ends[0 if number else 1])],
            )
            made = await self._staff(
                "availability",
                lambda on, body=hours, n=f"schedule-{number}": create_schedule(self.owner, body, _key(n), 9.0, on),
            )
            self.schedules[member_id] = made["id"]
        for member_id in self.members:
            body = self._crowd.limits
            if body is None and self._limits and self._thrift.rng.random() < 0.5:
                body = self._some(LimitsIn)
            if body is not None:
                await self._staff(
                    "availability", lambda on, m=member_id, b=body: replace_limits(m, self.owner, b, None, 9.0, on)
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
            tz=self.tz,
            duration_minutes=self._duration,
            interval_minutes=self._interval,
            buffer_before_minutes=rng.choice((0, 0, 15)),
            buffer_after_minutes=rng.choice((0, 0, 15)),
            optimize=rng.choice(("availability", "equal", "equal", "totals")),
            reschedule_policy=rng.choice(("same_host", "reassign", "reassign")),
            guest_chooses_host=rng.random() < 0.4,
            members=[MemberIn(member_id=one, weight=rng.choice((1, 1, 2)), tier=1) for one in members],
        )
        if self._limits:
            more = {"limits": self._some(LimitsOfCalendar).model_dump(), "look_busy_percent": 20}
            body = NewCalendar.model_validate({**body.model_dump(exclude_unset=True), **more})
        made = await self._staff("booking", lambda on: create_calendar(self.owner, body, _key(f"c{number}"), 9.0, on))
        self.calendars.append(made["id"])
        await self._staff("booking", lambda on: publish_calendar(made["id"], self.owner, None, 9.0, on))

    # -- the storm

    async def live(self) -> None:
        """All guests, side by side, and staff while the storm lasts."""
        guests = [asyncio.ensure_future(one.live()) for one in self._guests]
        staff = asyncio.ensure_future(self._administer())
        clerk = asyncio.ensure_future(self._remind())
        pauses = asyncio.ensure_future(self._pause())
        limits = asyncio.ensure_future(self._limit())
        meddlers = asyncio.ensure_future(Meddlers(self._world, self).live())
        callers = asyncio.ensure_future(Desk(self._world, self).live())
        await asyncio.gather(*guests, callers, self._crowd.live())
        staff.cancel()
        clerk.cancel()
        pauses.cancel()
        limits.cancel()
        meddlers.cancel()
        await asyncio.gather(*self._saying)

    async def _administer(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            if self._world.weather.raging and self._chances.happens(self._busy_staff, "change settings"):
                try:
                    await self._change_settings()
                except (Unreachable, Problem):
                    continue

    async def _change_settings(self) -> None:
        rng, calendar_id = self._rng, self._rng.choice(self.calendars)
        what = rng.random()
        if what < 0.35:
            start = self.start(rng)
            items = [BlockIn(start=start, end=start + timedelta(minutes=30))]
            whose = rng.choice((*self.members, calendar_id))
            owner = {"member_id": whose} if whose in self.members else {"calendar_id": whose}
            blocks = NewBlocks(**owner, items=items)
            key = self._fresh_key()
            await self._ask("availability", lambda on: create_blocks(self.owner, blocks, key, 0.0, on))
        elif what < 0.65:
            weights = [
                MemberIn(member_id=one, weight=rng.choice((1, 2, 3)), tier=rng.choice((1, 2))) for one in self.members
            ]
            if calendar_id != self.calendars[0]:
                return
            await self.publish(calendar_id, ChangedSettings(members=weights, buffer_after_minutes=rng.choice((0, 15))))
        elif what < 0.85 and len(self.members) > 2 and calendar_id == self.calendars[0]:
            self._world.members_stay = False
            serving = rng.sample(self.members, rng.randint(1, len(self.members)))
            await self.publish(calendar_id, ChangedSettings(members=[MemberIn(member_id=one) for one in serving]))
        elif what < 0.9:
            await self._ask("booking", lambda on: retire_calendar(calendar_id, self.owner, None, on))
        elif self._removals and len(self.members) > 2:
            self._world.members_stay = False
            self._removals = False
            gone = self.members.pop()
            await self._say(gone, status="removed")

    async def _remind(self) -> None:
        """Reminder times change, where mails go out."""
        while notify in self._world.services:
            await asyncio.sleep(1.0)
            if self._world.weather.raging and self._clerk.happens(0.15, "reminder times"):
                await self.choose_reminders()

    async def _pause(self) -> None:
        """Members pause for a while, until a day or until they resume; at times an older word of them comes late."""
        rng = self._tired.rng
        while self._pauses:
            await asyncio.sleep(rng.uniform(0.3, 4.0))
            if not self._world.weather.raging or not self._tired.happens(0.6, "pause"):
                continue
            member_id = rng.choice(self.members)
            before = self.told[member_id]
            if before.paused_since is not None and before.resumed_at is None and rng.random() < 0.6:
                await self._say(member_id, resumed_at=self._world.now())
            else:
                now = self._world.now()
                until = rng.choice((None, now.date() + timedelta(days=rng.randint(1, 3))))
                await self._say(member_id, tz=self.tz, paused_since=now, paused_until=until, resumed_at=None)
            if rng.random() < 0.2:
                await self._world.say(before)

    async def _limit(self) -> None:
        """Limits of calendars and of members change, begin and end."""
        rng = self._thrift.rng
        while self._limits:
            await asyncio.sleep(rng.uniform(0.3, 4.0))
            if not self._world.weather.raging or not self._thrift.happens(0.6, "other limits"):
                continue
            with contextlib.suppress(Unreachable, Problem):
                if rng.random() < 0.5:
                    change = ChangedSettings(limits=rng.choice((None, self._some(LimitsOfCalendar))))
                    await self.publish(rng.choice(self.calendars), change)
                else:
                    member_id, body = rng.choice(self.members), self._some(LimitsIn)
                    await self._ask(
                        "availability", lambda on, m=member_id, b=body: replace_limits(m, self.owner, b, None, 0.0, on)
                    )

    def _some(self, kind: type[L], rng: random.Random | None = None) -> L:
        rng = rng or self._thrift.rng
        return kind(day=rng.choice((None, 1, 2, 3)), week=rng.choice((None, 2, 4)), month=rng.choice((None, 3)))

    async def _say(self, member_id: str, **changed: Any) -> None:
        """What `accounts` says when a member is changed."""
        before = self.told[member_id]
        self.told[member_id] = before.model_copy(update={"version": before.version + 1, **changed})
        # Whoever is called home in the middle of it says it all the same: `told` knows no other.
        saying = asyncio.ensure_future(self._world.say(self.told[member_id]))
        self._saying.append(saying)
        await asyncio.shield(saying)

    async def choose_reminders(self) -> None:
        """Other reminder times, if anybody answers."""
        rng = self._clerk.rng
        chosen: list[list[int]] = [rng.sample(REMINDERS, rng.randint(0, 5)) for _ in range(2)]
        body = NotificationSettings(guest_reminder_minutes=chosen[0], host_reminder_minutes=chosen[1])
        with contextlib.suppress(Unreachable, Problem):
            await self._world.ask("notify", lambda on: replace_settings(self.owner, body, None, on), 5.0, self._clerk)

    async def _ask(self, service: str, work: Callable[[Turn], Awaitable[Any]]) -> None:
        await self._world.ask(service, work, 5.0, self._chances)

    async def publish(self, calendar_id: str, change: ChangedSettings) -> None:
        """Change a calendar, and publish it."""
        await self._ask("booking", lambda on: edit_calendar(calendar_id, self.owner, change, None, 0.0, on))
        await self._ask("booking", lambda on: publish_calendar(calendar_id, self.owner, None, 0.0, on))

    # -- after the storm

    async def visit_again(self) -> None:
        """A new version of a calendar, and at once some who book by it or move."""
        change = ChangedSettings(buffer_before_minutes=self._rng.choice((0, 15)))
        try:
            if self._chances.happens(0.5, "new version"):
                await self.publish(self.calendars[0], change)
        except (Unreachable, Problem):
            return
        moves = [one.change() for one in self._guests[:2] if one.known is not None]
        late = [Guest(self._world, self, 100 + number) for number in range(3)]
        self._guests += [one for one in late if one.there]
        await asyncio.gather(*(one.live(0.0) for one in late if one.there), *moves)

    async def come_back(self) -> None:
        """Days later some guests come again, and staff say who came; then limits may begin, between new guests."""
        for one in list(self._guests):
            await one.come_back()
        if self._late.happens(0.5, "limits begin"):
            others = self._some(LimitsOfCalendar, self._late.rng)
            for number, limits in enumerate((None, others)):
                with contextlib.suppress(Unreachable, Problem):
                    await self.caller(500 + number).live(0.0)
                    await self.publish(self.calendars[0], ChangedSettings(limits=limits))
            await self.caller(502).live(0.0)

    def caller(self, number: int) -> Guest:
        """Somebody for whom staff book, and who is a guest like any other then."""
        self._guests.append(Guest(self._world, self, number))
        return self._guests[-1]

    # -- inside

    async def _staff(self, service: str, work: Callable[[Turn], Awaitable[Any]]) -> dict[str, Any]:
        while True:
            try:
                response = await self._world.ask(service, work, 30.0, self._chances)
            except Unreachable:
                await asyncio.sleep(0.1)
            else:
                return json.loads(response.body)

    def _member(self, member_id: str) -> MemberChanged:
        return MemberChanged(
            workspace_id=WORKSPACE,
            member_id=member_id,
            version=1,
            status="active",
            name="Member",
            email=f"{member_id}@example.org",
            tz="UTC",
            locale="en",
            role="member",
        )

    def start(self, rng: random.Random) -> datetime:
        """One of a few starts tomorrow, so that people meet."""
        day = self._world.now().astimezone(ZoneInfo(self.tz)).date() + timedelta(days=1)
        opens = datetime.combine(day, time.fromisoformat(self.opens), ZoneInfo(self.tz)).astimezone(UTC)
        return opens + timedelta(minutes=rng.randrange(4) * self._interval)

    def _fresh_key(self) -> Idempotency:
        self._keys += 1
        return _key(f"key-{self._keys}")


def _key(text: str) -> Idempotency:
    return Idempotency(text, f"digest of {text}")
