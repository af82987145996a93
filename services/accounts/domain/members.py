"""Members of a workspace: who they are and what they may do. Removal is a status, and final."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from services.accounts.domain.auditing import Actor, recorded
from services.accounts.domain.letters import Letter, Part
from services.accounts.domain.roles import Permissions, Role, may_give, permissions_of, scopes_of
from turnus_contracts import MemberChanged
from turnus_runtime.records import Decision, Owed, Record, key, state, timer

TAKE_SEAT, VOID_CREDENTIALS, JOIN = "take_seat", "void_credentials", "join"
SEND_INVITATION, EXPIRE_INVITATION = "send_invitation", "expire_invitation"
PERMISSION = "permissions."
"""How the audit log names a permission that was changed: `permissions.bookings`."""


class Invitation(Part):
    """The latest invitation of a member (`domain/invitations.py`). The link's token is not kept: `nonce` is in it.

    `version` rises with every change of it, a further invitation included; `requests` are names of the requests that
    made it and those before it.
    """

    nonce: str
    version: int
    status: Literal["open", "accepted", "revoked", "expired"]
    email: str
    invited_by: str
    created_at: datetime
    expires_at: datetime
    letter: Letter
    requests: tuple[str, ...] = ()


class Pause(Part):
    """The latest pause of a member: from `since` on they get no new bookings (`domain/pausing.py`).

    `until`: the first day, in their zone, on which they can be booked again; None: when they resume. `resumed_at`: when
    they did. It stays when it is over, so that whoever hears of it late knows what counts.
    """

    since: datetime
    until: date | None
    resumed_at: datetime | None = None


class Member(Record):
    """One person in one workspace. They sign in with their identity, if they have one yet: who is invited gets one.

    `epoch` rises whenever what they may do changes: sessions and API keys of an older epoch are void.
    `owner_since` is the version with which they last became an owner, 0 if they are none.
    """

    collection: ClassVar[str] = "members"
    format: ClassVar[int] = 4
    """Format 1 had no invitation, format 2 no pause, format 3 no permissions: members looked at everything. (Index keys
    of format 1 come with the next write: every member is said again once a day.)"""
    indexes: ClassVar[tuple[str, ...]] = ("by_workspace", "by_identity", "invited")

    workspace_id: str
    version: int
    status: Literal["active", "removed"] = "active"
    name: str
    email: str
    tz: str
    locale: str
    role: Role
    own_permissions: Permissions = Permissions()
    """in force while the role is `member`; kept while it is another one"""
    identity_id: str | None = None
    owner_since: int = 0
    epoch: int = 1
    invitation: Invitation | None = None
    pause: Pause | None = None
    request_digest: str | None = None
    created_at: datetime
    changed_at: datetime

    def keys(self) -> Mapping[str, str | int | None]:
        """By workspace, by identity, and by workspace those who are invited; removed ones not."""
        there = self.status == "active"
        return {
            "self": self.id,
            "by_workspace": key(self.workspace_id, self.id) if there else None,
            "by_identity": key(self.identity_id, self.id) if there and self.identity_id is not None else None,
            "invited": key(self.workspace_id, self.id) if self.invited else None,
        }

    @property
    def permissions(self) -> Permissions:
        """What they may do now."""
        return permissions_of(self.role, self.own_permissions)

    @property
    def scopes(self) -> tuple[str, ...]:
        """What their sessions may do."""
        return scopes_of(self.role, self.own_permissions)

    @property
    def invited(self) -> bool:
        """Whether an invitation of theirs is open."""
        return self.status == "active" and self.invitation is not None and self.invitation.status == "open"


class AddressClaim(Record):
    """Which member of a workspace has an e-mail address; the id is derived from both, so the insert is the guard.

    Signing in finds the member here.
    """

    collection: ClassVar[str] = "member_addresses"
    workspace_id: str
    member_id: str


class Changed(BaseModel):
    """What became of a change: the member as they are now; `refusal` if it was refused (`of_role`: permissions of their
    own were meant for somebody whose role has its own).

    `leaves_office`: this is an owner, who must leave their seat first.
    """

    model_config = ConfigDict(frozen=True)
    member: Member
    refusal: Literal["forbidden", "stale", "gone", "of_role"] | None = None
    leaves_office: bool = False


def claim_address(
    current: AddressClaim | None, new: AddressClaim, vacated: str | None, errand: Owed
) -> Decision[AddressClaim, str]:
    """Take an e-mail address in a workspace for a member to be made; the answer is who has it now.

    `vacated` is a holder who is removed, or has another address (of two requests with one key and two addresses, one
    got neither): both for good. `errand` makes the member, should this process die first.
    """
    if current is not None and current.member_id != vacated:
        return Decision(current.member_id)
    return Decision(new.member_id, new, owes=[errand])


def joining(plan: Mapping[str, Any], due: datetime) -> Owed:
    """The errand of `claim_address`: the member to be made, as JSON."""
    return timer(JOIN, due, data=plan)


def joined(current: AddressClaim | None) -> Decision[AddressClaim, None]:
    """The member is made: the errand is done."""
    if current is None or current.owes(JOIN) is None:
        return Decision(None)
    return Decision(None, current, drops=[JOIN])


def join(current: Member | None, new: Member, actor: Actor) -> Decision[Member, tuple[Member, bool]]:
    """Make a member; the answer says whether it was there already."""
    if current is not None:
        return Decision((current, True))
    return Decision((new, False), new, owes=said(new, "created", actor))


def change(
    current: Member,
    values: Mapping[str, Any],
    role: Role | None,
    expected: int | None,
    by: Role,
    actor: Actor,
    permissions: Mapping[str, Any] | None = None,
) -> Decision[Member, Changed]:
    """Change a member's own values and, if `role` is given, what they are. `by` is the role of whoever asks.

    `permissions` are those of their own that are named; the others stay.
    """
    if (refusal := refusal_of(current, expected)) is not None:
        return Decision(refusal)
    if role is not None and role != current.role and not may_give(by, current.role, role):
        return Decision(Changed(member=current, refusal="forbidden"))
    differing = {name: value for name, value in values.items() if getattr(current, name) != value}
    allowed = current.own_permissions.model_copy(update=dict(permissions or {}))
    if permissions and (role or current.role) != "member":
        return Decision(Changed(member=current, refusal="of_role"))
    if allowed != current.own_permissions:
        if not may_give(by, current.role, "member"):
            return Decision(Changed(member=current, refusal="forbidden"))
        differing |= {"own_permissions": allowed, "epoch": current.epoch + 1}
    leaves = current.role == "owner" and role is not None and role != "owner"
    if role is not None and role != current.role and not leaves:
        differing |= {"role": role, "epoch": current.epoch + 1}
        differing |= {"owner_since": current.version + 1} if role == "owner" else {}
    if not differing:
        return Decision(Changed(member=current, leaves_office=leaves))
    changed = current.change(**differing, version=current.version + 1, changed_at=actor.now)
    told = sorted(
        {*differing} - {"epoch", "owner_since", "own_permissions"} | _permissions_that_differ(current, allowed)
    )
    return Decision(Changed(member=changed, leaves_office=leaves), changed, owes=said(changed, "changed", actor, told))


def _permissions_that_differ(current: Member, allowed: Permissions) -> set[str]:
    before, after = current.own_permissions.model_dump(), allowed.model_dump()
    return {f"{PERMISSION}{name}" for name in before if before[name] != after[name]}


def remove(current: Member, expected: int | None, by: Role, actor: Actor) -> Decision[Member, Changed]:
    """Remove a member. Again is fine."""
    if current.status == "removed":
        return Decision(Changed(member=current))
    if (refusal := refusal_of(current, expected)) is not None:
        return Decision(refusal)
    if not may_give(by, current.role, current.role):
        return Decision(Changed(member=current, refusal="forbidden"))
    if current.role == "owner":
        return Decision(Changed(member=current, leaves_office=True))
    return _removed(current, actor)


def leave_office(current: Member | None, since: int, to: Role | None, actor: Actor) -> Decision[Member, Changed | None]:
    """An owner whose seat is free becomes `to`, or is removed. An ownership of another time is not meant."""
    if current is None:
        return Decision(None)
    if current.owner_since != since:
        return Decision(Changed(member=current))
    if to is None:
        return _removed(current, actor)
    changed = current.change(
        role=to, owner_since=0, epoch=current.epoch + 1, version=current.version + 1, changed_at=actor.now
    )
    return Decision(Changed(member=changed), changed, owes=said(changed, "changed", actor, ["role"]))


def seated(current: Member | None, since: int) -> Decision[Member, None]:
    """The seat of this ownership is taken, or was left already: the timer is done."""
    entry = current.owes(TAKE_SEAT) if current is not None else None
    if current is None or entry is None or (entry.data or {}).get("since") != since:
        return Decision(None)
    return Decision(None, current, drops=[TAKE_SEAT])


def voided(current: Member | None, epoch: int) -> Decision[Member, None]:
    """All credentials of older epochs are ended: the timer is done, unless a newer epoch has begun."""
    if current is None or current.epoch != epoch or current.owes(VOID_CREDENTIALS) is None:
        return Decision(None)
    return Decision(None, current, drops=[VOID_CREDENTIALS])


def ended(invitation: Invitation, status: Literal["accepted", "revoked", "expired"]) -> Invitation:
    """The invitation as one that is over."""
    return invitation.model_copy(update={"status": status, "version": invitation.version + 1})


def described(member: Member, _: datetime) -> tuple[MemberChanged, ...]:
    """What a member says of themselves."""
    pause = member.pause
    return (
        MemberChanged(
            workspace_id=member.workspace_id,
            member_id=member.id,
            version=member.version,
            status=member.status,
            name=member.name,
            email=member.email,
            tz=member.tz,
            locale=member.locale,
            role=member.role,
            paused_since=pause.since if pause is not None else None,
            paused_until=pause.until if pause is not None else None,
            resumed_at=pause.resumed_at if pause is not None else None,
        ),
    )


def refusal_of(current: Member, expected: int | None) -> Changed | None:
    """Why a member cannot be changed by somebody who saw the version `expected` (None: any); None if they can."""
    if current.status != "active":
        return Changed(member=current, refusal="gone")
    if expected is not None and expected != current.version:
        return Changed(member=current, refusal="stale")
    return None


def _removed(current: Member, actor: Actor) -> Decision[Member, Changed]:
    invitation = current.invitation
    gone = current.change(
        status="removed",
        owner_since=0,
        epoch=current.epoch + 1,
        invitation=ended(invitation, "revoked") if invitation is not None and current.invited else invitation,
        version=current.version + 1,
        changed_at=actor.now,
    )
    drops = [SEND_INVITATION, EXPIRE_INVITATION]
    return Decision(Changed(member=gone), gone, owes=said(gone, "removed", actor), drops=drops)


def said(member: Member, action: str, actor: Actor, fields: list[str] | None = None) -> list[Owed]:
    """What a changed member owes: its state, the audit log, the seat of a new owner, the end of old credentials."""
    owes = [state(MemberChanged), recorded(member, "member", action, actor, fields or ())]
    if member.owner_since == member.version:
        owes.append(timer(TAKE_SEAT, actor.now, data={"since": member.owner_since}))
    told = fields or ()
    if action == "removed" or "role" in told or any(name.startswith(PERMISSION) for name in told):
        owes.append(timer(VOID_CREDENTIALS, actor.now, data={"actor_id": actor.id}))
    return owes
