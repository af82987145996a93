"""Identities: an e-mail address and its password, the same in every workspace. No event ever tells of one.

A password reset lies in the identity that it is for, which has one at a time. So one compare-and-set on the identity
decides between using it, asking for another one, and changing the password otherwise.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from pydantic import Field

from services.accounts.domain.auditing import Audited, of_password
from services.accounts.domain.letters import Letter, Outcome, Part, sending, tried
from turnus_runtime.records import Decision, Owed, Record, timer

SEND_RESET, END_SESSIONS = "send_reset", "end_sessions"
ASKED_ANEW_AFTER = timedelta(minutes=5)
"""So long after a reset was asked for, asking again sends no second mail: nobody fills the mailbox of others."""
SENT_AFTER = timedelta(seconds=1)
"""A reset's mail begins so long after it was asked for: nothing of it happens while that request is answered."""
STAND_INS = 64

ResetStanding = Literal["open", "used", "expired", "replaced"]


class Reset(Part):
    """The latest password reset of an identity. The link's token is not kept: `nonce` is in it.

    `asked` counts the requests that it answers.
    """

    nonce: str
    status: Literal["open", "used", "replaced"] = "open"
    asked_at: datetime
    expires_at: datetime
    asked: int = 1
    letter: Letter = Letter()


class Identity(Record):
    """Who can sign in. The id is derived from the e-mail address in small letters, so the insert is the guard.

    `epoch` rises with every new password: sessions of an older epoch are void. `entered` is the member as whom they
    signed in last.
    """

    collection: ClassVar[str] = "identities"
    format: ClassVar[int] = 2
    """Format 1 had no epoch, no reset and no place entered last."""

    version: int = 1
    email: str
    password_hash: str = Field(repr=False)
    """argon2id, in its PHC string format (parameters and salt included)"""
    epoch: int = 1
    entered: str | None = None
    reset: Reset | None = None
    created_at: datetime
    changed_at: datetime


class StandIn(Record):
    """What is written when somebody asks for the reset of an account that does not exist, so that it takes as long as
    for one that does. There are `STAND_INS` of them, however many addresses are asked for.
    """

    collection: ClassVar[str] = "stand_ins"
    asked: int


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


def enter(current: Identity | None, member_id: str) -> Decision[Identity, None]:
    """Remember as whom they signed in last."""
    if current is None or current.entered == member_id:
        return Decision(None)
    return Decision(None, current.change(entered=member_id))


def ask_reset(
    current: Identity | None, new: Reset, members: Sequence[Audited], now: datetime
) -> Decision[Identity, bool]:
    """Begin a reset, whose mail is owed; the answer says whether there is such an identity.

    While the mail of one that was just asked for is on its way, it stays that one. Something is written either way.
    """
    if current is None:
        return Decision(answer=False)
    known = current.reset
    if known is not None and _on_its_way(known, now):
        return Decision(True, current.change(reset=known.model_copy(update={"asked": known.asked + 1})))
    asked = current.change(reset=new, version=current.version + 1)
    told = _told(members, "password_reset_requested", asked, now)
    return Decision(True, asked, owes=[sending(SEND_RESET, now + SENT_AFTER, new.nonce), *told])


def stand_in(current: StandIn | None, stand_in_id: str) -> Decision[StandIn, None]:
    """Write as much as for somebody's reset."""
    before = current or StandIn(id=stand_in_id, asked=0)
    return Decision(None, before.change(asked=before.asked + 1))


def reset_standing(identity: Identity | None, nonce: str, now: datetime) -> ResetStanding:
    """What the reset with this nonce is now."""
    if identity is None or identity.reset is None or identity.reset.nonce != nonce:
        return "replaced"
    reset = identity.reset
    return "expired" if reset.status == "open" and now >= reset.expires_at else reset.status


def use_reset(
    current: Identity | None, nonce: str, new_hash: str, members: Sequence[Audited], now: datetime
) -> Decision[Identity, ResetStanding]:
    """Set the password by a reset that is open, and end all sessions. Answers what the reset was."""
    found = reset_standing(current, nonce, now)
    if current is None or current.reset is None or found != "open":
        return Decision(found)
    used = current.reset.model_copy(update={"status": "used"})
    changed = _with_password(current.change(reset=used), new_hash, now)
    owes = [timer(END_SESSIONS, now), *_told(members, "password_reset", changed, now)]
    return Decision(found, changed, owes=owes, drops=[SEND_RESET])


def change_password(
    current: Identity | None, epoch: int, new_hash: str, keep: str, members: Sequence[Audited], now: datetime
) -> Decision[Identity, bool]:
    """Set another password, if the one of `epoch` is still theirs, and end all sessions but `keep`.

    A reset that is open is over by that. False if the password was changed meanwhile.
    """
    if current is None or current.epoch != epoch:
        return Decision(answer=False)
    reset = current.reset
    if reset is not None and reset.status == "open":
        reset = reset.model_copy(update={"status": "replaced"})
    changed = _with_password(current.change(reset=reset), new_hash, now)
    owes = [timer(END_SESSIONS, now, data={"keep": keep}), *_told(members, "password_changed", changed, now)]
    return Decision(True, changed, owes=owes, drops=[SEND_RESET])


def sessions_ended(current: Identity | None, epoch: int) -> Decision[Identity, None]:
    """All sessions of older epochs are ended: the timer is done, unless a newer epoch has begun."""
    if current is None or current.epoch != epoch or current.owes(END_SESSIONS) is None:
        return Decision(None)
    return Decision(None, current, drops=[END_SESSIONS])


def mailed(current: Identity | None, nonce: str, outcome: Outcome, now: datetime) -> Decision[Identity, None]:
    """Keep what became of a try to send the letter of a reset."""
    reset = current.reset if current is not None else None
    if current is None or reset is None or reset.nonce != nonce:
        return Decision(None)
    letter, again = tried(reset.letter, current.owes(SEND_RESET), outcome, now, reset.expires_at)
    told = current.change(reset=reset.model_copy(update={"letter": letter}))
    if again is not None and reset.status == "open":
        return Decision(None, told, owes=[again])
    return Decision(None, told, drops=[SEND_RESET])


def not_needed(current: Identity | None, nonce: str) -> Decision[Identity, None]:
    """The letter is about a reset that is over: nobody is to get it."""
    owed = current.owes(SEND_RESET) if current is not None else None
    if current is None or owed is None or (owed.data or {}).get("nonce") != nonce:
        return Decision(None)
    return Decision(None, current, drops=[SEND_RESET])


def _on_its_way(reset: Reset, now: datetime) -> bool:
    quiet_until = min(reset.asked_at + ASKED_ANEW_AFTER, reset.expires_at)
    return reset.status == "open" and reset.letter.failed is None and now < quiet_until


def _with_password(current: Identity, new_hash: str, now: datetime) -> Identity:
    return current.change(password_hash=new_hash, epoch=current.epoch + 1, version=current.version + 1, changed_at=now)


def _told(members: Sequence[Audited], action: str, changed: Identity, now: datetime) -> list[Owed]:
    return [of_password(member, action, changed.version, now) for member in members]
