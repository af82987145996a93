"""Signing in, API keys, and their end."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Generic, TypeVar

from services.accounts.adapters import World
from services.accounts.adapters.tokens import signed
from services.accounts.domain import members
from services.accounts.domain.auditing import TURNUS, Actor
from services.accounts.domain.credentials import ApiKey, Credential, Session, begin, described, expire, revoke
from services.accounts.domain.identities import Identity, enter, normal, rehash
from services.accounts.domain.members import AddressClaim, Member
from services.accounts.domain.workspaces import SlugClaim, Workspace
from services.accounts.settings import Settings
from services.accounts.store import address_id, identity_id, members_of, pair_of, signing_pair
from turnus_runtime.credentials import learn_revocation
from turnus_runtime.ids import derived
from turnus_runtime.records import Owed
from turnus_runtime.turn import Turn

C = TypeVar("C", bound=Credential)


class Outdated(Exception):
    """This session has ended, although its token is still taken: its password is not theirs any more."""


class Overtaken(Exception):
    """While a credential was made, its member or its signing key changed: it is ended already. Ask again."""


@dataclass(frozen=True, slots=True)
class Issued(Generic[C]):
    """A credential and its token; `token` is None if it does not live any more."""

    credential: C
    token: str | None
    replayed: bool


@dataclass(frozen=True, slots=True)
class Entrance:
    """What somebody types in to sign in. Without a `slug`: where they were last, else the first of their workspaces."""

    slug: str | None
    email: str
    password: str


async def known_member(entrance: Entrance, on: Turn) -> tuple[Member, Identity] | None:
    """The member who signs in so; None for a wrong password, workspace or address, alike and after the same time."""
    world: World = on.effects
    passwords = world.passwords
    name = identity_id(entrance.email)
    identity = await on.records(Identity).get(name)
    matches = await passwords.match(identity.password_hash if identity else None, entrance.password)
    found = [await _member_at(entrance.slug, entrance.email, on)] if entrance.slug else await members_of(name, on)
    if identity is None or not matches:
        return None
    member = await _preferred([one for one in found if one is not None and _is_theirs(one, identity)], identity, on)
    if member is None:
        return None
    if passwords.outdated(identity.password_hash):
        new = await passwords.hashed(entrance.password)
        await on.records(Identity).decide(identity.id, partial(rehash, old=identity.password_hash, new=new, now=on.now))
    return member, identity


async def member_at(slug: str, identity: Identity, on: Turn) -> Member | None:
    """Who this person is in the workspace with this address; None if they are nobody there."""
    member = await _member_at(slug, identity.email, on)
    return member if member is not None and _is_theirs(member, identity) else None


async def identity_of(session: Session, on: Turn) -> Identity:
    """Whose session it is. Raises `Outdated` if it has ended, or was begun with an older password."""
    member = await on.records(Member).get(session.member_id)
    identity = await on.records(Identity).get(member.identity_id) if member and member.identity_id else None
    if identity is None or session.status != "active" or session.identity_epoch != identity.epoch:
        raise Outdated
    return identity


async def start_session(member: Member, identity: Identity, key: str | None, on: Turn) -> Issued[Session]:
    """Sign a member in whose `identity` was proven. The same `key` again is the same session and token.

    Raises `Overtaken`.
    """
    hours = on.configured(Settings).accounts_session_hours
    session_id = derived("ses", member.id, key) if key else on.ids.fresh("ses")
    new = Session(
        id=session_id,
        workspace_id=member.workspace_id,
        member_id=member.id,
        role=member.role,
        scopes=member.scopes,
        assigned_only=member.permissions.assigned_only,
        epoch=member.epoch,
        identity_epoch=identity.epoch,
        key_id=await _key_id(on),
        created_at=on.now,
        expires_at=on.now + timedelta(hours=hours),
    )
    issued = await issue(Session, new, Actor(member.id, on.now), on)
    if identity.entered != member.id:
        await on.records(Identity).decide(identity.id, partial(enter, member_id=member.id))
    return issued


async def make_api_key(new: ApiKey, actor: Actor, on: Turn) -> Issued[ApiKey]:
    """Make an API key. Its token is given once: whoever repeats the request gets the key without it.

    Raises `Overtaken`.
    """
    issued = await issue(ApiKey, new.change(key_id=await _key_id(on)), actor, on)
    return Issued(issued.credential, None if issued.replayed else issued.token, issued.replayed)


async def issue(kind: type[C], new: C, actor: Actor, on: Turn) -> Issued[C]:
    """Keep a credential, then look whether what it rests on still holds: the end of older ones may have missed it."""
    made, replayed = await on.records(kind).decide(new.id, partial(begin, new=new, actor=actor))
    member = await on.records(Member).get(made.member_id)
    pair = await pair_of(made.key_id, on)
    holds = member is not None and member.status == "active" and member.epoch == made.epoch
    if isinstance(made, Session):
        holds = holds and await _password_stands(made, member, on)
    if made.status != "active" or pair is None or pair.status == "removed" or not holds:
        if replayed:
            return Issued(made, None, replayed)
        await end(kind, made.id, Actor(TURNUS, on.now), on)
        raise Overtaken
    return Issued(made, signed(made, pair), replayed)


async def end(kind: type[C], credential_id: str, actor: Actor, on: Turn) -> None:
    """Revoke a credential: here at once, elsewhere as soon as the event arrives."""
    ended = await on.records(kind).decide(credential_id, partial(revoke, actor=actor))
    for fact in described(ended, on.now) if ended is not None else ():
        await learn_revocation(fact, on)


async def void_credentials(member_id: str, owed: Owed, on: Turn) -> None:
    """End what was made before what a member may do changed or they were removed (timer)."""
    actor_id = str((owed.data or {}).get("actor_id", TURNUS))
    await void_older(member_id, Actor(actor_id, on.now), on)


async def void_older(member_id: str, actor: Actor, on: Turn) -> None:
    """End all credentials of a member that are older than what they may do now."""
    member = await on.records(Member).get(member_id)
    if member is None:
        return
    await _void(Session, member, actor, on)
    await _void(ApiKey, member, actor, on)
    await on.records(Member).decide(member_id, partial(members.voided, epoch=member.epoch))


async def expire_session(session_id: str, _: Owed, on: Turn) -> None:
    """A session's time is over (timer)."""
    await on.records(Session).decide(session_id, partial(expire, now=on.now))


