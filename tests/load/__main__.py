"""`make bench`: bookings a second, how long guests wait, what a booking costs, beside the raw limits of the machine.

    make bench                                             # everything: about twenty minutes on two cores
    make bench ARGS="--only race hot --broker kafka"       # some parts, on one broker
    make bench ARGS="--only stored --stored 1000 100000 1000000 --seconds 30"

| part       | what                                                                                   |
|------------|----------------------------------------------------------------------------------------|
| `bookings` | open arrivals at some rates and saturation, over 300 round robins of 2 hosts           |
| `team`     | the same for one round robin of 100 hosts                                              |
| `race`     | 1,000 guests for one slot: who won, how the others were answered, after how long        |
| `hot`      | guests of 1,000 cold calendars, alone and while one hot calendar is at saturation       |
| `second`   | saturation with one more process of each service in turn, and of all                   |
| `stored`   | what a booking costs with more and more of them stored                                 |
| `cpu`      | where a booking's CPU goes: every service and role a process, and all in one (`make up`) |
| `pages`    | how long a guest waits for the page of a calendar of 50 hosts, with `make up`            |

Every service is a process of its own behind its HTTP port, if nothing else is said; the store does not sync commits
(`--sync` lets it; `turnus up` always does); mails go to a server that takes and drops them. Apache Kafka (Java 17 and
Maven) does every part, the embedded broker the first two, or whatever is asked for with `--broker embedded`.

Prints a table as it goes, and writes build/bench.json and build/bench.txt. Guests and servers share one machine, and
nothing else should run on it: compare figures within one run. Ends with 1 only if a slot was won by two, or by nobody.
"""

import argparse
import asyncio
import contextlib
import json
import shlex
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from tests.load import limits, machine, servers
from tests.load.figures import Document, Goal
from tests.load.guests import Guests
from tests.load.installation import AllInOne, Installation
from tests.load.pages import pages
from tests.load.parts import ON_EVERY_BROKER, SHARED, Bench, Sizes, cpu
from tests.load.stored import stored
from tests.load.table import heading, row, table

OUT = Path("build/bench.json")
PARTS = (*SHARED, "stored", "cpu", "pages")
GOALS = (
    Goal("confirmed bookings/s", "bookings", "saturation", "confirmed_per_second", 450, most=False),
    Goal("p50 ms at 50/s", "bookings", "50 guests/s", "p50_ms", 25),
    Goal("p99 ms at 50/s", "bookings", "50 guests/s", "p99_ms", 100),
    Goal("CPU ms of our processes at 50/s", "bookings", "50 guests/s", "cpu_ms_ours", 4),
    Goal("confirmed bookings/s of one calendar", "team", "saturation", "confirmed_per_second", 200, most=False),
    Goal("seconds until all are answered", "race", "", "answered_s", 5),
    Goal("p50 ms of a guest's page", "pages", "the page", "p50_ms", 50),
    Goal("growth of a booking's cost", "stored", "growth at 1000000", "grown", 1.2),
)


