from datetime import date, datetime
from itertools import pairwise

import pytest

from services.availability.domain.engine import (
    HostTimes,
    Team,
    alternatives,
    free_hosts,
    is_offered,
    offered_starts,
    start_masks,
)
from services.availability.domain.listing import to_iso
from services.availability.domain.rasters import Anchor, Busy, SlotRules
from services.availability.domain.schedule import Schedule

from .cases import NO_MIDNIGHT, hours, minute, utc

NOW = utc("2026-12-01T00:00")
DAY = "2027-01-04"


def times(
    rules: SlotRules, *hosts: HostTimes, day: str = DAY, until: str | None = None, tz: str | None = None
) -> list[str]:
    """The offered starts as `HH:MM` in `tz` (default: the calendar's zone)."""
    starts = offered_starts(Team(rules, hosts), date.fromisoformat(day), date.fromisoformat(until or day), NOW, tz=tz)
    return [text[11:16] for listed in to_iso(starts, tz or rules.tz).values() for text in listed]


def works(*ranges: str, tz: str = "Europe/Berlin", busy: tuple[Busy, ...] = (), host_id: str = "mem_1") -> HostTimes:
    return HostTimes(host_id, Schedule(tz, hours(*ranges)), busy)


def at(start: str, end: str, kind: str = "blocked") -> Busy:
    return minute(f"{DAY}T{start}+01:00"), minute(f"{DAY}T{end}+01:00"), kind


def rules(
    duration: int = 30, interval: int = 30, anchor: Anchor = "opening", tz: str = "Europe/Berlin", **more: int
) -> SlotRules:
    return SlotRules(tz, duration, interval, anchor, **more)


# --- rasters


def test_anchor_opening_counts_from_the_start_of_the_range() -> None:
    assert times(rules(30, 20), works("08:30-10:00")) == ["08:30", "08:50", "09:10", "09:30"]


def test_anchor_clock_begins_at_the_first_wall_clock_multiple_and_then_steps_by_the_interval() -> None:
    assert times(rules(30, 20, "clock"), works("08:30-10:00")) == ["08:40", "09:00", "09:20"]
    # 45 is no divisor of an hour: its g is 15, so 08:31 begins at 08:45 and goes on every 45 minutes
    assert times(rules(15, 45, "clock"), works("08:31-11:00")) == ["08:45", "09:30", "10:15"]
    assert times(rules(30, 90, "clock"), works("08:15-13:00")) == ["08:30", "10:00", "11:30"]
    assert times(rules(30, 120, "clock"), works("08:15-13:00")) == ["09:00", "11:00"]
    assert times(rules(25, 25, "clock"), works("08:31-10:00")) == ["08:35", "09:00", "09:25"]


def test_the_raster_begins_anew_at_every_range_of_the_day() -> None:
    assert times(rules(30, 45), works("08:00-10:00", "13:10-15:00")) == [
        *["08:00", "08:45", "09:30"],
        *["13:10", "13:55"],
    ]


def test_an_interval_that_does_not_divide_the_duration_is_kept() -> None:
    assert times(rules(50, 35), works("09:00-12:00")) == ["09:00", "09:35", "10:10", "10:45"]


def test_intervals_longer_than_the_duration_leave_gaps() -> None:
    assert times(rules(15, 60), works("09:00-11:30")) == ["09:00", "10:00", "11:00"]


def test_ranges_that_start_at_odd_minutes_are_exact_to_the_minute() -> None:
    assert times(rules(30, 30), works("08:07-09:10"), works("08:20-09:20", host_id="mem_2")) == [
        *["08:07", "08:20", "08:37", "08:50"]
    ]


def test_the_clock_is_the_calendars_and_not_the_hosts_or_the_viewers() -> None:
    kathmandu = works("09:30-11:30", tz="Asia/Kathmandu")  # 04:45 to 06:45 in Berlin
    assert times(rules(30, 60, "clock"), kathmandu) == ["05:00", "06:00"]
    assert times(rules(30, 60, "clock"), kathmandu, tz="Asia/Kathmandu") == ["09:45", "10:45"]
    assert times(rules(30, 60, "clock", tz="Asia/Kathmandu"), kathmandu) == ["10:00", "11:00"]


