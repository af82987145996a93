"""What processes keep of calendars is what the store holds: compared with who keeps nothing, while guests book."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from services.availability.domain.hosts import Host
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.availability.routes.slots import Asked, Slots, slots_json
from services.availability.store.kept import Kept
from tests.integration.api.conftest import Api, office
from tests.integration.api.test_offered_is_bookable import SPAN, ZONES, World, drawn_blocks, world
from tests.support.system import eventually
from turnus_runtime.host import Host as ServiceHost

pytestmark = pytest.mark.asyncio(loop_scope="session")
WORLDS, ROUNDS, BOOKINGS = 3, 3, 4


@dataclass
class Compared:
    """Three answers to each question: of the process, of another one, and of one that has just begun."""

    world: World
    service: ServiceHost
    rng: Random
    other: Kept = field(default_factory=Kept)
    seen: Counter[str] = field(default_factory=Counter[str])

    async def whenever(self) -> None:
        """One question. Compared if nothing was written from before the first answer until after the last."""
        before, asked = await self._versions(), self._question()
        answers = await self._answers(asked)
        if before != await self._versions():
            self.seen["written meanwhile"] += 1
            return
        assert answers[1:] == answers[:1] * 2, asked
        self.seen["compared"] += 1

    async def at_rest(self) -> None:
        """All days of all calendars, now that nobody writes."""
        for calendar in self.world.calendars:
            asked = replace(self._question(), calendar=calendar["address"], start=self.world.focus)
            answers = await self._answers(asked)
            assert answers[1:] == answers[:1] * 2, asked
            self.seen["at rest"] += 1

    async def rests(self) -> bool:
        """Nothing was written for a moment, and then all agree."""
        before = await self._versions()
        await asyncio.sleep(0.2)
        if before != await self._versions():
            return False
        await self.at_rest()
        return True

    async def book(self) -> None:
        """A guest takes an offered time; half of them cancel."""
        world, calendar = self.world, self.rng.choice(self.world.calendars)
        asked = replace(self._question(), calendar=calendar["address"])
        starts = list((await self._answers(asked))[0])
        if not starts:
            return
        world.guests += 1
        answer = await world.api.book(calendar["address"], self.rng.choice(starts), world.guests)
        self.seen[str(answer.status_code)] += 1
        if answer.status_code == 201 and self.rng.random() < 0.5:
            path, told = f"/bookings/{answer.json()['id']}/cancel", {"Prefer": "wait=30", **world.office.staff}
            assert (await world.api.send("POST", path, {}, told)).is_success

    async def change_rules(self) -> None:
        """Somebody blocks times of a member or a calendar, or limits a member."""
        world, rng = self.world, self.rng
        owner = rng.choice(({"member_id": rng.choice(world.members)}, {"calendar_id": world.calendars[0]["id"]}))
        await world.office.made("/blocks", {**owner, "items": drawn_blocks(rng, world.focus)})
        limits = {"day": rng.choice((None, 3, 6))}
        await world.api.call("PUT", f"/limits/{rng.choice(world.members)}", limits, world.office.staff)

    def _question(self) -> Asked:
        first = self.world.focus + timedelta(days=self.rng.randrange(SPAN))
        address, zone = self.rng.choice(self.world.calendars)["address"], self.rng.choice(ZONES)
        return Asked(address, first, first + timedelta(days=SPAN), zone, None, None, "hosts")

    async def _answers(self, asked: Asked) -> list[dict[str, Any]]:
        on = self.service.turn()
        bodies = [(await slots_json(asked, replace(on, effects=one)))[0] for one in (Kept(), on.effects, self.other)]
        return [Slots.model_validate_json(body).details or {} for body in bodies]

    async def _versions(self) -> list[Any]:
        records, calendars = self.service.records, [one["id"] for one in self.world.calendars]
        ids: list[tuple[Any, list[str]]] = [(Host, self.world.members), (Tally, calendars), (ServedCalendar, calendars)]
        return [await records.versions(kind, of) for kind, of in ids]


async def test_kept_lists_are_never_older_than_the_question_while_guests_book_and_staff_change_rules(api: Api) -> None:
    here = await office(api, "kept")
    service = api.system.process.hosts["availability"]

    async def lived(number: int) -> Counter[str]:
        compared = Compared(await world(api, here, number), service, Random(f"kept {number}"))
        for _ in range(ROUNDS):
            await compared.change_rules()
            await compared.at_rest()
            booking = asyncio.gather(*(_several(compared) for _ in range(2)))
            while not booking.done():
                await compared.whenever()
            await booking
            await eventually(compared.rests)
        return compared.seen

    seen = sum(await asyncio.gather(*map(lived, range(WORLDS))), Counter[str]())
    assert seen["at rest"] == WORLDS * ROUNDS * 4
    assert min(seen["compared"], seen["written meanwhile"], seen["201"]) > 10, seen


async def _several(compared: Compared) -> None:
    for _ in range(BOOKINGS):
        await compared.book()
        await asyncio.sleep(compared.rng.random() / 4)
