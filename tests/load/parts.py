"""What is measured on an installation whose services are a process each: one function a part, and its rounds."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.load.figures import PERCENTILES, Document, costs, parts_of, told
from tests.load.guests import Answers, Guests
from tests.load.installation import Installation
from tests.support.cluster import SERVICES

COLD_RATE = 50
TEAM_RATE = 50
WAITING = 128
"""So many guests of an open arrival rate wait for their answer at most."""


@dataclass(frozen=True)
class Sizes:
    """How much of everything; the defaults are those of the goals."""

    seconds: int = 10
    rates: tuple[int, ...] = (10, 50, 100)
    at_once: int = 64
    calendars: int = 300
    hosts: int = 2
    members: int = 100
    guests: int = 1_000
    cold: int = 1_000
    stored: tuple[int, ...] = (1_000, 100_000)
    raw_seconds: float = 2.0


@dataclass
class Bench:
    """One installation that is measured, and where its figures go."""

    document: Document
    say: Callable[[Mapping[str, Any]], None]
    place: str
    at: Installation
    guests: Guests
    sizes: Sizes
    command: Callable[[str], str]
    """The command that measures this part, and nothing else, once more."""
    failures: list[str] = field(default_factory=list[str])

    async def round(
        self,
        part: str,
        name: str,
        asking: Awaitable[Answers],
        seconds: float,
        *,
        whole: bool = False,
        others: Sequence[Answers] = (),
        **more: float | str,
    ) -> dict[str, Any]:
        """Let them ask, and then everything come to rest. `whole`: where the CPU went is told by process.

        `others` were answered meanwhile: they share in what it cost.
        """
        meter = self.at.meter()
        answers = await asking
        used = meter.read()
        rest = await self.at.rest()
        taken = sum(one.confirmed + one.waiting for one in (answers, *others))
        percentiles = {name: getattr(answers, name) for name in PERCENTILES}
        counts = {name: getattr(answers, name) for name in ("asked", "confirmed", "waiting", "refused", "failed")}
        figures: dict[str, Any] = {
            "seconds": seconds,
            "confirmed_per_second": answers.in_time / seconds,
            "whole_per_second": taken / (used.seconds + rest),
            **told(percentiles, answers.asked),
            "max_ms": answers.max_ms,
            **counts,
            "dropped": answers.dropped,
            **costs(used, taken),
            "cores_busy": used.busy / used.seconds,
            "rest_s": rest,
            "load": os.getloadavg()[0],
            "more": more,
        }
        parts = parts_of(used, taken)
        return self.add(part, name, {**figures, "cpu" if whole else "processes": parts})

    def add(self, part: str, name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
        """Keep a round, and show it."""
        entry = self.document.add(self.place, part, name, self.command(part), figures)
        self.say(entry)
        return entry


async def bookings(on: Bench) -> None:
    """Arrivals at some rates, and as many as it takes, over many calendars."""
    sizes = on.sizes
    calendars = await on.guests.calendars(sizes.calendars, sizes.hosts)
    await on.guests.warm(calendars, sizes.at_once)
    for rate in sizes.rates:
        await on.round(
            "bookings", f"{rate} guests/s", on.guests.arrive(calendars, rate, sizes.seconds, WAITING), sizes.seconds
        )
    await on.round("bookings", "saturation", on.guests.crowd(calendars, sizes.seconds, sizes.at_once), sizes.seconds)


async def team(on: Bench) -> None:
    """The same for one single calendar of many members."""
    sizes = on.sizes
    one = await on.guests.calendars(1, sizes.members)
    await on.guests.warm(one)
    await on.round(
        "team", f"{TEAM_RATE} guests/s", on.guests.arrive(one, TEAM_RATE, sizes.seconds, WAITING), sizes.seconds
    )
    await on.round("team", "saturation", on.guests.crowd(one, sizes.seconds, sizes.at_once), sizes.seconds)


async def race(on: Bench) -> None:
    """Many guests for one time of one host: exactly one may get it."""
    one = await on.guests.calendars(1, 1, "race")
    meter = on.at.meter()
    answers = await on.guests.race(one, on.sizes.guests)
    used = meter.read()
    rest = await on.at.rest()
    winners, standing = answers.confirmed, await on.guests.confirmed(one.ids[0])
    percentiles = {name: getattr(answers, name) for name in PERCENTILES}
    on.add(
        "race",
        f"{on.sizes.guests} guests for one slot",
        {
            "answered_s": answers.last_ms / 1000,
            "winners": winners,
            "standing": standing,
            **told(percentiles, answers.asked),
            "max_ms": answers.max_ms,
            "asked": answers.asked,
            "waiting": answers.waiting,
            "failed": answers.failed,
            "undecided": on.sizes.guests - winners - answers.refused - answers.failed,
            "codes": answers.codes,
            **costs(used, answers.asked),
            "cores_busy": used.busy / used.seconds,
            "rest_s": rest,
            "cpu": parts_of(used, answers.asked),
            "more": {"all answered after s": answers.last_ms / 1000, "bookings that stand": standing},
        },
    )
    if (winners, standing) != (1, 1):
        on.failures.append(f"{on.place}: {winners} guests won one slot, {standing} bookings stand")


async def hot(on: Bench) -> None:
    """Guests of many cold calendars, alone and then while one hot calendar is asked for as much as it can."""
    sizes = on.sizes
    cold, one = await on.guests.calendars(sizes.cold, 1), await on.guests.calendars(1, sizes.members)

    async def both() -> Answers:
        asking = asyncio.create_task(on.guests.crowd(one, sizes.seconds + 4, sizes.at_once))
        await asyncio.sleep(2)  # the hot one is at its limit before the others come, and until they have gone
        answers = await on.guests.arrive(cold, COLD_RATE, sizes.seconds, WAITING)
        crowd.append(await asking)
        return answers

    crowd: list[Answers] = []
    name = f"{COLD_RATE} guests/s of {sizes.cold} cold calendars"
    alone = await on.round(
        "hot", f"{name}, alone", on.guests.arrive(cold, COLD_RATE, sizes.seconds, WAITING), sizes.seconds
    )
    beside = await on.round("hot", f"{name}, one hot beside", both(), sizes.seconds, others=crowd)
    (taken,) = crowd
    slower = {
        f"{each}_slower": beside[f"{each}_ms"] / alone[f"{each}_ms"]
        for each in ("p50", "p90", "p99")
        if alone[f"{each}_ms"]
    }
    figures = {
        "confirmed_per_second": taken.in_time / (sizes.seconds + 4),
        "p50_ms": taken.p50_ms,
        "max_ms": taken.max_ms,
    }
    on.add("hot", "the hot one meanwhile", {**figures, "more": {"the cold ones' waits grew": "", **slower}})


async def second(on: Bench) -> None:
    """Saturation with one process of each service, with one more of each in turn, and of all."""
    sizes = on.sizes
    calendars = await on.guests.calendars(sizes.calendars, sizes.hosts)

    async def most(name: str, **more: float) -> dict[str, Any]:
        await on.guests.warm(calendars, sizes.at_once)  # connections; groups are balanced
        return await on.round(
            "second", name, on.guests.crowd(calendars, sizes.seconds, sizes.at_once), sizes.seconds, **more
        )

    before = await most("one process of each")
    share = {name: before["processes"].get(name, 0.0) for name in SERVICES}
    ours = sum(share.values()) or 1.0
    for names in [*((name,) for name in SERVICES), SERVICES]:
        async with on.at.another(names):
            what = "every service" if names == SERVICES else names[0]
            after = await most(
                f"one more of {what}",
                share_of_our_cpu=sum(share[name] for name in names) / ours,
                cores=os.cpu_count() or 0,
            )
        gain = after["confirmed_per_second"] / max(before["confirmed_per_second"], 0.1) - 1
        on.add("second", f"gain by one more of {what}", {"gain": gain, "more": {"gain": gain}})


async def cpu(on: Bench) -> None:
    """Where a booking's CPU goes: at a rate, and at saturation. For installations that are split, or all in one."""
    sizes = on.sizes
    calendars = await on.guests.calendars(sizes.calendars, sizes.hosts)
    await on.guests.warm(calendars, sizes.at_once)
    for rate in sizes.rates[1:2] or sizes.rates:
        asking = on.guests.arrive(calendars, rate, sizes.seconds, WAITING)
        await on.round("cpu", f"{rate} guests/s", asking, sizes.seconds, whole=True)
    asking = on.guests.crowd(calendars, sizes.seconds, sizes.at_once)
    await on.round("cpu", "saturation", asking, sizes.seconds, whole=True)


SHARED: Mapping[str, Callable[[Bench], Awaitable[None]]] = {
    "bookings": bookings,
    "team": team,
    "race": race,
    "hot": hot,
    "second": second,
}
"""Parts that one installation with a process for each service can do one after the other."""
ON_EVERY_BROKER = ("bookings", "team")