async def _password_stands(made: Session, member: Member | None, on: Turn) -> bool:
    """Whether the password with which a session was begun is still the identity's."""
    identity = await on.records(Identity).get(member.identity_id) if member and member.identity_id else None
    return identity is not None and identity.epoch == made.identity_epoch


async def _member_at(slug: str, email: str, on: Turn) -> Member | None:
    claim = await on.records(SlugClaim).get(slug)
    address = await on.records(AddressClaim).get(address_id(claim.workspace_id if claim else "", email))
    return await on.records(Member).get(address.member_id) if address else None


async def _preferred(members: Sequence[Member], identity: Identity, on: Turn) -> Member | None:
    """Who somebody is where they were last; else in the first of these workspaces by its name."""
    if len(members) <= 1:
        return members[0] if members else None
    last = next((member for member in members if member.id == identity.entered), None)
    if last is not None:
        return last
    workspaces = await asyncio.gather(*(on.records(Workspace).get(member.workspace_id) for member in members))
    names = {found.id: (found.name.casefold(), found.slug) for found in workspaces if found is not None}
    return min(members, key=lambda member: names.get(member.workspace_id, ("", "")))


def _is_theirs(member: Member, identity: Identity) -> bool:
    return member.status == "active" and member.identity_id == identity.id and normal(member.email) == identity.email


async def _void(kind: type[C], member: Member, actor: Actor, on: Turn) -> None:
    after: str | None = None
    while page := await on.records(kind).with_prefix("by_member", member.id, after=after):
        after = str(page[-1].keys()["by_member"])
        for credential in page:
            if credential.epoch < member.epoch:
                await end(kind, credential.id, actor, on)


async def _key_id(on: Turn) -> str:
    pair = await signing_pair(on)
    if pair is None:
        raise Overtaken
    return pair.key_id