def test_what_one_guest_is_offered_every_guest_can_book() -> None:
    team = [works("09:30-16:30", tz="Asia/Kathmandu"), works("08:30-11:30", tz="Asia/Kolkata", host_id="mem_2")]
    one = rules(30, 20, "clock")
    day = date.fromisoformat(DAY)
    for tz in ("Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Chatham", "UTC"):
        starts = offered_starts(Team(one, team), day, day, NOW, tz=tz)
        assert starts
        assert all(free_hosts(Team(one, team), start, NOW) for start in starts)


def test_the_raster_steps_by_minutes_that_pass_while_the_clock_is_changed() -> None:
    night = works("00:30-05:00")
    assert times(rules(30, 45), night, day="2027-03-28") == ["00:30", "01:15", "03:00", "03:45", "04:30"]
    assert times(rules(30, 45), night, day="2027-10-31") == [
        *["00:30", "01:15", "02:00", "02:45", "02:30", "03:15", "04:00"]
    ]


def test_a_wall_clock_multiple_that_the_spring_gap_swallows_is_the_next_one_that_exists() -> None:
    island = works("01:50-05:00", tz="Australia/Lord_Howe")  # 02:00 becomes 02:30
    assert times(rules(30, 60, "clock", tz="Australia/Lord_Howe"), island, day="2027-10-03") == ["03:00", "04:00"]
    assert times(rules(30, 30, "clock", tz="Australia/Lord_Howe"), island, day="2027-10-03")[0] == "02:30"


# --- working hours


def test_a_slot_lies_wholly_in_working_hours() -> None:
    assert times(rules(60, 30), works("09:00-10:45")) == ["09:00", "09:30"]
    assert times(rules(60, 30), works("09:00-09:59")) == []


def test_a_slot_may_run_on_into_a_range_that_touches_and_the_raster_still_begins_anew_there() -> None:
    assert times(rules(60, 45), works("09:00-10:20", "10:20-12:00")) == ["09:00", "09:45", "10:20"]
    assert times(rules(60, 45), works("09:00-10:20", "10:21-12:00")) == ["09:00", "10:21"]


def test_a_slot_may_run_on_over_several_ranges_that_touch() -> None:
    assert times(rules(90, 30), works("09:00-09:30", "09:30-10:00", "10:00-10:30")) == ["09:00"]


def test_a_slot_may_run_on_over_midnight_and_belongs_to_the_day_on_which_it_starts() -> None:
    night = works("00:00-00:30", "23:00-24:00")
    assert times(rules(60, 30), night) == ["23:00", "23:30"]
    assert times(rules(90, 30), night) == ["23:00"]


def test_round_the_clock_hours_offer_slots_as_long_as_a_day() -> None:
    assert len(times(rules(1440, 720), works("00:00-24:00"))) == 2


@pytest.mark.parametrize("tz", NO_MIDNIGHT)
def test_calendars_and_hosts_in_zones_without_midnight_work_like_any_other(tz: str) -> None:
    one = rules(60, 60, tz=tz)
    starts = offered_starts(Team(one, [works("00:00-24:00", tz=tz)]), date(2027, 1, 1), date(2027, 12, 31), NOW)
    assert len(starts) == pytest.approx(365 * 24, abs=1)  # some of these zones end the year on another offset
    assert all(later - earlier == 60 for earlier, later in pairwise(starts))
    team = [works("09:00-10:00"), works("00:00-24:00", tz=tz, host_id="mem_2")]
    assert times(rules(), team[0]) == ["09:00", "09:30"]
    assert set(times(rules(), *team)) >= {"09:00", "09:30"}


# --- busy


def test_buffers_of_both_bookings_add_up() -> None:
    # a reservation 10:00-10:30 keeps its own 15 minutes after; the new one brings 15 before: 30 between
    booked = works("09:00-12:00", busy=(at("10:00", "10:45", "booked"),))
    found = times(rules(30, 15, buffer_before=15), booked)
    assert "11:00" in found
    assert "10:45" not in found


def test_imported_times_have_no_buffer_of_their_own_but_the_new_bookings_counts() -> None:
    busy = (at("10:00", "10:30", "external"),)
    assert times(rules(30, 10), works("09:00-11:10", busy=busy)) == [
        *["09:00", "09:10", "09:20", "09:30"],
        *["10:30", "10:40"],
    ]
    assert times(rules(30, 10, buffer_before=10, buffer_after=5), works("09:00-11:10", busy=busy)) == [
        *["09:00", "09:10", "09:20"],
        "10:40",
    ]


