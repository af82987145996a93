"""Ids that are derived from what they stand for, and reads that several decisions need."""

from services.accounts.domain.identities import normal
from services.accounts.domain.signing import SigningPair, signs
from turnus_runtime.ids import derived
from turnus_runtime.turn import Turn


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
