"""The notify service on the real store and broker, and a real SMTP server that says what the test wants."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import Any

import httpx
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.notify.domain.notices import Message as Told
from services.notify.domain.notices import Notice
from services.notify.domain.projections import Calendar, Member, Workspace
from services.notify.service import service
from services.notify.settings import Settings
from tests.support.kafka import APACHE
from tests.support.stack import Names
from tests.unit.notify import given
from turnus_contracts import (
    EVENTS,
    CalendarPublished,
    ChangeRecorded,
    Event,
    GuestDetailsGiven,
    MemberChanged,
    NotificationFailed,
    NotificationSent,
    ReminderDue,
    SigningKeyChanged,
    WorkspaceChanged,
)
from turnus_runtime.clock import StoreClock
from turnus_runtime.credentials import SCOPES, learn_signing_key, public_key_text, sign_token
from turnus_runtime.embedded import Endpoints
from turnus_runtime.host import Host, Ports
from turnus_runtime.http import RateLimiter, app_of
from turnus_runtime.ids import RandomIds
from turnus_runtime.kafka import KafkaBroker
from turnus_runtime.kafka.session import ConsumerOptions
from turnus_runtime.mongo import MongoStore
from turnus_runtime.ports import Message, TopicSpec
from turnus_runtime.redis import RedisSignals
from turnus_runtime.smtp import SmtpMailer

SPECS = [TopicSpec(contract.topic(), 2, compacted=contract.kind == "state") for contract in EVENTS]
SPECS.append(TopicSpec("notify.dlq", 1, compacted=False))
SAID: tuple[type[Event], ...] = (ReminderDue, NotificationSent, NotificationFailed, ChangeRecorded)


async def until(holds: Callable[[], Awaitable[Any]], what: str, seconds: float = 60) -> Any:
    """What `holds` gives once it is true."""
    try:
        async with asyncio.timeout(seconds):
            while not (found := await holds()):  # noqa: ASYNC110 - what is awaited happens in a store or a server
                await asyncio.sleep(0.02)
    except TimeoutError:
        pytest.fail(f"still not so after {seconds:.0f} s: {what}")
    return found


@dataclass
class Later:
    """A clock of a process that runs some time later than now: the port `Clock` over the real one."""

    clock: StoreClock
    minutes: float

    def now(self) -> datetime:
        return self.clock.now() + timedelta(minutes=self.minutes)

    async def sleep(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    @property
    def doubt_seconds(self) -> float:
        return self.clock.doubt_seconds


@dataclass
class Inbox:
    """An SMTP server. `replies` answer the next mails in turn, then 250; None is silence until `talks` is set."""

    replies: list[str | None] = field(default_factory=list[str | None])
    mails: list[EmailMessage] = field(default_factory=list[EmailMessage])
    """every mail whose content was handed over, whatever was answered"""
    talks: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        mail = BytesParser(policy=policy.default).parsebytes(content)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        reply = self.replies.pop(0) if self.replies else "250 2.0.0 queued for <ada@example.org> as 4711"
        if reply is None:
            await self.talks.wait()
            return "250 2.0.0 queued"
        return reply

    def subjects(self, to: str = "") -> list[str]:
        # The library may fold a long encoded subject right after its name.
        return [str(mail["Subject"]).strip() for mail in self.mails if to in str(mail["To"])]

    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]


@dataclass
class Notify:
    """Processes of the service over one database and broker, what they say, and where their mails go."""

    make: Callable[..., Awaitable[Host]]
    listen: Callable[[], Awaitable[None]]
    broker: KafkaBroker
    inbox: Inbox
    heard: list[Any] = field(default_factory=list[Any])
    hosts: list[Host] = field(default_factory=list[Host])

    async def new_host(self, *, consume: bool = True, jobs: bool = True, later: float = 0, **settings: Any) -> Host:
        """One more process, which runs `later` minutes later than now."""
        host = await self.make(later=later, **settings)
        if not self.hosts:
            await self.listen()
        self.hosts.append(host)
        await host.start(consume=consume, jobs=jobs)
        return host

    async def publish(self, *events: Event) -> None:
        """Say this as the other services would."""
        await self.broker.publish([Message(e.topic(), e.key, e.model_dump_json().encode()) for e in events])

    async def notice(self) -> Notice | None:
        return await self.hosts[-1].records.get(Notice, "bk_1")

    async def message(self, key: str) -> Told | None:
        notice = await self.notice()
        return notice.message(key) if notice is not None else None

    async def settled(self, *keys: str) -> bool:
        """These messages are final."""
        found = [await self.message(key) for key in keys]
        return all(one is not None and one.settled_at is not None for one in found)

    async def known(self, version: int) -> bool:
        """The booking's fact of this version was taken in."""
        notice = await self.notice()
        return notice is not None and notice.told is not None and notice.told.version >= version

    async def all_known(self) -> bool:
        """The booking, its guest and all of `known()` were taken in: no message waits for a fact. Topics have no
        order between each other, so that the booking's fact is there says nothing of these."""
        records = self.hosts[-1].records
        told = await records.get(Workspace, "ws_1"), await records.get(Member, "mem_a")
        notice = await self.notice()
        complete = notice is not None and notice.told is not None and notice.details is not None
        return complete and None not in (*told, await records.get(Calendar, "cal_1"))

    def said(self, kind: type[Event]) -> list[Any]:
        """Events of one kind; a repetition is the same event."""
        return list({event.ce_id: event for event in self.heard if isinstance(event, kind)}.values())


