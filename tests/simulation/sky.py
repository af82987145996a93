"""What comes over a whole history while its storm lasts: groups that form anew, frozen and killed processes, a broker
that stops or comes up empty; and what an operator does about it.
"""

import asyncio
from typing import TYPE_CHECKING

from tests.simulation.process import SimulatedProcess, Unreachable
from turnus_runtime import operations

if TYPE_CHECKING:
    from tests.simulation.world import World

DULL = ("CalendarApplied", "CalendarPublished", "MemberChanged", "WorkspaceChanged", "GuestDetailsGiven")
"""Topics of which a rewind is rarely worth its time."""


class Sky:
    """Looks once a second what comes; every kind has its own stream of chances."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._kinds = {
            "rebalance": self._rebalance,
            "rewind": self._rewind,
            "freeze": self._freeze,
            "kill": self._kill,
            "down": self._down,
            "lose": self.lose,
        }
        self._streams = {what: world.lot.stream(f"sky {what}") for what in self._kinds}

    async def pass_by(self) -> None:
        """Until it is cancelled."""
        world = self._world
        while True:
            await world.loop.pause(1.0)
            for what, chance in world.weather.sky.items():
                if self._streams[what].happens(chance, what):
                    await self._kinds[what]()

    async def lose(self) -> None:
        """The broker comes up empty; an operator says everything again."""
        world = self._world
        world.note("*", "BROKER LOST")
        world.broker.lose_everything()
        world.lost = True
        await asyncio.sleep(self._streams["lose"].rng.uniform(0.0, 5.0))
        await self.republish()

    async def republish(self) -> None:
        """What an operator does after the broker came up empty, until it has worked once for every service."""
        world = self._world
        for service in world.services:
            done = False
            while not done:
                done = await self._republished(service.name)
        await world.people.introduce()
        world.lost = False
        world.note("*", "republished")

    async def _republished(self, name: str) -> bool:
        await asyncio.sleep(0.5)
        ready = self._world.ready(name)
        if not ready:
            return False
        process = self._streams["lose"].rng.choice(ready)
        try:
            await process.call(lambda _: operations.republish(process.host), 600.0)
        except Unreachable:
            return False
        return True

    async def _rebalance(self) -> None:
        rng = self._streams["rebalance"].rng
        group = rng.choice(self._world.services).name
        self._world.note("*", f"rebalance {group}")
        self._world.broker.rebalance(group, rng)

    async def _rewind(self) -> None:
        rng = self._streams["rewind"].rng
        group = rng.choice(self._world.services).name
        there = self._world.broker.partitions_of(group)
        topic, number = rng.choice([one for one in there if one[0] not in DULL or rng.random() < 0.2] or there)
        self._world.note("*", f"rewind {group} {topic}")
        self._world.broker.rewind(group, topic, number, 0)

    async def _freeze(self) -> None:
        rng = self._streams["freeze"].rng
        process = rng.choice(self._all())
        process.frozen_until = self._world.time() + rng.uniform(1.0, 40.0)
        self._world.note(process.name, "FREEZE")
        self._world.broker.rebalance(process.service.name, rng)

    async def _kill(self) -> None:
        self._streams["kill"].rng.choice(self._all()).crash()

    async def _down(self) -> None:
        world = self._world
        world.note("*", "broker down")
        world.broker.down = True
        await asyncio.sleep(self._streams["down"].rng.uniform(0.5, 12.0))
        world.broker.down = False
        world.note("*", "broker up")

    def _all(self) -> list[SimulatedProcess]:
        return list(self._world.processes.values())
