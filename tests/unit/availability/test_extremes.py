"""Real parts and bad input: years without a free day, thousands of busy times, teams of 500, zones with other names."""

from dataclasses import replace
from datetime import date, timedelta
from importlib.resources import files
from random import Random

import pytest

from services.availability.domain.engine import HostTimes, Team, alternatives, free_hosts, offered_starts, start_masks
from services.availability.domain.limits import full_periods
from services.availability.domain.rasters import Busy, SlotRules, forbidden
from services.availability.domain.rules import MemberLimits, move_limits
from services.availability.domain.schedule import Schedule, ranges_of_days
from services.availability.domain.why import reasons
from services.availability.domain.window import Rolling
from services.availability.domain.zones import day_span, is_zone, zone_table
from turnus_contracts import Limits

from . import reference
from .cases import clock_changes, distinct_zones, host, hours, minute, utc

NOW = utc("2027-01-01T00:00")
FIRST, LAST = date(2027, 1, 1), date(2027, 12, 31)
YEAR = (minute("2026-12-31T00:00Z"), minute("2028-01-02T00:00Z"))
RULES = SlotRules("Europe/Berlin", 30, 30, calendar_id="cal_a")
AT = minute("2027-03-02T10:00+01:00")


# --- a year without a free day

WORKS = host("Europe/Berlin", "09:00-17:00")
OFF = {FIRST + timedelta(days=n): () for n in range(366)}
BOOKED = [(day + 420, day + 960, "booked") for day in range(YEAR[0], YEAR[1], 1440)]
NO_DAY = {
    "nobody works": (HostTimes("mem_1", Schedule("Europe/Berlin")), "OUTSIDE_HOURS"),
    "days off": (HostTimes("mem_1", Schedule("Europe/Berlin", hours("09:00-17:00"), OFF)), "MEMBER_OFF"),
    "blocked": (replace(WORKS, busy=((*YEAR, "blocked"),)), "BLOCKED"),
    "paused": (replace(WORKS, busy=((*YEAR, "paused"),)), "MEMBER_OFF"),
    "booked": (replace(WORKS, busy=BOOKED), "BOOKED"),
    "too short": (host("Europe/Berlin", "09:45-10:10"), "DURATION"),
}


@pytest.mark.parametrize("window", [None, Rolling(300, counting="available"), Rolling(12, "months")], ids=str)
@pytest.mark.parametrize("kind", NO_DAY)
def test_a_year_without_a_free_day_has_no_times_no_alternatives_and_a_reason(kind: str, window: Rolling | None) -> None:
    member, code = NO_DAY[kind]
    team = Team(replace(RULES, window=window), [member])
    assert offered_starts(team, FIRST, LAST, NOW) == []
    assert alternatives(team, AT, NOW) == []
    assert code in {reason.code for reason in reasons(team, AT, NOW)["mem_1"]}


def test_the_one_free_day_of_a_year_is_found() -> None:
    free = date(2027, 11, 9)
    team = Team(
        RULES, [HostTimes("mem_1", Schedule("Europe/Berlin", hours("09:00-10:00"), OFF | {free: ((540, 600),)}))]
    )
    assert offered_starts(team, FIRST, LAST, NOW) == [minute(f"{free}T{at}+01:00") for at in ("09:00", "09:30")]


# --- ten thousand busy times


def busy_year(count: int = 10_000) -> list[Busy]:
    rng = Random("busy")
    starts = [rng.randrange(*YEAR) for _ in range(count)]
    return [(start, start + rng.choice((5, 10, 15, 30)), "external") for start in starts]


