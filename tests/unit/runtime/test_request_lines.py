"""The one line of a request shares the trace that its answer names, and holds no path and no query."""

import io
import json

import httpx
import pytest
from starlette.responses import PlainTextResponse

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


@pytest.mark.parametrize(("level", "lines"), [("debug", ["debug"]), ("info", [])])
async def test_a_read_that_went_well_and_not_slowly_has_a_line_for_whoever_wants_all(
    level: str, lines: list[str]
) -> None:
    out = io.StringIO()
    logs.configure(Settings(log_level=level), out)
    transport = httpx.ASGITransport(Edge(PlainTextResponse("here"), name="shop"))
    async with httpx.AsyncClient(transport=transport, base_url="http://shop") as client:
        assert (await client.get("/things")).status_code == 200
    written = [line for line in map(json.loads, out.getvalue().splitlines()) if line["event"] == "request"]
    assert [line["level"] for line in written] == lines
