"""`/sessions`: signing in and out."""

from functools import partial

from fastapi import APIRouter, Depends
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.accounts.domain.credentials import Session
from services.accounts.domain.identities import normal
from services.accounts.domain.members import Member
from services.accounts.domain.roles import may_give
from services.accounts.handlers import credentials
from services.accounts.handlers.credentials import Entrance, Overtaken
from services.accounts.routes.asking import Asking, Password, Slug, acting, actor_of, hashing
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
    throttle_address,
)
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/sessions")


class SignIn(Request):
    """What somebody types in to sign in. `workspace` is its slug."""

    workspace: Slug
    email: EmailAddress
    password: Password


class SessionView(Answer):
    """Somebody signed in, and until when. `current`: it is the session of this very request."""

    id: str
    version: int
    status: str
    workspace_id: str
    member_id: str
    role: str
    scopes: list[str]
    created_at: Instant
    expires_at: Instant | None
    current: bool


class MemberSession(SessionView):
    """A session and its member."""

    member: MemberView


class NewSession(MemberSession):
    """The `token` goes into `Authorization: Bearer …`; null in a repetition after the session has ended."""

    token: str | None


async def _limited(request: HttpRequest) -> None:
    await throttle_address(request, "sign_ins")


@router.post(
    "",
    status_code=201,
    response_model=NewSession,
    dependencies=[Depends(_limited)],
    responses=documented(SIGN_IN_FAILED, TRY_AGAIN, BUSY),
)
async def sign_in(body: Body[SignIn], key: Key, request: HttpRequest, on: On) -> Response:
    """Sign in by e-mail address and password. What is wrong is not said.

    The same `Idempotency-Key` and account give the same session and token again.
    """
    await throttle(request, "sign_ins", f"account:{normal(body.email)}")
    async with hashing():
        member = await credentials.known_member(Entrance(body.workspace, body.email, body.password), on)
    if member is None:
        raise SIGN_IN_FAILED(headers={"WWW-Authenticate": "Bearer"})
    try:
        issued = await credentials.start_session(member, key.key, on)
    except Overtaken:
        raise TRY_AGAIN(headers={"Retry-After": "1"}) from None
    session = issued.credential
    shown = NewSession(**_view(session, session.id).model_dump(), member=member_view(member), token=issued.token)
    return answer(shown, 201, version=session.version, location=f"/sessions/{session.id}", replayed=issued.replayed)


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
    shown = MemberSession(**_view(session, who.credential_id).model_dump(), member=member_view(member))
    return answer(shown)


@router.delete("/{session_id}", status_code=204, responses=documented(FORBIDDEN))
async def end_session(session_id: str, who: Asking, on: On) -> Response:
    """Sign out (`current`, or an id); with `team:manage` also others. Doing it again is fine."""
    session = await _own(session_id, who, on)
    if session.member_id != who.member_id:
        await _may_end_for(session.member_id, who, on)
    await credentials.end(Session, session.id, actor_of(who, on), on)
    return Response(status_code=204)


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
