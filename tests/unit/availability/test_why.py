"""Reasons against a start: what is in the way, whose limit it is, why a member is away; and a whole day of them."""

import re
from datetime import date
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, get_args

from services.availability.domain.engine import HostTimes, Team, free_hosts
from services.availability.domain.limits import full_periods
from services.availability.domain.rasters import Busy, SlotRules
from services.availability.domain.schedule import Schedule
from services.availability.domain.why import BESIDE, Code, Off, Owner, Reason, Why, reasons
from services.availability.routes.why import TOLD, TOLD_LIMIT, TOLD_OFF
from turnus_contracts import Limits

from .cases import draw_case, hours, minute, utc

SEMANTICS = Path(__file__).parents[3] / "docs" / "semantics.md"
NOW = utc("2027-01-01T00:00")
DAY = "2027-01-12"
RULES = SlotRules("Europe/Berlin", 30, 30)


def at(clock: str, day: str = DAY) -> int:
    return minute(f"{day}T{clock}+01:00")


def works(
    *ranges: str, busy: tuple[Busy, ...] = (), off: tuple[date, ...] = (), tz: str = "Europe/Berlin", **more: Any
) -> HostTimes:
    schedule = Schedule(tz, hours(*(ranges or ("09:00-17:00",))), dict.fromkeys(off, ()))
    return HostTimes("mem_1", schedule, busy, **more)


def against(host: HostTimes, start: int, **more: Any) -> list[Reason]:
    return reasons(Team(RULES, (host,), **more), start, NOW)["mem_1"]


def test_a_day_off_is_told_apart_from_a_pause_and_each_says_how_long_it_lasts() -> None:
    paused = (at("00:00"), at("00:00", "2027-01-20"), "paused")
    whole_day = at("00:00"), at("00:00", "2027-01-13")
    off = Reason("MEMBER_OFF", *whole_day, off="day_off")
    pause = Reason("MEMBER_OFF", *paused[:2], off="pause")
    assert against(works(off=(date(2027, 1, 12),)), at("10:00")) == [off]
    assert against(works(busy=(paused,)), at("10:00")) == [pause]
    assert against(works(off=(date(2027, 1, 12),), busy=(paused,)), at("10:00")) == [off, pause]
    assert against(works(), at("08:00")) == [Reason("OUTSIDE_HOURS")]


def test_a_day_off_lasts_from_midnight_to_midnight_where_the_schedule_is_at_home() -> None:
    there = works(off=(date(2027, 1, 12),), tz="America/New_York")
    (told,) = against(there, at("16:00"))
    assert (told.start, told.end) == (at("06:00"), at("06:00", "2027-01-13"))


def test_a_limit_says_whose_it_is_of_which_period_and_how_many_of_how_many() -> None:
    def full(limits: Limits, starts: int) -> Any:
        return full_periods(limits, "Europe/Berlin", [(f"bk_{n}", at("09:00")) for n in range(starts)])

    by_day, by_week = full(Limits(day=2), 2), full(Limits(week=2), 3)
    (own,) = against(works(full=by_week), at("10:00"))
    assert (own.code, own.limit_of, own.period, own.counted, own.most) == ("LIMIT", "member", "week", 3, 2)
    assert (own.start, own.end) == (at("00:00", "2027-01-11"), at("00:00", "2027-01-18"))
    (calendars,) = against(works(), at("10:00"), full=by_day)
    assert (calendars.limit_of, calendars.period, calendars.counted, calendars.most) == ("calendar", "day", 2, 2)
    both = against(works(full=by_week), at("10:00"), full=by_day)
    assert [one.limit_of for one in both] == ["calendar", "member"]
    assert len({one.in_short() for one in both}) == 2


def test_a_closed_calendar_offers_nothing_whatever_else_may_be() -> None:
    team = Team(RULES, (works(),))
    assert reasons(team, at("10:00"), NOW)["mem_1"] == []
    assert reasons(team, at("10:00"), NOW, closed=True)["mem_1"] == [Reason("CALENDAR_CLOSED")]
    (run,) = Why(team, NOW, at("10:00"), at("11:00"), closed=True).runs()["mem_1"]
    assert run.reasons == (Reason("CALENDAR_CLOSED"),)


def test_a_day_is_told_in_runs_with_the_starts_of_the_raster_wherever_they_lie() -> None:
    host = works("09:07-11:00", busy=((at("09:37"), at("10:07"), "blocked"),))
    runs = Why(Team(RULES, (host,)), NOW, at("00:00"), at("00:00", "2027-01-13")).runs()["mem_1"]
    told = [([one.code for one in run.reasons], run.start, run.end, run.starts) for run in runs]
    assert told == [
        (["OUTSIDE_HOURS"], at("00:00"), at("09:07"), ()),
        ([], at("09:07"), at("09:10"), (at("09:07"),)),
        (["OFF_RASTER", "BLOCKED"], at("09:10"), at("09:37"), ()),
        (["BLOCKED"], at("09:37"), at("10:07"), (at("09:37"),)),
        ([], at("10:07"), at("10:35"), (at("10:07"),)),
        (["DURATION", "OFF_RASTER"], at("10:35"), at("10:37"), ()),
        (["DURATION"], at("10:37"), at("11:00"), (at("10:37"),)),
        (["OUTSIDE_HOURS"], at("11:00"), at("00:00", "2027-01-13"), ()),
    ]


def test_the_starts_of_a_day_are_offered_in_its_runs_exactly_if_they_can_be_booked() -> None:
    offered = refused = 0
    for i in range(60):
        case = draw_case(Random(f"runs {i}"))
        told = Why(case.team, case.now, case.lo, case.hi)
        for host_id, runs in told.runs().items():
            assert [run.end for run in runs[:-1]] == [run.start for run in runs[1:]]
            assert (runs[0].start, runs[-1].end) == (case.lo, case.hi)
            assert all(one.reasons != two.reasons for one, two in pairwise(runs))
            for run in runs:
                for start in run.starts:
                    assert run.start <= start < run.end
                    assert BESIDE not in run.reasons
                    assert tuple(dict.fromkeys(one.in_short() for one in told.of(start)[host_id])) == run.reasons
                    assert (host_id in free_hosts(case.team, start, case.now)) == (not run.reasons)
                    offered += not run.reasons
                    refused += bool(run.reasons)
    assert offered > 200
    assert refused > 200


def test_every_reason_has_words_and_is_named_by_the_rules() -> None:
    (rule,) = re.findall(r'^- "Why is this time.*?(?=^- )', SEMANTICS.read_text(), re.DOTALL | re.MULTILINE)
    assert set(get_args(Code)) <= set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)*\b", rule))
    assert set(get_args(Code)) == set(TOLD)
    assert set(get_args(Off)) == set(TOLD_OFF)
    assert set(get_args(Owner)) == set(TOLD_LIMIT)
