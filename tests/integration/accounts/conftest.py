"""accounts alone, on the real store, broker and cache, spoken to over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from tests.support.stack import Names
from tests.support.system import System, eventually
from turnus_contracts import ChangeRecorded, CredentialRevoked, Event, MemberChanged, SigningKeyChanged, WorkspaceChanged
from turnus_runtime.embedded import Endpoints
from turnus_runtime.ports import Consumer, Message

PASSWORD = "correct horse battery"
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
        return await self.made("/members", {"name": name, "email": f"{name}@example.org".lower(), "role": role})


@dataclass
class Accounts:
    """The running service, and all it has said."""

    system: System
    heard: list[Event] = field(default_factory=list[Event])
    raw: list[Message] = field(default_factory=list[Message])

    @property
    def client(self) -> httpx.AsyncClient:
        return self.system.client

    @property
    def host(self) -> Any:
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
            "slug": slug,
            "name": "Praxis am Markt",
            "tz": "Europe/Berlin",
            "locale": "de",
            "owner": {"name": "Olga", "email": email, "password": PASSWORD},
        }
        return await self.ask("POST", "/workspaces", body, **headers)

    async def sign_in(self, slug: str, email: str, password: str = PASSWORD, **headers: str) -> httpx.Response:
        body = {"workspace": slug, "email": email, "password": password}
        return await self.ask("POST", "/sessions", body, **headers)

    async def owner(self, slug: str = "praxis", email: str = "owner@example.org") -> Signed:
        """A new workspace and its owner, signed in."""
        made = await self.found(slug, email)
        assert made.status_code == 201, made.text
        return await self.signed(slug, email)

    async def signed(self, slug: str, email: str) -> Signed:
        answer = await self.sign_in(slug, email)
        assert answer.status_code == 201, answer.text
        told = answer.json()
        signed = Signed(self, told["workspace_id"], slug, told["member_id"], told["token"], told["id"])

        async def let_in() -> bool:
            return (await signed.ask("GET", "/sessions/current")).status_code == 200

        await eventually(let_in)
        return signed

    async def enable(self, member: Any, workspace: Signed) -> Signed:
        """Give a member an identity, as an invitation will, and sign them in."""
        from functools import partial

        from services.accounts.domain.identities import Identity, enrol
        from services.accounts.domain.members import Member
        from services.accounts.store import identity_id
        from turnus_runtime.records import Decision

        turn = self.host.turn()
        hashed = await turn.effects.hashed(PASSWORD)
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


@pytest.fixture
async def accounts(embedded_servers: Endpoints, fresh_broker: str, names: Names) -> AsyncIterator[Accounts]:
    system = System(embedded_servers, ("accounts",), kafka_url=fresh_broker)
    async with system.running():
        made = Accounts(system)
        listener: Consumer = system.process.broker.consumer(
            names.group("listener"), [each.topic() for each in SAID], made.hear
        )
        await listener.start()
        yield made
        await listener.stop()
