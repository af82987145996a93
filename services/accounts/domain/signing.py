"""Signing keys and their rotation.

Generations follow each other; the id is the generation's number, so inserting the next one is the guard, whoever
rotates. The *oldest active* generation signs: a new one is made known an hour before the old one retires, so that no
service meets a token of a key it has not heard of. A retiring key verifies for as long as anything living was signed
by it: sessions end by themselves, but an API key lives until it is revoked, so a key may retire for years. Only then
is it removed, and its private half with it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field

from turnus_contracts import SigningKeyChanged
from turnus_runtime.records import Decision, Record, state, timer

ROTATE, RETIRE, REMOVE = "rotate_key", "retire_key", "remove_key"
KNOWN_BEFORE = timedelta(hours=1)
"""How long a new key is known to everybody before it signs."""
REMOVE_EVERY = timedelta(days=1)
"""How often is looked whether a retiring key is still needed."""
ALGORITHM = "EdDSA"


class SigningPair(Record):
    """One generation: the public half is told, the private half stays in this store."""

    collection: ClassVar[str] = "signing_pairs"

    key_id: str
    """never used again, not even by an installation that lost its store and still talks to the same services"""
    version: int = 1
    status: Literal["active", "retiring", "removed"] = "active"
    public_key: str
    private_key: str = Field(repr=False)
    """base64url of the raw Ed25519 private key; empty once removed"""
    created_at: datetime

    def keys(self) -> Mapping[str, str | int | None]:
        """By generation."""
        return {"self": self.id}

    @property
    def next_id(self) -> str:
        """The generation after this."""
        return generation(int(self.id) + 1)


def generation(number: int) -> str:
    """The id of a generation; they sort."""
    return f"{number:09d}"


FIRST = generation(1)


def signs(pairs: Sequence[SigningPair]) -> SigningPair | None:
    """The key that signs now, of all in the order of their generations."""
    return next((pair for pair in pairs if pair.status == "active"), None)


def make(current: SigningPair | None, new: SigningPair, lasts: timedelta) -> Decision[SigningPair, SigningPair]:
    """Begin a generation, if nobody has: everybody learns it, and it is followed by the next after `lasts`."""
    if current is not None:
        return Decision(current)
    return Decision(new, new, owes=[state(SigningKeyChanged), timer(ROTATE, new.created_at + lasts)])


def succeeded(current: SigningPair | None, now: datetime) -> Decision[SigningPair, None]:
    """The next generation is made: this one signs until that one is known everywhere."""
    if current is None or current.status != "active" or current.owes(RETIRE) is not None:
        return Decision(None)
    return Decision(None, current, owes=[timer(RETIRE, now + KNOWN_BEFORE)], drops=[ROTATE])


def retire(current: SigningPair | None, now: datetime) -> Decision[SigningPair, None]:
    """Sign no more, verify on."""
    if current is None or current.status != "active":
        return Decision(None)
    retiring = current.change(status="retiring", version=current.version + 1)
    return Decision(None, retiring, owes=[state(SigningKeyChanged), timer(REMOVE, now + REMOVE_EVERY)], drops=[RETIRE])


def remove(current: SigningPair | None, now: datetime, *, needed: bool) -> Decision[SigningPair, None]:
    """Verify no more, unless something living was signed by it (`needed`): then look again tomorrow."""
    if current is None or current.status != "retiring":
        return Decision(None)
    if needed:
        return Decision(None, current, owes=[timer(REMOVE, now + REMOVE_EVERY)])
    removed = current.change(status="removed", private_key="", version=current.version + 1)
    return Decision(None, removed, owes=[state(SigningKeyChanged)], drops=[REMOVE])


def described(pair: SigningPair, _: datetime) -> tuple[SigningKeyChanged, ...]:
    """What a key says of itself."""
    return (
        SigningKeyChanged(
            key_id=pair.key_id,
            version=pair.version,
            status=pair.status,
            algorithm=ALGORITHM,
            public_key=pair.public_key,
        ),
    )
