"""Spans reach a real OTLP receiver, as one trace over services."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.trace import SpanKind

from tests.support.otlp import OtlpReceiver, ReceivedSpan
from turnus_runtime import telemetry, telemetry_sdk
from turnus_runtime.settings import Settings

from .conftest import until


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[OtlpReceiver]:
    made = OtlpReceiver(tmp_path)
    made.start()
    yield made
    made.stop()


async def handled(service: str, name: str, traceparent: str, kind: SpanKind = SpanKind.INTERNAL) -> str:
    """A span of one service that continues a trace; what it hands on."""
    telemetry.serving.set(service)  # of this task only
    with telemetry.continued(traceparent), telemetry.span(name, kind=kind, record="bk_1"):
        return telemetry.current_traceparent()


async def arrived(receiver: OtlpReceiver, count: int) -> list[ReceivedSpan]:
    async def there() -> bool:
        return len(receiver.spans()) >= count

    await until(there)
    return receiver.spans()


async def test_what_services_hand_on_is_one_trace_with_each_under_its_own_name(receiver: OtlpReceiver) -> None:
    sink = telemetry_sdk.start(Settings(otlp_endpoint=receiver.url, environment="test"))
    handed = await asyncio.create_task(handled("booking", "POST /bookings", "", SpanKind.SERVER))
    handed = await asyncio.create_task(handled("availability", "BookingRequested", handed))
    await asyncio.create_task(handled("booking", "AssigneeSettled", handed))
    await asyncio.to_thread(sink.stop)
    spans = {span.name: span for span in await arrived(receiver, 3)}
    first, second, third = spans["POST /bookings"], spans["BookingRequested"], spans["AssigneeSettled"]
    assert [span.service for span in (first, second, third)] == ["booking", "availability", "booking"]
    assert len({span.trace_id for span in spans.values()}) == 1
    assert (first.parent_id, second.parent_id, third.parent_id) == ("", first.span_id, second.span_id)
    assert first.kind == "server"
    assert third.attributes["record"] == "bk_1"


async def test_an_error_is_told_by_its_type_without_what_people_wrote(receiver: OtlpReceiver) -> None:
    sink = telemetry_sdk.start(Settings(otlp_endpoint=receiver.url))
    with pytest.raises(ValueError, match="Ada"), telemetry.span("handle"):
        raise ValueError("Ada Lovelace")
    await asyncio.to_thread(sink.stop)
    (span,) = await arrived(receiver, 1)
    assert span.status == "error"
    assert span.attributes == {"error.type": "ValueError"}
    assert "Ada" not in str(receiver.spans())


async def test_a_receiver_that_is_away_costs_nothing_but_the_spans(unused_tcp_port: int) -> None:
    sink = telemetry_sdk.start(Settings(otlp_endpoint=f"http://127.0.0.1:{unused_tcp_port}"))
    with telemetry.span("handle"):
        assert telemetry.current_traceparent()
    telemetry.count_retry("x")
    assert b"turnus_retries_total" in sink.metrics_text()
    async with asyncio.timeout(60):
        await asyncio.to_thread(sink.stop)
