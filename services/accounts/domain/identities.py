"""Identities: an e-mail address and its password, the same in every workspace. No event ever tells of one."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field

from turnus_runtime.records import Decision, Record


class Identity(Record):
    """Who can sign in. The id is derived from the e-mail address in small letters, so the insert is the guard."""

    collection: ClassVar[str] = "identities"

    version: int = 1
    email: str
    password_hash: str = Field(repr=False)
    """argon2id, in its PHC string format (parameters and salt included)"""
    created_at: datetime
    changed_at: datetime


def normal(email: str) -> str:
    """The one spelling of an address: nobody keeps two mailboxes that differ by capitals only."""
    return email.lower()


def enrol(current: Identity | None, new: Identity) -> Decision[Identity, Identity]:
    """Make an identity; if there is one already, that is the answer, and its password stays."""
    if current is not None:
        return Decision(current)
    return Decision(new, new)


def rehash(current: Identity | None, old: str, new: str, now: datetime) -> Decision[Identity, None]:
    """Keep the same password hashed with other parameters, unless it was changed meanwhile."""
    if current is None or current.password_hash != old:
        return Decision(None)
    return Decision(None, current.change(password_hash=new, version=current.version + 1, changed_at=now))
