"""Somebody's availability as the console shows and keeps it."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from starlette.responses import Response

from services.web.adapters.api import ApiAway, ApiRefused
from services.web.adapters.zones import city_of, regions
from services.web.domain import schedules as kept_schedules
from services.web.domain import week as weeks
from services.web.domain.days import FARTHEST_MONTHS, Month, day_named, month_named
from services.web.domain.forms import Day, Form, Number, Text, Wrong, shown
from services.web.domain.staff import Listed, SeenBlock, SeenDraft, SeenLimits, SeenMember, SeenSchedule
from services.web.domain.week import Row, Week
from services.web.routes.console.calendars import AT_ONCE, calendars_of, members_of
from services.web.routes.console.desk import Desk, as_pages
from turnus_runtime.http import FORBIDDEN, NOT_FOUND

BLOCK = (
    Day("start_day", needed=True),
    Text("start_time", most=5),
    Day("end_day", needed=True),
    Text("end_time", most=5),
    Text("reason", needed=False),
)
MOST_BOOKINGS = 10_000
LIMITS = tuple(Number(f"limit_{span}", 1, MOST_BOOKINGS, needed=False) for span in ("day", "week", "month"))


@dataclass(frozen=True, slots=True)
class Chosen:
    """The date that is being changed: as the weekday (`usual`), `off`, or with `hours` of its own."""

    day: date
    kind: str
    rows: tuple[Row, ...]
    wrong: Wrong | None = None
    label: str = ""
    label_wrong: Wrong | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A day of the month: its kind and label, and the address that chooses it; None for the past."""

    day: date
    kind: str
    label: str
    url: str | None
    chosen: bool
    today: bool


