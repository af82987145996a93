"""`/console/availability`: when somebody works: hours of the week, other hours on a date, and blocked stretches."""

import re

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused
from services.web.adapters.zones import zone_named
from services.web.domain import week as weeks
from services.web.domain.days import Month, day_named
from services.web.domain.forms import Choice, Sent, Text, Wrong, last, read
from services.web.domain.holidays import LONGEST_LABEL
from services.web.domain.week import Row, Week
from services.web.routes.console.desk import (
    Desk,
    Here,
    SentForm,
    as_pages,
    ask_once,
    is_sure,
    key_of,
    next_key,
    version_of,
)
from services.web.routes.console.plan import BLOCK, LIMITS, Chosen, Plan, moment, plan_of
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND

router = APIRouter(prefix="/availability", default_response_class=Html)

DAY = (Choice("kind", ("usual", "off", "hours")), Text("label", most=LONGEST_LABEL, needed=False))


@router.get("")
async def show(desk: Here) -> Response:
    """The week, a month with the dates that differ, and blocks."""
    plan = await plan_of(desk)
    return plan.page(weeks.week_of(plan.schedule))


@router.post("")
async def keep_week(desk: Here, sent: SentForm) -> Response:
    """Keep the week; or one more row, or copy a day to others, without keeping anything yet."""
    plan = await plan_of(desk, changing=True)
    week, zone, key, looked_at = weeks.sent_week(sent), last(sent, "tz"), key_of(sent, desk.new_key), version_of(sent)

    def again(week: Week, status: int = 200, notice: str | None = None, newest: int | None = None) -> Response:
        return plan.page(week, status, notice, tz=zone, key=key, version=looked_at if newest is None else newest)

    if (edited := _edited(week, sent)) is not None:
        return again(edited)
    if week.errors or zone_named(zone) is None:
        return again(week, 422, "week_wrong" if week.errors else "zone_unknown")
    try:
        await plan.keep({"tz": zone, "weekly": week.body()}, key, looked_at)
    except ApiRefused as refused:
        key = next_key(refused, key, desk.new_key)
        return again(week, refused.status, refused.code, refused.version)
    except ApiAway:
        return again(week, 503, "away")
    return _goes_on(desk, plan)


def _goes_on(desk: Desk, plan: Plan) -> Response:
    """Where to, after a week was kept."""
    if plan.calendar_id is not None:
        return desk.done(f"/console/calendars/{plan.calendar_id}", "hours_kept")
    if not plan.schedules and plan.asked_for is None and desk.may("calendars:manage"):
        # Hours for the first time: what guests can book is the next thing to say.
        return desk.done("/console/calendars", "hours_kept")
    return desk.done("/console/availability", "hours_kept", **plan.carried)


@router.post("/day")
async def keep_day(desk: Here, sent: SentForm) -> Response:
    """Other hours on one date, a day off, or the weekday's hours again."""
    plan = await plan_of(desk, changing=True)
    day, form, rows = day_named(last(sent, "day")), read(DAY, sent), weeks.sent_rows(sent)
    if day is None or "kind" in form.errors:
        return desk.redirect("/console/availability", **plan.carried)
    kind: str = form.values["kind"]
    wrong, looked_at, empty = weeks.wrong_of(rows), version_of(sent), all(row.is_empty for row in rows)
    if kind == "hours" and empty:
        wrong = Wrong("wrong.missing")
    elif kind != "hours" and rows != plan.rows_on(day) and not empty:
        # Hours were typed, and the choice above them says that there are none: which of the two was meant?
        wrong = Wrong("wrong.hours_or_not")

    def again(status: int, notice: str | None = None, newest: int | None = None) -> Response:
        chosen = Chosen(day, kind, rows or (Row(),), wrong, form.raw["label"], form.errors.get("label"))
        version = looked_at if newest is None else newest
        return plan.page(weeks.week_of(plan.schedule), status, notice, chosen=chosen, version=version)

    if wrong is not None or form.errors:
        return again(422)
    overrides = plan.overrides_without(day)
    if kind != "usual":
        ranges = [{"start": start, "end": end} for start, end in weeks.stretches(rows)] if kind == "hours" else []
        overrides.append({"date": day.isoformat(), "ranges": ranges, "label": form.values["label"] or None})
    try:
        await plan.keep({"overrides": overrides}, key_of(sent, desk.new_key), looked_at)
    except ApiRefused as refused:
        return again(refused.status, refused.code, refused.version)
    except ApiAway:
        return again(503, "away")
    shown = {"month": str(Month.of(day)), "day": day.isoformat()}
    return desk.done("/console/availability", f"day_{kind}", **plan.carried, **shown)


