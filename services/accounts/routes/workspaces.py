"""`/workspaces`: making one (anybody may), its public part (anybody may), its settings."""

import hashlib
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request as HttpRequest
from starlette.responses import Response

from services.accounts.domain.identities import Identity, normal
from services.accounts.domain.members import Member
from services.accounts.domain.workspaces import Seat, SlugClaim, Workspace, change, is_reserved
from services.accounts.handlers.passwords import proven
from services.accounts.handlers.team import found_workspace
from services.accounts.routes.asking import Asking, NewPassword, Settler, Slug, actor_of, hashing
from services.accounts.routes.problems import BUSY, IDENTITY_EXISTS, WORKSPACE_SLUG_TAKEN
from turnus_runtime.http import (
    IDEMPOTENCY_KEY_REUSED,
    NOT_FOUND,
    STALE_VERSION,
    Answer,
    Body,
    EmailAddress,
    IfMatch,
    Instant,
    Key,
    Locale,
    Name,
    On,
    Request,
    ZoneName,
    answer,
    documented,
    found,
    guest,
    invalid,
    throttle,
    throttle_address,
)
from turnus_runtime.ids import derived
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/workspaces")


class NewOwner(Request):
    """Who will own the workspace and can sign in at once."""

    name: Name
    email: EmailAddress
    password: NewPassword


class NewWorkspace(Request):
    """A workspace with its first owner."""

    slug: Slug
    name: Name
    tz: ZoneName
    locale: Locale = "en"
    owner: NewOwner


class WorkspaceChange(Request):
    """What is to be changed; what is left out stays."""

    name: Name | None = None
    tz: ZoneName | None = None
    locale: Locale | None = None


class WorkspaceView(Answer):
    """A workspace. `slug` is the first part of its public addresses."""

    id: str
    version: int
    status: str
    slug: str
    name: str
    tz: str
    locale: str
    owner_ids: list[str]
    created_at: Instant
    changed_at: Instant


class PublicWorkspace(Answer):
    """What guests see of a workspace."""

    id: str
    slug: str
    name: str
    tz: str
    locale: str


async def _limited(request: HttpRequest) -> None:
    await throttle_address(request, "workspaces")


@router.post(
    "",
    status_code=201,
    response_model=WorkspaceView,
    dependencies=[Depends(_limited)],
    responses=documented(IDEMPOTENCY_KEY_REUSED, WORKSPACE_SLUG_TAKEN, IDENTITY_EXISTS, BUSY),
)
async def create_workspace(body: Body[NewWorkspace], key: Key, request: HttpRequest, on: On) -> Response:
    """Make a workspace and its owner, who can then sign in. An e-mail address with an account needs its password.

    Name a new `Idempotency-Key` for each workspace; a repetition needs the same password.
    """
    if is_reserved(body.slug):
        raise invalid("slug", "is reserved")
    await throttle(request, "sign_ins", f"account:{normal(body.owner.email)}")
    digest = _digest(body)
    owner_email = normal(body.owner.email)
    workspace_id = derived("ws", owner_email, key.key) if key.key else on.ids.fresh("ws")
    known = await on.records(Workspace).get(workspace_id)
    if known is not None and known.request_digest != digest:
        raise IDEMPOTENCY_KEY_REUSED.at("Idempotency-Key", "belongs to another request")
    if known is None and await _is_taken(body.slug, workspace_id, on):
        raise WORKSPACE_SLUG_TAKEN
    identity = await _identity(body.owner, on, replay=known is not None)
    if known is not None:
        return _answer(known, replayed=True)
    owner = _owner(body, workspace_id, identity.id, on)
    made = await found_workspace(_workspace(body, workspace_id, owner.id, digest, on), owner, on)
    if made is None:
        raise WORKSPACE_SLUG_TAKEN
    if made.request_digest != digest:
        raise IDEMPOTENCY_KEY_REUSED.at("Idempotency-Key", "belongs to another request")
    return _answer(made, replayed=made.created_at != on.now)


