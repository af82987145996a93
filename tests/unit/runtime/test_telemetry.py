"""Trace contexts are carried on with and without a receiver; measurements appear in the text for Prometheus."""

from collections.abc import Iterator

import pytest

from turnus_runtime import telemetry, telemetry_sdk
from turnus_runtime.settings import Settings
from turnus_runtime.telemetry import continued, current_trace, current_traceparent, span

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
GIVEN = f"00-{TRACE}-00f067aa0ba902b7-01"


@pytest.fixture
def started() -> Iterator[telemetry_sdk.Telemetry]:
    sink = telemetry_sdk.start(Settings())
    yield sink
    sink.stop()


def test_outside_of_everything_there_is_no_traceparent() -> None:
    assert current_traceparent() == ""
    assert current_trace() is None


def test_a_traceparent_goes_in_and_comes_out_again() -> None:
    with continued(GIVEN):
        assert current_traceparent() == GIVEN
        assert current_trace() == (TRACE, "00f067aa0ba902b7")
    assert current_traceparent() == ""


def test_spans_carry_a_trace_on_although_nobody_records_it() -> None:
    with continued(GIVEN), span("handle", record="bk_1") as present:
        present.set_attribute("anything", 1)
        assert current_trace() == (TRACE, "00f067aa0ba902b7")


def test_a_span_without_a_parent_begins_a_trace_that_others_can_join() -> None:
    with span("request"):
        first = current_traceparent()
        with span("inner"):
            assert current_traceparent()[3:35] == first[3:35]
    with span("request"):
        assert current_traceparent()[3:35] != first[3:35]
    with continued(first):
        assert current_traceparent() == first


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "nonsense",
        GIVEN.upper(),
        GIVEN[:-1],
        GIVEN + "\n",
        GIVEN + "-more",
        f"ff-{TRACE}-00f067aa0ba902b7-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-{TRACE}-{'0' * 16}-01",
    ],
)
def test_a_bad_traceparent_begins_a_new_trace_and_never_joins_the_present_one(bad: str) -> None:
    with continued(GIVEN), continued(bad):
        assert current_traceparent() == ""
        with span("new"):
            assert current_trace() is not None
            assert current_traceparent()[3:35] != TRACE


def test_a_traceparent_of_a_later_version_is_understood() -> None:
    with continued(f"cc-{TRACE}-00f067aa0ba902b7-01-what-the-future-brings"):
        assert current_traceparent() == GIVEN


def test_measurements_are_in_the_text_for_prometheus(started: telemetry_sdk.Telemetry) -> None:
    token = telemetry.serving.set("shop")
    telemetry.observe_http("GET", "/things/{id}", 200, 0.002)
    telemetry.observe_handler("event", "Sold", "done", 0.2)
    telemetry.observe_store("bulk", "things", 0.004, 17)
    telemetry.observe_broker("publish", "Sold", 0.004, 3)
    telemetry.count_retry("Sold")
    telemetry.count_dead_letter("Sold")
    telemetry.watch("owed_age", "shop", lambda: 12.5)
    telemetry.watch("lag", "shop", lambda: None)
    telemetry.serving.reset(token)
    lines = started.metrics_text().decode().splitlines()
    telemetry.unwatch("shop")
    http = 'http_request_method="GET",http_response_status_code="200",http_route="/things/{id}",service="shop"'
    for expected in (
        f"http_server_request_duration_seconds_count{{{http}}} 1.0",
        'turnus_handler_duration_seconds_bucket{kind="event",le="0.25",name="Sold",outcome="done",service="shop"} 1.0',
        'turnus_handler_duration_seconds_bucket{kind="event",le="0.1",name="Sold",outcome="done",service="shop"} 0.0',
        'turnus_store_documents_total{name="things",service="shop",verb="bulk"} 17.0',
        'turnus_broker_messages_total{name="Sold",service="shop",verb="publish"} 3.0',
        'turnus_retries_total{name="Sold",service="shop"} 1.0',
        'turnus_dead_letters_total{service="shop",topic="Sold"} 1.0',
        'turnus_owed_age_seconds{service="shop"} 12.5',
    ):
        assert expected in lines
    assert not [line for line in lines if line.startswith("turnus_consumer_lag{")]
    assert not [line for line in started.metrics_text().decode().splitlines() if line.startswith("turnus_owed_age_s")]


def test_measuring_without_a_sink_is_allowed_and_a_second_sink_is_not(started: telemetry_sdk.Telemetry) -> None:
    with pytest.raises(RuntimeError, match="started already"):
        telemetry_sdk.start(Settings())
    started.stop()
    telemetry.observe_http("GET", "/", 200, 0.1)
    telemetry.count_retry("x")
    telemetry_sdk.start(Settings()).stop()
