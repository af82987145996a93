"""What a process of accounts needs before it serves: a signing key, the secret behind links, the texts of mails."""

import secrets
from functools import partial

from services.accounts.adapters import World, letters
from services.accounts.domain.tokens import TokenSecret, keep_secret
from services.accounts.handlers.signing import open_keys
from turnus_runtime.turn import Turn


async def open_accounts(on: Turn) -> None:
    """Make what the first process ever has to make, and read it."""
    letters.open_letters()
    await open_keys(on)
    new = TokenSecret(id="links", secret=secrets.token_hex(32))
    kept = await on.records(TokenSecret).decide(new.id, partial(keep_secret, new=new))
    world: World = on.effects
    world.secret = kept.secret
