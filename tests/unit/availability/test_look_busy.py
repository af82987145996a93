"""What Look Busy hides: a share of each day's starts, always the same ones, whatever is booked and whoever asks."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

import pytest

from services.availability.domain.engine import Team, free_hosts, offered_starts
from services.availability.domain.look_busy import hidden_starts
from services.availability.domain.rasters import Anchor, SlotRules
from services.availability.domain.window import Until
from services.availability.domain.zones import day_span

from . import reference
from .cases import NO_MIDNIGHT, Case, draw_case, host, minute, utc

LONG_AGO = utc("2024-01-01T00:00")
DAY = date(2027, 1, 4)
STARTS = [minute("2027-01-04T07:00Z") + 30 * i for i in range(20)]


def team(percent: int = 40, anchor: Anchor = "clock", tz: str = "Europe/Berlin") -> Team:
    rules = SlotRules(tz, 30, 30, anchor, calendar_id="cal_a", look_busy_percent=percent)
    return Team(rules, [host(tz, "08:00-18:00"), host(tz, "07:10-09:40", "12:00-24:00", host_id="mem_2")])


def idle(case: Case, percent: int) -> Team:
    """The team of a drawn case with nothing in the way but Look Busy."""
    rules = replace(case.rules, notice_minutes=0, window=None, look_busy_percent=percent)
    return Team(rules, [replace(one, busy=(), full=()) for one in case.hosts])


def every_start(idle_team: Team, day: date) -> list[int]:
    """All starts of a day that can be booked; with `gapless` the list shows only some of them."""
    if idle_team.rules.anchor != "gapless":
        return offered_starts(idle_team, day, day, LONG_AGO)
    lo, hi = day_span(idle_team.rules.tz, day, day)
    found = reference.offered(
        idle_team, lo, hi, datetime.fromisoformat(f"{day}T00:00Z") - timedelta(days=3), shown=False
    )
    return sorted({start for starts in found.values() for start in starts})


def test_of_each_day_as_many_starts_are_hidden_as_the_setting_says_to_half_a_start() -> None:
    days = hidden = 0
    for i in range(45):
        rng = Random(f"share {i}")
        case, percent = draw_case(rng), rng.randint(0, 90)
        first = reference.date_of(case.rules.tz, case.lo)
        for day in (first, first + timedelta(days=1)):
            every, busy = every_start(idle(case, 0), day), idle(case, percent)
            shown = [start for start in every if free_hosts(busy, start, LONG_AGO)]
            assert abs(len(every) - len(shown) - len(every) * percent / 100) <= 0.5, (i, day, percent)
            days += bool(every)
            hidden += len(every) - len(shown)
    assert days > 50
    assert hidden > 250


@pytest.mark.parametrize("anchor", ["opening", "clock", "gapless"])
def test_neither_bookings_nor_the_time_nor_who_is_asked_for_nor_a_window_changes_what_is_hidden(anchor: Anchor) -> None:
    whole, now = team(0, anchor), LONG_AGO
    free = offered_starts(whole, DAY, DAY, now)
    hidden = {start for start in free if not free_hosts(team(40, anchor), start, now)}
    assert len(hidden) > 5
    rng = Random("booked")
    for _ in range(40):
        lo = rng.choice(free)
        busy = ((lo - rng.choice((0, 40)), lo + rng.choice((30, 65)), "booked"),)
        some = [replace(one, busy=busy if rng.random() < 0.8 else ()) for one in whole.hosts]
        changed = replace(
            whole,
            hosts=some,
            only=rng.choice((None, ["mem_1"], ["mem_2"])),
            rules=replace(whole.rules, window=rng.choice((None, Until(DAY))), notice_minutes=rng.choice((0, 60))),
        )
        later = utc("2027-01-04T00:00") + timedelta(minutes=rng.randrange(1440))
        left = offered_starts(changed, DAY, DAY, later)
        looked = replace(changed, rules=replace(changed.rules, look_busy_percent=40))
        assert [start for start in left if free_hosts(looked, start, later)] == [s for s in left if s not in hidden]
        if anchor != "gapless":
            assert offered_starts(looked, DAY, DAY, later) == [start for start in left if start not in hidden]


def test_every_read_and_every_range_of_days_shows_the_same() -> None:
    shown = offered_starts(team(), DAY, DAY, LONG_AGO)
    assert all(offered_starts(team(), DAY, DAY, LONG_AGO) == shown for _ in range(100))
    week = offered_starts(team(), DAY - timedelta(days=3), DAY + timedelta(days=3), LONG_AGO)
    lo, hi = day_span("Europe/Berlin", DAY, DAY)
    assert [start for start in week if lo <= start < hi] == shown


def test_another_process_hides_the_same_whatever_seed_its_hashes_have() -> None:
    code = (
        "import json, sys; from services.availability.domain.look_busy import hidden_starts;"
        "print(json.dumps(hidden_starts('cal_a', 40, int(sys.argv[1]), json.loads(sys.argv[2]))))"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code, str(DAY.toordinal()), json.dumps(STARTS)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert [json.loads(one) for one in told] == [hidden_starts("cal_a", 40, DAY.toordinal(), STARTS)] * 2


def test_a_release_hides_what_the_one_before_it_hid() -> None:
    """Guests who refresh while one is installed see no other times."""
    hidden = hidden_starts("cal_a", 40, DAY.toordinal(), STARTS)
    assert sorted((start - STARTS[0]) // 30 for start in hidden) == [4, 9, 13, 15, 16, 17, 18, 19]


def test_more_percent_hide_what_less_hid_and_more() -> None:
    last: set[int] = set()
    for percent in range(0, 91, 5):
        hidden = set(hidden_starts("cal_a", percent, DAY.toordinal(), STARTS))
        assert last <= hidden
        last = hidden
    assert len(last) == 18


def test_each_calendar_and_each_day_hides_others() -> None:
    drawn = {
        frozenset((start - STARTS[0]) // 30 for start in hidden_starts(calendar, 50, DAY.toordinal() + day, those))
        for calendar in ("cal_a", "cal_b", "cal_c")
        for day in range(10)
        for those in ([start + day * 1440 for start in STARTS],)
    }
    assert len(drawn) == 30


@pytest.mark.parametrize("tz", NO_MIDNIGHT)
def test_a_day_without_midnight_and_its_neighbours_have_their_own_shares(tz: str) -> None:
    """A day is one of the calendar's zone, 23 to 25 hours long."""
    whole = Team(replace(team(0).rules, tz=tz), [host(tz, "00:00-24:00")])
    busy = replace(whole, rules=replace(whole.rules, look_busy_percent=50))
    for month in range(1, 13):
        for day in (date(2027, month, 1) + timedelta(days=n) for n in range(28)):
            every, shown = (len(offered_starts(one, day, day, LONG_AGO)) for one in (whole, busy))
            assert shown == every // 2, day


def test_staff_see_what_is_hidden() -> None:
    assert offered_starts(replace(team(90), seen_by_staff=True), DAY, DAY, LONG_AGO) == offered_starts(
        team(0), DAY, DAY, LONG_AGO
    )
