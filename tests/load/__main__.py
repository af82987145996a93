"""`make bench`: bookings a second and how long guests wait, beside the raw limits of the same machine in the same run.

    python -m tests.load [--seconds 10] [--rates 10 50] [--only embedded|kafka]

Every service is a process of its own (`turnus serve NAME`) behind its HTTP port; store, cache and mailbox are the
embedded ones, the broker is the embedded one first and then Apache Kafka (Java 17 and Maven). Prints a table and writes
JSON lines to build/bench.json. Figures are for comparing within one run: the guests run on the same machine.
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import secrets
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.load import broker_bench, store_bench
from tests.load.guests import Answers, Guests
from tests.support.cluster import Cluster
from tests.support.kafka import ApacheKafka, BrokerServer, Tansu
from tests.support.system import given
from turnus_runtime.embedded import EmbeddedStack
from turnus_runtime.embedded.servers import BROKER
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.mongo import MongoStore
from turnus_runtime.ports import TopicSpec

OUT = Path("build/bench.json")
AT_ONCE = 64
"""Guests who wait at once when as many as possible are to be served."""
MORE_THAN_IT_TAKES = 400
"""A rate for that; those who find nobody free to send them are dropped by k6 and counted."""
RAW_SECONDS = 2.0
CALLERS = 128
PARTITIONS = 3


class Figures:
    """Prints each figure and keeps it as a JSON line."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def add(self, what: str, shown: str, **figures: Any) -> None:
        sys.stdout.write(f"{shown}\n")
        sys.stdout.flush()
        self.lines.append({"what": what, **figures})

    def write(self) -> None:
        OUT.parent.mkdir(exist_ok=True)
        OUT.write_text("".join(json.dumps(line) + "\n" for line in self.lines))


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(pages * size / 2**30, 1),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load": os.getloadavg()[0],
    }