class Run:
    """One run of the command."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        named = {one.name: getattr(arguments, one.name) for one in fields(Sizes)}
        self.sizes = Sizes(**{name: tuple(one) if isinstance(one, list) else one for name, one in named.items()})
        self.sync: bool = arguments.sync
        self.parts: list[str] = arguments.only or list(PARTS)
        self.document = Document(machine.described(), f"python -m tests.load {shlex.join(sys.argv[1:])}".strip())
        self.failures: list[str] = []

    async def on(self, broker: str, parts: list[str]) -> None:
        """These parts on this broker."""
        shared = [part for part in SHARED if part in parts]
        if shared:
            async with self.installation(broker, "a process a service") as bench:
                for part in shared:
                    await SHARED[part](bench)
        if "stored" in parts:
            async with self.installation(broker, "a process a service, growing stores") as bench:
                await stored(bench)
        if "cpu" in parts:
            async with self.installation(broker, "a process a service and role", split=True) as bench:
                for part, measure in (("cpu", cpu), ("pages", pages)):
                    if part in self.parts:
                        await measure(bench)

    @contextlib.asynccontextmanager
    async def installation(self, broker: str, what: str, *, split: bool = False) -> AsyncIterator[Bench]:
        """New servers and services on them, their raw limits measured."""
        place = f"{broker}, store {'syncs' if self.sync else 'does not sync'}, {what}"
        async with (
            servers.running(broker, sync=self.sync) as running,
            self._measured(Installation(running, split=split), place, broker) as bench,
        ):
            yield bench

    async def all_in_one(self) -> None:
        """`turnus up`."""
        with tempfile.TemporaryDirectory(prefix="turnus-bench-", ignore_cleanup_errors=True) as folder:
            async with self._measured(
                AllInOne(Path(folder)), "turnus up (embedded, store syncs, one process)", ""
            ) as bench:
                for part, measure in (("cpu", cpu), ("pages", pages)):
                    if part in self.parts:
                        await measure(bench)

    @contextlib.asynccontextmanager
    async def _measured(self, installation: Installation, place: str, broker: str) -> AsyncIterator[Bench]:
        async with installation.running():
            guests = Guests(installation)
            self.document.limit(place, await limits.measured(installation, guests, self.sizes.raw_seconds))
            show("\n".join(heading(place, self.document.places[place]["limits"])))
            bench = Bench(
                self.document,
                self.say,
                place,
                installation,
                guests,
                self.sizes,
                lambda part: again(part, broker),
                self.failures,
            )
            await guests.warm(await guests.calendars(4, 1, "few"))
            yield bench

    def say(self, entry: Mapping[str, Any]) -> None:
        """Show a round, and keep all that was measured so far."""
        show("\n".join([entry["part"], *row(entry)]))
        OUT.parent.mkdir(exist_ok=True)
        OUT.write_text(json.dumps(self.document.shown(), indent=1, ensure_ascii=False) + "\n")
        OUT.with_suffix(".txt").write_text(table(self.document.shown(), GOALS))


def show(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def again(part: str, broker: str) -> str:
    """The command for one part, with the sizes of this run."""
    given = options().parse_args()
    said = options().parse_args([])
    words = [
        word
        for one in fields(Sizes)
        if (value := getattr(given, one.name)) != getattr(said, one.name)
        for word in (
            f"--{one.name.replace('_', '-')}",
            *map(str, value if isinstance(value, list | tuple) else [value]),
        )
    ]
    chosen = ["--broker", broker] if broker else []
    return f'make bench ARGS="{shlex.join(["--only", part, *chosen, *(["--sync"] if given.sync else []), *words])}"'


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.load", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, help="some parts")
    parser.add_argument("--broker", choices=[servers.KAFKA, servers.EMBEDDED], help="one broker, for every part")
    parser.add_argument("--sync", action="store_true", help="the store syncs every commit")
    for one in fields(Sizes):
        kept = one.default
        many = isinstance(kept, tuple)
        parser.add_argument(
            f"--{one.name.replace('_', '-')}",
            type=type(kept[0] if many else kept),
            nargs="+" if many else None,
            default=list(kept) if many else kept,
            help="default: %(default)s",
        )
    return parser


async def main(arguments: argparse.Namespace) -> int:
    run = Run(arguments)
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM):  # whoever breaks it off leaves no server behind
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    show("   ".join(f"{name} {value}" for name, value in run.document.machine.items()))
    reason = servers.missing_for_kafka()
    if arguments.broker:
        plan = {arguments.broker: run.parts}
    elif reason is None:
        plan = {servers.KAFKA: run.parts, servers.EMBEDDED: [part for part in ON_EVERY_BROKER if part in run.parts]}
    else:
        show(f"Apache Kafka is left out: {reason}")
        plan = {servers.EMBEDDED: run.parts}
    for broker, parts in plan.items():
        await run.on(broker, parts)
    if {"cpu", "pages"} & set(run.parts):
        await run.all_in_one()
    show(f"\n{OUT} and {OUT.with_suffix('.txt')}")
    for failure in run.failures:
        show(failure)
    return 1 if run.failures else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(options().parse_args())))
