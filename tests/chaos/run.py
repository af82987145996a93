"""One run: an installation, guests, faults, rest, verdict."""

# ruff: noqa: ASYNC110 (other processes are waited for, which set no event of ours)

import asyncio
import contextlib
import os
import platform
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from oversight.reading import reading
from tests.chaos import guests as people
from tests.chaos import report, verdict
from tests.chaos.faults import Faults, Made
from tests.chaos.guests import Guests, now
from tests.chaos.world import World

SECONDS_A_ROUND = 120
REST_SECONDS = 300
CALM_SECONDS = 5.0
"""Guests before the first fault and after the last one."""


@dataclass(frozen=True)
class Plan:
    """What a run is to do. It ends when the time has passed, all rounds are complete *and* so many guests have come.

    `kinds`: faults of a round, in any order; none: all. `together`: a process a service instead of one a role.
    `proxied`: lines between services and servers can fail, for which toxiproxy is built (Go).
    """

    seconds: float
    seed: int
    rounds: int
    rate: int = 12
    guests: int = 0
    kinds: tuple[str, ...] = ()
    together: bool = False
    proxied: bool = True
    command: str = ""
    keep: Path | None = None
    """Where to leave logs and what guests said."""


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


async def run(plan: Plan) -> dict[str, Any]:
    """The report, see `tests.chaos.report`."""
    async with _world(plan) as world:
        guests = await people.made(world, rate=plan.rate, seed=plan.seed)
        say(f"{len(world.processes)} processes and {len(guests.calendars)} calendars are there")
        began = now()
        faults = await _storm(plan, world, guests)
        took = now() - began
        facts: dict[str, Any] = {
            "run": {
                "command": plan.command,
                "seed": plan.seed,
                "rate": plan.rate,
                "rounds": plan.rounds,
                "processes": len(world.processes),
            },
            "machine": machine(),
            "took_seconds": round(took, 1),
        }
        facts |= await _rested(world)
        audit = await world.audit()
        facts |= {
            "violations": audit["violations"],
            "checked": audit["checked"],
            "letters": faults.letters_before_losses + await faults.messages.unexplained_letters(),
            "unasked_ends": _unasked(world),
            "errors_logged": dict(verdict.errors_logged(world).most_common()),
            "dropped": guests.dropped,
        }
        found = await verdict.judged(world, list(guests.board.guests.values()), world.mail.taken, faults.made)
        return report.whole(found, faults.made, facts)


@contextlib.asynccontextmanager
async def _world(plan: Plan) -> AsyncGenerator[World]:
    with contextlib.ExitStack() as stack:
        if plan.keep is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="turnus-chaos-")))
        else:
            folder = plan.keep
            folder.mkdir(parents=True)
        world = World(folder, together=plan.together, proxied=plan.proxied)
        try:
            await world.start()
            yield world
        finally:
            await world.stop()


async def _storm(plan: Plan, world: World, guests: Guests) -> Faults:
    faults = Faults(world, guests.board, plan.seed)
    over = asyncio.Event()
    coming = asyncio.create_task(guests.book(over))
    began = now()
    try:
        await _first_guest(guests)
        for number, kind in enumerate(faults.rounds(plan.rounds, plan.kinds or tuple(faults.kinds))):
            made = await faults.make(kind)
            say(_told(number, now() - began, made, guests))
            _still_coming(coming)
        while now() - began < plan.seconds or len(guests.board.guests) < plan.guests:
            await asyncio.sleep(0.5)
            _still_coming(coming)
        await asyncio.sleep(CALM_SECONDS)
    finally:
        over.set()
        await coming
    say(f"{len(guests.board.guests)} guests came, {guests.board.waiting} wait")
    await guests.gone()
    return faults


async def _first_guest(guests: Guests) -> None:
    async with asyncio.timeout(180):
        while guests.board.confirmed_after(0) is None:
            await asyncio.sleep(0.1)
    await asyncio.sleep(CALM_SECONDS)


def _still_coming(coming: "asyncio.Task[None]") -> None:
    if coming.done():
        coming.result()


def _told(number: int, at: float, made: Made, guests: Guests) -> str:
    recovered = ", ".join(f"{need} {seconds} s" for need, seconds in made.recovered.items())
    return (
        f"{at:6.0f} s  {number + 1:3}  {made.kind:15} {made.target[:70]:45} {made.ended - made.began:5.1f} s"
        f"   again: {recovered}   {guests.board.waiting} wait   {made.note}"
    )


async def _rested(world: World) -> dict[str, Any]:
    """Wait until nothing is owed anywhere, three looks in a row."""
    began, quiet = now(), 0
    left: Counter[str] = Counter()
    async with reading(world.operator()) as on:
        while quiet < 3 and now() - began < REST_SECONDS:
            left = await verdict.owed(on)
            quiet = 0 if left else quiet + 1
            await asyncio.sleep(0.5)
    say(f"at rest after {now() - began:.0f} s" if not left else f"still owed: {left}")
    return {"rest_seconds": round(now() - began, 1), "owed": dict(left)}


def _unasked(world: World) -> Sequence[str]:
    """Processes that ended without a signal of ours, or not as they should on SIGTERM."""
    return [
        f"{end.name} with {end.code}"
        for one in world.processes.values()
        for end in one.ends
        if not end.asked or end.code not in {0, -signal.SIGKILL}
    ]


def machine() -> dict[str, Any]:
    """What it ran on."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory GiB": round(pages * size / 2**30, 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load at the end": round(os.getloadavg()[0], 1),
    }
