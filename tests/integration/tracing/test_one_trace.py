"""One booking is one trace over all services, and its log lines share the booking's id."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.integration.tracing.conftest import Office, lines
from tests.support.cluster import Cluster
from tests.support.otlp import OtlpReceiver, ReceivedSpan
from tests.support.system import eventually

WAY = {
    ("booking", "POST /api/v1/bookings"),
    ("availability", "BookingRequested availability"),
    ("assignment", "SlotReserved assignment"),
    ("availability", "AssigneeChosen availability"),
    ("booking", "AssigneeSettled booking"),
    ("assignment", "AssigneeSettled assignment"),
    ("assignment", "BookingConfirmed assignment"),
    ("notify", "BookingConfirmed notify"),
    ("notify", "GuestDetailsGiven notify"),
    ("notify", "job send_mail"),
}
"""(service, span) of a booking from the guest's request to the mails."""


async def book(cluster: Cluster, office: Office, n: int) -> dict[str, Any]:
    start = (datetime.now(UTC) + timedelta(days=2)).replace(hour=9, minute=0, second=0, microsecond=0)
    guest = {"name": f"Guest {n}", "email": f"guest{n}@example.org"}
    body = {"calendar": office.calendar, "start": (start + timedelta(days=n)).isoformat(), "tz": "UTC", "guest": guest}
    return await cluster.call("POST", "/bookings", body, {"Prefer": "wait=30"})


async def test_a_booking_is_one_trace_from_the_request_to_the_mails_and_its_lines_name_it(
    cluster: Cluster, office: Office, receiver: OtlpReceiver
) -> None:
    first, second = await book(cluster, office, 1), await book(cluster, office, 2)
    assert (first["status"], second["status"]) == ("confirmed", "confirmed")

    def ways() -> list[list[ReceivedSpan]]:
        """The spans of each booking's trace."""
        spans = receiver.spans()
        traces = [span.trace_id for span in spans if span.name == "POST /api/v1/bookings"]
        return [[span for span in spans if span.trace_id == trace] for trace in traces]

    async def arrived() -> bool:
        return sum({(span.service, span.name) for span in way} >= WAY for way in ways()) == 2

    await eventually(arrived, 60)
    await cluster.at_rest()
    one, other = ways()
    for way in (one, other):
        known = {span.span_id for span in way}
        (root,) = [span for span in way if span.parent_id == ""]
        assert root.name == "POST /api/v1/bookings"
        assert [span.name for span in way if span.parent_id and span.parent_id not in known] == []

    said = lines(cluster)
    for way, booking in zip((one, other), (first["id"], second["id"]), strict=True):
        of_trace = [line for line in said if line.get("trace_id") == way[0].trace_id]
        assert {line.get("booking_id") or line.get("record") for line in of_trace} == {booking}
        handled = {(line["service"], line["topic"]) for line in of_trace if line["event"] == "handled"}
        assert handled >= {(service, name.split()[0]) for service, name in WAY if name.endswith(f" {service}")}
        (request,) = [line for line in of_trace if line["event"] == "request"]
        assert (request["booking_id"], request["route"]) == (booking, "/api/v1/bookings")
