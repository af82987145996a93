from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.support.cluster import Cluster
from tests.support.kafka import BrokerServer, new_broker
from tests.support.stack import Names
from tests.support.system import given
from tests.support.workload import BEFORE
from turnus_runtime.embedded import Endpoints


@pytest.fixture
def broker() -> Iterator[BrokerServer]:
    """A broker of the test's own: the embedded one, or Apache Kafka."""
    made = new_broker()
    made.start()
    yield made
    made.close()


@pytest.fixture
async def cluster(
    embedded_servers: Endpoints, broker: BrokerServer, names: Names, tmp_path: Path
) -> AsyncIterator[Cluster]:
    """Every service as its own process, at a time before the workloads."""
    settings = given(
        embedded_servers,
        names.prefix.replace("_", "-"),
        kafka_url=broker.url,
        kafka_idempotent=str(broker.idempotent).lower(),
        kafka_fetch_max_wait_ms=broker.fetch_max_wait_ms,
        topic_partitions=4,
        clock_start=BEFORE,
    )
    async with Cluster(settings, tmp_path).running() as running:
        yield running
