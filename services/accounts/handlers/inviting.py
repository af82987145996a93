"""Inviting members, and accepting."""

from datetime import timedelta
from functools import partial

from services.accounts.adapters import World
from services.accounts.domain import invitations, tokens
from services.accounts.domain.auditing import Actor
from services.accounts.domain.credentials import Session
from services.accounts.domain.invitations import Invited, Standing
from services.accounts.domain.members import Member
from services.accounts.domain.roles import Role
from services.accounts.handlers.credentials import Issued, start_session
from services.accounts.handlers.passwords import proven
from services.accounts.settings import Settings
from turnus_runtime.records import Decision, Owed
from turnus_runtime.turn import Turn


class ForgedLink(Exception):
    """This token was not made here."""


class LinkOver(Exception):
    """What this token stood for is over; `standing` says why."""

    def __init__(self, standing: str) -> None:
        super().__init__(standing)
        self.standing = standing


class WrongPassword(Exception):
    """This is not the password of the identity that there is."""


async def invite(known: Member, request: str | None, by: Role, actor: Actor, on: Turn) -> Invited:
    """Invite a member; the mail is owed. The same `request` again is the same invitation."""
    lasts = timedelta(days=on.configured(Settings).accounts_invitation_days)
    nonce = tokens.nonce_of(on.ids.fresh("inv"))

    def decide(current: Member | None) -> Decision[Member, Invited]:
        member = current or known
        new = invitations.new_invitation(member, nonce, actor.now + lasts, request, actor)
        return invitations.invite(member, new, by, actor)

    return await on.records(Member).decide(known.id, decide)


async def revoke_invitation(known: Member, expected: int | None, by: Role, actor: Actor, on: Turn) -> Invited:
    """End a member's invitation, if it is open."""

    def decide(current: Member | None) -> Decision[Member, Invited]:
        return invitations.revoke(current or known, expected, by, actor)

    return await on.records(Member).decide(known.id, decide)


async def expire_invitation(member_id: str, _: Owed, on: Turn) -> None:
    """An invitation's time is over (timer)."""
    await on.records(Member).decide(member_id, partial(invitations.expire, now=on.now))


async def invited_by(token: str, on: Turn) -> tuple[Member | None, str]:
    """The member whom this token names, and its nonce; whether the invitation is open is not said by that.

    Raises `ForgedLink`.
    """
    world: World = on.effects
    named = tokens.read(world.secret, tokens.INVITATION, token)
    if named is None:
        raise ForgedLink
    return await on.records(Member).get(f"mem_{named.owner}"), named.nonce


async def accept(
    member: Member | None, nonce: str, password: str, key: str | None, on: Turn
) -> tuple[Member, Issued[Session]]:
    """Let the invited member in: with a new identity and this password, or with the identity there is, if it is its
    password. Doing it again is fine while the session that it began goes on.

    Raises `LinkOver`, `WrongPassword`, `Overtaken`, `TooManyPasswords`.
    """
    before = invitations.standing(member, nonce, on.now)
    if member is None or before not in ("open", "accepted"):
        raise LinkOver(before)
    identity = await proven(member.email, password, on)
    if identity is None:
        raise WrongPassword if before == "open" else LinkOver(before)
    decision = partial(invitations.accept, nonce=nonce, identity=identity, now=on.now)
    joined: Member | Standing = await on.records(Member).decide(member.id, decision)
    if not isinstance(joined, Member):
        raise LinkOver(joined)
    issued = await start_session(joined, identity, key or f"invitation {nonce}", on)
    if issued.token is None:
        raise LinkOver("accepted")
    return joined, issued
