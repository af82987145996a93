"""Ids that carry their kind: `bk_` + 26 characters of Crockford's base 32 in lower case (no i, l, o, u).

Fresh ones are ULIDs (https://github.com/ulid/spec): 48 bits of time, 80 of randomness, so that neighbours in time are
neighbours in an index. Derived ones are 130 bits of a hash, so that the same request always names the same thing.
"""

import hashlib
import re
import secrets
import time

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 26


class RandomIds:
    """The production adapter of the port `Ids`."""

    def fresh(self, kind: str) -> str:
        """A new id of that kind; ids of one process sort by the millisecond in which they were made."""
        return _written(kind, (time.time_ns() // 1_000_000 << 80) | secrets.randbits(80))


def derived(kind: str, *parts: str | int) -> str:
    """The id that belongs to these parts, always the same; ("a", "bc") and ("ab", "c") differ, and so do 1 and "1"."""
    digest = hashlib.sha256()
    for part in (kind, *parts):
        data = str(part).encode()
        digest.update(f"{'int' if isinstance(part, int) else 'str'}:{len(data)}:".encode() + data)
    return _written(kind, int.from_bytes(digest.digest()) >> (256 - 5 * LENGTH))


def is_id(kind: str, text: str) -> bool:
    """Whether `text` is a well-formed id of that kind."""
    return re.fullmatch(f"{re.escape(kind)}_[{ALPHABET}]{{{LENGTH}}}", text) is not None


def _written(kind: str, number: int) -> str:
    digits = (ALPHABET[number >> shift & 31] for shift in range(5 * (LENGTH - 1), -1, -5))
    return f"{kind}_{''.join(digits)}"
