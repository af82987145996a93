"""Jobs: the mails of accounts. What stands in them is looked up right before they are sent, and the token made.

Only the claimer of a job is here. A crash between the provider's yes and the report is the one way to a second mail,
and that one has the same Message-ID and the same link.
"""

from collections.abc import Awaitable, Callable
from functools import partial

import structlog

from services.accounts.adapters import World, letters
from services.accounts.adapters.letters import Sender
from services.accounts.domain import identities, invitations
from services.accounts.domain.identities import Identity
from services.accounts.domain.letters import Outcome
from services.accounts.domain.members import Member
from services.accounts.domain.tokens import INVITATION, RESET, token_of
from services.accounts.domain.workspaces import Workspace
from services.accounts.store import members_of
from turnus_runtime.ports import Mail, MailDelayed, MailRefused, StoreUnavailable
from turnus_runtime.records import Owed
from turnus_runtime.turn import Turn

SEND_SECONDS = 60
"""Longer than the mailer's own limit (30 s), so that a send under way is never claimed a second time."""
REPORTED_AGAIN_SECONDS = 0.5

log = structlog.stdlib.get_logger(__name__)


async def send_invitation(member_id: str, claimed: Owed, on: Turn) -> None:
    """Mail the link of an invitation, if it is open right now."""
    nonce = str((claimed.data or {})["nonce"])
    member = await on.records(Member).get(member_id)
    open_one = invitations.standing(member, nonce, on.now) == "open"
    workspace = await on.records(Workspace).get(member.workspace_id) if member is not None else None
    if member is None or member.invitation is None or workspace is None or not open_one:
        await on.records(Member).decide(member_id, partial(invitations.not_needed, nonce=nonce))
        return
    told = member.invitation
    inviter = await on.records(Member).get(told.invited_by)
    world: World = on.effects
    token = token_of(world.secret, INVITATION, member.id, nonce)
    outcome = await _handed_over(letters.invitation(member, told, inviter, workspace, token, _sender(on)), on)
    log.info("invitation_handled", member_id=member_id, outcome=outcome.kind, code=outcome.code)
    ended = on.clock.now()

    async def report() -> None:
        kept = partial(invitations.mailed, nonce=nonce, outcome=outcome, now=ended)
        await on.records(Member).decide(member_id, kept)

    await _reported(report, on)


async def send_reset(identity_id: str, claimed: Owed, on: Turn) -> None:
    """Mail the link of a password reset, if it is open right now, in the language of one of the identity's members."""
    nonce = str((claimed.data or {})["nonce"])
    identity = await on.records(Identity).get(identity_id)
    open_one = identities.reset_standing(identity, nonce, on.now) == "open"
    if identity is None or identity.reset is None or not open_one:
        await on.records(Identity).decide(identity_id, partial(identities.not_needed, nonce=nonce))
        return
    members = await members_of(identity_id, on)
    spoken_to = next((one for one in members if one.id == identity.entered), members[0] if members else None)
    world: World = on.effects
    token = token_of(world.secret, RESET, identity_id, nonce)
    outcome = await _handed_over(letters.reset(identity, identity.reset, spoken_to, token, _sender(on)), on)
    log.info("reset_handled", outcome=outcome.kind, code=outcome.code)
    ended = on.clock.now()

    async def report() -> None:
        kept = partial(identities.mailed, nonce=nonce, outcome=outcome, now=ended)
        await on.records(Identity).decide(identity_id, kept)

    await _reported(report, on)


async def _handed_over(mail: Mail, on: Turn) -> Outcome:
    world: World = on.effects
    try:
        await world.mailer.send(mail)
    except MailRefused as refused:
        return Outcome("refused", refused.code)
    except MailDelayed as delayed:
        return Outcome("delayed", delayed.code)
    return Outcome("sent", 250)


async def _reported(report: Callable[[], Awaitable[None]], on: Turn) -> None:
    """What is not reported is sent again. The job's time limit ends this, long before its claim does."""
    while True:
        try:
            await report()
        except StoreUnavailable:
            await on.clock.sleep(REPORTED_AGAIN_SECONDS)
        else:
            return


def _sender(on: Turn) -> Sender:
    return Sender(on.settings.mail_from, on.settings.mail_from_name, on.settings.public_url)
