"""Ids that are derived from what they stand for, and reads that several decisions need."""

import hashlib

from services.accounts.domain.identities import normal
from services.accounts.domain.members import Member
from services.accounts.domain.signing import SigningPair, signs
from turnus_runtime.ids import derived
from turnus_runtime.turn import Turn

MEMBERS_AT_ONCE = 200


def identity_id(email: str) -> str:
    """The identity of an e-mail address."""
    return derived("idn", normal(email))


def address_id(workspace_id: str, email: str) -> str:
    """The claim on an e-mail address in a workspace."""
    return derived("adr", workspace_id, normal(email))


async def signing_pair(on: Turn) -> SigningPair | None:
    """The key that signs now; None only before the first process of accounts has opened."""
    return signs(await signing_pairs(on))


async def signing_pairs(on: Turn) -> list[SigningPair]:
    """All generations in order: four a year, so one read holds fifty years."""
    return await on.records(SigningPair).find("self", "", "￿")


async def pair_of(key_id: str, on: Turn) -> SigningPair | None:
    """The generation with that key."""
    return next((pair for pair in await signing_pairs(on) if pair.key_id == key_id), None)


async def members_of(identity: str, on: Turn) -> list[Member]:
    """The active members with this identity, in every workspace, by their ids."""
    records, found = on.records(Member), list[Member]()
    while True:
        after = str(found[-1].keys()["by_identity"]) if found else None
        page = await records.with_prefix("by_identity", identity, limit=MEMBERS_AT_ONCE, after=after)
        found += page
        if len(page) < MEMBERS_AT_ONCE:
            return found


def stand_in_id(email: str, count: int) -> str:
    """What is written instead of the identity of this address: one of so many."""
    digest = hashlib.sha256(normal(email).encode()).digest()
    return f"nob_{int.from_bytes(digest[:8]) % count}"
