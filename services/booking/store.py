"""The secret behind guests' links, read once by each process."""

import secrets

from services.booking.domain.tokens import LinkSecret, keep_secret
from turnus_runtime.turn import Turn


class Links:
    """What a process needs to make and check guests' tokens. `secret` is there once `open_links` has run."""

    secret: str = ""


async def open_links(on: Turn) -> None:
    """Read the secret; the first process ever makes it."""
    new = LinkSecret(id="links", secret=secrets.token_hex(32))
    kept = await on.records(LinkSecret).decide(new.id, lambda current: keep_secret(current, new))
    links: Links = on.effects
    links.secret = kept.secret