def cpu_seconds(pid: int | None) -> float:
    """What a process has used so far; 0.0 where the system does not say (no /proc) or it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def compare_and_sets(url: str) -> float:
    """Writes a second of the gathering store, all callers with documents of their own."""
    trips: dict[str, int] = {}
    store = MongoStore(url, f"bench_{secrets.token_hex(4)}")
    try:
        await store.prepare({store_bench.COLLECTION: ()})
        return (await store_bench.measure(store, trips, CALLERS, RAW_SECONDS, hot=False)).won
    finally:
        await store.close()


async def publishes(settings: Mapping[str, Any]) -> tuple[float, float]:
    """Acknowledged publishes a second, one after the other and of many callers."""
    broker = KafkaBroker(
        settings["kafka_url"],
        client_id="bench",
        idempotent=settings["kafka_idempotent"] == "true",
        fetch_max_wait_ms=settings["kafka_fetch_max_wait_ms"],
    )
    await broker.start()
    try:
        await broker.provision([TopicSpec(broker_bench.SPEC.name, PARTITIONS, compacted=False)])
        alone = await broker_bench.publishing(broker, 1, RAW_SECONDS)
        return alone, await broker_bench.publishing(broker, CALLERS, RAW_SECONDS)
    finally:
        await broker.stop()


class Installation:
    """One broker, all services on it, and the processes whose CPU counts."""

    def __init__(
        self, figures: Figures, name: str, settings: Mapping[str, Any], pids: Mapping[str, int | None]
    ) -> None:
        self.figures = figures
        self.name = name
        self.settings = settings
        self.pids = dict(pids)

    async def measure(self, rates: list[int], seconds: int) -> None:
        """All rounds on this installation."""
        self.figures.add("broker", f"\n== {self.name}", name=self.name)
        store = await compare_and_sets(self.settings["mongo_url"])
        alone, many = await publishes(self.settings)
        with tempfile.TemporaryDirectory() as folder:
            async with Cluster(self.settings, Path(folder)).running() as cluster:
                self.pids |= {name: one._process.pid for name, one in cluster.processes.items() if one._process}
                guests = await Guests.of(cluster)
                await guests.book(10, 3, AT_ONCE)  # connections, first imports
                for rate in rates:
                    await self._round(guests, rate, seconds, 4 * AT_ONCE)
                    await cluster.at_rest()
                most = await self._round(guests, MORE_THAN_IT_TAKES, seconds, AT_ONCE, most=True)
                await cluster.at_rest(120)
                plain = (await guests.plain(5_000, 4, 16)).in_time / 4
        limits = {
            f"coalesced compare-and-sets/s ({CALLERS} callers)": store,
            "broker round trips/s, one by one": alone,
            f"broker publishes/s ({CALLERS} callers)": many,
            "plain HTTP answers/s": plain,
        }
        for limit, value in limits.items():
            self.figures.add(
                "limit",
                f"{limit:45} {value:8.0f}   confirmed bookings/s : this = {most / value:.4f}",
                broker=self.name,
                limit=limit,
                value=value,
                ratio=most / value,
            )

    async def _round(self, guests: Guests, rate: int, seconds: int, at_once: int, *, most: bool = False) -> float:
        before = {name: cpu_seconds(pid) for name, pid in self.pids.items()}
        answers = await guests.book(rate, seconds, at_once)
        used = {name: cpu_seconds(pid) - before[name] for name, pid in self.pids.items()}
        each = {name: round(cpu * 1000 / max(answers.confirmed, 1), 1) for name, cpu in used.items()}
        confirmed = answers.in_time / seconds
        load = os.getloadavg()[0]
        name = "as many as it takes" if most else f"{rate} guests/s"
        waits = f"p50 {answers.p50_ms:6.0f} ms   p99 {answers.p99_ms:6.0f} ms"
        costs = ", ".join(f"{part} {ms}" for part, ms in each.items())
        self.figures.add(
            "round",
            f"{name:20} {confirmed:7.1f} confirmed/s   {waits}   {told(answers)}   load {load:.1f}\n"
            f"{'':20} CPU ms a booking: {costs}",
            broker=self.name,
            rate=None if most else rate,
            seconds=seconds,
            confirmed_per_second=confirmed,
            cpu_ms_per_booking=each,
            load=load,
            **asdict(answers),
        )
        return confirmed


def told(answers: Answers) -> str:
    """What did not end in a confirmation, if anything."""
    rest = {name: getattr(answers, name) for name in ("waiting", "refused", "failed", "dropped")}
    return ", ".join(f"{count} {name}" for name, count in rest.items() if count) or "all confirmed"


def missing_for_kafka() -> str | None:
    """Why Apache Kafka cannot run here; None: it can."""
    missing = [tool for tool in ("java", "mvn") if shutil.which(tool) is None]
    return f"{' and '.join(missing)} not found (openjdk-17-jre-headless, maven)" if missing else None


@contextlib.asynccontextmanager
async def started(kind: type[BrokerServer]) -> AsyncIterator[BrokerServer]:
    broker = await asyncio.to_thread(kind)
    try:
        await asyncio.to_thread(broker.start)
        yield broker
    finally:
        await asyncio.to_thread(broker.close)


async def main(rates: list[int], seconds: int, only: str | None) -> None:
    figures = Figures()
    here = machine()
    figures.add("machine", "   ".join(f"{name} {value}" for name, value in here.items()), **here)
    with tempfile.TemporaryDirectory() as folder:
        stack = EmbeddedStack(Path(folder) / "data")
        endpoints = await stack.start()
        servers = {name: health.pid for name, health in stack.health.items() if name != BROKER}
        kinds: list[tuple[str, type[BrokerServer], int]] = [("embedded", Tansu, 50), ("kafka", ApacheKafka, 500)]
        try:
            for name, kind, wait_ms in kinds:
                if only not in (None, name):
                    continue
                if kind is ApacheKafka and (reason := missing_for_kafka()) is not None:
                    figures.add("skipped", f"\n== {name}: skipped, {reason}", broker=name, reason=reason)
                    continue
                async with started(kind) as broker:
                    settings = given(
                        endpoints,
                        f"bench{name}",
                        kafka_url=broker.url,
                        kafka_idempotent=str(broker.idempotent).lower(),
                        kafka_fetch_max_wait_ms=wait_ms,
                        kafka_session_timeout_ms=6000 if kind is ApacheKafka else 3000,
                        topic_partitions=PARTITIONS,
                    )
                    pids = {**servers, BROKER: broker._process.pid if broker._process else None}
                    await Installation(figures, name, settings, pids).measure(rates, seconds)
        finally:
            await stack.stop()
            figures.write()
    sys.stdout.write(f"\n{OUT}\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--rates", type=int, nargs="+", default=[10, 50])
    parser.add_argument("--only", choices=["embedded", "kafka"])
    arguments = parser.parse_args()
    asyncio.run(main(arguments.rates, arguments.seconds, arguments.only))
