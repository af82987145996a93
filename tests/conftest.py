"""Fixtures for all tests, and which tests a run is about.

`TURNUS_TEST_KAFKA=apache` runs the tests that have a broker of their own on Apache Kafka instead of the embedded one.
A test that only one kind of broker can pass says so by its mark; nothing is ever skipped.
"""

import pytest
from hypothesis import HealthCheck, settings

from tests.support.kafka import APACHE

pytest_plugins = ["tests.support.stack"]
# No test asserts a wall time, and an example that waits for the processor fails nothing.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

LONGEST = (
    "tests/integration/chaos/test_kills.py",
    "tests/integration/tracing/",
    "tests/integration/api/test_generated_requests.py",
    "tests/integration/api/test_query_shapes.py",
    "tests/simulation/",
    "tests/integration/chaos/",
    "tests/integration/broker/",
    "tests/integration/",
)
"""What several test processes begin with: first what takes longest, last what is short and fills the gaps."""
ABOUT_BROKERS = ("tests/integration/broker/", "tests/integration/chaos/", "tests/contracts/test_broker_port.py")
"""Tests that start brokers of the kind that the run is about; all others get one by the fixture `fresh_broker`."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    other = "embedded_only" if APACHE else "apache_only"

    def wanted(item: pytest.Item) -> bool:
        own = "fresh_broker" in getattr(item, "fixturenames", ()) or item.nodeid.startswith(ABOUT_BROKERS)
        return item.get_closest_marker(other) is None and (own or not APACHE)

    left_out = [item for item in items if not wanted(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if wanted(item)]
    items.sort(key=lambda item: next((n for n, begin in enumerate(LONGEST) if item.nodeid.startswith(begin)), 99))