@pytest.fixture
async def notify(embedded_servers: Endpoints, fresh_broker: str, names: Names) -> AsyncIterator[Notify]:
    """`await notify.new_host()` is one more process; none is running before."""
    async with AsyncExitStack() as stack:
        loop = asyncio.get_running_loop()
        inbox = Inbox()
        server = await loop.create_server(lambda: SMTP(inbox, loop=loop, hostname="localhost"), "127.0.0.1", 0)
        stack.callback(server.close)
        stack.callback(inbox.talks.set)
        url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        broker = KafkaBroker(
            fresh_broker,
            client_id="test",
            idempotent=False,
            fetch_max_wait_ms=10,
            specs=SPECS,
            consuming=ConsumerOptions(commit_every=0.1, session_timeout_ms=6000 if APACHE else 2000),
        )
        await broker.start()
        stack.push_async_callback(broker.stop)
        await broker.provision(SPECS)

        async def make(later: float = 0, **settings: Any) -> Host:
            store = MongoStore(embedded_servers.mongo_url, names.database("notify"))
            stack.push_async_callback(store.close)
            clock = StoreClock(store)
            await clock.open()
            mailer = SmtpMailer(url)
            stack.callback(mailer.close)
            signals = RedisSignals(embedded_servers.redis_url, names.prefix)
            ports = Ports(store, broker, Later(clock, later), RandomIds(), signals, mailer)
            host = Host(service, ports, Settings(public_url="https://turnus.example", **settings))
            await host.open()
            stack.push_async_callback(host.stop)
            return host

        async def hear(message: Message) -> None:
            contract = {kind.topic(): kind for kind in SAID}[message.topic]
            made.heard.append(contract.model_validate_json(message.value or b""))

        async def listen() -> None:
            listener = broker.consumer("listener", [kind.topic() for kind in SAID], hear)
            await listener.start()
            stack.push_async_callback(listener.stop)

        made = Notify(make, listen, broker, inbox)
        yield made


@dataclass
class Staff:
    """A client of the service's own routes, as a member of a workspace."""

    host: Host
    client: httpx.AsyncClient
    private: Ed25519PrivateKey

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        workspace: str = "ws_1",
        scopes: Sequence[str] = SCOPES,
        member: str = "mem_a",
        headers: dict[str, str] | None = None,
        **query: str | int,
    ) -> httpx.Response:
        token = sign_token(
            self.private,
            "kid_a",
            credential_id="ses_a",
            member_id=member,
            workspace_id=workspace,
            role="admin",
            scopes=scopes,
            issued_at=self.host.turn().now,
            expires_at=None,
        )
        patient = {"Prefer": "wait=30"}  # for what the process has to hear of first, after it joined its group
        told = {"Authorization": f"Bearer {token}", **patient, **(headers or {})}
        content = {} if body is None else {"json": body}
        return await self.client.request(method, f"/api/v1{path}", headers=told, params=query, **content)

    async def get(
        self, path: str = "", *, workspace: str = "ws_1", scopes: Sequence[str] = ("bookings:view",), **query: str | int
    ) -> httpx.Response:
        """Of the delivery log."""
        return await self.send("GET", f"/notifications{path}", workspace=workspace, scopes=scopes, **query)

    async def all(self, limit: int, **query: str) -> list[dict[str, Any]]:
        """Every page of it."""
        items: list[dict[str, Any]] = []
        after: dict[str, str] = {}
        while True:
            answer = await self.get(limit=limit, **query, **after)
            assert answer.status_code == 200, answer.text
            items += answer.json()["items"]
            if answer.json()["next"] is None:
                return items
            assert len(answer.json()["items"]) == limit
            after = {"after": answer.json()["next"]}


@asynccontextmanager
async def staff_of(host: Host, limiter: RateLimiter | None = None) -> AsyncIterator[Staff]:
    """Staff of this process."""
    private = Ed25519PrivateKey.generate()
    key = SigningKeyChanged(
        key_id="kid_a", version=1, status="active", algorithm="EdDSA", public_key=public_key_text(private.public_key())
    )
    await learn_signing_key(key, host.turn())
    app = app_of(host.service, host.turn, settings=host.settings, limiter=limiter)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://turnus.test") as client:
        yield Staff(host, client, private)


def workspace() -> WorkspaceChanged:
    return WorkspaceChanged(
        workspace_id="ws_1", version=1, status="active", slug="demo", name="Praxis", tz="Europe/Berlin", locale="de"
    )


def member(**more: Any) -> MemberChanged:
    values: dict[str, Any] = {
        "workspace_id": "ws_1",
        "member_id": "mem_a",
        "version": 1,
        "status": "active",
        "name": "Grace",
        "email": "grace@example.com",
        "tz": "Europe/Berlin",
        "locale": "en",
        "role": "member",
    }
    return MemberChanged(**(values | more))


def calendar() -> CalendarPublished:
    return CalendarPublished(
        workspace_id="ws_1",
        calendar_id="cal_1",
        version=1,
        status="active",
        calendar_kind="personal",
        address="demo/beratung",
        name="Beratung",
        tz="Europe/Berlin",
        duration_minutes=30,
        interval_minutes=30,
        anchor="opening",
    )


def known() -> tuple[Event, ...]:
    """What notify must know besides the booking."""
    return workspace(), member(), calendar()


def details(**more: Any) -> GuestDetailsGiven:
    return given.details(**more)


def soon(host: Host, days: float = 3, **more: Any) -> dict[str, Any]:
    """Values of a fact that happened now, about a start in some days."""
    now = host.ports.clock.now()
    start: datetime = now + timedelta(days=days)
    return {"start": start, "at": now, **more}


async def at_rest(host: Host) -> bool:
    """No event and no job is owed (timers of reminders are)."""
    kinds: tuple[type[Any], ...] = (Notice, Member, Calendar, Workspace)
    found = [one for kind in kinds for one in await host.records.find(kind, "next_due", 0, 2**62, limit=200)]
    return not any(entry.kind != "timer" for one in found for entry in one.owed)
