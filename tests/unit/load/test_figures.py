"""What the load measurement makes of its numbers, and how it shows them."""

import json

import pytest

from tests.load.figures import (
    Document,
    Goal,
    Limit,
    Used,
    can_be_told,
    costs,
    parts_of,
    percentile,
    ratios,
    told,
)
from tests.load.table import bars, table

LIMITS = {
    "store": Limit("compare-and-sets", per_second=2_000, p50_ms=0.5, cpu_ms=0.25),
    "http": Limit("answers", per_second=1_000, p50_ms=2.0, cpu_ms=1.0),
}


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 51), (0.9, 91), (0.99, 100), (1.0, 100)])
def test_a_percentile_is_a_value_that_was_seen(share: float, value: int) -> None:
    assert percentile(range(1, 101), share) == value


def test_a_percentile_is_told_only_if_some_value_lies_beyond_it() -> None:
    assert not can_be_told(0.999, 999)
    assert can_be_told(0.999, 1_000)
    assert can_be_told(0.99, 100)
    seen = {"p50_ms": 1.0, "p90_ms": 2.0, "p99_ms": 3.0, "p999_ms": 4.0}
    assert told(seen, 100) == {**seen, "p999_ms": None}
    assert told(seen, 0) == dict.fromkeys(seen)


def test_a_figure_is_compared_with_what_it_is_a_multiple_of() -> None:
    found = ratios({"confirmed_per_second": 100, "p50_ms": 20.0, "answered_s": 2.0, "cpu_ms_ours": 5.0}, LIMITS)
    assert found == {
        "confirmed_per_second": {"store": 0.05, "http": 0.1},
        "p50_ms": {"store": 40, "http": 10},
        "answered_s": {"store": 4_000, "http": 1_000},
        "cpu_ms_ours": {"store": 20, "http": 5},
    }


def test_what_is_no_rate_no_wait_and_no_cpu_has_no_ratio() -> None:
    assert ratios({"winners": 1, "p99_ms": None, "codes": {"slot_taken": 3}, "load": 2.0}, LIMITS) == {}


def test_the_cost_of_a_booking_tells_our_processes_from_the_servers() -> None:
    used = Used(10.0, {"booking": 0.6, "notify": 0.2, "store": 0.3, "mail server": 0.1}, busy=1.5)
    assert costs(used, 100) == {"cpu_ms_ours": 8.0, "cpu_ms_store": 3.0, "cpu_ms_mail_server": 1.0}
    parts = parts_of(used, 100)
    assert list(parts) == ["booking", "store", "everything else", "notify", "mail server"]
    assert parts["everything else"] == pytest.approx(3.0)


def test_bars_are_as_long_as_their_share_and_leave_out_what_is_next_to_nothing() -> None:
    lines = bars({"booking": 3.0, "store": 1.5, "cache": 0.001})
    assert [line.count("█") for line in lines] == [40, 20]
    assert bars({}) == []
    assert bars({"booking": 0.0}) == []


def document() -> Document:
    found = Document({"cores": 2}, "python -m tests.load")
    found.limit("kafka", LIMITS)
    waits = {"p50_ms": 20.0, "p90_ms": 30.0, "p99_ms": 99.0, "p999_ms": None, "max_ms": 140.0}
    found.add(
        "kafka", "bookings", "50 guests/s", "make bench", {"confirmed_per_second": 49.9, **waits, "cpu_ms_ours": 5.0}
    )
    found.add("kafka", "cpu", "saturation", "make bench", {"cpu": {"booking": 2.0, "store": 1.0}})
    found.add("kafka", "race", "9 guests", "make bench", {"winners": 1, "codes": {"slot_taken": 8, "other": 0}})
    return found


def test_the_table_says_machine_command_limits_waits_ratios_and_what_holds() -> None:
    goals = (
        Goal("p50 ms", "bookings", "50 guests/s", "p50_ms", 25),
        Goal("CPU ms", "bookings", "50 guests/s", "cpu_ms_ours", 4),
        Goal("bookings/s", "bookings", "saturation", "confirmed_per_second", 450, most=False),
    )
    text = table(document().shown(), goals)
    for part in (
        "cores 2",
        "bookings   (make bench)",
        "p50 20.0 p90 30.0 p99 99.0 p99.9 – max 140 ms",
        "p50 = 40 × store, 10 × http",
        "8 slot_taken",
        "booking    2.00 ms   67%",
        "p50 ms ≤ 25: 20, holds   (kafka, 50 guests/s)",
        "CPU ms ≤ 4: 5, DOES NOT HOLD   (kafka, 50 guests/s)",
    ):
        assert part in text
    assert "other" not in text
    assert "bookings/s ≥" not in text, "nothing was measured for it"


def test_the_document_is_json_with_the_ratios_of_every_round() -> None:
    shown = json.loads(json.dumps(document().shown()))
    rounds = shown["places"]["kafka"]["rounds"]
    assert [one["part"] for one in rounds] == ["bookings", "cpu", "race"]
    assert set(rounds[0]["ratios"]) == {"confirmed_per_second", "p50_ms", "p90_ms", "p99_ms", "max_ms", "cpu_ms_ours"}
