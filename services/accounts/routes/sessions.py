"""`/sessions`: signing in and out."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Depends
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.accounts.domain.credentials import Session
from services.accounts.domain.identities import normal
from services.accounts.domain.members import Member
from services.accounts.domain.roles import may_give
from services.accounts.domain.workspaces import Workspace
from services.accounts.handlers import credentials
from services.accounts.handlers.credentials import Entrance, Issued
from services.accounts.routes.asking import (
    Asking,
    Password,
    Slug,
    acting,
    actor_of,
    hashing,
    limited_as_sign_ins,
    overtaken,
)
from services.accounts.routes.members import MemberView, member_view
from services.accounts.routes.problems import BUSY, SIGN_IN_FAILED, TRY_AGAIN
from turnus_runtime.http import (
    FORBIDDEN,
    NOT_FOUND,
    Answer,
    Body,
    EmailAddress,
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
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/sessions")


class SignIn(Request):
    """What somebody types in to sign in. `workspace` is its slug; without it: where they were last, and before they
    were anywhere the first of their workspaces by its name.
    """

    workspace: Slug | None = None
    email: EmailAddress
    password: Password


class SessionView(Answer):
    """Somebody signed in, and until when. `current`: it is the session of this very request.

    `assigned_only`: of calendars, groups and bookings only what is assigned to them is there for them.
    """

    id: str
    version: int
    status: str
    workspace_id: str
    member_id: str
    role: str
    scopes: list[str]
    assigned_only: bool
    created_at: Instant
    expires_at: Instant | None
    current: bool


class WorkspaceName(Answer):
    """How a workspace is called: `slug` is the first part of its public addresses."""

    slug: str
    name: str


class MemberSession(SessionView):
    """A session, its member and its workspace."""

    member: MemberView
    workspace: WorkspaceName


class NewSession(MemberSession):
    """The `token` goes into `Authorization: Bearer …`; null in a repetition after the session has ended."""

    token: str | None


@router.post(
    "",
    status_code=201,
    response_model=NewSession,
    dependencies=[Depends(limited_as_sign_ins)],
    responses=documented(SIGN_IN_FAILED, TRY_AGAIN, BUSY),
)
async def sign_in(body: Body[SignIn], key: Key, request: HttpRequest, on: On) -> Response:
    """Sign in by e-mail address and password. What is wrong is not said.

    Without `workspace`, who is in several enters the one they were in last; the answer names it. The same
    `Idempotency-Key` and account give the same session and token again.
    """
    await throttle(request, "sign_ins", f"account:{normal(body.email)}")
    async with hashing():
        known = await credentials.known_member(Entrance(body.workspace, body.email, body.password), on)
    if known is None:
        raise SIGN_IN_FAILED(headers={"WWW-Authenticate": "Bearer"})
    member, identity = known
    async with overtaken():
        issued = await credentials.start_session(member, identity, key.key, on)
    return await new_session(member, issued, on)


@router.get("")
async def list_sessions(who: Asking, paging: Paged, on: On) -> Page[SessionView]:
    """Your own sessions that have not ended."""
    view = partial(_view, current_id=who.credential_id)
    return await paging.page(on.records(Session), "by_member", who.member_id, view)


@router.get("/{session_id}", response_model=MemberSession)
async def get_session(session_id: str, who: Asking, on: On) -> Response:
    """One of your sessions; `current` is the one of this request."""
    session = await _own(session_id, who, on)
    if session.member_id != who.member_id:
        raise NOT_FOUND
    member = found(await on.records(Member).get(session.member_id), who)
    return answer(MemberSession(**await _with_member(session, member, who.credential_id, on)))


@router.delete("/{session_id}", status_code=204, responses=documented(FORBIDDEN))
async def end_session(session_id: str, who: Asking, on: On) -> Response:
    """Sign out (`current`, or an id); with `team:manage` also others. Doing it again is fine."""
    session = await _own(session_id, who, on)
    if session.member_id != who.member_id:
        await _may_end_for(session.member_id, who, on)
    await credentials.end(Session, session.id, actor_of(who, on), on)
    return Response(status_code=204)


async def new_session(member: Member, issued: Issued[Session], on: Turn) -> Response:
    """The answer to whoever signs in."""
    session = issued.credential
    shown = NewSession(**await _with_member(session, member, session.id, on), token=issued.token)
    return answer(shown, 201, version=session.version, location=f"/sessions/{session.id}", replayed=issued.replayed)


async def _with_member(session: Session, member: Member, current_id: str, on: Turn) -> dict[str, Any]:
    workspace = found(await on.records(Workspace).get(session.workspace_id))
    told = _view(session, current_id).model_dump()
    named = WorkspaceName(slug=workspace.slug, name=workspace.name)
    return {**told, "member": member_view(member, on.now), "workspace": named}


async def _own(session_id: str, who: Principal, on: Turn) -> Session:
    wanted = who.credential_id if session_id == "current" else session_id
    return found(await on.records(Session).get(wanted), who)


async def _may_end_for(member_id: str, who: Principal, on: Turn) -> None:
    if "team:manage" not in who.scopes:
        raise NOT_FOUND
    member = found(await on.records(Member).get(member_id), who)
    if not may_give((await acting(who, on)).role, member.role, member.role):
        raise FORBIDDEN("Only owners end the sessions of owners.")


def _view(session: Session, current_id: str) -> SessionView:
    values = session.model_dump(include=set(SessionView.model_fields) - {"scopes"})
    return SessionView(**values, scopes=list(session.scopes), current=session.id == current_id)
