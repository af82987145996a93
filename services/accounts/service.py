"""The table of accounts."""

from datetime import datetime

from services.accounts.adapters import adapters
from services.accounts.adapters.demo import make_demo
from services.accounts.domain import credentials, identities, members, signing, workspaces
from services.accounts.domain.auditing import AuditEntry
from services.accounts.domain.credentials import ApiKey, Session
from services.accounts.domain.identities import Identity, StandIn
from services.accounts.domain.members import AddressClaim, Member
from services.accounts.domain.requests import RequestKey
from services.accounts.domain.signing import SigningPair
from services.accounts.domain.tokens import TokenSecret
from services.accounts.domain.workspaces import SlugClaim, Workspace
from services.accounts.handlers import auditing, inviting, mailing, opening, passwords, team
from services.accounts.handlers import credentials as credential_handlers
from services.accounts.handlers import signing as signing_handlers
from services.accounts.routes import router
from services.accounts.settings import Settings
from turnus_contracts import ChangeRecorded, CredentialRevoked, MemberChanged, SigningKeyChanged, WorkspaceChanged
from turnus_runtime.records import millis
from turnus_runtime.service import Job, Says, Service


def _all(_: datetime) -> int:
    """API keys never end by themselves: every revoked one is said again."""
    return 0


service = Service(
    name="accounts",
    summary="Who there is, who may do what, and who did it",
    records=(
        *(Workspace, SlugClaim, Member, AddressClaim, Identity, StandIn),
        *(Session, ApiKey, SigningPair, TokenSecret, RequestKey, AuditEntry),
    ),
    consumes={ChangeRecorded: auditing.file_change},
    publishes=(WorkspaceChanged, MemberChanged, SigningKeyChanged, CredentialRevoked, ChangeRecorded),
    says=(
        Says(Workspace, workspaces.described),
        Says(Member, members.described),
        Says(SigningPair, signing.described),
        Says(Session, credentials.described, index="revoked", since=millis),
        Says(ApiKey, credentials.described, index="revoked", since=_all),
    ),
    timers={
        workspaces.FOUND: team.finish_founding,
        workspaces.LEAVE_OFFICE: team.leave_office,
        members.JOIN: team.finish_joining,
        members.TAKE_SEAT: team.take_seat,
        members.VOID_CREDENTIALS: credential_handlers.void_credentials,
        members.EXPIRE_INVITATION: inviting.expire_invitation,
        identities.END_SESSIONS: passwords.end_sessions,
        credentials.EXPIRE: credential_handlers.expire_session,
        signing.ROTATE: signing_handlers.rotate_key,
        signing.RETIRE: signing_handlers.retire_key,
        signing.REMOVE: signing_handlers.remove_key,
    },
    jobs={
        members.SEND_INVITATION: Job(mailing.send_invitation, time_limit_seconds=mailing.SEND_SECONDS),
        identities.SEND_RESET: Job(mailing.send_reset, time_limit_seconds=mailing.SEND_SECONDS),
    },
    resources=("workspaces", "members", "invitations", "sessions", "password-resets", "api-keys", "audit-log"),
    routes=router,
    settings=Settings,
    effects=adapters,
    demo=make_demo,
    demo_order=1,
    open=opening.open_accounts,
)
