"""The notes service in memory: its records in a dictionary, its app called without a network."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.unit.runtime.http.notes import SERVICE
from turnus_contracts import Event, SigningKeyChanged
from turnus_runtime.credentials import SCOPES, learn_signing_key, public_key_text, sign_token
from turnus_runtime.http import App, Counted, app_of
from turnus_runtime.ids import RandomIds
from turnus_runtime.records import Decision, Record
from turnus_runtime.settings import Settings
from turnus_runtime.turn import Turn

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)


class Dictionary:
    """The records of one service in memory, one at a time."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], Record] = {}
        self.reads: list[tuple[str, str]] = []

    async def get(self, kind: type[Any], id: str) -> Any:
        self.reads.append((kind.collection, id))
        return self.records.get((kind.collection, id))

    async def versions(self, kind: type[Any], ids: Sequence[str]) -> Mapping[str, int]:
        raise AssertionError("nobody asks for versions here")

    async def find(self, kind: type[Any], index: str, low: Any, high: Any, *, limit: int, reverse: bool) -> list[Any]:
        mine = [record for (collection, _), record in self.records.items() if collection == kind.collection]
        keyed = sorted(
            ((record.keys()[index], record) for record in mine), key=lambda pair: str(pair[0]), reverse=reverse
        )
        return [record for key, record in keyed if low <= key < high][:limit]

    async def decide(self, kind: type[Any], id: str, decision: Callable[[Any], Decision[Any, Any]]) -> Any:
        decided = decision(self.records.get((kind.collection, id)))
        if decided.record is not None:
            self.records[kind.collection, id] = decided.record
        return decided.answer

    async def say(self, events: Sequence[Event]) -> None:
        raise AssertionError("nothing is said here")


@dataclass
class Limits:
    """A limiter that says what it is told to and remembers whom it was asked about."""

    hits: list[tuple[str, str, int, int]] = field(default_factory=list)
    allowed: bool = True

    async def hit(self, name: str, key: str, limit: int, per_seconds: int) -> Counted:
        self.hits.append((name, key, limit, per_seconds))
        return Counted(self.allowed, limit - 1 if self.allowed else 0, 17)


@dataclass
class World:
    """The app, what it keeps, and credentials for it."""

    app: App
    shelf: Dictionary
    limits: Limits
    clock: list[datetime]
    private: Ed25519PrivateKey
    turn: Callable[[], Turn]
    http: httpx.AsyncClient = field(init=False)

    def token(self, *, workspace: str = "ws_a", scopes: Sequence[str] = SCOPES, **changed: Any) -> str:
        told = {
            "credential_id": "ses_1",
            "member_id": f"mem_of_{workspace}",
            "workspace_id": workspace,
            "role": "admin",
            "scopes": scopes,
            "issued_at": NOW,
            "expires_at": NOW + timedelta(hours=1),
        } | changed
        private = told.pop("private", self.private)
        return sign_token(private, told.pop("kid", "sk_1"), **told)

    def staff(self, **changed: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(**changed)}"}

    @property
    def notes(self) -> int:
        return sum(collection == "notes" for collection, _ in self.shelf.records)


def world_of(settings: Settings) -> World:
    shelf, limits, clock = Dictionary(), Limits(), [NOW]

    def turn() -> Turn:
        unused: Any = None
        return Turn(now=clock[0], shelf=shelf, ids=RandomIds(), clock=unused, signals=unused, settings=settings)

    app = app_of(SERVICE, turn, settings=settings, limiter=limits)
    return World(app, shelf, limits, clock, Ed25519PrivateKey.from_private_bytes(b"k" * 32), turn)


def key_event(
    private: Ed25519PrivateKey, kid: str = "sk_1", version: int = 1, status: str = "active"
) -> SigningKeyChanged:
    return SigningKeyChanged(
        key_id=kid,
        version=version,
        status=status,
        algorithm="EdDSA",
        public_key=public_key_text(private.public_key()),
    )


@pytest.fixture
async def keyless() -> AsyncIterator[World]:
    """A world whose service has not learned any signing key yet."""
    world = world_of(Settings(trusted_proxies="10.0.0.0/8,fd00::/8"))  # pyright: ignore[reportArgumentType]
    transport = httpx.ASGITransport(world.app, raise_app_exceptions=True, client=("10.0.0.7", 4711))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as world.http:
        yield world


@pytest.fixture
async def world(keyless: World) -> World:
    """A world that knows one signing key."""
    await learn_signing_key(key_event(keyless.private), keyless.turn())
    return keyless
