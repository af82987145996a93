"""Why times are offered or not: what the API says of a day and of one start, as the strips and lines of a page."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from services.web.domain.seen import Seen

KINDS = ("free", "busy", "blocked", "buffer", "full", "hidden", "window", "closed", "raster", "other")
"""What a stretch of a day looks like, in the order of the legend."""
MARKS = {
    "free": "✓",
    "busy": "●",
    "blocked": "×",
    "buffer": "=",
    "full": "#",
    "hidden": "?",
    "window": "›",
    "closed": "–",
    "raster": "·",
    "other": "!",
}
"""A sign for each kind, so that none is known by its colour alone."""
KIND_OF = {
    "CALENDAR_CLOSED": "closed",
    "OUTSIDE_HOURS": "closed",
    "MEMBER_OFF": "closed",
    "PAUSED": "closed",
    "DURATION": "closed",
    "BOOKED": "busy",
    "BUSY_EXTERNAL": "busy",
    "BLOCKED": "blocked",
    "BUFFER": "buffer",
    "PAST": "window",
    "NOTICE": "window",
    "TOO_EARLY": "window",
    "TOO_FAR": "window",
    "LIMIT": "full",
    "OWN_LIMIT": "full",
    "LOOK_BUSY": "hidden",
    "OFF_RASTER": "raster",
}
"""The kind of each reason. Of several the first one here counts: that nobody is at work tells more than notice."""
TOLD_APART = {("MEMBER_OFF", "pause"): "PAUSED", ("LIMIT", "member"): "OWN_LIMIT"}
"""Reasons with one code in the API for which this page has words of their own."""
RASTER, HIDDEN = "OFF_RASTER", "LOOK_BUSY"
OPEN: tuple[tuple[str, ...], ...] = ((), (HIDDEN,))
"""Nothing but Look Busy speaks against these starts."""
AWAY, ENOUGH = (
    ("CALENDAR_CLOSED", "OUTSIDE_HOURS", "MEMBER_OFF", "PAUSED"),
    ("BOOKED", "BUSY_EXTERNAL", "BLOCKED", "DURATION"),
)
HOUR, STEP = timedelta(hours=1), timedelta(minutes=5)
"""A day is told in steps."""
USUAL = (time(8), time(18))
"""What a strip shows of a day on which nobody works."""
MOST_TICKS = 6
LAST_TICK = 86.0
"""Beyond it, in per cent, the time at a tick would be cut on the narrowest page."""
NARROWEST = 3.5
"""So many per cent of a strip a stretch takes at least to have its sign on it."""
FIRST_YEAR, LAST_YEAR = 2001, 2099


class SeenShort(Seen):
    """One reason against many starts. `off`: why the member is not there; `limit_of`: whose limit it is."""

    code: str
    off: str | None = None
    limit_of: str | None = None

    @property
    def word(self) -> str:
        """By which the page knows it: its code, where that does not tell enough another one."""
        return TOLD_APART.get((self.code, self.off or self.limit_of or ""), self.code)


class SeenStretch(Seen):
    """Starts in a row, half-open; `reasons` speak against them, none if they are offered."""

    start: datetime
    end: datetime
    reasons: tuple[SeenShort, ...]

    @property
    def codes(self) -> tuple[str, ...]:
        """The words by which the page knows the reasons."""
        return tuple(dict.fromkeys(one.word for one in self.reasons))


class SeenDayOf(Seen):
    """The day of one member."""

    host_id: str
    stretches: tuple[SeenStretch, ...]


class SeenWhyDay(Seen):
    """The day of a calendar."""

    tz: str
    duration_minutes: int
    hosts: tuple[SeenDayOf, ...]


class SeenReason(SeenShort):
    """Against one start. `start`, `end`: what it is about; of a limit its `period`, and `counted` of `most`."""

    start: datetime | None = None
    end: datetime | None = None
    period: str | None = None
    most: int | None = None
    counted: int | None = None


class SeenVerdict(Seen):
    """One member and one start."""

    host_id: str
    offered: bool
    reasons: tuple[SeenReason, ...]


class SeenWhy(Seen):
    """One start, for every member; `next_offered`: the nearest other one that guests are offered."""

    start: datetime
    duration_minutes: int
    hosts: tuple[SeenVerdict, ...]
    next_offered: datetime | None


@dataclass(frozen=True, slots=True)
class Line:
    """Starts in a row of which the same is to be said."""

    start: datetime
    end: datetime
    codes: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A line as a part of a strip: `x` and `width` in per cent of it, its `mark` if there is room."""

    kind: str
    x: float
    width: float
    mark: str

    @property
    def middle(self) -> float:
        """Where its mark stands."""
        return round(self.x + self.width / 2, 3)


@dataclass(frozen=True, slots=True)
class Frame:
    """What the strips of a day show of it."""

    start: datetime
    end: datetime

    def at(self, moment: datetime) -> float:
        """How far along a moment lies, in per cent."""
        return round(100 * (moment - self.start) / (self.end - self.start), 3)

    def holds(self, moment: datetime) -> bool:
        """Whether a moment can be shown."""
        return self.start <= moment < self.end

    def ticks(self, tz: str) -> list[tuple[float, datetime]]:
        """Whole hours in a row with as much between them that they can be read, by the clocks of the zone."""
        hours = max(1, round((self.end - self.start) / HOUR))
        step = next((one for one in (1, 2, 4) if hours <= one * MOST_TICKS), 6)
        there = [self.start + HOUR * n for n in range(0, hours, step)]
        return [(self.at(one), one.astimezone(ZoneInfo(tz))) for one in there if self.at(one) <= LAST_TICK]


