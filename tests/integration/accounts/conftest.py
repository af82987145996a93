"""accounts alone, on the real store, broker and cache, spoken to over HTTP."""

import asyncio
import itertools
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from functools import partial
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP

from services.accounts.domain.identities import Identity, enrol
from services.accounts.domain.members import Member
from services.accounts.store import identity_id
from tests.integration.notify.conftest import Inbox
from tests.support.kafka import new_broker
from tests.support.stack import Names
from tests.support.system import PATIENT_COUNTING, System, eventually
from turnus_contracts import (
    ChangeRecorded,
    CredentialRevoked,
    Event,
    MemberChanged,
    SigningKeyChanged,
    WorkspaceChanged,
)
from turnus_runtime.embedded import Endpoints
from turnus_runtime.host import Host
from turnus_runtime.ports import Consumer, Message
from turnus_runtime.records import Decision

PASSWORD = "correct horse battery"
ANOTHER = "staple of another horse"
LINK = re.compile(r"https?://\S+/console/(?:welcome|reset)/((?:ivt|prt)_\S+)")
SAID = (WorkspaceChanged, MemberChanged, SigningKeyChanged, CredentialRevoked, ChangeRecorded)


@dataclass
class Signed:
    """Somebody who is signed in."""

    accounts: "Accounts"
    workspace_id: str
    slug: str
    member_id: str
    token: str
    session_id: str

    async def ask(self, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        told = {"Authorization": f"Bearer {self.token}"} | {name.replace("_", "-"): v for name, v in headers.items()}
        return await self.accounts.client.request(method, f"/api/v1{path}", json=json, headers=told)

    async def made(self, path: str, json: Any, **headers: str) -> Any:
        answer = await self.ask("POST", path, json, **headers)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def member(self, name: str, role: str = "member") -> Any:
        email = self.accounts.mail(f"{name}@example.org".lower())
        return await self.made("/members", {"name": name, "email": email, "role": role})

    async def invited(self, member: Any) -> str:
        """Invite a member; the token in the link of the mail that they get."""
        before = len(self.accounts.mails(member["email"]))
        await self.made("/invitations", {"member_id": member["id"]})
        return await self.accounts.link(member["email"], before + 1)


@dataclass
class Accounts:
    """The running service, and all it has said. Tests that share it keep apart by `tag`, in slugs and addresses."""

    system: System
    inbox: Inbox = field(default_factory=Inbox)
    heard: list[Event] = field(default_factory=list[Event])
    raw: list[Message] = field(default_factory=list[Message])
    tag: str = ""

    def place(self, slug: str) -> str:
        """This test's own workspace of that name."""
        return slug if not self.tag or slug.endswith(self.tag) else f"{slug}-{self.tag}"

    def mail(self, email: str) -> str:
        """This test's own address like that one."""
        return email if email.startswith(self.tag) else f"{self.tag}.{email}"

    @property
    def client(self) -> httpx.AsyncClient:
        return self.system.client

    @property
    def host(self) -> Host:
        return self.system.process.hosts["accounts"]

    def said(self, contract: type[Event]) -> list[Any]:
        return [event for event in self.heard if isinstance(event, contract)]

    async def hear(self, message: Message) -> None:
        self.raw.append(message)
        contract = {each.topic(): each for each in SAID}[message.topic]
        self.heard.append(contract.model_validate_json(message.value or b""))

    async def ask(self, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.request(method, f"/api/v1{path}", json=json, headers=told)

    async def found(self, slug: str = "praxis", email: str = "owner@example.org", **headers: str) -> httpx.Response:
        body = {
            "slug": self.place(slug),
            "name": "Praxis am Markt",
            "tz": "Europe/Berlin",
            "locale": "de",
            "owner": {"name": "Olga", "email": self.mail(email), "password": PASSWORD},
        }
        return await self.ask("POST", "/workspaces", body, **headers)

    async def sign_in(self, slug: str, email: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
        body = {"workspace": self.place(slug), "email": self.mail(email), "password": password}
        return await self.ask("POST", "/sessions", body, **headers)

    def mails(self, email: str) -> list[EmailMessage]:
        """The mails to this address so far."""
        return [mail for mail in self.inbox.mails if self.mail(email) in str(mail["To"])]

    async def link(self, email: str, count: int = 1) -> str:
        """The token in the link of the mail number `count` to this address."""

        async def came() -> bool:
            return len(self.mails(email)) >= count

        await eventually(came)
        text = self.mails(email)[count - 1].get_body(("plain",))
        assert text is not None
        (token,) = LINK.findall(text.get_content())
        return str(token)

    async def by_link(self, method: str, path: str, token: str, json: Any = None, **headers: str) -> httpx.Response:
        """Ask with the token of a link."""
        return await self.ask(method, path, json, Authorization=f"Bearer {token}", **headers)

    async def accept(self, token: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
        return await self.by_link("POST", "/invitations/current/accept", token, {"password": password}, **headers)

    async def forgotten(self, email: str) -> httpx.Response:
        return await self.ask("POST", "/password-resets", {"email": self.mail(email)})

    async def reset(self, token: str, password: str = ANOTHER) -> httpx.Response:
        return await self.by_link("POST", "/password-resets/current/use", token, {"password": password})

    async def owner(self, slug: str = "praxis", email: str = "owner@example.org") -> Signed:
        """A new workspace and its owner, signed in."""
        made = await self.found(slug, email)
        assert made.status_code == 201, made.text
        return await self.signed(slug, email)

    async def signed(self, slug: str, email: str) -> Signed:
        return await self.let_in(await self.sign_in(slug, email))

    async def let_in(self, answer: httpx.Response) -> Signed:
        """Whoever got this answer to signing in, once their token is taken."""
        assert answer.status_code == 201, answer.text
        told = answer.json()
        slug = told["workspace"]["slug"]
        signed = Signed(self, told["workspace_id"], slug, told["member_id"], told["token"], told["id"])

        async def let_in() -> bool:
            return (await signed.ask("GET", "/sessions/current")).status_code == 200

        await eventually(let_in)
        return signed

    async def enable(self, member: Any, workspace: Signed) -> Signed:
        """Give a member an identity, as an invitation does, and sign them in."""
        turn = self.host.turn()
        hashed = await turn.effects.passwords.hashed(PASSWORD)
        new = Identity(
            id=identity_id(member["email"]),
            email=member["email"],
            password_hash=hashed,
            created_at=turn.now,
            changed_at=turn.now,
        )
        await turn.records(Identity).decide(new.id, partial(enrol, new=new))

        def link(current: Member | None) -> Decision[Member, None]:
            assert current is not None
            return Decision(None, current.change(identity_id=new.id))

        await turn.records(Member).decide(member["id"], link)
        return await self.signed(workspace.slug, member["email"])


@asynccontextmanager
async def running(endpoints: Endpoints, broker: str, group: str, **settings: Any) -> AsyncIterator[Accounts]:
    """The service, somebody who hears all it says, and a mail server that gets its mails."""
    loop, inbox = asyncio.get_running_loop(), Inbox()
    server = await loop.create_server(lambda: SMTP(inbox, loop=loop, hostname="localhost"), "127.0.0.1", 0)
    smtp_url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    system = System(endpoints, ("accounts",), kafka_url=broker, smtp_url=smtp_url, **settings)
    async with server, system.running():
        made = Accounts(system, inbox)
        topics = [each.topic() for each in SAID]
        listener: Consumer = system.process.broker.consumer(group, topics, made.hear)
        await listener.start()
        yield made
        await listener.stop()


@pytest.fixture
async def alone(embedded_servers: Endpoints, fresh_broker: str, names: Names) -> AsyncIterator[Accounts]:
    """A process of the test's own."""
    async with running(embedded_servers, fresh_broker, names.group("listener")) as made:
        yield made


@pytest.fixture
async def limited(
    embedded_servers: Endpoints, fresh_broker: str, names: Names, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Accounts]:
    """With three sign-ins and two new workspaces a minute."""
    monkeypatch.setattr(*PATIENT_COUNTING)
    limits: dict[str, Any] = {
        "rate_limits_sign_ins_per_minute": 3,
        "rate_limits_workspaces_per_minute": 2,
        "trusted_proxies": "127.0.0.0/8",
    }
    async with running(embedded_servers, fresh_broker, names.group("listener"), **limits) as made:
        yield made


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def shared(embedded_servers: Endpoints, accounts_broker: str) -> AsyncIterator[Accounts]:
    """One process for all tests that can share it."""
    async with running(embedded_servers, accounts_broker, "listener") as made:
        yield made


@pytest.fixture(scope="package")
def accounts_broker() -> Iterator[str]:
    """A broker for the shared process: topics have the contracts' names, so nobody else may use it."""
    broker = new_broker()
    broker.start()
    yield broker.url
    broker.close()


@pytest.fixture
def accounts(shared: Accounts) -> Accounts:
    """The shared process, with names of this test's own. The module says `loop_scope="session"`."""
    return replace(shared, tag=f"n{next(_COUNTER)}", heard=shared.heard, raw=shared.raw)


_COUNTER = itertools.count(1)
