"""The strips and lines of a day: nothing of it is left out, and whatever counts most is seen."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, get_args

import pytest

from services.availability.domain.why import Code, Off, Owner
from services.web.adapters.words import languages
from services.web.domain.forms import Form
from services.web.domain.why import (
    KIND_OF,
    KINDS,
    MARKS,
    TOLD_APART,
    SeenDayOf,
    SeenReason,
    SeenShort,
    SeenStretch,
    SeenWhyDay,
    bars_of,
    frame_of,
    hidden_in,
    kind_of,
    kinds_in,
    lines_of,
    start_at,
)
from services.web.routes.console.why import Question, because

BERLIN, DAY = "Europe/Berlin", date(2027, 1, 12)
ROWS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("00:00", ("OUTSIDE_HOURS",)),
    ("09:15", ()),
    ("09:30", ("BOOKED",)),
    ("09:35", ("OFF_RASTER", "BOOKED")),
    ("10:00", ("LOOK_BUSY",)),
    ("11:00", ()),
    ("16:35", ("DURATION", "OFF_RASTER")),
    ("16:40", ("OUTSIDE_HOURS",)),
)


def at(clock: str) -> datetime:
    return datetime.fromisoformat(f"{DAY}T{clock}:00+01:00")


def stretches(rows: tuple[tuple[str, tuple[str, ...]], ...] = ROWS) -> list[SeenStretch]:
    ends = [*(at(clock) for clock, _ in rows[1:]), at("00:00") + timedelta(days=1)]
    return [
        SeenStretch(start=at(clock), end=end, reasons=tuple(SeenShort(code=code) for code in codes))
        for (clock, codes), end in zip(rows, ends, strict=True)
    ]


def test_starts_between_those_of_the_raster_are_not_told_apart_and_nothing_is_left_out() -> None:
    lines = lines_of(stretches(), BERLIN, 5)
    assert [(f"{one.start:%H:%M}", one.codes, one.kind) for one in lines] == [
        ("00:00", ("OUTSIDE_HOURS",), "closed"),
        ("09:15", (), "free"),
        ("09:30", ("BOOKED",), "busy"),
        ("10:00", ("LOOK_BUSY",), "hidden"),
        ("11:00", (), "free"),
        ("16:35", ("DURATION",), "closed"),
        ("16:40", ("OUTSIDE_HOURS",), "closed"),
    ]
    assert lines[-1].end - lines[0].start == timedelta(days=1)
    assert all(before.end == after.start for before, after in pairwise(lines))
    many = (
        ("00:00", ("OUTSIDE_HOURS",)),
        ("08:20", ("OUTSIDE_HOURS", "BUFFER")),
        ("09:00", ("BOOKED", "BUFFER")),
        ("09:30", ("LOOK_BUSY", "BOOKED", "OFF_RASTER")),
        ("10:00", ("LIMIT", "BOOKED")),
    )
    told = [(f"{one.start:%H:%M}", one.codes) for one in lines_of(stretches(many), BERLIN, 5)]
    assert told == [("00:00", ("OUTSIDE_HOURS",)), ("09:00", ("BOOKED",)), ("10:00", ("LIMIT", "BOOKED"))]
    alone = lines_of(stretches((("00:00", ("OFF_RASTER",)),)), BERLIN, 5)
    assert [one.kind for one in alone] == ["raster"]


def test_beside_the_raster_it_is_as_free_as_the_start_before_as_long_as_an_appointment_lasts() -> None:
    rows: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("00:00", ("OUTSIDE_HOURS",)),
        ("09:00", ()),
        ("09:15", ("OFF_RASTER", "BLOCKED")),
        ("10:00", ("LOOK_BUSY",)),
        ("10:05", ("OFF_RASTER", "BOOKED")),
        ("10:30", ("BOOKED",)),
        ("11:00", ()),
        ("11:05", ("DURATION",)),
        ("11:30", ("OUTSIDE_HOURS",)),
    )
    told = [(f"{one.start:%H:%M}", one.kind) for one in lines_of(stretches(rows), BERLIN, 30)]
    assert told == [
        ("00:00", "closed"),
        ("09:00", "free"),
        ("09:40", "blocked"),
        ("10:00", "hidden"),
        ("10:30", "busy"),
        ("11:00", "free"),
        ("11:05", "closed"),
        ("11:30", "closed"),
    ]


def test_a_strip_shows_whole_hours_of_the_time_in_which_anybody_works() -> None:
    lines = lines_of(stretches(), BERLIN, 5)
    frame = frame_of([lines], DAY, BERLIN)
    assert (frame.start, frame.end) == (at("09:00"), at("17:00"))
    bars = bars_of(lines, frame)
    assert bars[0].x == 0
    assert sum(one.width for one in bars) == pytest.approx(100, abs=0.02)
    assert [one.kind for one in bars] == ["closed", "free", "busy", "hidden", "free", "closed", "closed"]
    assert [one.mark for one in bars] == ["", "", "●", "?", "✓", "", "–"], "a narrow one has no room for its sign"
    assert [f"{there:%H}" for _, there in frame.ticks(BERLIN)] == ["09", "11", "13", "15"]
    closed = [lines_of(stretches((("00:00", ("MEMBER_OFF",)),)), BERLIN, 5)]
    assert [f"{there:%H}" for _, there in frame_of(closed, DAY, BERLIN).ticks(BERLIN)] == ["08", "10", "12", "14", "16"]
    late = frame_of(
        [lines_of(stretches((("00:00", ("MEMBER_OFF",)), ("07:00", ()), ("20:00", ("MEMBER_OFF",)))), BERLIN, 5)],
        DAY,
        BERLIN,
    )
    assert [f"{there:%H}" for _, there in late.ticks(BERLIN)] == ["07", "11", "15"], "19:00 would be cut at the end"
    half = frame_of([lines], DAY, "Asia/Kolkata")
    assert {there.minute for _, there in half.ticks("Asia/Kolkata")} == {0}, "whole hours on the wall"


def test_of_several_reasons_that_nobody_is_at_work_counts_most_and_unknown_ones_are_seen() -> None:
    assert kind_of(("NOTICE", "OUTSIDE_HOURS")) == "closed"
    assert kind_of(("LIMIT", "BOOKED")) == "busy"
    assert kind_of(("NOTICE", "LOOK_BUSY")) == "window"
    assert kind_of(("SOMETHING_NEW",)) == "other"
    assert {*KIND_OF.values(), "free", "other"} == set(KINDS) == set(MARKS)
    assert len(set(MARKS.values())) == len(MARKS), "each kind has a sign of its own"
    assert kinds_in([lines_of(stretches(), BERLIN, 5)]) == [
        ("free", "✓"),
        ("busy", "●"),
        ("hidden", "?"),
        ("closed", "–"),
    ]


def test_what_look_busy_hides_is_that_against_which_nothing_else_speaks() -> None:
    other = (("00:00", ("OUTSIDE_HOURS",)), ("10:30", ("LOOK_BUSY",)), ("11:30", ("LOOK_BUSY", "BOOKED")))
    day = SeenWhyDay(
        tz=BERLIN,
        duration_minutes=5,
        hosts=(
            SeenDayOf(host_id="a", stretches=tuple(stretches())),
            SeenDayOf(host_id="b", stretches=tuple(stretches(other))),
        ),
    )
    assert [(f"{start:%H:%M}", f"{end:%H:%M}") for start, end in hidden_in(day, BERLIN)] == [("10:00", "11:30")]


def test_a_time_that_clocks_skip_or_show_twice_is_found() -> None:
    assert start_at(DAY, "10:00", BERLIN) == at("10:00")
    assert start_at(DAY, "24:00", BERLIN) == at("00:00") + timedelta(days=1)
    assert start_at(date(2027, 3, 28), "02:30", BERLIN) == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    twice = [start_at(date(2027, 10, 31), "02:30", BERLIN, again=again) for again in (False, True)]
    assert twice == [datetime(2027, 10, 31, hour, 30, tzinfo=UTC) for hour in (0, 1)]


def test_a_pause_and_an_own_limit_are_told_apart_from_a_day_off_and_the_limit_of_the_calendar() -> None:
    both = (
        SeenShort(code="LIMIT", limit_of="calendar"),
        SeenShort(code="LIMIT", limit_of="member"),
        SeenShort(code="LIMIT", limit_of="member"),
    )
    assert SeenStretch(start=at("09:00"), end=at("10:00"), reasons=both).codes == ("LIMIT", "OWN_LIMIT")
    away = SeenShort(code="MEMBER_OFF", off="day_off"), SeenShort(code="MEMBER_OFF", off="pause")
    assert SeenStretch(start=at("09:00"), end=at("10:00"), reasons=away).codes == ("MEMBER_OFF", "PAUSED")
    assert SeenShort(code="MEMBER_OFF", off="something new").word == "MEMBER_OFF"


def test_every_reason_of_the_api_has_a_kind_and_words_in_each_language() -> None:
    assert {*get_args(Code), *TOLD_APART.values()} == set(KIND_OF)
    assert {code for code, _ in TOLD_APART} <= set(get_args(Code))
    assert {which for _, which in TOLD_APART} <= {*get_args(Off), *get_args(Owner)}
    for words in languages().values():
        said = [words.say(f"against.{code.lower()}") for code in KIND_OF]
        assert len(set(said)) == len(said), "no two reasons are told alike"


@pytest.mark.parametrize(
    ("reason", "german", "english"),
    [
        ({"code": "PAST"}, "Schon vorbei", "Already past"),
        ({"code": "NOTICE", "end": at("13:00")}, "Vorlaufzeit: frühestens 13:00", "Notice: 13:00 at the earliest"),
        (
            {"code": "TOO_EARLY", "end": at("13:00") + timedelta(days=7)},
            "Noch nicht buchbar: erst ab 19.01.2027, 13:00",
            "Cannot be booked yet: from 19 Jan 2027, 13:00 on only",
        ),
        (
            {"code": "TOO_FAR", "start": at("00:00")},
            "Zu weit in der Zukunft: buchbar nur bis 00:00",
            "Too far ahead: can be booked until 00:00 only",
        ),
        ({"code": "MEMBER_OFF", "off": "day_off"}, "Freier Tag", "Day off"),
        (
            {"code": "MEMBER_OFF", "off": "day_off", "start": at("00:00"), "end": at("00:00") + timedelta(days=1)},
            "Freier Tag",
            "Day off",
        ),
        ({"code": "CALENDAR_CLOSED"}, "Kalender geschlossen", "Calendar closed"),
        ({"code": "MEMBER_OFF", "off": "pause"}, "Pause", "Paused"),
        (
            {"code": "MEMBER_OFF", "off": "pause", "start": at("09:00"), "end": at("09:00") + timedelta(days=3)},
            "Pause 12.01.2027, 09:00 – 15.01.2027, 09:00",
            "Paused 12 Jan 2027, 09:00 – 15 Jan 2027, 09:00",
        ),
        (
            {"code": "MEMBER_OFF", "off": "pause", "start": at("09:00"), "end": datetime(2100, 1, 1, tzinfo=UTC)},
            "Pause seit 12.01.2027, 09:00",
            "Paused since 12 Jan 2027, 09:00",
        ),
        ({"code": "OUTSIDE_HOURS"}, "Außerhalb der Arbeitszeiten", "Outside working hours"),
        (
            {"code": "DURATION", "start": at("16:45"), "end": at("17:00")},
            "Die Arbeitszeit endet um 17:00, vor dem Ende des Termins",
            "Working hours end at 17:00, before the appointment would",
        ),
        ({"code": "OFF_RASTER"}, "Zwischen den Startzeiten", "Between the starts"),
        ({"code": "BOOKED", "start": at("09:30"), "end": at("10:15")}, "Belegt 09:30–10:15", "Busy 09:30–10:15"),
        (
            {"code": "BLOCKED", "start": at("00:00"), "end": at("00:00") + timedelta(days=1)},
            "Gesperrt den ganzen Tag",
            "Blocked all day",
        ),
        (
            {"code": "BUSY_EXTERNAL", "start": at("22:00"), "end": at("00:00") + timedelta(days=1)},
            "Belegt im verknüpften Kalender 22:00–00:00",
            "Busy in a linked calendar 22:00–00:00",
        ),
        (
            {"code": "BUFFER", "start": at("09:30"), "end": at("10:15")},
            "Pufferzeit: 09:30–10:15 steht im Weg",
            "Buffer: 09:30–10:15 is in the way",
        ),
        (
            {"code": "LIMIT", "limit_of": "calendar", "period": "week", "most": 8, "counted": 9},
            "Grenze des Kalenders erreicht: 9 von 8 in dieser Woche",
            "Limit of the calendar reached: 9 of 8 in this week",
        ),
        (
            {"code": "LIMIT", "limit_of": "member", "period": "month", "most": 8, "counted": 8},
            "Eigene Grenze erreicht, in allen Kalendern zusammen: 8 von 8 in diesem Monat",
            "Own limit reached, in all calendars together: 8 of 8 in this month",
        ),
        (
            {"code": "LIMIT", "limit_of": "calendar", "period": "decade", "most": 8, "counted": 8},
            "Grenze des Kalenders erreicht",
            "Limit of the calendar reached",
        ),
        ({"code": "LOOK_BUSY"}, "Von Look Busy verborgen", "Hidden by Look Busy"),
        ({"code": "SOMETHING_NEW"}, "Ein anderer Grund", "Another reason"),
    ],
)
def test_a_reason_names_what_it_is_about(reason: dict[str, Any], german: str, english: str) -> None:
    asked = Question(BERLIN, DAY, at("10:00"), Form({}, {}, {}))
    told = [because(languages()[one], SeenReason.model_validate(reason), asked) for one in ("de", "en")]
    assert told == [german, english]