def test_buffers_need_not_lie_in_working_hours() -> None:
    assert times(rules(60, 60, buffer_before=480, buffer_after=480), works("09:00-11:00")) == ["09:00", "10:00"]
    before_opening = works("09:00-11:00", busy=(at("08:00", "08:45"),))
    assert times(rules(60, 60, buffer_before=30), before_opening) == ["10:00"]


def test_back_to_back_slots_do_not_meet() -> None:
    assert times(rules(), works("09:00-10:30", busy=(at("09:30", "10:00"),))) == ["09:00", "10:00"]
    assert times(rules(), works("09:00-10:30", busy=(at("09:29", "10:01"),))) == []


def test_a_busy_time_that_began_long_before_the_asked_days_still_counts() -> None:
    busy = ((minute("2020-01-01T00:00Z"), minute(f"{DAY}T10:00+01:00"), "external"),)
    assert times(rules(), works("09:00-11:00", busy=busy)) == ["10:00", "10:30"]


def test_busy_times_may_overlap_and_come_in_any_order() -> None:
    busy = (at("10:30", "11:00"), at("09:00", "10:00"), at("09:15", "09:20"), at("09:00", "10:00"))
    assert times(rules(), works("09:00-12:00", busy=busy)) == ["10:00", "11:00", "11:30"]


def test_a_busy_time_that_ends_before_it_begins_blocks_nothing_and_breaks_nothing() -> None:
    busy = (at("11:00", "09:00"), at("10:00", "10:00"), at("09:00", "09:30"))
    assert times(rules(buffer_before=15), works("09:00-11:00", busy=busy)) == ["10:00", "10:30"]


def test_busy_times_at_the_edge_of_64_bits_are_only_long() -> None:
    far = 1 << 63
    assert times(rules(), works("09:00-10:00", busy=((far - 1, far, "x"), (-far, 1 - far, "x")))) == ["09:00", "09:30"]
    assert times(rules(), works("09:00-10:00", busy=((-far, far, "x"),))) == []


# --- teams


def test_a_team_offers_what_some_member_has_free() -> None:
    team = [works("09:00-10:00"), works("09:30-11:00", host_id="mem_2", busy=(at("10:00", "10:30"),))]
    assert times(rules(), *team) == ["09:00", "09:30", "10:30"]
    assert free_hosts(Team(rules(), team), minute(f"{DAY}T09:30+01:00"), NOW) == ["mem_1", "mem_2"]
    assert free_hosts(Team(rules(), team), minute(f"{DAY}T10:30+01:00"), NOW) == ["mem_2"]
    assert free_hosts(Team(rules(), team), minute(f"{DAY}T10:00+01:00"), NOW) == []


def test_two_halves_of_two_members_make_no_slot() -> None:
    assert times(rules(60, 30), works("09:00-09:30"), works("09:30-10:00", host_id="mem_2")) == []


def test_one_members_starts_can_be_asked_for() -> None:
    team = [works("09:00-10:00"), works("09:30-11:00", host_id="mem_2")]
    day = date.fromisoformat(DAY)
    starts = offered_starts(Team(rules(), team, only=["mem_2"]), day, day, NOW)
    assert starts == [minute(f"{DAY}T{text}+01:00") for text in ("09:30", "10:00", "10:30")]
    assert free_hosts(Team(rules(), team, only={"mem_2"}), starts[0], NOW) == ["mem_2"]


def test_masks_tell_who_is_free_at_every_start() -> None:
    team = [works("09:00-10:00"), works("09:30-10:30", host_id="mem_2"), works(host_id="mem_3")]
    masks = start_masks(Team(rules(), team), minute(f"{DAY}T00:00Z"), minute("2027-01-05T00:00Z"), NOW)
    assert masks.hosts_by_start() == {
        minute(f"{DAY}T09:00+01:00"): ["mem_1"],
        minute(f"{DAY}T09:30+01:00"): ["mem_1", "mem_2"],
        minute(f"{DAY}T10:00+01:00"): ["mem_2"],
    }
    assert masks.by_host["mem_3"] == 0
    assert all(mask < 1 << masks.grid.size for mask in masks.by_host.values())


