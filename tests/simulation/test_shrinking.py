"""A violation is told by the smallest history that has it."""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from services.availability.domain.hosts import Host
from tests.simulation.history import run
from tests.simulation.shrinking import Shrunk, kind_of, shrink

SEED = 20


@contextmanager
def only_the_same_start_is_an_overlap() -> Generator[None]:
    def same_start(host: Host, start: int, end: int, but: str) -> Any:
        return next((r for r in host.reservations if r.start == start and r.booking_id != but), None)

    with patch.object(Host, "clash", same_start):
        yield


@cache
def shrunk() -> Shrunk:
    for seed in range(SEED, SEED + 50):
        found = shrink(seed, only_the_same_start_is_an_overlap)
        if found is not None:
            return found
    raise AssertionError("no history was double-booked")


def test_a_double_booking_shrinks_to_the_few_guests_who_race() -> None:
    found = shrunk()
    assert "double_booked" in (found.history.violation or "")
    assert kind_of(found.history.violation or "") == kind_of(found.whole.violation or "")
    assert len(found.left) < len(found.whole.drawn) / 2
    assert 2 <= len([name for name in found.left if name.startswith("guest ") and ":" not in name]) <= 3


def test_nothing_that_is_left_can_be_left_out() -> None:
    found = shrunk()
    for name in found.left:
        without = run(found.history.seed, only_the_same_start_is_an_overlap, frozenset(found.left) - {name})
        assert kind_of(without.violation or "") != kind_of(found.history.violation or ""), name


def test_what_is_told_has_the_seed_the_violation_what_is_left_and_the_order_of_events() -> None:
    found = shrunk()
    told = found.told().splitlines()
    assert told[0] == f"seed {found.history.seed}: {found.history.violation}"
    assert told[2 : 2 + len(found.left)] == [f"  - {name}" for name in found.left]
    events = [line for line in told if " BookingRequested " in line]
    assert events, "the table names what was said and heard"
    times = [float(line[:10]) for line in told if line[:10].strip().replace(".", "").isdigit()]
    assert times == sorted(times)
    assert "double_booked" in told[-1]


def test_a_history_without_a_violation_has_nothing_to_be_shrunk() -> None:
    assert shrink(SEED) is None


def test_a_cut_that_leaves_everything_leaves_the_same_history() -> None:
    whole = run(SEED)
    again = run(SEED, cut=frozenset(whole.drawn))
    assert again.digest == whole.digest
