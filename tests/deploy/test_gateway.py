"""The gateway sends each resource to the service that owns it; Caddy itself runs here, before stand-in services."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.deploy.tables import services
from tests.support.processes import free_port

CADDYFILE = Path(__file__).parents[2] / "deploy" / "gateway" / "Caddyfile"


@dataclass(frozen=True)
class Gateway:
    public: str
    internal: str

    async def ask(self, path: str, listener: str = "public", **headers: str) -> dict[str, str]:
        """Who answered, and the headers that it got."""
        async with httpx.AsyncClient(base_url=getattr(self, listener)) as client:
            answer = await client.get(path, headers={key.replace("_", "-"): value for key, value in headers.items()})
        return answer.json()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    async with AsyncExitStack() as stack:
        names = [name for name, service in services().items() if service.routes is not None]
        upstreams = {f"GATEWAY_{name.upper()}": await _stand_in(name, stack) for name in names}
        public, internal, health = (f"127.0.0.1:{free_port()}" for _ in range(3))
        environment = {"GATEWAY_PUBLIC": public, "GATEWAY_INTERNAL": internal, "GATEWAY_HEALTH": health}
        caddy = await asyncio.create_subprocess_exec(
            *("caddy", "run", "--adapter", "caddyfile", "--config", str(CADDYFILE)),
            env={**os.environ, **environment, **upstreams},
            stderr=asyncio.subprocess.DEVNULL,
        )
        stack.push_async_callback(caddy.wait)
        stack.callback(caddy.terminate)
        await _until_alive(f"http://{health}", caddy)
        yield Gateway(f"http://{public}", f"http://{internal}")


async def test_every_resource_goes_to_the_service_that_owns_it(gateway: Gateway) -> None:
    owners = {resource: name for name, service in services().items() for resource in service.resources}
    assert owners
    for resource, owner in owners.items():
        for path in (f"/api/v1/{resource}", f"/api/v1/{resource}/x_1/y?limit=1"):
            assert (await gateway.ask(path))["service"] == owner, path
            assert (await gateway.ask(path, "internal"))["service"] == owner, path


async def test_what_is_no_resource_goes_to_web(gateway: Gateway) -> None:
    for path in (
        "/",
        "/demo/beratung",
        "/b/bk_1",
        "/static/x.css",
        "/api/docs",
        "/api/v1/openapi.json",
        "/api/v1/slots-x",
    ):
        assert (await gateway.ask(path))["service"] == "web", path


async def test_a_guest_cannot_say_that_they_come_from_elsewhere(gateway: Gateway) -> None:
    got = await gateway.ask("/api/v1/slots", X_Forwarded_For="203.0.113.9", X_Forwarded_Proto="gopher")
    assert got["x-forwarded-for"] == "127.0.0.1"
    assert got["x-forwarded-proto"] == "http"


async def test_web_says_for_whom_it_asks(gateway: Gateway) -> None:
    got = await gateway.ask("/api/v1/slots", "internal", X_Forwarded_For="203.0.113.9")
    assert got["x-forwarded-for"] == "203.0.113.9, 127.0.0.1"


async def _stand_in(name: str, stack: AsyncExitStack) -> str:
    """A server that answers with its name and the headers it got; returns its address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {key.lower(): value for key, value in (line.split(": ", 1) for line in head)}
        body = json.dumps({"service": name, **headers}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await stack.enter_async_context(await asyncio.start_server(answer, "127.0.0.1", 0))
    return f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def _until_alive(url: str, caddy: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(30), httpx.AsyncClient() as client:
        while caddy.returncode is None:
            with suppress(httpx.TransportError):
                assert (await client.get(url)).status_code == 204
                return
            await asyncio.sleep(0.02)
    pytest.fail("Caddy ended before it was ready")