@router.post("/blocks")
async def block(desk: Here, sent: SentForm) -> Response:
    """Block a stretch: nobody books then, whatever the hours say. Bookings that stand are not changed."""
    plan = await plan_of(desk, changing=True)
    form = read(BLOCK, sent)
    start, end = (moment(form, which, plan.tz) for which in ("start", "end"))
    errors = {
        f"{which}_{'time' if day_named(form.values.get(f'{which}_day')) else 'day'}": Wrong(
            "wrong.clock" if day_named(form.values.get(f"{which}_day")) else "wrong.day"
        )
        for which, at in (("start", start), ("end", end))
        if at is None
    }
    if start is not None and end is not None and end <= start:
        errors["end_day"] = Wrong("wrong.order")
    form = form.with_errors(errors)

    key = key_of(sent, f"{desk.new_key}b")

    def again(status: int, notice: str | None = None) -> Response:
        return plan.page(weeks.week_of(plan.schedule), status, notice, block=form, key=key.removesuffix("b"))

    if form.errors or start is None or end is None:
        return again(422)
    item = {"start": start.isoformat(), "end": end.isoformat()}
    item |= {"reason": form.values["reason"]} if form.values["reason"] else {}
    try:
        await desk.asking.send("POST", "/blocks", {"member_id": plan.member.id, "items": [item]}, key=key)
    except ApiRefused as refused:
        key = next_key(refused, key, f"{desk.new_key}b")
        return again(refused.status, refused.code)
    except ApiAway:
        return again(503, "away")
    return desk.done("/console/availability", "blocked", **plan.carried)


@router.post("/limits")
async def keep_limits(desk: Here, sent: SentForm) -> Response:
    """How many bookings they take at most, in whatever calendar. Bookings that stand are not changed."""
    plan = await plan_of(desk, changing=True)
    form, looked_at = read(LIMITS, sent), version_of(sent)

    def again(status: int, notice: str | None = None, newest: int | None = None) -> Response:
        version = looked_at if newest is None else newest
        return plan.page(weeks.week_of(plan.schedule), status, notice, limits=form, limits_version=version)

    if form.errors:
        return again(422)
    body = {name.removeprefix("limit_"): most for name, most in form.values.items()}
    try:
        await desk.asking.send("PUT", f"/limits/{plan.member.id}", body, version=looked_at)
    except ApiRefused as refused:
        return again(refused.status, refused.code, refused.version)
    except ApiAway:
        return again(503, "away")
    return desk.done("/console/availability", "limits_kept", **plan.carried)


@router.get("/blocks/{block_id}/delete")
async def ask_unblock(block_id: str, desk: Here) -> Response:
    """Ask once, and name what will happen."""
    plan = await plan_of(desk, changing=True)
    known = next((one for one in plan.blocks if one.id == block_id), None)
    if known is None:
        raise NOT_FOUND
    start, end = (desk.words.moment(at, plan.tz) for at in (known.start, known.end))
    path, leave = f"/console/availability/blocks/{known.id}/delete", "/console/availability"
    return ask_once(desk, "availability", "lift_block", path, leave, carried=plan.carried, start=start, end=end)


@router.post("/blocks/{block_id}/delete")
async def unblock(block_id: str, desk: Here, sent: SentForm) -> Response:
    """Take a block away."""
    if not is_sure(sent):
        return await ask_unblock(block_id, desk)
    plan = await plan_of(desk, changing=True)
    if not re.fullmatch(r"blk_[0-9a-z]{1,40}\.\d{1,4}", block_id, re.ASCII):
        raise NOT_FOUND
    with as_pages():
        await desk.asking.send("DELETE", f"/blocks/{block_id}")
    return desk.done("/console/availability", "unblocked", **plan.carried)


def _edited(week: Week, sent: Sent) -> Week | None:
    """The week with one more row, or with a day copied to others, if such a button was pressed."""
    if (day := _weekday(last(sent, "workdays"))) is not None:
        return weeks.copied(week, day, weeks.WORKDAYS)
    day = _weekday(last(sent, "more"))
    return weeks.with_row(week, day) if day is not None else None


def _weekday(text: str) -> int | None:
    return int(text) if re.fullmatch("[1-7]", text) else None