def test_a_member_with_ten_thousand_busy_times_is_offered_exactly_where_they_are_not() -> None:
    busy = busy_year()
    rules = replace(RULES, interval=15, buffer_before=5, buffer_after=10)
    member = HostTimes("mem_1", Schedule("Europe/Berlin", hours("00:00-24:00")), busy)
    found = offered_starts(Team(rules, [member]), FIRST, LAST, NOW)
    taken = bytearray(YEAR[1] - YEAR[0])
    for start, end, _ in busy:
        begin, stop = max(start - YEAR[0], 0), max(min(end, YEAR[1]) - YEAR[0], 0)
        taken[begin:stop] = b"\1" * (stop - begin)
    lo, hi = day_span("Europe/Berlin", FIRST, LAST)
    lo = max(lo, minute("2027-01-01T00:00Z"))
    free = [s for s in range(lo, hi, 15) if not any(taken[s - 5 - YEAR[0] : s + 40 - YEAR[0]])]
    assert found == free
    assert 2000 < len(free) < 20_000
    around = busy[0][0]
    nearest = sorted((s for s in free if s != around), key=lambda s: (abs(s - around), s))
    same_day = [
        s for s in nearest if reference.date_of("Europe/Berlin", s) == reference.date_of("Europe/Berlin", around)
    ]
    assert (
        alternatives(Team(rules, [member]), around, NOW, 3)
        == (same_day + [s for s in nearest if s not in same_day])[:3]
    )


def test_of_ten_thousand_busy_times_only_those_of_the_asked_days_are_merged() -> None:
    busy, lo = busy_year(), minute("2027-06-01T00:00Z")
    spans = forbidden(RULES, busy, lo, lo + 1440)
    near = [one for one in busy if one[0] < lo + 1440 + 30 and one[1] > lo]
    assert 0 < len(spans) <= len(near) < 60
    assert forbidden(RULES, near, lo, lo + 1440) == spans


# --- five hundred members


def test_a_team_of_five_hundred_offers_what_each_of_them_does_on_a_grid_no_finer_than_it_must_be() -> None:
    zones = distinct_zones()
    rng = Random("team")
    day, next_day = minute("2027-03-28T00:00Z"), minute("2027-03-29T00:00Z")
    members: list[HostTimes] = []
    for n in range(500):
        begin = rng.randrange(0, 20) * 60 + rng.choice((0, 15, 30))
        schedule = Schedule(zones[n % len(zones)], hours(f"{begin // 60:02}:{begin % 60:02}-{begin // 60 + 3:02}:30"))
        busy = [(s, s + 45, "booked") for s in (rng.randrange(day, next_day) for _ in range(5))]
        members.append(HostTimes(f"mem_{n}", schedule, busy))
    team = Team(replace(RULES, interval=15, anchor="clock"), members)
    masks = start_masks(team, day, next_day, NOW)
    assert (masks.grid.cell, masks.grid.size) == (15, 96)
    alone = {one.host_id: start_masks(replace(team, hosts=[one]), day, next_day, NOW) for one in members}
    expected = {host_id: set(one.starts(one.union())) for host_id, one in alone.items()}
    assert {host_id: set(masks.starts(mask)) for host_id, mask in masks.by_host.items()} == expected
    for start in masks.starts(masks.union())[::7]:
        assert free_hosts(team, start, NOW) == [host_id for host_id, starts in expected.items() if start in starts]
    assert sum(map(bool, expected.values())) > 300


# --- days on which clocks are changed


def test_dates_of_their_own_on_days_on_which_a_clock_is_changed_follow_the_wall_clock_in_every_zone() -> None:
    """Hours until 24:00, over the change, from midnight on (which may not exist), and none at all."""
    hours_of = ((0, 60), (60, 240), (1320, 1440))
    for tz in distinct_zones():
        for change in clock_changes()[tz]:
            for day in (reference.date_of(tz, change - 1), reference.date_of(tz, change)):
                for ranges in (hours_of, ((0, 1440),), ()):
                    schedule = Schedule(tz, hours("09:00-17:00"), {day: ranges})
                    ordinal = day.toordinal()
                    found = ranges_of_days(schedule, ordinal - 1, ordinal + 1)
                    one = timedelta(days=1)
                    assert found == reference.ranges_of(schedule, day - one, day + one), (tz, day, ranges)
                    if ranges == ((0, 1440),):
                        lo, hi = day_span(tz, day, day)
                        assert found[1] == (lo, hi), (tz, day)


