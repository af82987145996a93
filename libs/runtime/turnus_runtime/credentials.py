"""Who is asking: signed tokens, verified by every service itself with keys and revocations it learned by event.

A token is a JWT (RFC 7519) signed with Ed25519 (`alg` EdDSA, RFC 8037), header `kid`, claims
`{"iss": "turnus", "jti": "ses_…" | "key_…", "sub": "mem_…", "ws": "ws_…", "role": "admin",
"scopes": ["calendars:view", …], "assigned_only": true (absent: false), "iat": 1800000000, "exp": 1800003600 (absent:
until revoked)}`.
No request ever asks the service that signs.
"""

import base64
import binascii
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, cast

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from turnus_contracts import CredentialRevoked, Event, SigningKeyChanged
from turnus_runtime.records import Decision, Projection, newest
from turnus_runtime.service import Handler, Service
from turnus_runtime.turn import Turn

ISSUER = "turnus"
SCOPES = (
    "calendars:view",
    "calendars:manage",
    "groups:view",
    "groups:manage",
    "bookings:view",
    "bookings:manage",
    "team:view",
    "team:manage",
    "operations:view",
    "operations:manage",
    "settings:manage",
)
"""Every scope there is. Which role has which is written into the token by whoever signs it."""

KEY_SECONDS = 5.0
"""How long a verified-with key is believed before its record is read again: a removed key dies within this time."""


class CredentialRefused(Exception):
    """A token that admits nobody. `code` is `credential_invalid`, `credential_expired` or `credential_revoked`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class KeysUnknown(Exception):
    """This service has not learned any signing key yet, so it cannot say whose token it is."""


class SigningKey(Projection):
    """Projection of `SigningKeyChanged`. Every service with staff routes keeps it in its own store."""

    collection: ClassVar[str] = "signing_keys"
    indexes: ClassVar[tuple[str, ...]] = ("self",)

    status: str
    algorithm: str
    public_key: str
    """base64url of the raw Ed25519 public key"""

    def keys(self) -> Mapping[str, str | int | None]:
        """By id."""
        return {"self": self.id}


class Revocation(Projection):
    """Projection of `CredentialRevoked`: the credential `id` is void."""

    collection: ClassVar[str] = "revocations"

    workspace_id: str
    member_id: str
    expires_at: datetime | None


def with_credentials(service: Service) -> Service:
    """The service with what it needs to know whose tokens it is shown, if it has resources. Idempotent."""
    if not service.resources:
        return service
    own = tuple(kind for kind in (SigningKey, Revocation) if kind not in service.records)
    learned: dict[type[Event], Handler] = {SigningKeyChanged: learn_signing_key, CredentialRevoked: learn_revocation}
    return replace(service, records=(*service.records, *own), consumes={**learned, **service.consumes})


async def learn_signing_key(event: SigningKeyChanged, on: Turn) -> None:
    """Keep the newest state of a signing key."""
    await on.records(SigningKey).decide(event.key_id, lambda known: newer_signing_key(known, event))


def newer_signing_key(known: SigningKey | None, told: SigningKeyChanged) -> Decision[SigningKey, None]:
    """Keep the highest version."""
    key = SigningKey(
        id=told.key_id,
        version=told.version,
        status=told.status,
        algorithm=told.algorithm,
        public_key=told.public_key,
    )
    return newest(known, key)


async def learn_revocation(event: CredentialRevoked, on: Turn) -> None:
    """Keep that a credential is void, for ever: nothing makes it valid again."""
    learned = Revocation(
        id=event.credential_id,
        version=event.version,
        workspace_id=event.workspace_id,
        member_id=event.member_id,
        expires_at=event.expires_at,
    )
    await on.records(Revocation).decide(event.credential_id, lambda known: newest(known, learned))


@dataclass(frozen=True, slots=True)
class Principal:
    """The member who asks, in which workspace, as what, and by which session or API key.

    `assigned_only`: of calendars, groups, bookings and what belongs to them only what is assigned to this member is
    there for them. A service answers 404 for the rest, as for what is foreign, and leaves it out of its lists.
    """

    member_id: str
    workspace_id: str
    role: str
    scopes: frozenset[str]
    credential_id: str
    assigned_only: bool = False


def public_key_text(key: Ed25519PublicKey) -> str:
    """A public key as `SigningKeyChanged.public_key` carries it."""
    return base64.urlsafe_b64encode(key.public_bytes_raw()).decode().rstrip("=")


def sign_token(
    private_key: Ed25519PrivateKey,
    kid: str,
    *,
    credential_id: str,
    member_id: str,
    workspace_id: str,
    role: str,
    scopes: Sequence[str],
    issued_at: datetime,
    expires_at: datetime | None,
    assigned_only: bool = False,
) -> str:
    """A token as every service verifies it. `expires_at` None: until it is revoked (API keys).

    The same arguments always give the same token: Ed25519 signatures are deterministic.
    """
    claims: dict[str, Any] = {
        "iss": ISSUER,
        "jti": credential_id,
        "sub": member_id,
        "ws": workspace_id,
        "role": role,
        "scopes": sorted(scopes),
        "iat": int(issued_at.timestamp()),
    }
    if assigned_only:
        claims["assigned_only"] = True
    if expires_at is not None:
        claims["exp"] = int(expires_at.timestamp())
    return jwt.encode(claims, private_key, algorithm="EdDSA", headers={"kid": kid})


class KeyRing:
    """The signing keys of one process, read from its service's own store and believed for `KEY_SECONDS`."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[float, SigningKey]] = {}

    async def key(self, kid: str, on: Turn) -> SigningKey:
        """The key `kid`; raises `CredentialRefused` for a removed or unknown one, `KeysUnknown` before the first."""
        at, found = self._read.get(kid, (-KEY_SECONDS, None))
        if found is None or time.monotonic() - at >= KEY_SECONDS:
            found = await on.records(SigningKey).get(kid) or await self._read_again(kid, on)
            self._read[kid] = (time.monotonic(), found)
        # `status` is an open enumeration: only what is known to verify does.
        if found.status not in {"active", "retiring", "retired"} or found.algorithm != "EdDSA":
            raise CredentialRefused("credential_invalid")
        return found

    async def _read_again(self, kid: str, on: Turn) -> SigningKey:
        """An absent key may be the very first one, learned since it was looked for: a valid token is no invalid one."""
        if not await self.filled(on):
            raise KeysUnknown
        found = await on.records(SigningKey).get(kid)
        if found is None:
            raise CredentialRefused("credential_invalid")
        return found

    async def filled(self, on: Turn) -> bool:
        """Whether any key was ever learned; before that a service with staff routes is not ready."""
        return bool(self._read) or bool(await on.records(SigningKey).find("self", "", "￿", limit=1))