def lines_of(stretches: Iterable[SeenStretch], tz: str, duration_minutes: int) -> list[Line]:
    """The stretches by the clocks of the zone, with what tells most; what is told alike goes together.

    No appointment begins beside the raster: what lies there belongs to the free start before it, as long as an
    appointment that begins then would last.
    """
    zone, found = ZoneInfo(tz), list[Line]()
    lasts = max(timedelta(minutes=duration_minutes) - STEP, timedelta(0))
    for one in stretches:
        codes = telling(one.codes)
        start, end = one.start.astimezone(UTC), one.end.astimezone(UTC)
        if found and found[-1].codes in OPEN and codes != found[-1].codes and RASTER in one.codes:
            start = min(end, found[-1].end.astimezone(UTC) + lasts)
            found[-1] = replace(found[-1], end=start.astimezone(zone))
        if found and found[-1].codes == codes:
            found[-1] = replace(found[-1], end=end.astimezone(zone))
        elif start < end:
            found.append(Line(start.astimezone(zone), end.astimezone(zone), codes, kind_of(codes)))
    return found


def telling(codes: Sequence[str]) -> tuple[str, ...]:
    """What to say of many starts at once; the page says all of a single one.

    Of somebody who is not at work nothing more is said; buffers not where more than that is in the way; that starts lie
    beside the raster or are hidden only where nothing else speaks against them.
    """
    if away := tuple(code for code in codes if code in AWAY):
        return away
    left = tuple(code for code in codes if code not in (RASTER, HIDDEN)) or tuple(codes)
    if any(code in ENOUGH for code in left):
        left = tuple(code for code in left if code != "BUFFER")
    return left


def kind_of(codes: Sequence[str]) -> str:
    """What a stretch looks like with these reasons against it."""
    if not codes:
        return "free"
    return next((kind for code, kind in KIND_OF.items() if code in codes), "other")


def frame_of(rows: Iterable[Sequence[Line]], day: date, tz: str) -> Frame:
    """The whole hours of the day in which anybody works, of all members together."""
    zone = ZoneInfo(tz)
    open_lines = [line for row in rows for line in row if line.kind != "closed"]
    usual = [datetime.combine(day, one, zone).astimezone(UTC) for one in USUAL]
    start = min((line.start.astimezone(UTC) for line in open_lines), default=usual[0])
    end = max((line.end.astimezone(UTC) for line in open_lines), default=usual[1])
    # By the clock on the wall: zones lie half hours apart.
    early = start.astimezone(zone)
    late = end.astimezone(zone)
    start -= timedelta(minutes=early.minute)
    end += timedelta(minutes=-late.minute % 60)
    return Frame(start, end)


def bars_of(lines: Iterable[Line], frame: Frame) -> list[Bar]:
    """The lines as far as the frame shows them."""
    found: list[Bar] = []
    for line in lines:
        start, end = max(line.start.astimezone(UTC), frame.start), min(line.end.astimezone(UTC), frame.end)
        if start < end:
            x = frame.at(start)
            width = round(frame.at(end) - x, 3)
            found.append(Bar(line.kind, x, width, MARKS[line.kind] if width >= NARROWEST else ""))
    return found


def kinds_in(rows: Iterable[Sequence[Line]]) -> list[tuple[str, str]]:
    """The kinds that a day shows with their signs, for its legend."""
    there = {line.kind for row in rows for line in row}
    return [(kind, MARKS[kind]) for kind in KINDS if kind in there]


def hidden_in(day: SeenWhyDay, tz: str) -> list[tuple[datetime, datetime]]:
    """When guests could begin if Look Busy hid nothing, of all members together, by the clocks of the zone."""
    found: list[tuple[datetime, datetime]] = []
    zone = ZoneInfo(tz)
    alone = [
        (line.start.astimezone(UTC), line.end.astimezone(UTC))
        for host in day.hosts
        for line in lines_of(host.stretches, tz, day.duration_minutes)
        if line.codes == (HIDDEN,)
    ]
    for start, end in sorted(alone):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return [(start.astimezone(zone), end.astimezone(zone)) for start, end in found]


def start_at(day: date, clock: str, tz: str, *, again: bool = False) -> datetime:
    """The instant (UTC) of a clock time (`HH:MM`, `24:00` too) of a day; `again`: the second one of that night on
    which clocks are set back. A time that clocks skip is the one that they show instead.
    """
    if clock == "24:00":
        day, clock = day + timedelta(days=1), "00:00"
    wall = datetime.combine(day, time.fromisoformat(clock), ZoneInfo(tz))
    return wall.replace(fold=int(again)).astimezone(UTC)


def can_be_asked(day: date) -> bool:
    """Whether a day and its neighbours are days of the API."""
    return FIRST_YEAR <= day.year <= LAST_YEAR
