"""Which language a reader gets."""

import re
from collections.abc import Sequence


def language_for(asked: str | None, accept_language: str, known: Sequence[str]) -> str:
    """The asked language, else what Accept-Language (RFC 9110, 12.5.4) prefers, else English."""
    if asked is not None and asked in known:
        return asked
    best, quality = "en", 0.0
    for item in accept_language.lower().split(","):
        found = re.fullmatch(r"\s*([a-z]{2})(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*", item)
        if found is not None and found[1] in known and float(found[2] or "1") > quality:
            best, quality = found[1], float(found[2] or "1")
    return best
