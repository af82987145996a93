"""The one line of a request shares the trace that its answer names, and holds no path and no query."""

import io
import json

import httpx

from turnus_runtime import logs
from turnus_runtime.http.edge import Edge
from turnus_runtime.settings import Settings


async def test_the_line_of_a_request_has_the_trace_and_request_id_of_its_answer() -> None:
    out = io.StringIO()
    logs.configure(Settings(), out)
    transport = httpx.ASGITransport(Edge(name="shop"))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        answer = await client.get("/things/ada%40example.org?token=bkt_secret")
    (line,) = [line for line in map(json.loads, out.getvalue().splitlines()) if line["event"] == "request"]
    assert answer.status_code == 404
    assert line["trace_id"] == answer.headers["traceparent"][3:35]
    assert line["request_id"] == answer.headers["x-request-id"]
    assert (line["service"], line["route"], line["status"]) == ("shop", "-", 404)
    assert "example.org" not in out.getvalue()
    assert "secret" not in out.getvalue()
