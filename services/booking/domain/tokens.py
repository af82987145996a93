"""The guest's own key to a booking: `bkt_` + the booking's id without its kind + a signature. Deterministic.

The same in all links. HMAC-SHA256 over the booking's id, 128 bits of it, base64url; the secret is booking's own record.
"""

import base64
import hashlib
import hmac
import re
from typing import ClassVar

from turnus_runtime.records import Decision, Record

_TOKEN = re.compile(r"bkt_([0-9a-hjkmnp-tv-z]{26})([A-Za-z0-9_-]{22})")


class LinkSecret(Record):
    """The secret behind all guests' links; made once (the insert is the guard)."""

    collection: ClassVar[str] = "link_secrets"
    secret: str
    """hexadecimal"""


def keep_secret(current: LinkSecret | None, new: LinkSecret) -> Decision[LinkSecret, LinkSecret]:
    """The first secret stays."""
    return Decision(current) if current is not None else Decision(new, new)


def token_of(secret: str, booking_id: str) -> str:
    """The token of a booking."""
    return f"bkt_{booking_id.removeprefix('bk_')}{_signature(secret, booking_id)}"


def booking_of(secret: str, token: str) -> str | None:
    """The id of the booking whose token this is; None if it is forged or none at all."""
    read = _TOKEN.fullmatch(token)
    if read is None:
        return None
    booking_id = f"bk_{read[1]}"
    return booking_id if hmac.compare_digest(read[2], _signature(secret, booking_id)) else None


def _signature(secret: str, booking_id: str) -> str:
    digest = hmac.new(bytes.fromhex(secret), booking_id.encode(), hashlib.sha256).digest()[:16]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
