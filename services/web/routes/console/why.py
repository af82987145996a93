"""`/console/calendars/{…}/why`: why a time is not offered: everybody's day, and all that speaks against a start.

Who is restricted to what is assigned to them sees their own day.
"""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.responses import Response

from services.web.adapters.api import ApiRefused
from services.web.adapters.words import Words
from services.web.adapters.zones import city_of, offset_of
from services.web.domain import why as asked_why
from services.web.domain.days import day_named
from services.web.domain.forms import Day, Form, Text, Wrong, read
from services.web.domain.staff import SeenDraft
from services.web.domain.week import clock
from services.web.domain.why import Bar, Frame, Line, SeenReason, SeenVerdict, SeenWhy, SeenWhyDay
from services.web.routes.calendars import instant_text
from services.web.routes.console.calendars import names_of
from services.web.routes.console.desk import Desk, Here, as_pages
from services.web.routes.console.drafts import draft_of
from services.web.routes.visit import Html

router = APIRouter(prefix="/calendars", default_response_class=Html)

FIELDS = (Day("date"), Text("time", most=5, needed=False))
WITH_SPAN = ("BOOKED", "BUSY_EXTERNAL", "BLOCKED", "BUFFER")
"""Reasons that are about a stretch of the day."""
LIMITS = ("LIMIT", "OWN_LIMIT")
PERIODS = ("day", "week", "month")
MANY = 6
"""Members beyond whom their days are told in words only to who opens them."""
FOR_GOOD = 2100
"""A pause that nobody has ended goes on until then."""


