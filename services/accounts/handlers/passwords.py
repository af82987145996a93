"""Passwords: whose they are, setting a new one by a mailed link or with the old one, and what ends by that."""

from datetime import timedelta
from functools import partial

from services.accounts.adapters import World
from services.accounts.domain import credentials, identities, tokens
from services.accounts.domain.auditing import Actor
from services.accounts.domain.credentials import Session
from services.accounts.domain.identities import STAND_INS, Identity, Reset, StandIn, enrol, normal
from services.accounts.handlers.credentials import end
from services.accounts.settings import Settings
from services.accounts.store import identity_id, members_of, stand_in_id
from turnus_runtime.records import Owed
from turnus_runtime.turn import Turn


async def proven(email: str, password: str, on: Turn) -> Identity | None:
    """The identity with this address and password, made if there is none; None if its password is another one.

    Raises `TooManyPasswords`.
    """
    world: World = on.effects
    name = identity_id(email)
    known = await on.records(Identity).get(name)
    if known is None:
        hashed = await world.passwords.hashed(password)
        new = Identity(id=name, email=normal(email), password_hash=hashed, created_at=on.now, changed_at=on.now)
        known = await on.records(Identity).decide(name, partial(enrol, new=new))
        if known.password_hash == hashed:
            return known
    return known if await world.passwords.match(known.password_hash, password) else None


async def ask_reset(email: str, on: Turn) -> None:
    """Owe the mail by which a password is reset, if somebody has this address. Either way it takes one write."""
    name = identity_id(email)
    lasts = timedelta(minutes=on.configured(Settings).accounts_reset_minutes)
    new = Reset(nonce=tokens.nonce_of(on.ids.fresh("rst")), asked_at=on.now, expires_at=on.now + lasts)
    members = await members_of(name, on)
    asked = partial(identities.ask_reset, new=new, members=members, now=on.now)
    if not await on.records(Identity).decide(name, asked):
        place = stand_in_id(email, STAND_INS)
        await on.records(StandIn).decide(place, partial(identities.stand_in, stand_in_id=place))


async def reset_of(token: str, on: Turn) -> tuple[Identity | None, str] | None:
    """The identity and nonce that this token names; None for a forged one."""
    world: World = on.effects
    named = tokens.read(world.secret, tokens.RESET, token)
    return (await on.records(Identity).get(f"idn_{named.owner}"), named.nonce) if named is not None else None


async def use_reset(known: Identity, nonce: str, password: str, on: Turn) -> identities.ResetStanding:
    """Set this password and end all sessions, if the reset is open. Answers what it was. Raises `TooManyPasswords`."""
    world: World = on.effects
    hashed = await world.passwords.hashed(password)
    members = await members_of(known.id, on)
    used = partial(identities.use_reset, nonce=nonce, new_hash=hashed, members=members, now=on.now)
    found = await on.records(Identity).decide(known.id, used)
    if found == "open":
        await end_older_sessions(known.id, None, on)
    return found


async def change_password(known: Identity, session: Session, password: str, on: Turn) -> bool:
    """Set this password and end all other sessions; False if it was changed meanwhile. Raises `TooManyPasswords`."""
    world: World = on.effects
    hashed = await world.passwords.hashed(password)
    members = await members_of(known.id, on)
    changed = partial(
        identities.change_password,
        epoch=session.identity_epoch,
        new_hash=hashed,
        keep=session.id,
        members=members,
        now=on.now,
    )
    if not await on.records(Identity).decide(known.id, changed):
        return False
    await end_older_sessions(known.id, session.id, on)
    return True


async def end_sessions(identity_id: str, owed: Owed, on: Turn) -> None:
    """End what was begun with an older password (timer)."""
    keep = (owed.data or {}).get("keep")
    await end_older_sessions(identity_id, str(keep) if keep is not None else None, on)


async def end_older_sessions(identity_id: str, keep: str | None, on: Turn) -> None:
    """End all sessions of all members of an identity that are older than its password, but `keep`."""
    identity = await on.records(Identity).get(identity_id)
    if identity is None:
        return
    if keep is not None:
        await on.records(Session).decide(keep, partial(credentials.carry_over, epoch=identity.epoch))
    for member in await members_of(identity_id, on):
        after: str | None = None
        while page := await on.records(Session).with_prefix("by_member", member.id, after=after):
            after = str(page[-1].keys()["by_member"])
            for session in page:
                if session.identity_epoch < identity.epoch:
                    await end(Session, session.id, Actor(member.id, on.now), on)
    await on.records(Identity).decide(identity_id, partial(identities.sessions_ended, epoch=identity.epoch))
