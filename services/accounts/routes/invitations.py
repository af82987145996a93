"""`/invitations`: letting members sign in. `/invitations/current` is for the invited, by the token of their link."""

from functools import partial
from typing import Literal

from fastapi import APIRouter, Depends
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.accounts.domain import invitations
from services.accounts.domain.identities import Identity, normal
from services.accounts.domain.invitations import Invited
from services.accounts.domain.members import Member
from services.accounts.domain.requests import RequestKey, keep_key
from services.accounts.domain.workspaces import Workspace
from services.accounts.handlers import inviting
from services.accounts.handlers.inviting import ForgedLink, LinkOver, WrongPassword
from services.accounts.routes.asking import (
    Manager,
    MemberId,
    NewPassword,
    Viewer,
    acting,
    actor_of,
    hashing,
    limited_as_sign_ins,
    overtaken,
)
from services.accounts.routes.problems import (
    BUSY,
    INVITATION_OVER,
    LINK_INVALID,
    MEMBER_JOINED,
    MEMBER_REMOVED,
    MEMBER_UNKNOWN,
    PASSWORD_WRONG,
    TRY_AGAIN,
)
from services.accounts.routes.sessions import NewSession, WorkspaceName, new_session
from services.accounts.store import identity_id
from turnus_runtime.http import (
    FORBIDDEN,
    IDEMPOTENCY_KEY_REUSED,
    NOT_FOUND,
    STALE_VERSION,
    Answer,
    Bearer,
    Body,
    Declared,
    IfMatch,
    Instant,
    Key,
    On,
    Page,
    Paged,
    Principal,
    Request,
    answer,
    documented,
    found,
    throttle,
)
from turnus_runtime.ids import derived
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/invitations")
WHY_OVER = {
    "accepted": "It was accepted. Sign in with your e-mail address and password.",
    "expired": "It is too old. Ask whoever invited you for a new one.",
    "revoked": "It was taken back. Ask whoever invited you.",
    "replaced": "There is a newer one. Open the link in the newest mail.",
}


class NewInvitation(Request):
    """Whom to invite: a member who cannot sign in yet."""

    member_id: MemberId


class InvitationView(Answer):
    """The latest invitation of a member. Inviting again makes a new link in the same invitation: the older one is over.

    `status`: open, accepted, revoked or expired. `sent_at`: when the mail server took the mail; `failed`: refused (it
    will never take it) or gave_up (it did not take it in time). Until one of them is there, it is being tried.
    """

    id: str
    version: int
    status: Literal["open", "accepted", "revoked", "expired"]
    member_id: str
    email: str
    invited_by: str
    created_at: Instant
    expires_at: Instant
    sent_at: Instant | None
    failed: Literal["refused", "gave_up"] | None


class InvitedView(Answer):
    """What the invited see. `has_account`: this address has a password already, and that is the one to be given."""

    workspace: WorkspaceName
    name: str
    email: str
    locale: str
    has_account: bool
    expires_at: Instant


class Acceptance(Request):
    """The password of the account: the existing one if there is one, else the one it shall have."""

    password: NewPassword


@router.post(
    "",
    status_code=201,
    response_model=InvitationView,
    responses=documented(IDEMPOTENCY_KEY_REUSED, MEMBER_UNKNOWN, MEMBER_JOINED, MEMBER_REMOVED, FORBIDDEN),
)
async def create_invitation(
    who: Manager, body: Body[NewInvitation], key: Key, request: HttpRequest, on: On
) -> Response:
    """Mail somebody a link by which they can sign in from then on, valid for 7 days. Only owners invite owners.

    An older invitation of the same member is over by that. How often an address is invited is limited, whoever asks.
    """
    member = await on.records(Member).get(body.member_id)
    if member is None or member.workspace_id != who.workspace_id:
        raise MEMBER_UNKNOWN.at("member_id", "is not known here")
    await throttle(request, "sign_ins", f"invitation:{normal(member.email)}")
    name = None
    if key.key:
        name = derived("req", who.workspace_id, who.member_id, key.key)
        new = RequestKey(id=name, digest=key.digest)
        key.check(await on.records(RequestKey).decide(name, partial(keep_key, new=new)))
    by = (await acting(who, on)).role
    invited = _accepted(await inviting.invite(member, name, by, actor_of(who, on), on))
    view = _view(invited.member)
    return answer(view, 201, version=view.version, location=f"/invitations/{view.id}", replayed=invited.replayed)


@router.get("")
async def list_invitations(who: Viewer, paging: Paged, on: On) -> Page[InvitationView]:
    """The open invitations of your workspace."""
    return await paging.page(on.records(Member), "invited", who.workspace_id, _view)