def test_nobody_offers_nothing() -> None:
    day = date.fromisoformat(DAY)
    assert offered_starts(Team(rules(), []), day, day, NOW) == []
    assert free_hosts(Team(rules(), []), minute(f"{DAY}T09:00Z"), NOW) == []
    assert alternatives(Team(rules(), []), minute(f"{DAY}T09:00Z"), NOW) == []


# --- booking


def test_a_start_beside_the_raster_is_not_offered() -> None:
    one = works("09:00-11:00")
    assert is_offered(Team(rules(), [one]), one.host_id, minute(f"{DAY}T09:30+01:00"), NOW)
    for text in ("09:29", "09:31", "09:15", "08:30", "10:45", "11:00"):
        assert not is_offered(Team(rules(), [one]), one.host_id, minute(f"{DAY}T{text}+01:00"), NOW)


@pytest.mark.parametrize("start", [-(1 << 63), -1, 0, 1 << 31, 1 << 63])
def test_starts_outside_every_calendar_are_simply_not_offered(start: int) -> None:
    for tz in ("America/Santiago", "Asia/Beirut", "UTC"):
        assert not is_offered(
            Team(rules(tz=tz), [works("00:00-24:00", tz=tz)]),
            works("00:00-24:00", tz=tz).host_id,
            start,
            utc("2027-01-04T00:00"),
        )
        alternatives(Team(rules(tz=tz), [works("00:00-24:00", tz=tz)]), start, NOW)


@pytest.mark.parametrize(
    ("first", "last"), [(date.min, date.min), (date.max, date.max), (date(2027, 1, 5), date(2027, 1, 4))]
)
def test_days_outside_every_calendar_or_in_the_wrong_order_offer_nothing(first: date, last: date) -> None:
    assert offered_starts(Team(rules(tz="Africa/Cairo"), [works("00:00-24:00")]), first, last, NOW) == []


def test_a_clock_that_stands_at_the_end_of_all_time_offers_nothing() -> None:
    day, never = date.fromisoformat(DAY), datetime.fromisoformat("9999-12-31T23:59:59.999999+00:00")
    assert offered_starts(Team(rules(notice_minutes=525_600), [works("00:00-24:00")]), day, day, never) == []


@pytest.mark.parametrize("wrong", [{"duration": 0}, {"interval": 0}, {"buffer_before": -1}, {"notice_minutes": -1}])
def test_rules_without_meaning_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least"):
        rules(**wrong)


# --- alternatives


def listed(starts: list[int]) -> list[str]:
    return [text[5:16] for days in ([start] for start in starts) for text in to_iso(days, "Europe/Berlin").popitem()[1]]


def test_alternatives_are_the_nearest_of_the_same_day_and_never_the_asked_one() -> None:
    around = minute(f"{DAY}T11:00+01:00")
    assert listed(alternatives(Team(rules(), [works("09:00-17:00")]), around, NOW, 4)) == [
        *["01-04T10:30", "01-04T11:30", "01-04T10:00", "01-04T12:00"]
    ]


def test_alternatives_of_the_same_day_come_before_nearer_ones_of_another() -> None:
    around = minute(f"{DAY}T23:00+01:00")
    night = works("00:00-01:00", "15:00-15:30")
    assert listed(alternatives(Team(rules(), [night]), around, NOW, 3)) == [
        *["01-04T15:00", "01-04T00:30", "01-04T00:00"]
    ]
    assert listed(alternatives(Team(rules(), [night]), around, NOW, 5))[3:] == ["01-05T00:00", "01-05T00:30"]


def test_alternatives_are_looked_for_weeks_ahead_and_not_in_the_past() -> None:
    away = HostTimes(
        "mem_1", Schedule("Europe/Berlin", (), {date(2027, 1, 3): ((540, 600),), date(2027, 2, 20): ((540, 600),)})
    )
    around = minute(f"{DAY}T09:00+01:00")
    found = alternatives(Team(rules(), [away]), around, utc("2027-01-03T20:00"))
    assert listed(found) == [
        "02-20T09:00",
        "02-20T09:30",
    ]


def test_alternatives_for_one_person_are_that_persons() -> None:
    team = [works("09:00-10:00"), works("12:00-13:00", host_id="mem_2")]
    around = minute(f"{DAY}T09:00+01:00")
    assert listed(alternatives(Team(rules(), team, only=["mem_2"]), around, NOW, 2)) == ["01-04T12:00", "01-04T12:30"]
