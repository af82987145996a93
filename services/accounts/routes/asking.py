"""Who asks, as they are now; and the values that several requests share."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from pydantic import Field
from starlette.requests import Request as HttpRequest

from services.accounts.adapters.passwords import TooManyPasswords
from services.accounts.domain.auditing import Actor
from services.accounts.domain.members import Member
from services.accounts.domain.workspaces import SLUG
from services.accounts.handlers.credentials import Overtaken
from services.accounts.routes.problems import BUSY, TRY_AGAIN
from turnus_runtime.http import FORBIDDEN, Id, Principal, staff, throttle_address
from turnus_runtime.turn import Turn

Asking = Annotated[Principal, staff()]
Viewer = Annotated[Principal, staff("team:view")]
Manager = Annotated[Principal, staff("team:manage")]
Settler = Annotated[Principal, staff("settings:manage")]

MemberId = Annotated[str, Id("mem")]
Slug = Annotated[str, Field(pattern=SLUG, max_length=40, examples=["praxis-am-markt"])]
NewPassword = Annotated[
    str,
    Field(
        min_length=8,
        max_length=200,
        examples=["correct horse battery"],
        json_schema_extra={"format": "password", "writeOnly": True},
    ),
]
"""8 to 200 characters of any kind (NIST SP 800-63B: length, no other rules)."""
Password = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        examples=["correct horse battery"],
        json_schema_extra={"format": "password", "writeOnly": True},
    ),
]


async def acting(who: Principal, on: Turn) -> Member:
    """The member who asks, as they are now: what they may do to others is not read from a token of yesterday.

    Raises 403 for somebody who was removed while their token was still taken.
    """
    member = await on.records(Member).get(who.member_id)
    if member is None or member.status != "active":
        raise FORBIDDEN("You are no member of this workspace any more.")
    return member


def actor_of(who: Principal, on: Turn) -> Actor:
    """Whoever asks, for the audit log."""
    return Actor(who.member_id, on.now)


@asynccontextmanager
async def hashing() -> AsyncGenerator[None]:
    """While passwords are hashed: more than can be done in good time are refused with 503."""
    try:
        yield
    except TooManyPasswords:
        raise BUSY(headers={"Retry-After": "1"}) from None


@asynccontextmanager
async def overtaken() -> AsyncGenerator[None]:
    """While somebody is signed in: who is changed at this very moment is answered 503, and nothing is issued."""
    try:
        yield
    except Overtaken:
        raise TRY_AGAIN(headers={"Retry-After": "1"}) from None


async def limited_as_sign_ins(request: HttpRequest) -> None:
    """A route at which secrets could be guessed: by the client's address, as signing in is."""
    await throttle_address(request, "sign_ins")
