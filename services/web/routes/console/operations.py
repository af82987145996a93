"""`/console/operations`: how the services are, and messages that were given up, which can be handled again."""

import asyncio
import re
from collections.abc import Callable

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away
from services.web.domain.operations import SERVICES, SeenLetter, SeenOperations, Told, overall
from services.web.domain.staff import Listed
from services.web.routes.console.desk import Desk, Here, refused_page
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND, Problem

router = APIRouter(prefix="/operations", default_response_class=Html)

ANSWER_SECONDS = 6.0
"""How long a service is waited for; the page shows the others without it."""
AT_ONCE = 10
ALL_OF_ONE = 50
PAGES = {
    "bk": ("bookings:view", "/console/bookings/"),
    "cal": ("calendars:view", "/console/calendars/"),
    "mem": ("team:view", "/console/team/"),
}
"""By the kind of an id: the permission to look at such a thing, and where it is shown."""


@router.get("")
async def show(desk: Here) -> Response:
    """All services, each asked by itself; one that does not answer is shown as that."""
    desk.need("operations:view")
    told = await asyncio.gather(*(_told(desk, service) for service in SERVICES))
    taken = min((one.figures.taken_at for one in told if one.figures is not None), default=None)
    return desk.page(
        "operations.html", here="operations", told=told, overall=overall(told), taken=taken, link=_link(desk)
    )


@router.get("/{service}")
async def show_letters(service: str, desk: Here) -> Response:
    """All that one service gave up, page by page."""
    desk.need("operations:view")
    _known(service)
    after = desk.request.query_params.get("after")
    path = f"/console/operations/{service}"
    try:
        found = await desk.asking.read(
            Listed[SeenLetter], f"/operations/{service}/dead-letters", limit=ALL_OF_ONE, after=after
        )
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        if refused.status == 422:
            return desk.redirect(path)
        raise refused_page(refused) from None
    return desk.page(
        "letters.html",
        here="operations",
        service=service,
        letters=found.items,
        further=desk.url(path, after=found.next) if found.next else None,
        first=desk.url(path) if after else None,
        link=_link(desk),
    )


@router.post("/{service}/{letter_id}/replay")
async def replay(service: str, letter_id: str, desk: Here) -> Response:
    """Have a message handled again. Nothing is asked first: whoever heard it already answers as before."""
    desk.need("operations:manage")
    _known(service)
    if not re.fullmatch(r"dlt_[0-9a-z]{1,40}", letter_id):
        raise NOT_FOUND
    try:
        await desk.asking.send("POST", f"/operations/{service}/dead-letters/{letter_id}/replay")
    except ApiAway:
        return desk.redirect("/console/operations", refused="away")
    except ApiRefused as refused:
        if refused.status == 403:
            raise refused_page(refused) from None
        return desk.redirect("/console/operations", refused=refused.code)
    return desk.done("/console/operations", "letter_replayed")


async def _told(desk: Desk, service: str) -> Told:
    """What a service says within the time that a reader has."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            figures, letters = await asyncio.gather(
                desk.asking.read(SeenOperations, f"/operations/{service}"),
                desk.asking.read(Listed[SeenLetter], f"/operations/{service}/dead-letters", limit=AT_ONCE),
            )
    except (ApiAway, ApiRefused, TimeoutError):
        return Told(service, None)
    except Problem as problem:
        if problem.status != 404:  # one of before this page; too many requests are a page of their own
            raise
        return Told(service, None)
    further = desk.url(f"/console/operations/{service}") if letters.next else None
    return Told(service, figures, letters.items, further)


def _known(service: str) -> None:
    if service not in SERVICES:
        raise NOT_FOUND


def _link(desk: Desk) -> Callable[[str], str | None]:
    """Leads from the id of what a message is about to its page, where there is one that the reader may see."""

    def link(about: str) -> str | None:
        found = re.fullmatch(r"([a-z]{2,4})_[0-9a-z]{1,40}", about)
        scope, path = PAGES.get(found[1], ("", "")) if found else ("", "")
        return desk.url(f"{path}{about}") if path and desk.may(scope) else None

    return link
