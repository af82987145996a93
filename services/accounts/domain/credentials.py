"""Sessions and API keys: what a token stands for. Tokens are not kept: only what they say and which key signed them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Literal, TypeVar

from services.accounts.domain.auditing import Actor, recorded
from services.accounts.domain.roles import Role
from turnus_contracts import CredentialRevoked
from turnus_runtime.records import Decision, Record, key, millis, state, timer

EXPIRE = "expire_session"


class Credential(Record):
    """A session or an API key: it lets `member_id` in with `scopes` until it expires or is revoked.

    `assigned_only`: only what is assigned to that member is there for it. `epoch` is the member's when it was made:
    void in a later one. `key_id` is the signing key of its token, which must verify for as long as this lives.
    """

    indexes: ClassVar[tuple[str, ...]] = ("by_member", "by_workspace", "by_signing_key", "revoked")
    long: ClassVar[tuple[str, ...]] = ("by_signing_key",)
    noun: ClassVar[str]
    begun: ClassVar[str]

    workspace_id: str
    member_id: str
    version: int = 1
    status: Literal["active", "revoked", "expired"] = "active"
    role: Role
    scopes: tuple[str, ...]
    assigned_only: bool = False
    epoch: int
    key_id: str
    created_at: datetime
    expires_at: datetime | None = None

    def keys(self) -> Mapping[str, str | int | None]:
        """Living ones by whose they are and what signed them; revoked ones by when their token ends by itself."""
        lives = self.status == "active"
        end = self.created_at if self.expires_at is None else self.expires_at
        return {
            "self": self.id,
            "by_member": key(self.member_id, self.id) if lives else None,
            "by_workspace": key(self.workspace_id, self.id) if lives else None,
            "by_signing_key": key(self.key_id, self.id) if lives else None,
            "revoked": millis(end) if self.status == "revoked" else None,
        }


class Session(Credential):
    """Somebody signed in. `identity_epoch` is their identity's when it was made: void in a later one."""

    collection: ClassVar[str] = "sessions"
    format: ClassVar[int] = 3
    """Format 1 had no epoch of the identity: there was no second one. Formats 1 and 2 were never restricted to what is
    assigned to somebody."""
    noun: ClassVar[str] = "session"
    begun: ClassVar[str] = "signed_in"

    identity_epoch: int = 1


class ApiKey(Credential):
    """A program that acts for a member, until it is revoked."""

    collection: ClassVar[str] = "api_keys"
    format: ClassVar[int] = 2
    """Format 1 was never restricted to what is assigned to somebody."""
    noun: ClassVar[str] = "api_key"
    begun: ClassVar[str] = "created"

    name: str
    created_by: str
    request_digest: str | None = None


C = TypeVar("C", bound=Credential)


def begin(current: C | None, new: C, actor: Actor) -> Decision[C, tuple[C, bool]]:
    """Make a credential; the answer says whether it was there already."""
    if current is not None:
        return Decision((current, True))
    owes = [recorded(new, new.noun, new.begun, actor)]
    if new.expires_at is not None:
        owes.append(timer(EXPIRE, new.expires_at))
    return Decision((new, False), new, owes=owes)


def revoke(current: C | None, actor: Actor) -> Decision[C, C | None]:
    """End a credential for good. Ending one that has ended changes nothing."""
    if current is None or current.status != "active":
        return Decision(current)
    ended = current.change(status="revoked", version=current.version + 1)
    owes = [state(CredentialRevoked), recorded(ended, ended.noun, "revoked", actor)]
    # While it lived it had nothing to say, and may have been marked so; from now on it is said daily.
    return Decision(ended, ended, owes=owes, drops=[EXPIRE, "again"])


def carry_over(current: Session | None, epoch: int) -> Decision[Session, None]:
    """Let the session in which a password was changed live on in the epoch which that began."""
    if current is None or current.status != "active" or current.identity_epoch != epoch - 1:
        return Decision(None)
    return Decision(None, current.change(identity_epoch=epoch))


def expire(current: Session | None, now: datetime) -> Decision[Session, None]:
    """The token has ended by itself: the session leaves the lists. Nobody needs to be told."""
    if current is None or current.status != "active" or current.expires_at is None or now < current.expires_at:
        return Decision(None)
    return Decision(None, current.change(status="expired", version=current.version + 1), drops=[EXPIRE])


def described(credential: Credential, now: datetime) -> Sequence[CredentialRevoked]:
    """What a revoked credential says of itself, for as long as its token would be taken otherwise."""
    if credential.status != "revoked" or (credential.expires_at is not None and credential.expires_at <= now):
        return ()
    return (
        CredentialRevoked(
            workspace_id=credential.workspace_id,
            credential_id=credential.id,
            version=credential.version,
            status="removed",
            member_id=credential.member_id,
            expires_at=credential.expires_at,
        ),
    )
