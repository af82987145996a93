"""The notes service of the unit tests, served over TCP, its records in a real store, its limits in a real Redis."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.stack import Names, until
from tests.support.system import PATIENT_COUNTING
from tests.unit.runtime.http.conftest import key_event
from tests.unit.runtime.http.notes import SERVICE
from turnus_runtime.clock import StoreClock
from turnus_runtime.credentials import SCOPES, learn_signing_key, sign_token, with_credentials
from turnus_runtime.embedded import Endpoints
from turnus_runtime.http import app_of, gateway
from turnus_runtime.ids import RandomIds
from turnus_runtime.mongo import MongoStore
from turnus_runtime.redis import RateLimiter, RedisSignals
from turnus_runtime.settings import Settings
from turnus_runtime.store import RecordStore
from turnus_runtime.turn import Turn

PRIVATE = Ed25519PrivateKey.from_private_bytes(b"k" * 32)


@dataclass
class Served:
    """A running server: a client, its port, and a way to a turn."""

    http: httpx.AsyncClient
    port: int
    turn: Turn
    app: Any

    def staff(self, workspace: str = "ws_a") -> dict[str, str]:
        token = sign_token(
            PRIVATE,
            "sk_1",
            credential_id=f"ses_{workspace}",
            member_id="mem_1",
            workspace_id=workspace,
            role="admin",
            scopes=SCOPES,
            issued_at=self.turn.now,
            expires_at=None,
        )
        return {"Authorization": f"Bearer {token}"}

    async def raw(self, request: bytes) -> bytes:
        """Send bytes as they are; the whole of what comes back until the server closes."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        await writer.drain()
        answer = await reader.read()
        writer.close()
        return answer


@contextlib.asynccontextmanager
async def serving(app: Any) -> AsyncIterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level=None, proxy_headers=False, access_log=False))
    # The test owns the signals.
    server.capture_signals = contextlib.nullcontext  # pyright: ignore[reportAttributeAccessIssue]
    running = asyncio.create_task(server.serve())
    try:
        await until(lambda: server.started, "the server listens")
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await running


@contextlib.asynccontextmanager
async def served_by(settings: Settings, database: str, limits: str) -> AsyncIterator[Served]:
    store = MongoStore(settings.mongo_url, database)
    clock = StoreClock(store)
    signals, limiter = RedisSignals(settings.redis_url, limits), RateLimiter(settings.redis_url, limits)
    records = RecordStore(store, clock, signals, lambda _: False)
    service = with_credentials(SERVICE)

    def turn() -> Turn:
        return Turn(clock.now(), records, RandomIds(), clock, signals, settings)

    await store.prepare({kind.collection: kind.indexes for kind in service.records})
    await clock.open()
    await learn_signing_key(key_event(PRIVATE), turn())
    app = gateway({"noting": app_of(service, turn, settings=settings, limiter=limiter)}, [service])
    async with serving(app) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield Served(client, port, turn(), app)
    await limiter.close()
    await records.stop()
    await store.close()


@pytest.fixture
async def served(embedded_servers: Endpoints, names: Names, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr(*PATIENT_COUNTING)
    settings = Settings(
        mongo_url=embedded_servers.mongo_url,
        redis_url=embedded_servers.redis_url,
        rate_limits_guest_reads_per_minute=1_000_000,
        rate_limits_guest_writes_per_minute=1_000_000,
        rate_limits_staff_per_minute=1_000_000,
        rate_limits_sign_ins_per_minute=40,
    )
    async with served_by(settings, names.database("noting"), names.prefix) as running:
        yield running
