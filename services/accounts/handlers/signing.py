"""The life of signing keys: the first one, and whoever follows."""

from datetime import timedelta
from functools import partial

from services.accounts.adapters.tokens import new_pair
from services.accounts.domain import signing
from services.accounts.domain.credentials import ApiKey, Session
from services.accounts.domain.signing import SigningPair
from services.accounts.settings import Settings
from turnus_runtime.records import Owed
from turnus_runtime.turn import Turn


async def open_keys(on: Turn) -> None:
    """Make the first signing key, if there is none. Of several processes that start at once, one inserts it."""
    if await on.records(SigningPair).get(signing.FIRST) is None:
        await _begin(signing.FIRST, on)


async def rotate_key(pair_id: str, _: Owed, on: Turn) -> None:
    """Begin the next generation; this one goes on signing until the new one is known."""
    pair = await on.records(SigningPair).get(pair_id)
    if pair is not None and pair.status == "active":
        await _begin(pair.next_id, on)
    await on.records(SigningPair).decide(pair_id, partial(signing.succeeded, now=on.now))


async def retire_key(pair_id: str, _: Owed, on: Turn) -> None:
    """Let the next generation sign."""
    await on.records(SigningPair).decide(pair_id, partial(signing.retire, now=on.now))


async def remove_key(pair_id: str, _: Owed, on: Turn) -> None:
    """Withdraw a key by which nothing living was signed."""
    pair = await on.records(SigningPair).get(pair_id)
    if pair is None:
        return
    needed = bool(
        await on.records(ApiKey).with_prefix("by_signing_key", pair.key_id, limit=1)
        or await on.records(Session).with_prefix("by_signing_key", pair.key_id, limit=1)
    )
    await on.records(SigningPair).decide(pair_id, partial(signing.remove, now=on.now, needed=needed))


async def _begin(generation: str, on: Turn) -> None:
    lasts = timedelta(days=on.configured(Settings).accounts_signing_key_days)
    new = new_pair(generation, on.now)
    await on.records(SigningPair).decide(generation, partial(signing.make, new=new, lasts=lasts))
