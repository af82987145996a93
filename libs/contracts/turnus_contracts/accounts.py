"""Events of `accounts`: workspaces, members, credentials; and `ChangeRecorded`, which every service says."""

from datetime import date
from typing import ClassVar

from turnus_contracts.base import Event, Instant, Kind


class WorkspaceChanged(Event):
    """A workspace (tenant) is as described here. Said by `accounts` after every change and once a day."""

    kind: ClassVar[Kind] = "state"
    keyed_by: ClassVar[str] = "workspace_id"
    identity: ClassVar[tuple[str, ...]] = ("workspace_id", "version")

    workspace_id: str
    version: int
    status: str
    """active or removed"""
    slug: str
    name: str
    tz: str
    locale: str


class MemberChanged(Event):
    """A member of a workspace is as described here. Said by `accounts` after every change and once a day.

    Removal is the status `removed`; services then publish what depended on the member without them.
    """

    kind: ClassVar[Kind] = "state"
    keyed_by: ClassVar[str] = "member_id"
    identity: ClassVar[tuple[str, ...]] = ("member_id", "version")

    workspace_id: str
    member_id: str
    version: int
    status: str
    """active or removed"""
    name: str
    email: str
    tz: str
    locale: str
    role: str
    """owner, admin or member"""
    paused_since: Instant | None = None
    """From then on they get no new bookings, what is booked stays. None: they never paused; else it is said for ever,
    so that of two versions the newer one counts whatever it says"""
    paused_until: date | None = None
    """The first day, in `tz`, on which they can be booked again; none: when they resume"""
    resumed_at: Instant | None = None
    """When they ended that pause themselves; none: they did not"""


class SigningKeyChanged(Event):
    """A public key with which `accounts` signs session tokens and API keys. Every service verifies with it itself."""

    kind: ClassVar[Kind] = "state"
    keyed_by: ClassVar[str] = "key_id"
    identity: ClassVar[tuple[str, ...]] = ("key_id", "version")

    key_id: str
    version: int
    status: str
    """active (signs), retiring (still verifies) or removed (verifies nothing any more)"""
    algorithm: str
    public_key: str
    """base64url of the raw Ed25519 public key"""


class CredentialRevoked(Event):
    """A session or API key is void from now on. Said again daily until `expires_at`."""

    kind: ClassVar[Kind] = "state"
    keyed_by: ClassVar[str] = "credential_id"
    identity: ClassVar[tuple[str, ...]] = ("credential_id", "version")

    workspace_id: str
    credential_id: str
    version: int
    status: str
    """removed"""
    member_id: str
    expires_at: Instant | None = None
    """When the token would have ended by itself; none for API keys"""


class ChangeRecorded(Event):
    """Somebody changed a setting: who, what, when; names of the changed fields, never their values. The audit log."""

    keyed_by: ClassVar[str] = "workspace_id"
    identity: ClassVar[tuple[str, ...]] = ("service", "change_id")
    shared: ClassVar[bool] = True

    workspace_id: str
    change_id: str
    service: str
    at: Instant
    actor_id: str
    """the member or credential that did it"""
    action: str
    """a verb in the past tense: created, changed, published, retired, removed, revoked, signed_in …"""
    thing: str
    """the kind of the thing: calendar, schedule, block, member …"""
    thing_id: str
    fields: tuple[str, ...] = ()
