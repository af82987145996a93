"""Services in one process over real servers, for integration tests, with a client and a stand-in for `accounts`.

`System` runs any services; when `accounts` is not among them, `Tenant` says what it would say: a signing key, a
workspace, members. Everything else is the production code path.
"""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.support.kafka import APACHE
from turnus_contracts import Event, MemberChanged, SigningKeyChanged, WorkspaceChanged
from turnus_runtime.credentials import SCOPES, SigningKey, public_key_text, sign_token
from turnus_runtime.embedded import Endpoints
from turnus_runtime.ids import RandomIds
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.ports import Consumer, LaneOf, Message, Receive, by_key
from turnus_runtime.process import ROLES, Process, Role, installed

PATIENT_COUNTING = "turnus_runtime.redis.COUNT_SECONDS", 30.0
"""For tests of limits (`monkeypatch.setattr(*PATIENT_COUNTING)`): nobody is limited while counting takes longer than a
moment, which on a busy machine it may."""
_LIMITED = ("guest_reads", "guest_writes", "staff", "sign_ins", "workspaces", "test_mails")
UNLIMITED = {f"rate_limits_{group}_per_minute": 10_000_000 for group in _LIMITED}
_PREFIXES = itertools.count(1)


def given(endpoints: Endpoints, prefix: str, **more: Any) -> dict[str, Any]:
    """Settings of a process on the embedded servers; `prefix` keeps databases apart."""
    return {
        "mongo_url": endpoints.mongo_url,
        "kafka_url": endpoints.kafka_url,
        "redis_url": endpoints.redis_url,
        "smtp_url": endpoints.smtp_url,
        "database_prefix": prefix,
        "kafka_idempotent": APACHE,
        "kafka_fetch_max_wait_ms": 500 if APACHE else 50,  # 10 costs half a core for an idle installation
        "kafka_session_timeout_ms": 6000 if APACHE else 3000,
        **UNLIMITED,
        **more,
    }


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
    """Wait for a condition; an AssertionError names it if it does not come."""
    for _ in range(int(seconds / 0.02)):
        if await holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"did not come to hold within {seconds} s")


@dataclass
class Tenant:
    """What `accounts` says of one workspace, and tokens of its members."""

    system: "System"
    slug: str
    workspace_id: str
    key: Ed25519PrivateKey
    kid: str
    members: list[str] = field(default_factory=list)

    async def member(
        self, name: str, tz: str = "Europe/Berlin", role: str = "member", member_id: str | None = None
    ) -> str:
        member_id = member_id or RandomIds().fresh("mem")
        self.members.append(member_id)
        await self.system.publish(
            MemberChanged(
                workspace_id=self.workspace_id,
                member_id=member_id,
                version=1,
                status="active",
                name=name,
                email=f"{name.lower()}@example.org",
                tz=tz,
                locale="de",
                role=role,
            )
        )
        return member_id

    def token(self, member_id: str, scopes: Sequence[str] = SCOPES) -> str:
        return sign_token(
            self.key,
            self.kid,
            credential_id=RandomIds().fresh("ses"),
            member_id=member_id,
            workspace_id=self.workspace_id,
            role="owner",
            scopes=list(scopes),
            issued_at=datetime.now(UTC),
            expires_at=None,
        )

    def headers(self, member_id: str, scopes: Sequence[str] = SCOPES) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(member_id, scopes)}"}


class Hearing:
    """What is said through a broker and was not handled yet by each of its consumers."""

    def __init__(self, broker: KafkaBroker) -> None:
        self._waiting: dict[str, Counter[tuple[str, ...]]] = {}
        self._topics: dict[str, frozenset[str]] = {}
        self._publish, self._consumer = broker.publish, broker.consumer
        broker.publish = self._note_said  # type: ignore[method-assign]
        broker.consumer = self._listening  # type: ignore[method-assign]

    @property
    def all_heard(self) -> bool:
        """Nothing that was said waits in the broker."""
        return not any(count > 0 for waiting in self._waiting.values() for count in waiting.values())

    async def _note_said(self, messages: Sequence[Message]) -> None:
        await self._publish(messages)
        for message in messages:
            for group, topics in self._topics.items():
                if message.topic in topics:
                    self._count(group, message, 1)

    def _listening(self, group: str, topics: Sequence[str], receive: Receive, lane_of: LaneOf = by_key) -> Consumer:
        async def handle(message: Message) -> None:
            await receive(message)
            self._count(group, message, -1)

        self._topics[group] = frozenset(topics)
        self._waiting.setdefault(group, Counter())
        return self._consumer(group, topics, handle, lane_of)

    def _count(self, group: str, message: Message, by: int) -> None:
        """May fall below 0: what is heard before its acknowledgement is, or twice."""
        waiting, name = self._waiting[group], (message.topic, message.key, message.headers.get("ce_id", ""))
        waiting[name] += by
        if not waiting[name]:
            del waiting[name]


class System:
    """Services running in this test's process."""

    def __init__(
        self, endpoints: Endpoints, names: Sequence[str], *, prefix: str | None = None, **settings: Any
    ) -> None:
        self.prefix = prefix or f"t{next(_PREFIXES)}x{RandomIds().fresh('p')[-8:]}"
        self.given = given(endpoints, self.prefix, **settings)
        self.names = names
        self.process: Process
        self.client: httpx.AsyncClient

    @contextlib.asynccontextmanager
    async def running(self, roles: Sequence[Role] = ROLES) -> AsyncIterator["System"]:
        self.process = Process(installed(self.names), roles, given=self.given)
        self._hearing = Hearing(self.process.broker)
        await self.process.start()
        transport = httpx.ASGITransport(self.process.app(), raise_app_exceptions=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://turnus.test", timeout=60) as self.client:
                yield self
        finally:
            await self.process.stop()

    async def publish(self, *events: Event) -> None:
        await self.process.broker.publish(
            [Message(e.topic(), e.key, e.model_dump_json().encode(), {"ce_id": e.ce_id}) for e in events]
        )

    async def tenant(self, slug: str = "demo") -> Tenant:
        """A workspace as `accounts` would announce it."""
        key, kid, workspace_id = Ed25519PrivateKey.generate(), RandomIds().fresh("sig"), RandomIds().fresh("ws")
        await self.publish(
            SigningKeyChanged(
                key_id=kid, version=1, status="active", algorithm="EdDSA", public_key=public_key_text(key.public_key())
            ),
            WorkspaceChanged(
                workspace_id=workspace_id,
                version=1,
                status="active",
                slug=slug,
                name=slug.title(),
                tz="Europe/Berlin",
                locale="de",
            ),
        )
        tenant = Tenant(self, slug, workspace_id, key, kid)

        async def known() -> bool:
            hosts = self.process.hosts.values()
            return all([await h.records.get(SigningKey, kid) for h in hosts if SigningKey in h.service.records])

        await eventually(known)
        return tenant

    async def quiet(self) -> None:
        """Wait until nothing is owed in any store, all that was said is heard, and nothing is under way."""

        def still() -> bool:
            return self.process.idle and self._hearing.all_heard

        async def nothing_owed() -> bool:
            if not still():
                return False
            for host in self.process.hosts.values():
                for kind in host.service.records:
                    for record in await host.records.find(kind, "next_due", 0, 1 << 60, limit=1000):
                        if any(e.kind in ("event", "state", "job") for e in record.owed):
                            return False
            return still()

        await eventually(nothing_owed)