@dataclass(frozen=True, slots=True)
class Row:
    """The day of one member, and what was found out about the chosen time, if one was chosen."""

    name: str
    lines: list[tuple[Line, str, str]]
    """each with what it says and the address that chooses its beginning"""
    bars: list[Bar]
    offered: bool | None
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """All that was found out about the day, and about the chosen time."""

    rows: list[Row]
    frame: Frame
    legend: list[tuple[str, str]]
    verdict: SeenWhy | None


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked for: a day of the calendar, and a time of it."""

    tz: str
    day: date
    start: datetime | None
    form: Form


@router.get("/{calendar_id}/why")
async def show(calendar_id: str, desk: Here) -> Response:
    """The day of every member (`?date=`), and why a time of it (`&time=`) is offered or not."""
    desk.need("calendars:view")
    with as_pages():
        draft, names = await asyncio.gather(draft_of(desk, calendar_id), names_of(desk))
    asked = _asked(desk, draft)
    if draft.status != "active":
        return _page(desk, draft, asked)
    with as_pages():
        try:
            day, verdict = await _found(desk, draft, asked)
        except ApiRefused as refused:
            if refused.code != "calendar_unknown":
                raise
            # It was published a moment ago, and is not served yet.
            return _page(desk, draft, asked)
    minutes = day.duration_minutes
    lines = {one.host_id: asked_why.lines_of(one.stretches, asked.tz, minutes) for one in day.hosts}
    frame = asked_why.frame_of(lines.values(), asked.day, asked.tz)
    verdicts = {one.host_id: one for one in verdict.hosts} if verdict is not None else {}
    somebody = desk.words.say("choice.somebody")
    rows = [
        _row(desk, draft, asked, names.get(host_id, somebody), those, frame, verdicts.get(host_id))
        for host_id, those in lines.items()
    ]
    return _page(desk, draft, asked, Shown(rows, frame, asked_why.kinds_in(lines.values()), verdict))


def _asked(desk: Desk, draft: SeenDraft) -> Question:
    """What the address says; today, without a time, where it says nothing that can be."""
    given = desk.request.query_params
    form = read(FIELDS, {name: given.getlist(name) for name in ("date", "time")})
    today = desk.now.astimezone(ZoneInfo(draft.tz)).date()
    day, errors = day_named(given.get("date")), dict[str, Wrong]()
    if given.get("date") and (day is None or not asked_why.can_be_asked(day)):
        day, errors = None, {"date": Wrong("wrong.day")}
    at = clock(form.values.get("time") or "")
    if form.values.get("time") and at is None:
        errors["time"] = Wrong("wrong.clock")
    form = form.with_errors(errors)
    day = day or today
    start = None
    if at is not None and "date" not in form.errors:
        start = asked_why.start_at(day, at, draft.tz, again=given.get("again") == "1")
    raw = {"date": given.get("date") or day.isoformat(), "time": form.raw["time"][:10]}
    return Question(draft.tz, day, start, Form(raw, form.values, form.errors))


async def _found(desk: Desk, draft: SeenDraft, asked: Question) -> tuple[SeenWhyDay, SeenWhy | None]:
    day = desk.asking.read(SeenWhyDay, "/slots/why/day", calendar=draft.id, date=asked.day.isoformat(), tz=asked.tz)
    if asked.start is None:
        return await day, None
    start = desk.asking.read(SeenWhy, "/slots/why", calendar=draft.id, start=instant_text(asked.start))
    return await asyncio.gather(day, start)


def _row(
    desk: Desk,
    draft: SeenDraft,
    asked: Question,
    name: str,
    lines: list[Line],
    frame: Frame,
    verdict: SeenVerdict | None,
) -> Row:
    words = desk.words
    told = [
        (line, _short(words, line.codes), _link(desk, draft, line.start) if line.start.date() == asked.day else "")
        for line in lines
    ]
    reasons = [because(words, one, asked) for one in verdict.reasons] if verdict is not None else []
    offered = verdict.offered if verdict is not None else None
    return Row(name, told, asked_why.bars_of(lines, frame), offered, list(dict.fromkeys(reasons)))


def _short(words: Words, codes: tuple[str, ...]) -> str:
    """What speaks against the times of a stretch, in a few words."""
    told = [words.say(f"against.{code.lower()}") if code in asked_why.KIND_OF else "" for code in codes]
    said = [one or words.say("against.other") for one in dict.fromkeys(told)]
    return ", ".join(said) if said else words.say("against.none")


def because(words: Words, reason: SeenReason, asked: Question) -> str:
    """A reason in words, with the stretch, the moment or the number that it is about."""
    zone, code = ZoneInfo(asked.tz), reason.word
    start, end = (at.astimezone(zone) if at is not None else None for at in (reason.start, reason.end))
    if code in WITH_SPAN and start is not None and end is not None:
        return words.say(f"because.{code.lower()}", span=_span(words, start, end, asked.day))
    if code in LIMITS and reason.period in PERIODS and reason.most is not None and reason.counted is not None:
        return words.say(f"because.{code.lower()}_{reason.period}", most=reason.most, counted=reason.counted)
    if code == "PAUSED" and start is not None and end is not None:
        if end.year >= FOR_GOOD - 1:
            return words.say("because.paused", start=words.moment(start, asked.tz))
        return words.say("because.paused_until", span=_span(words, start, end, asked.day))
    moment = {"NOTICE": end, "TOO_EARLY": end, "TOO_FAR": start, "DURATION": end}.get(code)
    if moment is not None:
        return words.say(f"because.{code.lower()}", moment=_moment(words, moment, asked.day))
    said = _short(words, (code,))
    return said[:1].upper() + said[1:]


def _span(words: Words, start: datetime, end: datetime, day: date) -> str:
    """A stretch, with its days where it is not all of the day that is shown."""
    ends_with_day = end.date() == day + timedelta(days=1) and not end.hour and not end.minute
    if start.date() == day and ends_with_day and not start.hour and not start.minute:
        return words.say("because.all_day")
    if start.date() == day and (end.date() == day or ends_with_day):
        return f"{words.time(start)}–{words.time(end)}"
    return f"{words.day(start)}, {words.time(start)} – {words.day(end)}, {words.time(end)}"


def _moment(words: Words, at: datetime, day: date) -> str:
    return words.time(at) if at.date() == day else f"{words.day(at)}, {words.time(at)}"


def _link(desk: Desk, draft: SeenDraft, at: datetime) -> str:
    """The address that asks about this start, by the clocks of its zone."""
    again = "1" if at.fold else None
    address = desk.url(_path(draft.id), date=at.date().isoformat(), time=f"{at:%H:%M}", again=again)
    return f"{address}#time-asked"


def _path(calendar_id: str) -> str:
    return f"/console/calendars/{calendar_id}/why"


def _page(desk: Desk, draft: SeenDraft, asked: Question, shown: Shown | None = None) -> Response:
    """The page; nothing is `shown` of a calendar that guests are not served."""
    zone, start = ZoneInfo(asked.tz), asked.start
    following = shown.verdict.next_offered if shown is not None and shown.verdict is not None else None
    following = following.astimezone(zone) if following is not None else None
    noon = datetime(asked.day.year, asked.day.month, asked.day.day, 12, tzinfo=zone)
    is_marked = shown is not None and start is not None and shown.frame.holds(start)
    return desk.page(
        "why.html",
        422 if asked.form.errors else 200,
        here="calendars",
        draft=draft,
        form=asked.form,
        day=asked.day,
        start=start.astimezone(zone) if start is not None else None,
        shown=shown,
        many=shown is not None and len(shown.rows) > MANY,
        signs=asked_why.MARKS,
        ticks=shown.frame.ticks(asked.tz) if shown is not None else (),
        mark=shown.frame.at(start) if shown is not None and start is not None and is_marked else None,
        offered=shown is not None and any(row.offered for row in shown.rows),
        following=following,
        following_url=_link(desk, draft, following) if following is not None else None,
        earlier=_beside(desk, draft, asked.day, -1),
        later=_beside(desk, draft, asked.day, 1),
        city=city_of(asked.tz, str(desk.words.locale)),
        offset=offset_of(noon),
        action=desk.url(_path(draft.id)),
    )


def _beside(desk: Desk, draft: SeenDraft, day: date, days: int) -> str | None:
    other = day + timedelta(days=days)
    return desk.url(_path(draft.id), date=other.isoformat()) if asked_why.can_be_asked(other) else None
