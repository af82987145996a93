"""Nobody gets at another workspace, learns a secret, or stores anything by bad input."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from services.accounts.domain.auditing import AuditEntry
from tests.integration.accounts.conftest import ANOTHER, PASSWORD, Accounts
from tests.support.system import eventually
from turnus_contracts import ChangeRecorded

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_belongs_to_another_workspace_is_not_there(accounts: Accounts) -> None:
    ours = await accounts.owner()
    theirs = await accounts.owner("kanzlei", "other@example.org")
    member = await theirs.member("Mia")
    key = await theirs.made("/api-keys", {"name": "k", "scopes": ["team:view"]})
    invitation = await theirs.made("/invitations", {"member_id": member["id"]})
    member["invited_at"] = invitation["created_at"]
    asked: list[tuple[str, str, Any]] = [
        ("GET", f"/workspaces/{theirs.workspace_id}", None),
        ("PATCH", f"/workspaces/{theirs.workspace_id}", {"name": "ours"}),
        ("GET", f"/members/{member['id']}", None),
        ("PATCH", f"/members/{member['id']}", {"role": "owner"}),
        ("DELETE", f"/members/{member['id']}", None),
        ("GET", f"/sessions/{theirs.session_id}", None),
        ("DELETE", f"/sessions/{theirs.session_id}", None),
        ("GET", f"/api-keys/{key['id']}", None),
        ("DELETE", f"/api-keys/{key['id']}", None),
        ("GET", f"/invitations/{invitation['id']}", None),
        ("DELETE", f"/invitations/{invitation['id']}", None),
    ]
    for method, path, body in asked:
        absent = await ours.ask(method, path.rpartition("/")[0] + "/mem_" + "0" * 26, body)
        refused = await ours.ask(method, path, body)
        assert refused.status_code == 404, (method, path)
        assert {**refused.json(), "request_id": ""} == {**absent.json(), "request_id": ""}
    unknown = await ours.ask("POST", "/api-keys", {"name": "k", "scopes": ["team:view"], "member_id": member["id"]})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "member_unknown")
    assert (await ours.ask("GET", f"/api-keys?member_id={member['id']}")).json()["items"] == []
    inviting = await ours.ask("POST", "/invitations", {"member_id": member["id"]})
    assert (inviting.status_code, inviting.json()["code"]) == (422, "member_unknown")
    lists = ("members", "sessions", "api-keys", "audit-log", "invitations", "sessions/current/workspaces")
    listed = [(await ours.ask("GET", f"/{what}")).text for what in lists]
    assert not any(theirs.workspace_id in text or member["id"] in text or key["id"] in text for text in listed)
    seen = (await theirs.ask("GET", f"/members/{member['id']}")).json()
    assert seen == {**member, **{name: seen[name] for name in ("version", "changed_at")}}


async def test_a_forged_token_lets_nobody_in(accounts: Accounts) -> None:
    owner = await accounts.owner()
    head, claims, signature = owner.token.split(".")
    for token in (f"{head}.{claims}.{signature[:-4]}AAAA", f"{head}.{claims}.", "x", "a.b.c"):
        owner.token = token
        assert (await owner.ask("GET", "/members")).status_code == 401


async def test_no_secret_is_in_an_event_a_log_line_an_answer_or_the_store(accounts: Accounts) -> None:
    with capture_logs() as lines:
        answers = [await accounts.found(Idempotency_Key="once"), await accounts.found(Idempotency_Key="once")]
        owner = await accounts.signed("praxis", "owner@example.org")
        key = await owner.made("/api-keys", {"name": "k", "scopes": ["team:view"]})
        answers += [await owner.ask("GET", f"/{what}") for what in ("members", "sessions", "api-keys", "audit-log")]
        answers += [await owner.ask("GET", "/sessions/current")]
        answers += [await accounts.sign_in("praxis", "owner@example.org", "wrong " + PASSWORD)]
        answers += [await owner.ask("DELETE", f"/api-keys/{key['id']}"), await owner.ask("DELETE", "/sessions/current")]
        await accounts.system.quiet()
    secrets = [PASSWORD, owner.token, key["key"], "$argon2", *await _private_keys(accounts)]
    secrets.append(accounts.host.turn().effects.secret)
    told = [answer.text for answer in answers] + [json.dumps(line, default=str) for line in lines]
    told += [str(message.value) for message in accounts.raw]
    assert not [secret for secret in secrets for text in told if secret in text]
    # The store keeps hashes of passwords and private keys, but no password and no token.
    kept = await _stored(accounts)
    assert not [secret for secret in (PASSWORD, owner.token, key["key"]) if secret in kept]
    assert accounts.mail("owner@example.org") not in json.dumps(lines, default=str)


async def test_no_token_of_a_link_is_in_an_event_a_log_line_another_answer_or_the_store(accounts: Accounts) -> None:
    with capture_logs() as lines:
        owner = await accounts.owner()
        mia = await owner.member("Mia")
        answers = [await owner.ask("POST", "/invitations", {"member_id": mia["id"]}, Idempotency_Key="once")]
        answers += [await owner.ask("POST", "/invitations", {"member_id": mia["id"]}, Idempotency_Key="once")]
        invitation = await accounts.link(mia["email"])
        answers += [await owner.ask("GET", "/invitations"), await owner.ask("GET", f"/members/{mia['id']}")]
        answers += [await accounts.by_link("GET", "/invitations/current", invitation)]
        answers += [await accounts.accept(invitation, ANOTHER), await accounts.accept(invitation, PASSWORD)]
        signed = await accounts.let_in(answers[-2])
        answers += [await accounts.forgotten(mia["email"])]
        reset = await accounts.link(mia["email"], 2)
        answers += [await accounts.by_link("GET", "/password-resets/current", reset)]
        kept_before = await _stored(accounts)
        answers += [await accounts.reset(reset, PASSWORD), await accounts.reset(reset, PASSWORD)]
        answers += [await owner.ask("GET", "/audit-log"), await signed.ask("GET", "/sessions/current")]
        await accounts.system.quiet()
    secrets = [PASSWORD, ANOTHER, invitation, reset, "$argon2", accounts.host.turn().effects.secret]
    told = [answer.text for answer in answers] + [json.dumps(line, default=str) for line in lines]
    told += [str(message.value) for message in accounts.raw]
    assert not [secret for secret in secrets for text in told if secret in text]
    # Neither while they were good for something nor after.
    for kept in (kept_before, await _stored(accounts)):
        assert not [secret for secret in (PASSWORD, ANOTHER, invitation, reset) if secret in kept]
        assert not [prefix for prefix in ("ivt_", "prt_") if prefix in kept]
    assert mia["email"] not in json.dumps(lines, default=str)


async def _private_keys(accounts: Accounts) -> list[str]:
    store = accounts.host.ports.store
    pairs = await store.find("signing_pairs", "self", "", "￿", limit=100)
    return [str(pair.state["private_key"]) for pair in pairs]


async def _stored(accounts: Accounts) -> str:
    store = accounts.host.ports.store
    texts: list[str] = []
    for kind in accounts.host.service.records:
        found = await store.find(kind.collection, "self", "", "￿", limit=1000)
        texts += [json.dumps([document.state, document.owed], default=str) for document in found]
    return "\n".join(texts)


async def test_every_change_is_in_the_audit_log_newest_first(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    await owner.ask("PATCH", f"/members/{mia['id']}", {"name": "M.", "role": "admin"})
    await owner.ask("PATCH", f"/workspaces/{owner.workspace_id}", {"name": "Neu"})
    await owner.ask("DELETE", f"/members/{mia['id']}")

    async def all_there() -> bool:
        return len((await owner.ask("GET", "/audit-log")).json()["items"]) == 7

    await eventually(all_there)
    entries = (await owner.ask("GET", "/audit-log")).json()["items"]
    told = [(each["action"], each["thing"], each["fields"]) for each in entries]
    assert told[:4] == [
        ("removed", "member", []),
        ("changed", "workspace", ["name"]),
        ("changed", "member", ["name", "role"]),
        ("created", "member", []),
    ]
    assert told[4] == ("signed_in", "session", [])
    assert {what[:2] for what in told[5:]} == {("created", "workspace"), ("created", "member")}
    about_mia = (await owner.ask("GET", f"/audit-log?thing_id={mia['id']}")).json()["items"]
    assert [each["action"] for each in about_mia] == ["removed", "changed", "created"]
    by_owner = (await owner.ask("GET", f"/audit-log?actor_id={owner.member_id}&limit=2")).json()
    assert by_owner["items"] == entries[:2]
    rest = (await owner.ask("GET", f"/audit-log?actor_id={owner.member_id}&after={by_owner['next']}")).json()
    assert [each["id"] for each in rest["items"]] == [each["id"] for each in entries[2:]]
    both = await owner.ask("GET", f"/audit-log?thing_id={mia['id']}&actor_id=mem_nobody")
    assert both.json()["items"] == []


async def test_changes_of_other_services_are_in_the_audit_log_once(accounts: Accounts) -> None:
    owner = await accounts.owner()
    told = ChangeRecorded(
        workspace_id=owner.workspace_id,
        change_id="cal_1.4",
        service="booking",
        at=accounts.host.turn().now,
        actor_id=owner.member_id,
        action="an action invented later",
        thing="calendar",
        thing_id="cal_1",
        fields=("name",),
    )
    await accounts.system.publish(told, told)

    async def there() -> bool:
        return bool((await owner.ask("GET", "/audit-log?thing_id=cal_1")).json()["items"])

    await eventually(there)
    await accounts.system.quiet()
    entries = await accounts.host.turn().records(AuditEntry).with_prefix("by_thing", f"{owner.workspace_id}|cal_1")
    assert [entry.service for entry in entries] == ["booking"]


WRONG: list[Any] = [None, 1, 1.5, True, [], {}, "", " ", "x" * 5000, "a\u0000b", "\u202e"]
"""What is right for none of the fields below, and what some of them take is taken out there."""
OPTIONAL = {"locale", "role", "tz"}
"""May be left out; so may be what takes null."""


def hostile(body: dict[str, Any], taken: dict[str, list[Any]]) -> list[tuple[str, Any]]:
    """Variants of a right body, each with one wrong field (nested ones as `owner.email`)."""
    found: list[tuple[str, Any]] = [("unknown field", {**body, "surprise": 1})]
    for name, value in body.items():
        if isinstance(value, dict):
            inner = {f"{name}.{key}": what for key, what in taken.items() if not key.startswith(name)}
            nested = hostile(value, {k.removeprefix(f"{name}."): v for k, v in taken.items()} | inner)
            found += [(f"{name}: {what}", {**body, name: variant}) for what, variant in nested]
            continue
        if name not in OPTIONAL and None not in taken.get(name, []):
            found.append((f"{name} missing", {key: kept for key, kept in body.items() if key != name}))
        for wrong in WRONG:
            if wrong not in taken.get(name, []):
                found.append((f"{name}={wrong!r:.20}", {**body, name: wrong}))
    return found


def bodies(accounts: Accounts) -> dict[str, tuple[dict[str, Any], dict[str, list[Any]]]]:
    """A right body for each request, and which of `WRONG` are right after all."""
    owner = {"name": "O", "email": accounts.mail("bad@example.org"), "password": PASSWORD}
    nullable: dict[str, list[Any]] = {name: [None] for name in ("tz", "locale", "role", "name")}
    place = {"tz": "Europe/Berlin", "locale": "de"}
    return {
        "POST /workspaces": (
            {"slug": accounts.place("bad"), "name": "B", "tz": "Europe/Berlin", "locale": "de", "owner": owner},
            {},
        ),
        "POST /sessions": (
            {"workspace": accounts.place("praxis"), "email": "a@example.org", "password": PASSWORD},
            {"password": [" ", "a\u0000b", "\u202e"], "workspace": [None]},
        ),
        "POST /sessions/current/switch": ({"workspace": accounts.place("praxis")}, {}),
        "POST /sessions/current/password": (
            {"password": ANOTHER, "new_password": PASSWORD},
            {"password": [" ", "a\u0000b", "\u202e"]},
        ),
        "POST /invitations": ({"member_id": "mem_" + "0" * 26}, {}),
        "POST /password-resets": ({"email": accounts.mail("a@example.org")}, {}),
        "POST /password-resets/current/use": ({"password": PASSWORD}, {}),
        "POST /invitations/current/accept": ({"password": PASSWORD}, {}),
        "POST /members": (
            {"name": "M", "email": accounts.mail("m@example.org"), **place, "role": "member"},
            {"tz": [None], "locale": [None]},
        ),
        "PATCH /members/{member}": ({"name": "M", **place, "role": "owner"}, nullable),
        "PATCH /workspaces/{workspace}": ({"name": "M", **place}, nullable),
        "POST /api-keys": (
            {"name": "k", "scopes": ["team:view"], "member_id": "mem_" + "0" * 26},
            {"member_id": [None]},
        ),
    }


async def test_a_wrong_field_is_named_and_nothing_is_stored_or_said(accounts: Accounts) -> None:
    owner = await accounts.owner()
    await accounts.system.quiet()
    before, said = await _stored(accounts), len(accounts.raw)
    tried = 0
    for request, (body, taken) in bodies(accounts).items():
        method, path = request.split()
        path = path.format(member=owner.member_id, workspace=owner.workspace_id)
        for what, variant in hostile(body, taken):
            if method == "PATCH" and what.endswith("missing"):
                continue
            answer = await owner.ask(method, path, variant)
            tried += 1
            assert answer.status_code == 422, (request, what, answer.text)
            problem = answer.json()
            assert problem["errors"], (request, what)
            assert "x" * 100 not in answer.text
    assert tried > 250
    for request, (body, _) in bodies(accounts).items():
        method, path = request.split()
        path = path.format(member=owner.member_id, workspace=owner.workspace_id)
        raw = json.dumps(body)
        for status, content, type_ in [
            (400, raw[:-1], "application/json"),
            (400, raw.replace("{", '{"x": NaN, ', 1), "application/json"),
            (415, raw, "text/plain"),
            (413, raw + " " * 300_000, "application/json"),
        ]:
            answer = await accounts.client.request(
                method,
                f"/api/v1{path}",
                content=content,
                headers={"Authorization": f"Bearer {owner.token}", "Content-Type": type_},
            )
            assert answer.status_code == status, (request, status, answer.text[:300])
            assert answer.headers["content-type"] == "application/problem+json"
    await accounts.system.quiet()
    assert await _stored(accounts) == before
    assert len(accounts.raw) == said


@pytest.mark.parametrize(
    "query",
    [
        "/audit-log?thing_id=a%7Cb",
        "/audit-log?thing_id=",
        "/audit-log?actor_id=" + "a" * 101,
        "/audit-log?unknown=1",
        "/audit-log?limit=0",
        "/members?limit=201",
        "/members?after=!!!",
        "/api-keys?member_id=cal_1",
        "/workspaces?slug=",
        "/workspaces?slug=a%00b",
        "/workspaces",
    ],
)
async def test_a_wrong_query_is_refused(accounts: Accounts, query: str) -> None:
    owner = await accounts.owner()
    assert (await owner.ask("GET", query)).status_code == 422


async def test_staff_routes_need_a_credential(accounts: Accounts) -> None:
    for path in ("/members", "/sessions", "/sessions/current", "/api-keys", "/audit-log", "/workspaces/ws_1"):
        assert (await accounts.ask("GET", path)).status_code == 401
