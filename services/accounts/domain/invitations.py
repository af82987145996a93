"""Invitations: how a member comes to an identity, and so to signing in.

An invitation lies in the member that it is for, who has one at a time. So one compare-and-set on the member decides
between accepting, revoking, inviting again, removing the member, and another address: whoever is first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from services.accounts.domain.auditing import TURNUS, Actor
from services.accounts.domain.identities import Identity, normal
from services.accounts.domain.letters import Letter, Outcome, sending, tried
from services.accounts.domain.members import EXPIRE_INVITATION, SEND_INVITATION, Invitation, Member, ended, said
from services.accounts.domain.roles import Role, may_give
from turnus_runtime.records import Decision, timer

Standing = Literal["open", "accepted", "revoked", "expired", "replaced"]
REQUESTS_KEPT = 20
"""Of so many invitations of one member a repeated request is known to be one."""


@dataclass(frozen=True, slots=True)
class Invited:
    """What became of a change of an invitation; `refusal` if it was refused, `stale` with the version it has."""

    member: Member
    refusal: Literal["forbidden", "gone", "joined", "stale"] | None = None
    replayed: bool = False


def invite(current: Member, new: Invitation, by: Role, actor: Actor) -> Decision[Member, Invited]:
    """Invite a member, whose older invitation is over by that. `by` is the role of whoever invites.

    `new.requests` holds the name of this request, if it has one: the same again changes nothing.
    """
    before = current.invitation
    known = before.requests if before is not None else ()
    if set(new.requests) & set(known):
        return Decision(Invited(current, replayed=True))
    if current.status != "active":
        return Decision(Invited(current, "gone"))
    if not may_give(by, current.role, current.role):
        return Decision(Invited(current, "forbidden"))
    if current.identity_id is not None:
        return Decision(Invited(current, "joined"))
    version = before.version + 1 if before is not None else 1
    requests = (*known, *new.requests)[-REQUESTS_KEPT:]
    invited = _with(current, new.model_copy(update={"version": version, "requests": requests}), actor)
    owes = [
        *said(invited, "invited", actor),
        sending(SEND_INVITATION, actor.now, new.nonce),
        timer(EXPIRE_INVITATION, new.expires_at),
    ]
    return Decision(Invited(invited), invited, owes=owes)


def revoke(current: Member, expected: int | None, by: Role, actor: Actor) -> Decision[Member, Invited]:
    """End the invitation. One that is over stays what it is."""
    invitation = current.invitation
    if invitation is None or invitation.status != "open":
        return Decision(Invited(current))
    if expected is not None and expected != invitation.version:
        return Decision(Invited(current, "stale"))
    if not may_give(by, current.role, current.role):
        return Decision(Invited(current, "forbidden"))
    revoked = _with(current, ended(invitation, "revoked"), actor)
    owes = said(revoked, "invitation_revoked", actor)
    return Decision(Invited(revoked), revoked, owes=owes, drops=[SEND_INVITATION, EXPIRE_INVITATION])


def standing(member: Member | None, nonce: str, now: datetime) -> Standing:
    """What the invitation with this nonce is now."""
    if member is None or member.invitation is None:
        return "revoked"  # it was made after what a restored store knows
    invitation = member.invitation
    if invitation.nonce != nonce or normal(member.email) != normal(invitation.email):
        return "replaced"
    if member.status != "active":
        return "revoked"
    return "expired" if invitation.status == "open" and now >= invitation.expires_at else invitation.status


def accept(
    current: Member | None, nonce: str, identity: Identity, now: datetime
) -> Decision[Member, Member | Standing]:
    """Give the member that identity, whose password was given. Doing it again is fine.

    Answers the member, or what the invitation is instead of open.
    """
    found = standing(current, nonce, now)
    if current is None or current.invitation is None:
        return Decision(found)
    if found == "accepted" and current.identity_id == identity.id:
        return Decision(current)
    if found != "open":
        return Decision(found)
    if normal(current.email) != identity.email or current.identity_id is not None:
        return Decision("replaced")
    actor = Actor(current.id, now)
    joined = _with(current, ended(current.invitation, "accepted"), actor, {"identity_id": identity.id})
    return Decision(joined, joined, owes=said(joined, "joined", actor), drops=[SEND_INVITATION, EXPIRE_INVITATION])


def expire(current: Member | None, now: datetime) -> Decision[Member, None]:
    """Its time is over (timer)."""
    if current is None or current.owes(EXPIRE_INVITATION) is None:
        return Decision(None)
    invitation = current.invitation
    if invitation is None or invitation.status != "open":
        return Decision(None, current, drops=[EXPIRE_INVITATION])
    if now < invitation.expires_at:
        return Decision(None)
    actor = Actor(TURNUS, now)
    expired = _with(current, ended(invitation, "expired"), actor)
    owes = said(expired, "invitation_expired", actor)
    return Decision(None, expired, owes=owes, drops=[SEND_INVITATION, EXPIRE_INVITATION])


def mailed(current: Member | None, nonce: str, outcome: Outcome, now: datetime) -> Decision[Member, None]:
    """Keep what became of a try to send its letter. Nobody else than the invitation itself shows it."""
    invitation = current.invitation if current is not None else None
    if current is None or invitation is None or invitation.nonce != nonce:
        return Decision(None)
    letter, again = tried(invitation.letter, current.owes(SEND_INVITATION), outcome, now, invitation.expires_at)
    told = invitation.model_copy(update={"letter": letter, "version": invitation.version + 1})
    if again is not None and invitation.status == "open":
        return Decision(None, current.change(invitation=told), owes=[again])
    return Decision(None, current.change(invitation=told), drops=[SEND_INVITATION])


def not_needed(current: Member | None, nonce: str) -> Decision[Member, None]:
    """The letter is about an invitation that is over: nobody is to get it."""
    owed = current.owes(SEND_INVITATION) if current is not None else None
    if current is None or owed is None or (owed.data or {}).get("nonce") != nonce:
        return Decision(None)
    return Decision(None, current, drops=[SEND_INVITATION])


def new_invitation(member: Member, nonce: str, expires_at: datetime, request: str | None, actor: Actor) -> Invitation:
    """An open invitation of this member, not yet theirs. `request` names the request for it."""
    return Invitation(
        nonce=nonce,
        version=1,
        status="open",
        email=member.email,
        invited_by=actor.id,
        created_at=actor.now,
        expires_at=expires_at,
        letter=Letter(),
        requests=(request,) if request is not None else (),
    )


def _with(current: Member, invitation: Invitation, actor: Actor, values: Mapping[str, Any] | None = None) -> Member:
    return current.change(**(values or {}), invitation=invitation, version=current.version + 1, changed_at=actor.now)
