"""Tokens: who is admitted, and every way in which somebody is not."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.unit.runtime.http.conftest import NOW, World, key_event
from tests.unit.runtime.http.notes import SERVICE
from tests.unit.runtime.http.problem import problem
from turnus_contracts import CredentialRevoked, SigningKeyChanged
from turnus_runtime import credentials
from turnus_runtime.credentials import (
    Revocation,
    SigningKey,
    learn_revocation,
    learn_signing_key,
    with_credentials,
)
from turnus_runtime.http import staff

NOTES = "/api/v1/notes"
STRANGER = Ed25519PrivateKey.from_private_bytes(b"s" * 32)


def revoked(version: int = 1, credential_id: str = "ses_1") -> CredentialRevoked:
    return CredentialRevoked(
        workspace_id="ws_a", credential_id=credential_id, version=version, status="removed", member_id="mem_of_ws_a"
    )


async def asked(world: World, token: str, status: int, code: str) -> None:
    answer = await world.http.get(NOTES, headers={"Authorization": f"Bearer {token}"})
    problem(answer, status, code)
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


def forged(world: World, changes: dict[str, Any], **header: Any) -> str:
    claims: dict[str, Any] = jwt.decode(world.token(), options={"verify_signature": False}) | changes
    kept = {name: value for name, value in claims.items() if value is not ...}
    return jwt.encode(kept, world.private, algorithm="EdDSA", headers={"kid": "sk_1"} | header)


def unsigned(world: World) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none", "kid": "sk_1"}).encode()).decode().rstrip("=")
    return f"{head}.{world.token().split('.')[1]}."


def signed_with_the_public_key(world: World) -> str:
    claims = jwt.decode(world.token(), options={"verify_signature": False})
    return jwt.encode(claims, world.private.public_key().public_bytes_raw(), algorithm="HS256", headers={"kid": "sk_1"})


def with_other_claims(world: World) -> str:
    head, _, signature = world.token().split(".")
    body = jwt.decode(world.token(), options={"verify_signature": False}) | {"ws": "ws_b"}
    return f"{head}.{base64.urlsafe_b64encode(json.dumps(body).encode()).decode().rstrip('=')}.{signature}"


@pytest.mark.parametrize(
    "forge",
    [
        pytest.param(lambda world: "nonsense", id="no token at all"),
        pytest.param(lambda world: "a.b.c", id="three parts of nothing"),
        pytest.param(lambda world: "x" * 5000, id="too long"),
        pytest.param(unsigned, id="unsigned"),
        pytest.param(signed_with_the_public_key, id="the public key as a shared secret"),
        pytest.param(with_other_claims, id="other claims under a good signature"),
        pytest.param(lambda world: world.token()[:-4] + "AAAA", id="another signature"),
        pytest.param(lambda world: world.token(private=STRANGER), id="a stranger's signature"),
        pytest.param(lambda world: world.token(kid="sk_unknown"), id="an unknown key"),
        pytest.param(lambda world: forged(world, {"iss": "other"}), id="another issuer"),
        pytest.param(lambda world: forged(world, {"iss": ...}), id="no issuer"),
        pytest.param(lambda world: forged(world, {"ws": ...}), id="no workspace"),
        pytest.param(lambda world: forged(world, {"ws": 7}), id="a workspace that is no text"),
        pytest.param(lambda world: forged(world, {"ws": ""}), id="an empty workspace"),
        pytest.param(lambda world: forged(world, {"jti": ...}), id="no credential id"),
        pytest.param(lambda world: forged(world, {"scopes": "bookings:view"}), id="scopes that are no list"),
        pytest.param(lambda world: forged(world, {}, kid=""), id="no key id"),
        pytest.param(lambda world: "bkt_abc", id="a token of another kind"),
    ],
)
async def test_a_forged_token_admits_nobody(world: World, forge: Callable[[World], str]) -> None:
    await asked(world, forge(world), 401, "credential_invalid")


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic YTpi", "Token x"])
async def test_an_authorization_of_another_kind_is_401(world: World, header: str) -> None:
    problem(await world.http.get(NOTES, headers={"Authorization": header}), 401, "credential_invalid")


async def test_a_good_token_in_another_scheme_or_beside_a_second_one_is_401(world: World) -> None:
    token = world.token()
    for headers in ([("Authorization", f"Basic {token}")], [("Authorization", f"Bearer {token}")] * 2):
        problem(await world.http.get(NOTES, headers=headers), 401, "credential_invalid")


async def test_no_credential_is_401(world: World) -> None:
    answer = await world.http.get(NOTES)
    problem(answer, 401, "credential_missing")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_token_expires_by_the_stores_clock(world: World) -> None:
    token = world.token()
    world.clock[0] = NOW + timedelta(minutes=59, seconds=59)
    assert (await world.http.get(NOTES, headers={"Authorization": f"Bearer {token}"})).status_code == 200
    world.clock[0] = NOW + timedelta(hours=1)
    await asked(world, token, 401, "credential_expired")


async def test_an_api_key_without_an_end_lasts_until_it_is_revoked(world: World) -> None:
    token = world.token(credential_id="key_1", expires_at=None)
    world.clock[0] = datetime(2099, 1, 1, tzinfo=UTC)
    assert (await world.http.get(NOTES, headers={"Authorization": f"Bearer {token}"})).status_code == 200
    await learn_revocation(revoked(credential_id="key_1"), world.turn())
    await asked(world, token, 401, "credential_revoked")


async def test_a_revoked_credential_is_refused_at_the_next_request_and_others_are_not(world: World) -> None:
    await learn_revocation(revoked(), world.turn())
    await asked(world, world.token(), 401, "credential_revoked")
    other = await world.http.get(NOTES, headers=world.staff(credential_id="ses_2"))
    assert other.status_code == 200


async def test_a_missing_permission_is_403(world: World) -> None:
    await asked(world, world.token(scopes=["calendars:view"]), 403, "forbidden")
    answer = await world.http.post(NOTES, json={"title": "t"}, headers=world.staff(scopes=["bookings:view"]))
    assert "bookings:manage" in problem(answer, 403, "forbidden")["detail"]
    assert world.notes == 0


async def test_before_the_first_key_staff_routes_are_503_and_guests_are_served(keyless: World) -> None:
    answer = await keyless.http.get(NOTES, headers=keyless.staff())
    problem(answer, 503, "keys_unknown")
    assert int(answer.headers["retry-after"]) >= 1
    assert not await keyless.app.keys.filled(keyless.turn())
    assert (await keyless.http.get("/api/v1/board?start=2027-01-04T09:00:00Z")).status_code == 200
    await learn_signing_key(key_event(keyless.private), keyless.turn())
    assert (await keyless.http.get(NOTES, headers=keyless.staff())).status_code == 200
    assert await keyless.app.keys.filled(keyless.turn())


async def test_a_key_learned_later_is_known_at_once(world: World) -> None:
    token = world.token(private=STRANGER, kid="sk_2")
    await asked(world, token, 401, "credential_invalid")
    await learn_signing_key(key_event(STRANGER, "sk_2"), world.turn())
    assert (await world.http.get(NOTES, headers={"Authorization": f"Bearer {token}"})).status_code == 200


@pytest.mark.parametrize(
    ("status", "expected"), [("active", 200), ("retiring", 200), ("removed", 401), ("invented", 401)]
)
async def test_only_a_key_in_a_known_good_state_verifies(world: World, status: str, expected: int) -> None:
    await learn_signing_key(key_event(world.private, version=2, status=status), world.turn())
    assert (await world.http.get(NOTES, headers=world.staff())).status_code == expected


async def test_a_key_is_read_once_and_read_again_after_a_while(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    at = [1000.0]
    monkeypatch.setattr(credentials.time, "monotonic", lambda: at[0])
    for _ in range(3):
        await world.http.get(NOTES, headers=world.staff())
    assert world.shelf.reads.count(("signing_keys", "sk_1")) == 1
    await learn_signing_key(key_event(world.private, version=2, status="removed"), world.turn())
    at[0] += credentials.KEY_SECONDS
    assert (await world.http.get(NOTES, headers=world.staff())).status_code == 401


async def test_an_older_state_of_a_key_or_revocation_changes_nothing(world: World) -> None:
    removed = key_event(world.private, version=3, status="removed")
    for event in (removed, key_event(world.private, version=2), removed):
        await learn_signing_key(event, world.turn())
    assert (await world.turn().records(SigningKey).get("sk_1")).status == "removed"  # pyright: ignore[reportOptionalMemberAccess]
    for event in (revoked(2), revoked(1)):
        await learn_revocation(event, world.turn())
    assert (await world.turn().records(Revocation).get("ses_1")).version == 2  # pyright: ignore[reportOptionalMemberAccess]


async def test_a_foreign_thing_is_answered_like_an_absent_one(world: World) -> None:
    mine = await world.http.post(NOTES, json={"title": "t"}, headers=world.staff())
    at, other = mine.headers["location"], world.staff(workspace="ws_b", credential_id="ses_b")
    for method, body in (("GET", None), ("PATCH", {"title": "u"})):
        foreign = await world.http.request(method, at, json=body, headers=other)
        absent = await world.http.request(method, f"{NOTES}/nte_absent", json=body, headers=other)
        problem(foreign, 404, "not_found")
        hidden = {"request_id": "-"}
        assert foreign.json() | hidden == absent.json() | hidden
    assert (await world.http.get(NOTES, headers=other)).json()["items"] == []


async def test_a_route_for_both_knows_staff_and_refuses_wrong_credentials(world: World) -> None:
    who = "/api/v1/board/who"
    assert (await world.http.get(who)).json() == {"member_id": None}
    assert (await world.http.get(who, headers=world.staff())).json() == {"member_id": "mem_of_ws_a"}
    problem(await world.http.get(who, headers={"Authorization": "Bearer x"}), 401, "credential_invalid")


async def test_a_guest_route_ignores_whose_key_it_is(world: World) -> None:
    answer = await world.http.get("/api/v1/board?start=2027-01-04T09:00:00Z", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 200


async def test_a_route_may_take_tokens_of_its_own_kind(world: World) -> None:
    own = "/api/v1/board/own"
    assert (await world.http.get(own, headers={"Authorization": "bearer bkt_good"})).json() == {"member_id": None}
    assert (await world.http.get(own, headers=world.staff())).json() == {"member_id": "mem_of_ws_a"}
    problem(await world.http.get(own), 401, "credential_missing")


def test_the_same_claims_always_give_the_same_token(world: World) -> None:
    assert world.token() == world.token()


def test_a_scope_that_does_not_exist_cannot_be_asked_for() -> None:
    with pytest.raises(LookupError, match="bookings:fly"):
        staff("bookings:fly")


def test_every_service_with_resources_learns_keys_and_revocations() -> None:
    learning = with_credentials(with_credentials(SERVICE))
    assert learning.records == (*SERVICE.records, SigningKey, Revocation)
    assert learning.consumes == {SigningKeyChanged: learn_signing_key, CredentialRevoked: learn_revocation}
