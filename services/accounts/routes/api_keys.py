"""`/api-keys`: credentials for programs."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from services.accounts.domain.credentials import ApiKey
from services.accounts.domain.members import Member
from services.accounts.domain.roles import EVERYTHING, may_give, not_held
from services.accounts.handlers import credentials
from services.accounts.handlers.credentials import Overtaken
from services.accounts.routes.asking import Asking, MemberId, acting, actor_of
from services.accounts.routes.problems import MEMBER_UNKNOWN, TRY_AGAIN
from turnus_runtime.http import (
    FORBIDDEN,
    IDEMPOTENCY_KEY_REUSED,
    NOT_FOUND,
    Answer,
    Body,
    Instant,
    Key,
    Name,
    On,
    Page,
    Paged,
    Principal,
    Request,
    answer,
    documented,
    found,
    invalid,
)
from turnus_runtime.ids import derived
from turnus_runtime.turn import Turn

router = APIRouter(prefix="/api-keys")
Scope = Literal[
    "calendars:view",
    "calendars:manage",
    "groups:view",
    "groups:manage",
    "bookings:view",
    "bookings:manage",
    "team:view",
    "team:manage",
    "operations:view",
    "operations:manage",
    "settings:manage",
]


class NewApiKey(Request):
    """An API key that acts for `member_id` (default: you) with these scopes, which both you and they must have."""

    name: Name
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=len(EVERYTHING))]
    member_id: MemberId | None = None


class ApiKeyView(Answer):
    """An API key. `key` goes into `Authorization: Bearer …`; it is shown once, when it is made, and null ever after.

    `assigned_only`: of calendars, groups and bookings only what is assigned to its member is there for it.
    """

    id: str
    version: int
    status: str
    name: str
    member_id: str
    created_by: str
    scopes: list[str]
    assigned_only: bool
    created_at: Instant
    key: str | None


@router.post(
    "",
    status_code=201,
    response_model=ApiKeyView,
    responses=documented(IDEMPOTENCY_KEY_REUSED, MEMBER_UNKNOWN, FORBIDDEN, TRY_AGAIN),
)
async def create_api_key(who: Asking, body: Body[NewApiKey], key: Key, on: On) -> Response:
    """Make an API key. `key` is in this answer only, not in a repetition: delete a lost one and make another."""
    if len(set(body.scopes)) != len(body.scopes):
        raise invalid("scopes", "must not name a scope twice")
    maker = await acting(who, on)
    member = await _served(body.member_id, maker, who, on)
    if missing := not_held(body.scopes, who.scopes, member.scopes):
        raise FORBIDDEN(f"An API key gets no more than its maker and its member have, so not {', '.join(missing)}.")
    new = ApiKey(
        id=derived("key", who.workspace_id, who.member_id, key.key) if key.key else on.ids.fresh("key"),
        workspace_id=who.workspace_id,
        member_id=member.id,
        role=member.role,
        scopes=tuple(sorted(body.scopes)),
        assigned_only=who.assigned_only or member.permissions.assigned_only,
        epoch=member.epoch,
        key_id="",
        created_at=on.now,
        name=body.name,
        created_by=who.member_id,
        request_digest=key.digest if key.key else None,
    )
    try:
        issued = await credentials.make_api_key(new, actor_of(who, on), on)
    except Overtaken:
        raise TRY_AGAIN(headers={"Retry-After": "1"}) from None
    made = issued.credential
    key.check(made.request_digest)
    return answer(
        _view(made, issued.token), 201, version=made.version, location=f"/api-keys/{made.id}", replayed=issued.replayed
    )


@router.get("")
async def list_api_keys(
    who: Asking, paging: Paged, on: On, member_id: Annotated[MemberId | None, Query()] = None
) -> Page[ApiKeyView]:
    """Your API keys; with `settings:manage` those of the workspace. Revoked ones are not listed."""
    if "settings:manage" not in who.scopes and member_id not in (None, who.member_id):
        raise FORBIDDEN("This needs the permission settings:manage.")
    if member_id is None and "settings:manage" in who.scopes:
        return await paging.page(on.records(ApiKey), "by_workspace", who.workspace_id, _view)
    mine = partial(_is_of, who.workspace_id)
    return await paging.page(on.records(ApiKey), "by_member", member_id or who.member_id, _view, keep=mine)


@router.get("/{key_id}", response_model=ApiKeyView)
async def get_api_key(key_id: str, who: Asking, on: On) -> Response:
    """One API key, also a revoked one."""
    known = await _manageable(key_id, who, on)
    return answer(_view(known), version=known.version)


@router.delete("/{key_id}", status_code=204, responses=documented(FORBIDDEN))
async def revoke_api_key(key_id: str, who: Asking, on: On) -> Response:
    """Revoke an API key for good: yours, one you made, or any with `settings:manage`. Doing it again is fine."""
    known = await _manageable(key_id, who, on)
    await credentials.end(ApiKey, known.id, actor_of(who, on), on)
    return Response(status_code=204)


async def _served(member_id: str | None, maker: Member, who: Principal, on: Turn) -> Member:
    if member_id is None or member_id == maker.id:
        return maker
    if "settings:manage" not in who.scopes:
        raise FORBIDDEN("API keys for others need the permission settings:manage.")
    member = await on.records(Member).get(member_id)
    if member is None or member.workspace_id != who.workspace_id or member.status != "active":
        raise MEMBER_UNKNOWN.at("member_id", "is not known here")
    if not may_give(maker.role, member.role, member.role):
        raise FORBIDDEN("Only owners make API keys for owners.")
    return member


async def _manageable(key_id: str, who: Principal, on: Turn) -> ApiKey:
    known = found(await on.records(ApiKey).get(key_id), who)
    if who.member_id not in (known.member_id, known.created_by) and "settings:manage" not in who.scopes:
        raise NOT_FOUND
    return known


def _is_of(workspace_id: str, known: ApiKey) -> bool:
    return known.workspace_id == workspace_id


def _view(known: ApiKey, token: str | None = None) -> ApiKeyView:
    values = known.model_dump(include=set(ApiKeyView.model_fields) - {"scopes"})
    return ApiKeyView(**values, scopes=list(known.scopes), key=token)
