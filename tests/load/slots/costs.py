"""CPU of one answer, from documents as they are stored to the body of the response."""

import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from services.availability.domain.engine import HostTimes, Team, offered_starts
from services.availability.domain.listing import to_iso
from services.availability.domain.zones import epoch_minute, instant_of
from services.availability.routes.slots import Slots, slots_json
from services.availability.store import kept as keeping
from services.availability.store.kept import Kept
from tests.load.slots.state import StoredBytes, Workload, turn
from turnus_runtime.process import spare_the_collector

TIMES = 10


async def costs(work: Workload, rounds: int) -> dict[str, float]:
    """See `_costs`. Questions come one at once after the other: none of them is made to wait for company.

    The collector is set as in every service, and does not look at what only the bench has.
    """
    spare_the_collector()
    spaced, keeping.SPACED_SECONDS = keeping.SPACED_SECONDS, 0.0
    try:
        return await _costs(work, rounds)
    finally:
        keeping.SPACED_SECONDS = spaced


async def _costs(work: Workload, rounds: int) -> dict[str, float]:
    """Milliseconds of CPU, the least of `rounds` rounds.

    `cold`: nothing is kept. `after_change`: one host's record was written since the last answer. `next_minute`: nothing
    was, but the answer is of another minute and written anew. `warm`: not even that. `prototype`: schedules and busy
    rows (aware instants) to strings by day, all at once, as one does it without keeping anything.
    """
    shelf, asked = StoredBytes(work.records), work.asked
    kept, now = Kept(), work.now

    async def cold() -> None:
        nonlocal kept
        kept = Kept()
        await slots_json(asked, turn(shelf, now, kept))

    version = 1

    def booked() -> None:
        """Somebody has booked, and it was settled: one host has one stretch less, then again one more."""
        nonlocal version
        version += 1
        host = work.hosts[version % len(work.hosts)]
        shelf.write(host.change(reservations=host.reservations[version % 2 :]), version)

    async def answered() -> None:
        await slots_json(asked, turn(shelf, now, kept))

    def later() -> None:
        nonlocal now
        now += timedelta(minutes=1)

    body, _ = await slots_json(asked, turn(shelf, now, kept))
    found = {
        "prototype_ms": await _least(_prototype(work), rounds),
        "cold_ms": await _least(cold, rounds),
        "after_change_ms": await _least(answered, rounds, booked),
        "next_minute_ms": await _least(answered, rounds, later),
        "warm_ms": await _least(answered, rounds),
    }
    _check(work, body)
    return {name: round(ms, 3) for name, ms in found.items()} | {"bytes": len(body)}


def _check(work: Workload, body: bytes) -> None:
    """What is measured is right: the peer's own code offers the same, but for the last start, which it cuts off."""
    shown = [start for day in Slots.model_validate_json(body).days.values() for start in day]
    told = [start for day in to_iso(work.expected, work.calendar.tz).values() for start in day]
    assert not work.expected or shown[:-1] == told


async def _least(work: Callable[[], Awaitable[object]], rounds: int, before: Callable[[], None] | None = None) -> float:
    """Of so many rounds of ten."""
    least = float("inf")
    for _ in range(rounds):
        used = 0.0
        for _ in range(TIMES):
            if before is not None:
                before()
            began = time.thread_time()
            await work()
            used += time.thread_time() - began
        least = min(least, used / TIMES)
    return least * 1000


def _prototype(work: Workload) -> Callable[[], Awaitable[None]]:
    rules = work.calendar.rules()
    rows = [[(instant_of(one.start), instant_of(one.end)) for one in host.reservations] for host in work.hosts]
    schedules = [one.as_rules() for one in work.schedules]

    async def answered() -> None:
        hosts = [
            HostTimes(host.id, schedule, [(epoch_minute(start), epoch_minute(end), "booked") for start, end in own])
            for host, schedule, own in zip(work.hosts, schedules, rows, strict=True)
        ]
        to_iso(offered_starts(Team(rules, hosts), work.first, work.last, work.now), rules.tz)

    return answered