async def verify(token: str, keys: KeyRing, on: Turn) -> Principal:
    """The principal of a token. Raises `CredentialRefused`, or `KeysUnknown` before the first key."""
    if len(token) > 4096:
        raise CredentialRefused("credential_invalid")
    try:
        header = jwt.get_unverified_header(token)
        kid = header.get("kid")
        if header.get("alg") != "EdDSA" or not isinstance(kid, str) or not 0 < len(kid) <= 100 or "\0" in kid:
            raise CredentialRefused("credential_invalid")
        key = await keys.key(kid, on)
        public = Ed25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(key.public_key + "=="))
        claims: dict[str, Any] = jwt.decode(
            token,
            public,
            algorithms=["EdDSA"],
            issuer=ISSUER,
            # Times are compared with the store's clock below, which tests and demos may move.
            options={
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
                "require": ["iss", "jti", "sub", "ws", "role", "scopes", "iat"],
            },
        )
    except (jwt.PyJWTError, ValueError, binascii.Error, RecursionError):
        raise CredentialRefused("credential_invalid") from None
    principal = _principal(claims)
    expires = claims.get("exp")
    if expires is not None and not (isinstance(expires, int) and on.now.timestamp() < expires):
        raise CredentialRefused("credential_expired")
    if await on.records(Revocation).get(principal.credential_id) is not None:
        raise CredentialRefused("credential_revoked")
    return principal


def _principal(claims: Mapping[str, Any]) -> Principal:
    names = [claims["sub"], claims["ws"], claims["role"], claims["jti"]]
    scopes: object = claims["scopes"]
    if not all(isinstance(name, str) and name for name in names) or not isinstance(scopes, list):
        raise CredentialRefused("credential_invalid")
    held = frozenset(str(scope) for scope in cast("list[object]", scopes))
    # Whatever else may stand there one day restricts: only what is absent, or said to be false, does not.
    restricted = claims.get("assigned_only", False) is not False
    return Principal(names[0], names[1], names[2], held, names[3], restricted)
