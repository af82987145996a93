"""Signing in, API keys, and their end."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Generic, TypeVar

from services.accounts.adapters.passwords import Passwords
from services.accounts.adapters.tokens import signed
from services.accounts.domain import members
from services.accounts.domain.auditing import TURNUS, Actor
from services.accounts.domain.credentials import ApiKey, Credential, Session, begin, described, expire, revoke
from services.accounts.domain.identities import Identity, normal, rehash
from services.accounts.domain.members import AddressClaim, Member
from services.accounts.domain.roles import SCOPES
from services.accounts.domain.workspaces import SlugClaim
from services.accounts.settings import Settings
from services.accounts.store import address_id, identity_id, pair_of, signing_pair
from turnus_runtime.credentials import learn_revocation
from turnus_runtime.ids import derived
from turnus_runtime.records import Owed
from turnus_runtime.turn import Turn

C = TypeVar("C", bound=Credential)


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
    """What somebody types in to sign in."""

    slug: str
    email: str
    password: str


async def known_member(entrance: Entrance, on: Turn) -> Member | None:
    """The member who signs in so; None for a wrong password, workspace or address, alike and after the same time."""
    passwords: Passwords = on.effects
    identity = await on.records(Identity).get(identity_id(entrance.email))
    matches = await passwords.match(identity.password_hash if identity else None, entrance.password)
    slug = await on.records(SlugClaim).get(entrance.slug)
    workspace_id = slug.workspace_id if slug else ""
    address = await on.records(AddressClaim).get(address_id(workspace_id, entrance.email))
    member = await on.records(Member).get(address.member_id) if address else None
    if identity is None or member is None or not matches:
        return None
    if member.status != "active" or member.identity_id != identity.id or normal(member.email) != identity.email:
        return None
    if passwords.outdated(identity.password_hash):
        new = await passwords.hashed(entrance.password)
        await on.records(Identity).decide(identity.id, partial(rehash, old=identity.password_hash, new=new, now=on.now))
    return member


async def start_session(member: Member, key: str | None, on: Turn) -> Issued[Session]:
    """Sign a member in. The same `key` again is the same session and token. Raises `Overtaken`."""
    hours = on.configured(Settings).accounts_session_hours
    session_id = derived("ses", member.id, key) if key else on.ids.fresh("ses")
    new = Session(
        id=session_id,
        workspace_id=member.workspace_id,
        member_id=member.id,
        role=member.role,
        scopes=SCOPES[member.role],
        epoch=member.epoch,
        key_id=await _key_id(on),
        created_at=on.now,
        expires_at=on.now + timedelta(hours=hours),
    )
    return await issue(Session, new, Actor(member.id, on.now), on)


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
    """End what was made before a member's role changed or they were removed (timer)."""
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
