"""The secrets in the links of letters: `ivt_…` (an invitation) and `prt_…` (a password reset).

A token names the record that decides about it and the *nonce* of what it stands for, and is signed: HMAC-SHA256 over
both, 128 bits of it, base64url. So it is never kept, the same in every try to send a letter, and one that we made is
told from a forged one for ever, whatever has become of what it stood for. The key is a record of accounts.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from turnus_runtime.records import Decision, Record

Purpose = Literal["ivt", "prt"]
INVITATION: Purpose = "ivt"
RESET: Purpose = "prt"

NONCE_CHARACTERS = 16
"""80 random bits: the end of a fresh id."""
_ID = "[0-9a-hjkmnp-tv-z]"
_TOKEN = re.compile(rf"(ivt|prt)_({_ID}{{26}})({_ID}{{{NONCE_CHARACTERS}}})([A-Za-z0-9_-]{{22}})")


class TokenSecret(Record):
    """The key that signs all links; made once (the insert is the guard)."""

    collection: ClassVar[str] = "token_secrets"
    secret: str = Field(repr=False)
    """hexadecimal"""


@dataclass(frozen=True, slots=True)
class Named:
    """What a token stands for: the end of the record's id (without its kind), and the nonce."""

    owner: str
    nonce: str


def keep_secret(current: TokenSecret | None, new: TokenSecret) -> Decision[TokenSecret, TokenSecret]:
    """The first secret stays."""
    return Decision(current) if current is not None else Decision(new, new)


def nonce_of(fresh_id: str) -> str:
    """The nonce in an id that nobody could guess."""
    return fresh_id[-NONCE_CHARACTERS:]


def token_of(secret: str, purpose: Purpose, owner_id: str, nonce: str) -> str:
    """The token for that purpose of the record with this id (`mem_…`, `idn_…`)."""
    said = f"{purpose}_{owner_id.partition('_')[2]}{nonce}"
    return f"{said}{_signature(secret, said)}"


def read(secret: str, purpose: Purpose, token: str) -> Named | None:
    """What the token stands for; None if it is forged, for another purpose, or none at all."""
    found = _TOKEN.fullmatch(token)
    if found is None or found[1] != purpose:
        return None
    said = token[: -len(found[4])]
    return Named(found[2], found[3]) if hmac.compare_digest(found[4], _signature(secret, said)) else None


def _signature(secret: str, said: str) -> str:
    digest = hmac.new(bytes.fromhex(secret), said.encode(), hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