class Told(NamedTuple):
    """A date that differs: `off` or with `hours`, its rows, and what it is if somebody said so."""

    day: date
    kind: str
    rows: tuple[Row, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Plan:
    """Whose availability it is, and all that is known of it. `others` are those whose it could be too.

    `schedule` is the one of `schedules` that is shown and changed; `calendars` are those in which they serve.
    """

    desk: Desk
    member: SeenMember
    others: Sequence[SeenMember]
    schedule: SeenSchedule | None
    blocks: Sequence[SeenBlock]
    schedules: Sequence[SeenSchedule]
    limits: SeenLimits
    calendars: Sequence[SeenDraft]

    @property
    def tz(self) -> str:
        """The zone of the hours."""
        return self.schedule.tz if self.schedule is not None else self.member.tz

    @property
    def today(self) -> date:
        """The day that it is there."""
        return self.desk.now.astimezone(ZoneInfo(self.tz)).date()

    @property
    def asked_for(self) -> str | None:
        """For addresses: whose it is, unless it is one's own."""
        return None if self.member.id == self.desk.who.member_id else self.member.id

    @property
    def calendar_id(self) -> str | None:
        """The calendar from whose form somebody came to say these hours; they go back to it."""
        found = re.fullmatch(r"cal_[0-9a-z]{1,40}", self.desk.request.query_params.get("calendar", ""))
        return found[0] if found else None

    @property
    def standard(self) -> SeenSchedule | None:
        """The schedule by which all calendars go that have no other one."""
        return kept_schedules.standard(self.schedules)

    @property
    def is_standard(self) -> bool:
        """Whether it is the one that is shown."""
        return self.schedule == self.standard

    @property
    def carried(self) -> dict[str, str | None]:
        """What every address of this page says."""
        chosen = self.schedule.id if self.schedule is not None and not self.is_standard else None
        return {"member": self.asked_for, "calendar": self.calendar_id, "schedule": chosen}

    def overrides_without(self, day: date) -> list[dict[str, Any]]:
        """What was said of all other dates, for the API."""
        known = self.schedule.overrides if self.schedule is not None else ()
        return [one.model_dump() for one in known if one.date != day.isoformat()]

    def rows_on(self, day: date) -> tuple[Row, ...]:
        """The hours of a date that has its own."""
        return next((one.rows for one in self._told() if one.day == day), ())

    async def keep(self, values: Mapping[str, Any], key: str, version: int) -> None:
        """Keep these parts of the schedule as it was in that version; the rest stays. Raises `ApiRefused`, `ApiAway`.

        A first schedule has the hours that are given and no others: nothing is on offer that nobody kept.
        """
        if self.schedule is None:
            name = self.desk.words.say("hours.name")
            body: dict[str, Any] = {
                "member_id": self.member.id,
                "name": name,
                "tz": self.tz,
                "default": True,
                "weekly": [],
            }
            await self.desk.asking.send("POST", "/schedules", {**body, **values}, key=key)
            return
        known = self.schedule.model_dump(include={"name", "tz", "weekly", "overrides"}, mode="json")
        # Only what counts now: the change makes this schedule the newest, and the newest one counts.
        known["default"] = self.is_standard
        known["calendar_ids"] = kept_schedules.calendars_of(self.schedule, self.schedules)
        path = f"/schedules/{self.schedule.id}"
        await self.desk.asking.send("PUT", path, {**known, **values}, key=key, version=version)

    def page(
        self,
        week: Week,
        status: int = 200,
        notice: str | None = None,
        *,
        tz: str | None = None,
        key: str | None = None,
        version: int | None = None,
        chosen: Chosen | None = None,
        block: Form | None = None,
        limits: Form | None = None,
        limits_version: int | None = None,
    ) -> Response:
        """The page, with what was typed where something was refused, made from that `version`."""
        desk, zone = self.desk, ZoneInfo(self.tz)
        asked, today = desk.request.query_params, self.today
        chosen = chosen or self._chosen(day_named(asked.get("day")))
        earliest = Month.of(today)
        month = month_named(asked.get("month")) or (Month.of(chosen.day) if chosen else earliest)
        month = min(max(month, earliest), earliest.shifted(FARTHEST_MONTHS))
        locale = str(desk.words.locale)

        def leaf(to: Month) -> str:
            return f"{desk.url('/console/availability', **self.carried, month=str(to))}#dates"

        own = self.member.id == desk.who.member_id
        return desk.page(
            "availability.html",
            status,
            here="availability",
            plan=self,
            week=week,
            weekdays=desk.words.days_from_monday(),
            most_ranges=weeks.MOST_RANGES,
            empty_row=Row(),
            notice=notice,
            tz=tz or self.tz,
            city=city_of(self.tz, locale),
            regions=regions(locale),
            key=key or desk.new_key,
            version=self.schedule.version if self.schedule and version is None else version,
            month=month,
            cells=[
                [None if day is None else self._cell(day, today, month, chosen) for day in row]
                for row in month.weeks(desk.words.locale.first_week_day)
            ],
            earlier=leaf(month.shifted(-1)) if month > earliest else None,
            later=leaf(month.shifted(1)) if month < earliest.shifted(FARTHEST_MONTHS) else None,
            chosen=chosen,
            named=[one for one in self._told() if one.label and Month.of(one.day) == month],
            ahead=[one for one in self._told() if one.day >= today],
            blocks=self._blocks_ahead(zone),
            block=block or shown(BLOCK, {}),
            limits=limits or shown(LIMITS, {f"limit_{span}": most for span, most in self.limits.model_dump().items()}),
            limits_version=self.limits.version if limits_version is None else limits_version,
            listed=self._listed() if len(self.schedules) > 1 else (),
            serving=[one for one in self.calendars if one.status == "active"],
            own=own,
            editable=own or desk.may("team:manage"),
        )

    def _listed(self) -> list[tuple[SeenSchedule, bool, list[str], str]]:
        """All schedules, the standard first: whether it is that, where it counts, and the address that shows it."""
        names, standard = {one.id: one.name for one in self.calendars}, self.standard
        found: list[tuple[SeenSchedule, bool, list[str], str]] = []
        for one in sorted(self.schedules, key=lambda one: (one != standard, one.name.casefold())):
            there = [names.get(cal, "…") for cal in kept_schedules.calendars_of(one, self.schedules)]
            chosen = {**self.carried, "schedule": None if one == standard else one.id}
            found.append((one, one == standard, there, self.desk.url("/console/availability", **chosen)))
        return found

    def _chosen(self, day: date | None) -> Chosen | None:
        if day is None:
            return None
        found = self._told_of(day)
        if found is None:
            return Chosen(day, "usual", (Row(),))
        return Chosen(day, found.kind, found.rows or (Row(),), label=found.label)

    def _told_of(self, day: date) -> Told | None:
        return next((one for one in self._told() if one.day == day), None)

    def _told(self) -> list[Told]:
        """The dates that differ, in order."""
        overrides = self.schedule.overrides if self.schedule is not None else ()
        return sorted(
            Told(
                date.fromisoformat(one.date),
                "hours" if one.ranges else "off",
                weeks.rows_of(one.ranges),
                one.label or "",
            )
            for one in overrides
        )

    def _cell(self, day: date, today: date, month: Month, chosen: Chosen | None) -> Cell:
        told = self._told_of(day)
        kind, label = (told.kind, told.label) if told is not None else ("", "")
        address = self.desk.url("/console/availability", **self.carried, month=str(month), day=day.isoformat())
        url = f"{address}#date" if day >= today else None
        return Cell(day, kind, label, url, chosen is not None and chosen.day == day, day == today)

    def _blocks_ahead(self, zone: ZoneInfo) -> list[tuple[SeenBlock, datetime, datetime]]:
        ahead = [one for one in self.blocks if one.end > self.desk.now]
        return [(one, one.start.astimezone(zone), one.end.astimezone(zone)) for one in sorted(ahead, key=_start_of)]


async def plan_of(desk: Desk, *, changing: bool = False) -> Plan:
    """One's own availability, or that of `?member=`. Raises 403 for changing another's without the permission to."""
    asked = desk.request.query_params.get("member") or desk.who.member_id
    with as_pages():
        others = await members_of(desk) if desk.may("team:view", of_all=True) else [desk.who.member]
        member = next((one for one in others if one.id == asked), None)
        if member is None:
            raise NOT_FOUND
        schedules, blocks, limits, calendars = await asyncio.gather(
            desk.asking.read(Listed[SeenSchedule], "/schedules", member_id=member.id, limit=AT_ONCE),
            desk.asking.read(Listed[SeenBlock], "/blocks", member_id=member.id, limit=AT_ONCE),
            _limits(desk, member.id),
            _calendars(desk, member.id),
        )
    if changing and member.id != desk.who.member_id and not desk.may("team:manage"):
        raise FORBIDDEN
    chosen = kept_schedules.standard(schedules.items)
    if wanted := desk.request.query_params.get("schedule"):
        chosen = next((one for one in schedules.items if one.id == wanted), None)
        if chosen is None:
            raise NOT_FOUND
    return Plan(desk, member, others, chosen, blocks.items, schedules.items, limits, calendars)


async def _limits(desk: Desk, member_id: str) -> SeenLimits:
    try:
        return await desk.asking.read(SeenLimits, f"/limits/{member_id}")
    except NOT_FOUND:
        # They were made a moment ago: nobody has set any.
        return SeenLimits()


async def _calendars(desk: Desk, member_id: str) -> list[SeenDraft]:
    """The published calendars in which they serve; hours can be changed without knowing these."""
    try:
        known = await calendars_of(desk)
    except (ApiAway, ApiRefused):
        return []
    return [one for one in known if one.published_version and any(seat.member_id == member_id for seat in one.members)]


def moment(form: Form, which: str, tz: str) -> datetime | None:
    """The instant of a date and a clock time of the form, in this zone; None if either is none."""
    day, clock = day_named(form.values.get(f"{which}_day")), weeks.clock(form.values.get(f"{which}_time") or "")
    if day is None or clock is None:
        return None
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(tz))


def _start_of(one: SeenBlock) -> datetime:
    return one.start
