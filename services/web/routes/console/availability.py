"""`/console/availability`: when somebody works: hours of the week, other hours on a date, and blocked stretches."""

import re

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused, away
from services.web.adapters.zones import zone_named
from services.web.domain import week as weeks
from services.web.domain.days import Month, day_named
from services.web.domain.forms import Choice, Sent, Wrong, last, read
from services.web.domain.week import Row, Week
from services.web.routes.console.calendars import refused_page
from services.web.routes.console.desk import Here, SentForm
from services.web.routes.console.plan import BLOCK, Chosen, moment, plan_of
from services.web.routes.visit import Html
from turnus_runtime.http import NOT_FOUND

router = APIRouter(prefix="/availability", default_response_class=Html)

DAY = (Choice("kind", ("usual", "off", "hours")),)


@router.get("")
async def show(desk: Here) -> Response:
    """The week, a month with the dates that differ, and blocks."""
    plan = await plan_of(desk)
    return plan.page(weeks.week_of(plan.schedule))


@router.post("")
async def keep_week(desk: Here, sent: SentForm) -> Response:
    """Keep the week; or one more row, or copy a day to others, without keeping anything yet."""
    plan = await plan_of(desk, changing=True)
    week, zone, key = weeks.sent_week(sent), last(sent, "tz"), last(sent, "key")[:100] or desk.new_key

    def again(week: Week, status: int = 200, notice: str | None = None, newest: int | None = None) -> Response:
        return plan.page(week, status, notice, tz=zone, key=key, newest=newest)

    if (edited := _edited(week, sent)) is not None:
        return again(edited)
    if week.errors or zone_named(zone) is None:
        return again(week, 422, "week_wrong" if week.errors else "zone_unknown")
    try:
        await plan.keep({"tz": zone, "weekly": week.body()}, key, last(sent, "version"))
    except ApiRefused as refused:
        return again(week, refused.status, refused.code, refused.version)
    except ApiAway:
        return again(week, 503, "away")
    if plan.schedule is None and plan.asked_for is None and desk.may("calendars:manage"):
        # Hours for the first time: what guests can book is the next thing to say.
        return desk.done("/console/calendars", "hours_kept")
    return desk.done("/console/availability", "hours_kept", member=plan.asked_for)


@router.post("/day")
async def keep_day(desk: Here, sent: SentForm) -> Response:
    """Other hours on one date, a day off, or the weekday's hours again."""
    plan = await plan_of(desk, changing=True)
    day, form, rows = day_named(last(sent, "day")), read(DAY, sent), weeks.sent_rows(sent)
    if day is None or form.errors:
        return desk.redirect("/console/availability", member=plan.asked_for)
    kind: str = form.values["kind"]
    wrong = weeks.wrong_of(rows) if kind == "hours" else None
    if kind == "hours" and all(row.is_empty for row in rows):
        wrong = Wrong("wrong.missing")

    def again(status: int, notice: str | None = None) -> Response:
        chosen = Chosen(day, kind, rows or (Row(),), wrong)
        return plan.page(weeks.week_of(plan.schedule), status, notice, chosen=chosen)

    if wrong is not None:
        return again(422)
    overrides = plan.overrides_without(day)
    if kind != "usual":
        ranges = [{"start": start, "end": end} for start, end in weeks.stretches(rows)] if kind == "hours" else []
        overrides.append({"date": day.isoformat(), "ranges": ranges})
    try:
        await plan.keep({"overrides": overrides}, last(sent, "key")[:100] or desk.new_key, last(sent, "version"))
    except ApiRefused as refused:
        return again(refused.status, refused.code)
    except ApiAway:
        return again(503, "away")
    shown = {"month": str(Month.of(day)), "day": day.isoformat()}
    return desk.done("/console/availability", f"day_{kind}", member=plan.asked_for, **shown)


@router.post("/blocks")
async def block(desk: Here, sent: SentForm) -> Response:
    """Block a stretch: nobody books then, whatever the hours say. Bookings that stand are not changed."""
    plan = await plan_of(desk, changing=True)
    form = read(BLOCK, sent)
    start, end = (moment(form, which, plan.tz) for which in ("start", "end"))
    errors = {f"{which}_time": Wrong("wrong.clock") for which, at in (("start", start), ("end", end)) if at is None}
    if start is not None and end is not None and end <= start:
        errors["end_day"] = Wrong("wrong.order")
    form = form.with_errors(errors)

    def again(status: int, notice: str | None = None) -> Response:
        return plan.page(weeks.week_of(plan.schedule), status, notice, block=form)

    if form.errors or start is None or end is None:
        return again(422)
    item = {"start": start.isoformat(), "end": end.isoformat()}
    item |= {"reason": form.values["reason"]} if form.values["reason"] else {}
    try:
        key = last(sent, "key")[:100] or desk.new_key
        await desk.asking.send("POST", "/blocks", {"member_id": plan.member.id, "items": [item]}, key=key)
    except ApiRefused as refused:
        return again(refused.status, refused.code)
    except ApiAway:
        return again(503, "away")
    return desk.done("/console/availability", "blocked", member=plan.asked_for)


@router.post("/blocks/{block_id}/delete")
async def unblock(block_id: str, desk: Here) -> Response:
    """Take a block away."""
    plan = await plan_of(desk, changing=True)
    if not re.fullmatch(r"blk_[0-9a-z]{1,40}\.\d{1,4}", block_id, re.ASCII):
        raise NOT_FOUND
    try:
        await desk.asking.send("DELETE", f"/blocks/{block_id}")
    except ApiAway:
        raise away() from None
    except ApiRefused as refused:
        raise refused_page(refused) from None
    return desk.done("/console/availability", "unblocked", member=plan.asked_for)


def _edited(week: Week, sent: Sent) -> Week | None:
    """The week with one more row, or with a day copied to others, if such a button was pressed."""
    for button, days in (("workdays", weeks.WORKDAYS), ("all", weeks.WEEK)):
        if (day := _weekday(last(sent, button))) is not None:
            return weeks.copied(week, day, days)
    day = _weekday(last(sent, "more"))
    return weeks.with_row(week, day) if day is not None else None


def _weekday(text: str) -> int | None:
    return int(text) if re.fullmatch("[1-7]", text) else None
