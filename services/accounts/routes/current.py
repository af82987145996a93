"""`/sessions/current/…`: what the signed-in person may do as who they are, whichever workspace they are in.

Only a session may: an API key acts for one member in one workspace, and gets nobody further than that.
"""

import asyncio

from fastapi import APIRouter
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.accounts.adapters import World
from services.accounts.domain.credentials import Session
from services.accounts.domain.identities import Identity
from services.accounts.domain.members import Member
from services.accounts.domain.workspaces import Workspace
from services.accounts.handlers import credentials, passwords
from services.accounts.handlers.credentials import Outdated
from services.accounts.routes.asking import Asking, NewPassword, Password, Slug, hashing, overtaken
from services.accounts.routes.problems import BUSY, PASSWORD_WRONG, TRY_AGAIN, WORKSPACE_NOT_YOURS
from services.accounts.routes.sessions import NewSession, new_session
from turnus_runtime.http import (
    CREDENTIAL_REVOKED,
    NOT_FOUND,
    Answer,
    Body,
    Key,
    On,
    Page,
    Paged,
    Principal,
    Request,
    documented,
    found,
    throttle,
)
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/sessions/current")


class WorkspaceOfMine(Answer):
    """A workspace that the signed-in person may enter, and who they are there. `current`: they are in it."""

    workspace_id: str
    slug: str
    name: str
    member_id: str
    role: str
    current: bool


class Switch(Request):
    """The slug of the workspace to enter."""

    workspace: Slug


class PasswordChange(Request):
    """The present password and the one from now on."""

    password: Password
    new_password: NewPassword


@router.get("/workspaces", responses=documented(NOT_FOUND))
async def list_workspaces(who: Asking, paging: Paged, on: On) -> Page[WorkspaceOfMine]:
    """The workspaces that you may enter with `POST /sessions/current/switch`, this one included."""
    _, identity = await _signed_in(who, on)
    page = await paging.page(on.records(Member), "by_identity", identity.id, lambda member: member)
    items = await asyncio.gather(*(_shown(member, who, on) for member in page.items))
    return Page(items=items, next=page.next)


@router.post(
    "/switch",
    status_code=201,
    response_model=NewSession,
    responses=documented(WORKSPACE_NOT_YOURS, TRY_AGAIN, NOT_FOUND),
)
async def switch_workspace(who: Asking, body: Body[Switch], key: Key, on: On) -> Response:
    """Enter another workspace as the same person: a new session there. This one goes on until you end it."""
    _, identity = await _signed_in(who, on)
    member = await credentials.member_at(body.workspace, identity, on)
    if member is None:
        raise WORKSPACE_NOT_YOURS.at("workspace", "is none of yours")
    async with overtaken():
        issued = await credentials.start_session(member, identity, key.key, on)
    return await new_session(member, issued, on)


@router.post("/password", status_code=204, responses=documented(PASSWORD_WRONG, TRY_AGAIN, BUSY, NOT_FOUND))
async def change_password(who: Asking, body: Body[PasswordChange], request: HttpRequest, on: On) -> Response:
    """Change your password, which is the same in all workspaces, and end all your other sessions. API keys stay."""
    session, identity = await _signed_in(who, on)
    await throttle(request, "sign_ins", f"account:{identity.email}")
    world: World = on.effects
    async with hashing():
        if not await world.passwords.match(identity.password_hash, body.password):
            raise PASSWORD_WRONG.at("password", "is not yours")
        changed = await passwords.change_password(identity, session, body.new_password, on)
    if not changed:
        raise TRY_AGAIN(headers={"Retry-After": "1"})
    return Response(status_code=204)


async def _signed_in(who: Principal, on: Turn) -> tuple[Session, Identity]:
    """The session of this request and whose it is. 404 for an API key, 401 for what a new password has ended."""
    session = found(await on.records(Session).get(who.credential_id), who)
    try:
        return session, await credentials.identity_of(session, on)
    except Outdated:
        raise CREDENTIAL_REVOKED(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'}) from None


async def _shown(member: Member, who: Principal, on: Turn) -> WorkspaceOfMine:
    workspace = found(await on.records(Workspace).get(member.workspace_id))
    return WorkspaceOfMine(
        workspace_id=workspace.id,
        slug=workspace.slug,
        name=workspace.name,
        member_id=member.id,
        role=member.role,
        current=member.id == who.member_id,
    )
