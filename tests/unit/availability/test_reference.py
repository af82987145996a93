"""The engine and the naive reference agree, start for start, on both sides of every clock change of every zone.

`make slots` widens the seeded run (`SLOT_CASES`, here 2,000, and `SLOT_SEED`).
"""

import os
from collections import Counter
from itertools import pairwise
from random import Random
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.availability.domain.engine import HostTimes, Team, alternatives, free_hosts, is_offered, start_masks
from services.availability.domain.rasters import SlotRules
from services.availability.domain.schedule import Schedule, WeeklyRange
from services.availability.domain.why import Code, Why, reasons
from services.availability.domain.zones import instant_of

from . import reference
from .cases import EVERY_DAY, Case, clock_changes, draw_case

CASES = int(os.environ.get("SLOT_CASES", "2000"))
SEED = int(os.environ.get("SLOT_SEED", "1"))
PARTS = 8


def offered_by_engine(case: Case) -> dict[str, list[int]]:
    masks = start_masks(case.team, case.lo, case.hi, case.now)
    return {host_id: masks.starts(mask) for host_id, mask in masks.by_host.items()}


def check(case: Case) -> int:
    expected = reference.offered(*case)
    assert offered_by_engine(case) == expected
    return sum(len(starts) for starts in expected.values())


@pytest.mark.parametrize("part", range(PARTS))
def test_engine_and_reference_agree_on_seeded_cases_over_all_zones_that_change_their_clocks(part: int) -> None:
    starts = 0
    for i in range(part, CASES, PARTS):
        try:
            starts += check(draw_case(Random(f"{SEED}/{i}"), i))
        except AssertionError as error:
            raise AssertionError(f"case {i} of seed {SEED}: {error}") from error
    assert starts > CASES // PARTS  # the cases are not empty ones


def test_engine_and_reference_agree_on_both_sides_of_every_clock_change_of_every_zone() -> None:
    """The calendar, or one of its two hosts, is in that zone; hours begin and end where clocks are changed."""
    marks = (0, 60, 135, 180, 1380, 1440)
    ranges = tuple(WeeklyRange(EVERY_DAY, start, end) for start, end in pairwise(marks))
    sides = 0
    for i, (tz, change) in enumerate((tz, change) for tz, found in clock_changes().items() for change in found):
        own, anchor = ("UTC", tz) if i % 3 else (tz, tz), ("opening", "clock", "gapless")[i // 3 % 3]
        busy = [(change - 100, change - 95, "booked"), (change + 7, change + 20, "blocked")]
        hosts = [HostTimes("mem_1", Schedule(own[1], ranges), busy), HostTimes("mem_2", Schedule(own[0], ranges[:3]))]
        rules = SlotRules(own[i % 2], (30, 45, 150)[i % 3], (20, 45, 90)[i // 2 % 3], anchor, 5, 10)
        case = Case(Team(rules, hosts), change - 360, change + 360, instant_of(change - 400))
        check(case)
        starts = offered_by_engine(case)["mem_1"]
        sides += any(start < change for start in starts) and any(start >= change for start in starts)
    assert sides > 2000, sides


@settings(max_examples=150, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_engine_and_reference_agree_on_whatever_is_tried(rng: Random) -> None:
    check(draw_case(rng))


def test_what_can_be_booked_is_on_the_list_and_has_no_reason_against_it() -> None:
    """With `gapless` more can be booked than the list shows at the moment: every free start of its grid."""
    compared = gapless = refused = 0
    for i in range(90):
        case = draw_case(Random(f"book {i}"))
        listed = offered_by_engine(case)
        bookable = reference.offered(*case, shown=False)
        for start in range(case.lo // 5 * 5 + 5, case.hi, 35 if case.hi - case.lo > 600 else 5):
            expected = [one.host_id for one in case.hosts if start in bookable[one.host_id]]
            assert free_hosts(case.team, start, case.now) == expected
            why = reasons(case.team, start, case.now)
            assert [host_id for host_id, against in why.items() if not against] == expected
            refused += sum(map(bool, why.values()))
        for one in case.hosts:
            assert set(listed[one.host_id]) <= set(bookable[one.host_id])
            gapless += len(listed[one.host_id]) < len(bookable[one.host_id])
            assert case.rules.anchor == "gapless" or listed == bookable
            for start in listed[one.host_id]:
                assert is_offered(case.team, one.host_id, start, case.now)
                compared += 1
    assert compared > 500
    assert refused > 500
    assert gapless > 3


def test_each_start_of_a_raster_is_offered_exactly_if_nothing_speaks_against_it() -> None:
    """Told of many starts at once or of one, and each code is met."""
    seen: Counter[str] = Counter()
    for i in range(150):
        case = draw_case(Random(f"raster {i}"))
        rules, free = case.rules, reference.offered(*case, shown=False)
        listed = offered_by_engine(case) if rules.anchor != "gapless" else free
        first, last = (reference.date_of("UTC", at) for at in (case.lo - 3 * 1440, case.hi + 3 * 1440))
        why = Why(case.team, case.now, case.lo, case.hi)
        for host in case.hosts:
            ranges = reference.ranges_of(host.schedule, first, last)
            points = {start for begin, stop in ranges for start in reference.raster(rules, begin, stop)}
            for n, start in enumerate(sorted(one for one in points if case.lo <= one < case.hi)):
                against = why.of(start)[host.host_id]
                assert (not against) == (start in free[host.host_id]) == (start in listed[host.host_id]), (i, start)
                assert n % 20 or why.of(start) == reasons(case.team, start, case.now)
                seen.update({one.code for one in against} or {"offered"})
    assert set(seen) >= {*get_args(Code), "offered"} - {"OUTSIDE_HOURS", "OFF_RASTER", "CALENDAR_CLOSED"}, seen
    assert min(seen.values()) > 20, seen


def test_alternatives_are_the_nearest_starts_of_the_list() -> None:
    compared = 0
    for i in range(60):
        rng = Random(f"near {i}")
        case = draw_case(rng)
        around = rng.randint(case.lo, case.hi)
        got = alternatives(case.team, around, case.now, 5)
        span = Case(case.team, around - 3 * 1440, around + 3 * 1440, case.now)
        near = {start for starts in reference.offered(*span).values() for start in starts} - {around}
        day = reference.date_of(case.rules.tz, around)
        ranked = sorted(near, key=lambda s: (reference.date_of(case.rules.tz, s) != day, abs(s - around), s))
        within = [start for start in got if abs(start - around) < 3 * 1440]
        assert got[: len(within)] == within  # what is farther comes last
        assert within == ranked[: len(within)]
        assert len(got) == 5 or within == ranked
        compared += len(within)
    assert compared > 100


def test_the_reference_looks_at_the_clock_wherever_one_can_be_changed() -> None:
    assert all(change % reference.STEP == 0 for found in clock_changes().values() for change in found)
