"""`/console/calendars`: the calendars, and the choice of a new one's kind."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away
from services.web.domain.staff import Listed, SeenDraft, SeenMember
from services.web.routes.console.desk import Desk, Here
from services.web.routes.visit import Html

router = APIRouter(prefix="/calendars", default_response_class=Html)

AT_ONCE = 200


@router.get("")
async def list_calendars(desk: Here) -> Response:
    """All calendars: those that take bookings first, then drafts, then retired ones."""
    desk.need("calendars:view")
    after = desk.request.query_params.get("after")
    try:
        found, names = await asyncio.gather(
            desk.asking.read(Listed[SeenDraft], "/calendars", limit=AT_ONCE, after=after), names_of(desk)
        )
    except ApiAway:
        raise away() from None
    except ApiRefused:
        return desk.redirect("/console/calendars")
    order = {"active": 0, "draft": 1, "retired": 2}
    shown = sorted(found.items, key=lambda one: (order.get(one.status, 3), one.name.casefold()))
    return desk.page(
        "calendars.html",
        here="calendars",
        calendars=shown,
        names=names,
        further=desk.url("/console/calendars", after=found.next) if found.next else None,
    )


@router.get("/new")
async def choose_kind(desk: Here) -> Response:
    """The kinds of calendars, a sentence each."""
    desk.need("calendars:manage")
    return desk.page("kinds.html", here="calendars")


async def members_of(desk: Desk) -> list[SeenMember]:
    """Everybody of the workspace, at most 1,000; only oneself without the permission to see the team."""
    if not desk.may("team:view"):
        return [desk.who.member]
    found: list[SeenMember] = []
    after: str | None = None
    for _ in range(5):
        page = await desk.asking.read(Listed[SeenMember], "/members", limit=AT_ONCE, after=after)
        found += page.items
        after = page.next
        if after is None:
            break
    return found


async def calendars_of(desk: Desk) -> list[SeenDraft]:
    """All calendars of the workspace, at most 1,000; none without the permission to see them."""
    if not desk.may("calendars:view"):
        return []
    found: list[SeenDraft] = []
    after: str | None = None
    for _ in range(5):
        page = await desk.asking.read(Listed[SeenDraft], "/calendars", limit=AT_ONCE, after=after)
        found += page.items
        after = page.next
        if after is None:
            break
    return found


async def names_of(desk: Desk) -> dict[str, str]:
    """Names by member."""
    return {one.id: one.name for one in await members_of(desk)}
