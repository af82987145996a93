"""Fixtures for all tests, and which tests a run is about.

`TURNUS_TEST_KAFKA=apache` runs the tests that have a broker of their own on Apache Kafka instead of the embedded one.
A test that only one kind of broker can pass says so by its mark; nothing is ever skipped.
"""

import pytest

from tests.support.kafka import APACHE

pytest_plugins = ["tests.support.stack"]
OWN_BROKER = frozenset({"fresh_broker", "broker", "server"})
"""Fixtures that give a test a broker of its own, of the kind that the run is about."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    other = "embedded_only" if APACHE else "apache_only"

    def wanted(item: pytest.Item) -> bool:
        fixtures = frozenset(getattr(item, "fixturenames", ()))
        return item.get_closest_marker(other) is None and (not APACHE or bool(fixtures & OWN_BROKER))

    left_out = [item for item in items if not wanted(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if wanted(item)]
