"""Idempotency keys of requests that make nothing with an id of its own."""

from typing import ClassVar

from turnus_runtime.records import Decision, Record


class RequestKey(Record):
    """What was asked for under a key; the id is derived from it and from who asked, so the insert is the guard."""

    collection: ClassVar[str] = "request_keys"
    digest: str


def keep_key(current: RequestKey | None, new: RequestKey) -> Decision[RequestKey, str]:
    """The first request keeps the key; the answer is the digest of what that asked for."""
    return Decision(current.digest) if current is not None else Decision(new.digest, new)