@router.get("", response_model=PublicWorkspace, dependencies=[guest()], responses=documented(NOT_FOUND))
async def get_public_workspace(
    slug: Annotated[str, Query(min_length=1, max_length=40, json_schema_extra={"examples": ["demo"]})], on: On
) -> Response:
    """What guests see of the workspace with this address."""
    claim = await on.records(SlugClaim).get(slug)
    workspace = await on.records(Workspace).get(claim.workspace_id) if claim is not None else None
    if workspace is None or workspace.slug != slug or workspace.status != "active":
        raise NOT_FOUND
    shown = PublicWorkspace.model_validate(workspace.model_dump(include=set(PublicWorkspace.model_fields)))
    return answer(shown, version=workspace.version)


@router.get("/{workspace_id}", response_model=WorkspaceView)
async def get_workspace(workspace_id: str, who: Asking, on: On) -> Response:
    """Your own workspace."""
    return _answer(found(await on.records(Workspace).get(workspace_id), who), status=200)


@router.patch("/{workspace_id}", response_model=WorkspaceView, responses=documented(STALE_VERSION))
async def change_workspace(
    workspace_id: str, who: Settler, body: Body[WorkspaceChange], expected: IfMatch, on: On
) -> Response:
    """Change name, zone or language. The zone of existing calendars and members is their own."""
    found(await on.records(Workspace).get(workspace_id), who)
    values = {name: value for name, value in body.model_dump().items() if value is not None}
    decision = partial(change, values=values, expected=expected, actor=actor_of(who, on))
    changed = found(await on.records(Workspace).decide(workspace_id, decision))
    if isinstance(changed, int):
        raise STALE_VERSION(headers={"ETag": f'"{changed}"'})
    return _answer(changed, status=200)


async def _is_taken(slug: str, workspace_id: str, on: Turn) -> bool:
    """Whether the address leads to another workspace: looked up before anything is written or hashed."""
    claim = await on.records(SlugClaim).get(slug)
    return claim is not None and claim.workspace_id != workspace_id


async def _identity(owner: NewOwner, on: Turn, *, replay: bool) -> Identity:
    """The owner's identity, made if there is none; an existing one must be theirs."""
    async with hashing():
        identity = await proven(owner.email, owner.password, on)
    if identity is None and replay:
        raise IDEMPOTENCY_KEY_REUSED.at("Idempotency-Key", "belongs to another request")
    if identity is None:
        raise IDENTITY_EXISTS
    return identity


def _workspace(body: NewWorkspace, workspace_id: str, owner_id: str, digest: str, on: Turn) -> Workspace:
    return Workspace(
        id=workspace_id,
        version=1,
        slug=body.slug,
        name=body.name,
        tz=body.tz,
        locale=body.locale,
        seats={owner_id: Seat(since=1, sits=True)},
        request_digest=digest,
        created_at=on.now,
        changed_at=on.now,
    )


def _owner(body: NewWorkspace, workspace_id: str, identity: str, on: Turn) -> Member:
    return Member(
        id=derived("mem", workspace_id, "first owner"),
        workspace_id=workspace_id,
        version=1,
        name=body.owner.name,
        email=body.owner.email,
        tz=body.tz,
        locale=body.locale,
        role="owner",
        identity_id=identity,
        owner_since=1,
        created_at=on.now,
        changed_at=on.now,
    )


def _digest(body: NewWorkspace) -> str:
    """What the request asks for, without its password: a fast hash of that must not be kept."""
    told = body.model_dump_json(exclude={"owner": {"password"}})
    return hashlib.sha256(told.encode()).hexdigest()


def _answer(workspace: Workspace, status: int = 201, *, replayed: bool = False) -> Response:
    values: dict[str, Any] = workspace.model_dump(include=set(WorkspaceView.model_fields))
    return answer(
        WorkspaceView(**values, owner_ids=workspace.owner_ids),
        status,
        version=workspace.version,
        location=f"/workspaces/{workspace.id}" if status == 201 else None,
        replayed=replayed,
    )
