"""What a service handles side by side, from the saying of an event to its handler."""

import asyncio
from typing import Any, Literal

from tests.simulation.broker import SimulatedBroker
from tests.simulation.store import SimulatedStore
from tests.simulation.test_reserving import Quiet
from turnus_contracts import AttemptReleased
from turnus_runtime.host import Host, Ports, topics
from turnus_runtime.ids import RandomIds
from turnus_runtime.service import Service
from turnus_runtime.settings import Settings


def released(booking_id: str, attempt: int = 1) -> AttemptReleased:
    return AttemptReleased(
        workspace_id="ws_1", calendar_id="cal_1", booking_id=booking_id, attempt=attempt, reason="expired"
    )


async def most_at_once(one_at_a_time: Literal["subject", "key"], *said: AttemptReleased) -> int:
    """How many of these events a service handled at the same time."""
    now, most, done, over = 0, 0, 0, asyncio.Event()

    async def handler(_: Any, on: Any) -> None:
        nonlocal now, most, done
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        done += 1
        if done == len(said):
            over.set()

    service = Service(
        "busy",
        "Counts.",
        consumes={AttemptReleased: handler},
        publishes=(AttemptReleased,),
        one_at_a_time=one_at_a_time,
    )
    broker = SimulatedBroker(topics(service, 1))
    await broker.provision(topics(service, 1))
    quiet = Quiet()
    host = Host(service, Ports(SimulatedStore(quiet.now), broker, quiet, RandomIds(), quiet), Settings())
    await host.start(consume=True, jobs=False)
    await host.relay.say(said)
    async with asyncio.timeout(60):
        await over.wait()
    await host.stop()
    return most


async def test_bookings_of_one_calendar_are_handled_side_by_side() -> None:
    assert await most_at_once("subject", released("bk_1"), released("bk_2"), released("bk_3")) == 3


async def test_what_is_about_one_booking_is_handled_one_after_the_other() -> None:
    assert await most_at_once("subject", released("bk_1"), released("bk_1", 2)) == 1


async def test_a_service_whose_calendars_change_with_every_booking_takes_one_booking_of_a_calendar_at_a_time() -> None:
    assert await most_at_once("key", released("bk_1"), released("bk_2")) == 1