@router.get(
    "/current",
    response_model=InvitedView,
    dependencies=[Depends(limited_as_sign_ins)],
    responses=documented(LINK_INVALID, INVITATION_OVER),
)
async def get_current_invitation(token: Bearer, on: On) -> Response:
    """The invitation of this `ivt_…` token, which is the bearer, if it is open. `reason` says why it is over:
    accepted, expired, revoked or replaced.
    """
    member, nonce = await _invited(token, on)
    standing = invitations.standing(member, nonce, on.now)
    if member is None or member.invitation is None or standing != "open":
        raise _over(standing)
    workspace = found(await on.records(Workspace).get(member.workspace_id))
    identity = await on.records(Identity).get(identity_id(member.email))
    return answer(
        InvitedView(
            workspace=WorkspaceName(slug=workspace.slug, name=workspace.name),
            name=member.name,
            email=member.email,
            locale=member.locale,
            has_account=identity is not None,
            expires_at=member.invitation.expires_at,
        )
    )


@router.post(
    "/current/accept",
    status_code=201,
    response_model=NewSession,
    dependencies=[Depends(limited_as_sign_ins)],
    responses=documented(LINK_INVALID, INVITATION_OVER, PASSWORD_WRONG, TRY_AGAIN, BUSY),
)
async def accept_invitation(token: Bearer, body: Body[Acceptance], key: Key, request: HttpRequest, on: On) -> Response:
    """Accept the invitation of this `ivt_…` token, which is the bearer, and sign in.

    Doing it again with the same password gives the same session, while that goes on.
    """
    member, nonce = await _invited(token, on)
    if member is not None:
        await throttle(request, "sign_ins", f"account:{normal(member.email)}")
    try:
        async with hashing(), overtaken():
            joined, issued = await inviting.accept(member, nonce, body.password, key.key, on)
    except LinkOver as over:
        raise _over(over.standing) from None
    except WrongPassword:
        raise PASSWORD_WRONG.at("password", "is not the one of this account") from None
    return await new_session(joined, issued, on)


@router.get("/{invitation_id}", response_model=InvitationView)
async def get_invitation(invitation_id: str, who: Viewer, on: On) -> Response:
    """The latest invitation of a member, also one that is over."""
    view = _view(await _member(invitation_id, who, on))
    return answer(view, version=view.version)


@router.delete("/{invitation_id}", status_code=204, responses=documented(STALE_VERSION, FORBIDDEN))
async def revoke_invitation(invitation_id: str, who: Manager, expected: IfMatch, on: On) -> Response:
    """Take an invitation back: its link is over. Doing it again is fine, and so is one that was accepted."""
    member = await _member(invitation_id, who, on)
    by = (await acting(who, on)).role
    _accepted(await inviting.revoke_invitation(member, expected, by, actor_of(who, on), on))
    return Response(status_code=204)


async def _member(invitation_id: str, who: Principal, on: Turn) -> Member:
    kind, _, rest = invitation_id.partition("_")
    member = found(await on.records(Member).get(f"mem_{rest}"), who)
    if kind != "inv" or member.invitation is None:
        raise NOT_FOUND
    return member


async def _invited(token: str | None, on: Turn) -> tuple[Member | None, str]:
    try:
        return await inviting.invited_by(token or "", on)
    except ForgedLink:
        raise LINK_INVALID(headers={"WWW-Authenticate": "Bearer"}) from None


def _over(standing: str) -> Declared:
    return INVITATION_OVER(WHY_OVER[standing], reason=standing)


def _accepted(invited: Invited) -> Invited:
    if invited.refusal == "gone":
        raise MEMBER_REMOVED
    if invited.refusal == "joined":
        raise MEMBER_JOINED
    if invited.refusal == "stale":
        version = invited.member.invitation.version if invited.member.invitation is not None else 0
        raise STALE_VERSION(headers={"ETag": f'"{version}"'})
    if invited.refusal == "forbidden":
        raise FORBIDDEN("Only owners invite owners, and only owners take that back.")
    return invited


def _view(member: Member) -> InvitationView:
    told = found(member.invitation)
    return InvitationView(
        id=f"inv_{member.id.partition('_')[2]}",
        version=told.version,
        status="revoked" if told.status == "open" and not member.invited else told.status,
        member_id=member.id,
        email=told.email,
        invited_by=told.invited_by,
        created_at=told.created_at,
        expires_at=told.expires_at,
        sent_at=told.letter.sent_at,
        failed=told.letter.failed,
    )