@pytest.mark.parametrize(
    ("day", "tz", "ranges", "count"),
    [
        (date(2027, 3, 28), "Europe/Berlin", ((60, 240),), 4),
        (date(2027, 10, 31), "Europe/Berlin", ((60, 240),), 8),
        (date(2027, 3, 28), "Asia/Beirut", ((0, 120),), 2),
        (date(2027, 3, 28), "Asia/Beirut", ((0, 60),), 0),
        (date(2027, 3, 27), "Asia/Beirut", ((1380, 1440),), 2),
        (date(2027, 4, 3), "America/Santiago", ((1320, 1440),), 6),
        (date(2027, 10, 3), "Australia/Lord_Howe", ((60, 180),), 3),
        (date(2027, 3, 28), "Europe/Berlin", (), 0),
    ],
)
def test_a_date_of_its_own_on_such_a_day_has_as_many_half_hours_as_pass(
    day: date, tz: str, ranges: tuple[tuple[int, int], ...], count: int
) -> None:
    member = HostTimes("mem_1", Schedule(tz, (), {day: ranges}))
    assert len(offered_starts(Team(replace(RULES, tz=tz), [member]), day, day, NOW)) == count


# --- zones with other names


def links() -> list[tuple[str, str]]:
    """(name, older name of the same zone) as the time zone database tells them."""
    lines = (files("tzdata") / "zoneinfo" / "tzdata.zi").read_text().splitlines()
    return [(name, older) for kind, name, older in (line.split() for line in lines if line.startswith("L "))]


def test_a_zone_that_was_renamed_is_the_same_under_its_older_names() -> None:
    lo, hi = minute("2027-01-10T00:00Z"), minute("2027-12-20T00:00Z")
    assert {("Europe/Kyiv", "Europe/Kiev"), ("Asia/Kolkata", "Asia/Calcutta")} <= set(links())
    for name, older in links():
        assert is_zone(name), name
        assert is_zone(older), older
        one, other = zone_table(name, lo, hi), zone_table(older, lo, hi)
        assert (one.starts, one.offsets) == (other.starts, other.offsets), older


def test_members_and_viewers_with_the_old_and_the_new_name_meet() -> None:
    team = Team(replace(RULES, tz="Europe/Kyiv"), [host("Europe/Kiev", "09:00-10:00")])
    day = date(2027, 3, 28)
    assert offered_starts(team, day, day, NOW, tz="Europe/Kiev") == offered_starts(team, day, day, NOW)
    assert len(offered_starts(team, day, day, NOW)) == 2


def test_a_member_in_a_zone_that_this_database_does_not_know_is_not_offered_and_the_others_are() -> None:
    lost = HostTimes("mem_2", Schedule("Mars/Olympus", hours("00:00-24:00")))
    team = Team(RULES, [WORKS, lost])
    assert offered_starts(team, date(2027, 3, 2), date(2027, 3, 2), NOW) == offered_starts(
        Team(RULES, [WORKS]), date(2027, 3, 2), date(2027, 3, 2), NOW
    )
    assert free_hosts(team, AT, NOW) == ["mem_1"]
    assert [reason.code for reason in reasons(team, AT, NOW)["mem_2"]] == ["OUTSIDE_HOURS"]
    assert full_periods(Limits(day=1), "Mars/Olympus", [("bk_1", AT)])[0].start == minute("2027-03-02T00:00Z")


# --- a member who moves to another zone


def test_when_a_member_moves_their_hours_stay_where_the_schedule_is_and_their_limits_count_where_they_are() -> None:
    late = minute("2027-03-02T23:30+01:00")  # the next day in Kathmandu
    limits = MemberLimits(
        id="mem_1", workspace_id="ws_1", version=1, limits=Limits(day=1), tz="Europe/Berlin", changed_at=NOW
    )
    moved = move_limits(limits, "Asia/Kathmandu", NOW)
    assert moved.record is not None
    assert [one.kind for one in moved.owes] == ["timer"]
    days = {tz: full_periods(limits.limits, tz, [("bk_1", late)])[0] for tz in ("Europe/Berlin", moved.record.tz)}
    assert days["Europe/Berlin"].end == minute("2027-03-03T00:00+01:00")
    assert days["Asia/Kathmandu"].start == minute("2027-03-03T00:00+05:45")
    assert move_limits(moved.record, "Asia/Kathmandu", NOW).record is None
    assert move_limits(None, "Asia/Kathmandu", NOW).record is None
