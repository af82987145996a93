"""Groups as staff make them, and as guests see them."""

from collections.abc import Sequence
from typing import Any

import httpx

from tests.integration.api.conftest import Api, Office, office
from tests.support.system import eventually


async def group(here: Office, slug: str, calendars: Sequence[dict[str, Any]] = (), **more: Any) -> dict[str, Any]:
    ids = [one["id"] for one in calendars]
    return await here.made("/groups", {"slug": slug, "name": slug.title(), "calendar_ids": ids, **more})


async def change(here: Office, known: dict[str, Any], values: Any, match: str | None = None) -> httpx.Response:
    headers = {**here.staff, **({"If-Match": match} if match else {})}
    return await here.api.send("PATCH", f"/groups/{known['id']}", values, headers)


async def seen(here: Office, **query: str) -> dict[str, Any]:
    """What a guest sees of the workspace."""
    answer = await here.api.send("GET", "/groups", params={"workspace": here.slug, **query})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def names(found: dict[str, Any]) -> dict[str, list[str]]:
    """The calendars by the slugs of their groups, in order; those in none under the empty one."""
    grouped = {
        one["slug"]: [calendar["address"].rpartition("/")[2] for calendar in one["calendars"]] for one in found["items"]
    }
    return {**grouped, "": [calendar["address"].rpartition("/")[2] for calendar in found["calendars"]]}


async def three(api: Api, name: str) -> tuple[Office, str, list[dict[str, Any]]]:
    """A workspace, its host, and three published calendars."""
    here = await office(api, name)
    host = await here.host()
    return here, host, [await here.calendar(slug, [host]) for slug in ("one", "two", "three")]


async def eventually_seen(here: Office) -> None:
    """A workspace without calendars is known to booking a moment after it was made."""

    async def known() -> bool:
        return (await here.api.send("GET", "/groups", params={"workspace": here.slug})).status_code == 200

    await eventually(known)
