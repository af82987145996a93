"""`/console/groups`: calendars that guests find together, and in which order."""

import asyncio
import re

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused
from services.web.domain import group_form
from services.web.domain.forms import Wrong, last
from services.web.domain.group_form import GroupForm
from services.web.domain.staff import Listed, SeenDraft, SeenGroup, SeenWorkspace
from services.web.routes.console.calendars import AT_ONCE, calendars_of
from services.web.routes.console.desk import (
    Desk,
    Here,
    SentForm,
    as_pages,
    ask_once,
    is_sure,
    key_of,
    next_key,
    refused_form,
    version_of,
)
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND

router = APIRouter(prefix="/groups", default_response_class=Html)


@router.get("")
async def list_groups(desk: Here) -> Response:
    """All groups, in the order in which guests see them."""
    desk.need("groups:view")
    with as_pages():
        groups, calendars, workspace = await asyncio.gather(
            desk.asking.read(Listed[SeenGroup], "/groups", limit=AT_ONCE), calendars_of(desk), _workspace(desk)
        )
    names = {one.id: one.name for one in calendars}
    return desk.page("groups.html", here="groups", groups=groups.items, names=names, slug=workspace.slug)


@router.post("/{group_id}/move")
async def move(group_id: str, desk: Here, sent: SentForm) -> Response:
    """A group further up or down: it takes the place between its new neighbours."""
    desk.need("groups:manage")
    with as_pages():
        groups = (await desk.asking.read(Listed[SeenGroup], "/groups", limit=AT_ONCE)).items
        at = next((n for n, one in enumerate(groups) if one.id == group_id), None)
        by = {"up": -1, "down": 1}.get(last(sent, "to"))
        if at is not None and by is not None and 0 <= at + by < len(groups):
            # Places may be equal, so all of them are numbered anew; those that have theirs are left alone.
            order = list(groups)
            order[at], order[at + by] = order[at + by], order[at]
            for place, one in enumerate(order):
                if one.position != place:
                    await desk.asking.send("PATCH", f"/groups/{one.id}", {"position": place})
    return desk.done("/console/groups", "group_moved")


@router.get("/new")
async def ask_new(desk: Here) -> Response:
    """The form of a new group."""
    desk.need("groups:manage")
    return await _page(desk, group_form.of_group(None, await _known(desk)), None)


@router.post("/new")
async def make(desk: Here, sent: SentForm) -> Response:
    """Make the group; guests see it at once."""
    desk.need("groups:manage")
    form = group_form.sent_group(sent, await _known(desk))
    key = key_of(sent, desk.new_key)
    if (sorted_anew := _sorted(form, sent)) is not None:
        return await _page(desk, sorted_anew, None, key=key)
    if form.form.errors:
        return await _page(desk, form, None, 422, key=key)
    try:
        await desk.asking.send("POST", "/groups", form.body(), key=key)
    except ApiRefused as refused:
        return await _refused(desk, form, None, refused, key)
    except ApiAway:
        return await _page(desk, form, None, 503, "away", key=key)
    return desk.done("/console/groups", "group_made")


@router.get("/{group_id}")
async def show(group_id: str, desk: Here) -> Response:
    """A group, and the form to change it."""
    desk.need("groups:view")
    group, calendars = await asyncio.gather(_group(desk, group_id), _known(desk))
    return await _page(desk, group_form.of_group(group, calendars), group)


@router.post("/{group_id}")
async def change(group_id: str, desk: Here, sent: SentForm) -> Response:
    """Change the group; guests see it at once."""
    desk.need("groups:manage")
    group, calendars = await asyncio.gather(_group(desk, group_id), _known(desk))
    form, version = group_form.sent_group(sent, calendars, group), version_of(sent)
    if (sorted_anew := _sorted(form, sent)) is not None:
        return await _page(desk, sorted_anew, group, version=version)
    if form.form.errors:
        return await _page(desk, form, group, 422, version=version)
    try:
        await desk.asking.send("PATCH", f"/groups/{group.id}", form.body(), version=version)
    except ApiRefused as refused:
        return await _refused(desk, form, group, refused, desk.new_key, version)
    except ApiAway:
        return await _page(desk, form, group, 503, "away", version=version)
    return desk.done(f"/console/groups/{group.id}", "group_changed")


@router.get("/{group_id}/remove")
async def ask_remove(group_id: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    desk.need("groups:manage")
    group = await _group(desk, group_id)
    path = f"/console/groups/{group.id}"
    return ask_once(desk, "groups", "remove_group", f"{path}/remove", path, name=group.name)


@router.post("/{group_id}/remove")
async def remove(group_id: str, desk: Here, sent: SentForm) -> Response:
    """Remove the group; its calendars stay as they are."""
    if not is_sure(sent):
        return await ask_remove(group_id, desk)
    desk.need("groups:manage")
    group = await _group(desk, group_id)
    with as_pages():
        await desk.asking.send("DELETE", f"/groups/{group.id}")
    return desk.done("/console/groups", "group_removed")


def _sorted(form: GroupForm, sent: SentForm) -> GroupForm | None:
    """The form with a calendar further up or down, if such a button was pressed; nothing is kept yet."""
    for button, by in (("up", -1), ("down", 1)):
        if last(sent, button):
            return form.moved(last(sent, button), by)
    return None


async def _workspace(desk: Desk) -> SeenWorkspace:
    return await desk.asking.read(SeenWorkspace, f"/workspaces/{desk.who.workspace_id}")


async def _known(desk: Desk) -> list[SeenDraft]:
    with as_pages():
        return await calendars_of(desk)


async def _group(desk: Desk, group_id: str) -> SeenGroup:
    if not re.fullmatch(r"grp_[0-9a-z]{1,40}", group_id):
        raise NOT_FOUND
    with as_pages():
        return await desk.asking.read(SeenGroup, f"/groups/{group_id}")


async def _refused(
    desk: Desk, form: GroupForm, group: SeenGroup | None, refused: ApiRefused, key: str, version: int | None = None
) -> Response:
    key = next_key(refused, key, desk.new_key)
    if refused.code == "slug_taken":
        inner, notice = form.form.with_errors({"slug": Wrong("wrong.slug_taken")}), None
    else:
        inner, notice = refused_form(form.form, refused, {})
    shown = GroupForm(inner, form.rows)
    return await _page(desk, shown, group, refused.status, notice, key=key, version=refused.version or version)


async def _page(
    desk: Desk,
    form: GroupForm,
    group: SeenGroup | None,
    status: int = 200,
    notice: str | None = None,
    *,
    key: str | None = None,
    version: int | None = None,
) -> Response:
    """The page. `version`: that from which the shown form was made, if it is not the group as it is now."""
    with as_pages():
        workspace = await _workspace(desk)
    return desk.page(
        "group.html",
        status,
        here="groups",
        group=group,
        form=form.form,
        rows=form.rows,
        notice=notice,
        slug=workspace.slug,
        key=key or desk.new_key,
        version=group.version if group and version is None else version,
        editable=desk.may("groups:manage"),
    )
