"""`/console/availability/schedules`: several schedules of one member: their names, which is the standard, where the
others count.
"""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, read_as
from services.web.domain.forms import Form, shown
from services.web.domain.schedules import FIELDS, Place, calendars_of, chosen_in, places, sent_form, sent_places
from services.web.domain.staff import SeenSchedule
from services.web.routes.console.desk import (
    Desk,
    Here,
    SentForm,
    ask_once,
    is_sure,
    key_of,
    next_key,
    refused_form,
    version_of,
)
from services.web.routes.console.plan import Plan, plan_of
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND

router = APIRouter(prefix="/availability/schedules", default_response_class=Html)

AVAILABILITY = "/console/availability"


@router.get("/new")
async def ask_new(desk: Here) -> Response:
    """The form of one more schedule."""
    plan = await plan_of(desk, changing=True)
    if plan.schedule is None:
        return desk.redirect(AVAILABILITY, **_whose(plan))
    return _page(plan, None, shown(FIELDS, {}), places(plan.calendars, None, plan.schedules))


@router.post("/new")
async def make(desk: Here, sent: SentForm) -> Response:
    """Make one more schedule. It begins with the hours and dates of the standard, and is changed from there."""
    plan = await plan_of(desk, changing=True)
    if plan.schedule is None:
        return desk.redirect(AVAILABILITY, **_whose(plan))
    form, key = sent_form(sent, None, plan.schedules), key_of(sent, desk.new_key)
    offered = sent_places(places(plan.calendars, None, plan.schedules), sent)
    if form.errors:
        return _page(plan, None, form, offered, 422, key=key)
    body: dict[str, Any] = {
        **plan.schedule.model_dump(include={"tz", "weekly", "overrides"}, mode="json"),
        "member_id": plan.member.id,
        "name": form.values["name"],
        "default": form.values["default"],
        "calendar_ids": chosen_in(offered),
    }
    try:
        made = read_as(SeenSchedule, await desk.asking.send("POST", "/schedules", body, key=key))
    except ApiRefused as refused:
        form, notice = refused_form(form, refused, {})
        key = next_key(refused, key, desk.new_key)
        return _page(plan, None, form, offered, refused.status, notice, key=key)
    except ApiAway:
        return _page(plan, None, form, offered, 503, "away", key=key)
    return desk.done(AVAILABILITY, "schedule_made", **_whose(plan), schedule=made.id)


@router.get("/{schedule_id}")
async def show(schedule_id: str, desk: Here) -> Response:
    """The name of a schedule, and where it counts."""
    plan = await plan_of(desk, changing=True)
    known = _known(plan, schedule_id)
    form = shown(FIELDS, {"name": known.name, "default": known == plan.standard})
    return _page(plan, known, form, places(plan.calendars, known, plan.schedules))


@router.post("/{schedule_id}")
async def change(schedule_id: str, desk: Here, sent: SentForm) -> Response:
    """Rename it, make it the standard, choose its calendars. Whoever was slower is told, and loses nothing."""
    plan = await plan_of(desk, changing=True)
    known = _known(plan, schedule_id)
    form, looked_at = sent_form(sent, known, plan.schedules), version_of(sent)
    offered = sent_places(places(plan.calendars, known, plan.schedules), sent)

    def again(form: Form, status: int, notice: str | None = None, newest: int | None = None) -> Response:
        version = looked_at if newest is None else newest
        return _page(plan, known, form, offered, status, notice, version=version)

    if form.errors:
        return again(form, 422)
    body: dict[str, Any] = {
        **known.model_dump(include={"tz", "weekly", "overrides"}, mode="json"),
        "name": form.values["name"],
        # The standard stays it until another one becomes it.
        "default": form.values["default"] or known == plan.standard,
        "calendar_ids": chosen_in(offered, calendars_of(known, plan.schedules)),
    }
    try:
        await desk.asking.send("PUT", f"/schedules/{known.id}", body, version=looked_at)
    except ApiRefused as refused:
        form, notice = refused_form(form, refused, {})
        return again(form, refused.status, notice, refused.version)
    except ApiAway:
        return again(form, 503, "away")
    return desk.done(AVAILABILITY, "schedule_kept", **_whose(plan), schedule=known.id)


@router.get("/{schedule_id}/remove")
async def ask_remove(schedule_id: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    plan = await plan_of(desk, changing=True)
    known = _known(plan, schedule_id)
    if known == plan.standard:
        return desk.redirect(AVAILABILITY, refused="schedule_standard", **_whose(plan))
    path = f"{AVAILABILITY}/schedules/{known.id}/remove"
    own, version = _whose(plan), known.version
    return ask_once(
        desk, "availability", "remove_schedule", path, AVAILABILITY, version=version, carried=own, name=known.name
    )


@router.post("/{schedule_id}/remove")
async def remove(schedule_id: str, desk: Here, sent: SentForm) -> Response:
    """Remove a schedule that is not the standard: its calendars go by that again."""
    if not is_sure(sent):
        return await ask_remove(schedule_id, desk)
    plan = await plan_of(desk, changing=True)
    known = _known(plan, schedule_id)
    if known == plan.standard:
        return desk.redirect(AVAILABILITY, refused="schedule_standard", **_whose(plan))
    try:
        await desk.asking.send("DELETE", f"/schedules/{known.id}", version=version_of(sent))
    except ApiRefused:
        return desk.redirect(AVAILABILITY, refused="schedule_changed", **_whose(plan), schedule=known.id)
    except ApiAway:
        return desk.redirect(AVAILABILITY, refused="away", **_whose(plan), schedule=known.id)
    return desk.done(AVAILABILITY, "schedule_removed", **_whose(plan))


def _known(plan: Plan, schedule_id: str) -> SeenSchedule:
    known = next((one for one in plan.schedules if one.id == schedule_id), None)
    if known is None:
        raise NOT_FOUND
    return known


def _whose(plan: Plan) -> dict[str, str | None]:
    """What the addresses of these pages say; which schedule they are about stands elsewhere in them."""
    return {"member": plan.asked_for, "calendar": plan.calendar_id}


def _page(
    plan: Plan,
    known: SeenSchedule | None,
    form: Form,
    offered: list[Place],
    status: int = 200,
    notice: str | None = None,
    *,
    key: str | None = None,
    version: int | None = None,
) -> Response:
    """The form of one schedule; `version`: that from which it was made, if it is not the schedule as it is now."""
    desk: Desk = plan.desk
    of_one = "new" if known is None else known.id
    return desk.page(
        "schedule.html",
        status,
        here="availability",
        plan=plan,
        schedule=known,
        own=plan.member.id == desk.who.member_id,
        form=form,
        places=offered,
        notice=notice,
        key=key or desk.new_key,
        version=known.version if known is not None and version is None else version,
        is_standard=known is not None and known == plan.standard,
        whose=_whose(plan),
        action=desk.url(f"{AVAILABILITY}/schedules/{of_one}", **_whose(plan)),
    )
