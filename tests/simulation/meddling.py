"""Members who change their time while somebody is asking for it, staff who overbook it, and crowds, in some histories.

They have random numbers of their own: all other histories are as they would be without them.
"""

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.availability.domain.claims import Claim
from services.availability.routes.blocks import BlockIn, NewBlocks, create_blocks, delete_block
from services.availability.routes.limits import LimitsIn
from services.availability.routes.schedules import OverrideIn, ScheduleIn, WeeklyIn, replace_schedule
from services.booking.domain.bookings import Booking
from services.booking.routes.calendar_settings import ChangedSettings, MemberIn
from services.booking.routes.calendar_settings import LimitsIn as LimitsOfCalendar
from tests.simulation.process import Unreachable
from turnus_runtime.http import Idempotency
from turnus_runtime.http.problems import Problem
from turnus_runtime.turn import Turn

if TYPE_CHECKING:
    from tests.simulation.people import People
    from tests.simulation.world import World

EVERY_DAY = list(range(1, 8))


class Meddlers:
    """See the module."""

    def __init__(self, world: "World", people: "People") -> None:
        self._world = world
        self._people = people
        self._chances = world.lot.stream("meddlers")
        self._rng = self._chances.rng
        self._there = self._chances.happens(0.25, "members meddle")
        self._blocks: list[str] = []
        self._keys = 0

    async def live(self) -> None:
        """Block, plan, leave and join while bookings are under way, until the storm is over."""
        while self._there:
            await asyncio.sleep(self._rng.uniform(0.1, 2.5))
            if self._world.weather.raging and self._chances.happens(0.7, "meddling"):
                with contextlib.suppress(Unreachable, Problem):
                    await self._meddle()

    async def _meddle(self) -> None:
        member_id, start = self._asked_for()
        what = self._rng.random()
        if what < 0.35:
            await self._block(member_id, start)
        elif what < 0.5 and self._blocks:
            gone = self._blocks.pop(0)
            await self._ask("availability", lambda on: delete_block(gone, self._people.owner, on))
        elif what < 0.85:
            await self._plan(member_id, start)
        elif len(self._people.members) > 1:
            await self._leave_and_join(member_id)

    def _asked_for(self) -> tuple[str, datetime]:
        """A time that somebody waits for, and who may have to give it; any if nobody waits."""
        rng, people = self._rng, self._people
        waiting: list[Booking] = [one for one in self._world.watch.records(Booking) if one.open_attempt is not None]
        if not waiting or rng.random() < 0.2:
            return rng.choice(people.members), people.start(rng)
        booking = rng.choice(waiting)
        claim = self._world.watch.latest(Claim, booking.id)
        pinned = claim.attempt(booking.latest.number) if claim is not None else None
        hosts = [one for one in (pinned.candidates if pinned is not None else ()) if one in people.members]
        return rng.choice(hosts or people.members), booking.latest.start

    async def _block(self, member_id: str, start: datetime) -> None:
        items = [BlockIn(start=start, end=start + timedelta(minutes=30))]
        blocks = NewBlocks(member_id=member_id, items=items)
        self._keys += 1
        key = Idempotency(f"diary-{self._keys}", f"digest of diary-{self._keys}")
        made = await self._ask("availability", lambda on: create_blocks(self._people.owner, blocks, key, 0.0, on))
        self._blocks += [one["id"] for one in json.loads(made.body)["items"]]

    async def _plan(self, member_id: str, start: datetime) -> None:
        """Other hours: from later on, none on that day, or those of the beginning."""
        people, rng = self._people, self._rng
        opens, closes = people.opens, people.closes
        later = f"{int(opens[:2]) + 1:02}{opens[2:]}"
        off = [OverrideIn(date=start.date(), ranges=[])] if rng.random() < 0.3 else []
        weekly = [WeeklyIn(days=EVERY_DAY, start=rng.choice((opens, later)), end=closes)]
        hours = ScheduleIn(name="hours", tz=people.tz, weekly=weekly, overrides=off)
        schedule = people.schedules[member_id]
        await self._ask("availability", lambda on: replace_schedule(schedule, people.owner, hours, None, on))

    async def _leave_and_join(self, member_id: str) -> None:
        """For a moment the team goes on without them."""
        self._world.members_stay = False
        people = self._people
        for serving in ([one for one in people.members if one != member_id], list(people.members)):
            change = ChangedSettings(members=[MemberIn(member_id=one) for one in serving])
            await people.publish(people.calendars[0], change)
            await asyncio.sleep(self._rng.choice((0.0, 0.5, 4.0)))

    async def _ask(self, service: str, work: Callable[[Turn], Awaitable[Any]]) -> Any:
        return await self._world.ask(service, work, 5.0, self._chances)


class Desk:
    """Staff who lay bookings upon whatever is there, for a reason."""

    def __init__(self, world: "World", people: "People") -> None:
        self._world = world
        self._people = people
        self._chances = world.lot.stream("desk")
        self._there = self._chances.happens(0.2, "staff overbook")

    async def live(self) -> None:
        """Book for somebody on the phone, until the storm is over."""
        rng = self._chances.rng
        for number in range(rng.randint(1, 4) if self._there else 0):
            await asyncio.sleep(rng.uniform(0.5, 6.0))
            if self._chances.happens(0.9, "overbooking"):
                await self._people.caller(300 + number).be_overbooked(rng.choice(self._people.members))


class Crowd:
    """Guests who all come at one moment, where every member takes only one or two of them a day."""

    def __init__(self, world: "World", people: "People") -> None:
        self._people = people
        self._chances = world.lot.stream("crowd")
        self._there = self._chances.happens(0.2, "a crowd comes")

    @property
    def limits(self) -> LimitsIn | None:
        """Those of each member, set before the storm; None: others decide."""
        return LimitsIn(day=self._chances.rng.choice((1, 1, 2))) if self._there else None

    async def live(self) -> None:
        """Come, book at once, and perhaps change it."""
        rng = self._chances.rng
        if not self._there:
            return
        await asyncio.sleep(rng.uniform(1.0, 6.0))
        begins = self._chances.happens(0.5, "limits begin meanwhile")
        if begins:
            await self._limit(None)
        coming = [number for number in range(rng.randint(3, 8)) if self._chances.happens(1.0, "comes")]
        longest = rng.choice((0.05, 0.3))
        guests = [self._people.caller(400 + number).live(rng.uniform(0.0, longest)) for number in coming]
        await asyncio.gather(*guests, *([self._limit(LimitsOfCalendar(day=1))] if begins else []))

    async def _limit(self, limits: LimitsOfCalendar | None) -> None:
        with contextlib.suppress(Unreachable, Problem):
            await self._people.publish(self._people.calendars[0], ChangedSettings(limits=limits))
