"""`/styleguide`: every component of the pages on one page, drawn by the macros that the pages use; in a demo only."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.web.adapters.words import Words
from services.web.adapters.writing import assets
from services.web.adapters.zones import city_of, offset_of
from services.web.domain.colours import lengths, pairs
from services.web.domain.days import Month, by_part
from services.web.domain.forms import Flag, Form, Number, Span, Text, Wrong, shown
from services.web.domain.seen import Host, Person, Place, SeenCalendar
from services.web.domain.staff import SeenEntry
from services.web.routes.picking import Cell, Picker, Time
from services.web.routes.visit import Html, Reader, reader_of
from turnus_runtime.http import NOT_FOUND, On

router = APIRouter(prefix="/styleguide", default_response_class=Html)

HERE = "/styleguide"
ZONE = "Europe/Berlin"
DAY = date(2027, 1, 12)
NOON = datetime(2027, 1, 12, 12, tzinfo=ZoneInfo(ZONE))
FREE_DAYS, FREE_HOURS = (5, 6, 7, 12, 13, 14, 19, 26, 28), (7, 9, 10, 13, 14, 18)
ADA, BERND = Host(id="mem_ada", name="Ada Lindner"), Host(id="mem_bernd", name="Bernd Okafor")
GRACE = Person(name="Grace Hopper", email="grace@example.org")
ICONS = (
    *("time", "address", "phone", "link", "person", "people", "day", "globe", "done", "note", "no", "wait"),
    *("calendars", "list", "mail", "key", "home", "pulse", "back", "on"),
)
SECTIONS = (
    *("colours", "spaces", "type", "icons", "buttons", "links", "fields", "wrong", "choices", "notices"),
    *("states", "signs", "lists", "tables", "sheets", "picker", "empty", "asking"),
)
STATES = (
    *("requested", "confirmed", "moved", "moving", "attended"),
    *("no_show", "cancelled", "rejected", "expired", "past"),
)
FIELDS = (
    Text("name"),
    Text("description", needed=False, lines=True),
    Text("slug", most=63),
    Number("duration_minutes", 5, 720),
    Span("notice_minutes", 100_000),
    Text("location_kind", needed=False),
    Flag("guest_chooses_host"),
)


@router.get("")
async def show_styleguide(request: Request, on: On) -> Response:
    """The styleguide. 404 where this is not a demo (`TURNUS_DEMO`)."""
    if not on.settings.demo:
        raise NOT_FOUND
    reader = reader_of(request)
    css = assets()["tokens.css"].body.decode()
    return reader.page(
        "styleguide.html",
        headers={"X-Robots-Tag": "noindex, nofollow"},
        sections=SECTIONS,
        icons=ICONS,
        states=STATES,
        pairs=pairs(css),
        spaces=lengths(css, "space"),
        sizes=lengths(css, "type"),
        form=_form(),
        wrong=_form().with_errors({"slug": Wrong("wrong.slug_taken"), "duration_minutes": _out_of_range()}),
        lines=[_line(reader, state) for state in STATES],
        calendar=_calendar(),
        picker=_picker(reader),
        here=HERE,
        grace=GRACE,
    )


def _form() -> Form:
    return shown(
        FIELDS,
        {
            "name": ADA.name,
            "slug": "ada",
            "duration_minutes": 30,
            "notice_minutes": 1440,
            "location_kind": "link",
            "guest_chooses_host": True,
        },
    )


def _out_of_range() -> Wrong:
    return Wrong("wrong.number", {"least": 5, "most": 720})


def _calendar() -> SeenCalendar:
    return SeenCalendar(
        id="cal_example",
        version=1,
        status="active",
        address="demo/ada",
        workspace_name="Demo",
        kind="round_robin",
        name=ADA.name,
        description="",
        tz=ZONE,
        duration_minutes=30,
        location=Place(kind="link", value="https://meet.example.org/ada"),
        hosts=(ADA, BERND),
        cancel_cutoff_minutes=0,
        reschedule_cutoff_minutes=0,
    )


def _line(reader: Reader, state: str) -> tuple[SeenEntry, datetime, datetime, str]:
    """A line of a list of bookings: the booking, its start and end, its state."""
    end = NOON + timedelta(minutes=30)
    entry = SeenEntry(
        id="bk_example",
        status=state,
        code=None,
        revision=0,
        version=1,
        calendar_id="cal_example",
        calendar_address=None,
        calendar_name=reader.words.say("kind.personal"),
        start=NOON,
        end=end,
        tz=ZONE,
        host=ADA,
        location=None,
        guest=GRACE,
        additional_guests=(),
        reason=None,
        move=None,
        alternatives=(),
        token="",
        manage_url="",
        changed_at=NOON,
        created_at=NOON,
    )
    return entry, NOON, end, state


def _picker(reader: Reader) -> Picker:
    """A month with some free days, the times of one of them, and the time that somebody has now."""
    words: Words = reader.words
    month, link = Month.of(DAY), f"{reader.url(HERE)}#picker"

    def cell(day: date | None) -> Cell | None:
        if day is None:
            return None
        free = day.day in FREE_DAYS
        return Cell(day, link if free else None, len(FREE_HOURS), chosen=day == DAY, today=day.day == 4)

    starts = [datetime(DAY.year, DAY.month, DAY.day, hour, tzinfo=ZoneInfo(ZONE)) for hour in FREE_HOURS]
    locale = str(words.locale)
    return Picker(
        month=month,
        weeks=[[cell(one) for one in week] for week in month.weeks(words.locale.first_week_day)],
        earlier=None,
        later=link,
        day=DAY,
        parts=[
            (part, [Time(at, words.time(at), None if at.hour == 13 else link) for at in those])
            for part, those in by_part(starts)
        ],
        next_free=None,
        never=False,
        zone=ZONE,
        city=city_of(ZONE, locale),
        offset=offset_of(NOON.astimezone(UTC).astimezone(ZoneInfo(ZONE))),
        zone_asked=True,
        unknown_zone=False,
        kept=reader.carried(),
        first=DAY,
        last=month.last,
        tag="",
    )
