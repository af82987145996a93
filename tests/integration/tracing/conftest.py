"""All services, each as its own process that says all it can, and a real OTLP receiver."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import Cluster
from tests.support.otlp import OtlpReceiver
from tests.support.stack import Names
from tests.support.system import given
from tests.support.workload import sign_up
from turnus_runtime.embedded import Endpoints


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[OtlpReceiver]:
    made = OtlpReceiver(tmp_path)
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def cluster(
    embedded_servers: Endpoints,
    fresh_broker: str,
    receiver: OtlpReceiver,
    names: Names,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Cluster]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")  # ms between two batches of spans; its default is 5000
    settings = given(
        embedded_servers,
        names.prefix.replace("_", "-"),
        kafka_url=fresh_broker,
        kafka_idempotent="false",
        topic_partitions=2,
        otlp_endpoint=receiver.url,
        log_level="debug",
    )
    async with Cluster(settings, tmp_path).running() as running:
        yield running


@dataclass(frozen=True)
class Office:
    """A workspace with one round robin of two hosts who work around the clock."""

    staff: dict[str, str]
    calendar: str


@pytest.fixture
async def office(cluster: Cluster) -> Office:
    staff = await sign_up(cluster, "office")
    members: list[dict[str, str]] = []
    for name in ("Ada", "Bob"):
        person = {"name": name, "email": f"{name.lower()}@office.example.org", "tz": "Europe/Berlin", "role": "member"}
        member_id = (await cluster.call("POST", "/members", person, staff))["id"]
        hours = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "24:00"}]
        schedule = {"member_id": member_id, "name": "Hours", "tz": "Europe/Berlin", "weekly": hours}
        await cluster.call("POST", "/schedules", schedule, staff)
        members.append({"member_id": member_id})
    body = {"kind": "round_robin", "slug": "team", "name": "Team", "tz": "Europe/Berlin", "members": members}
    calendar = (await cluster.call("POST", "/calendars", body, staff))["id"]
    await cluster.call("POST", f"/calendars/{calendar}/publish", None, {**staff, "Prefer": "wait=30"})
    return Office(staff, calendar)


def lines(cluster: Cluster) -> list[dict[str, Any]]:
    """Every log line of every service; one that is no JSON object fails the test."""
    return [json.loads(line) for text in logs(cluster) for line in text.splitlines()]


def logs(cluster: Cluster) -> list[str]:
    return [process.log() for process in cluster.processes.values()]
