"""The engine and the naive reference agree, start for start, around every kind of clock change.

`SLOT_CASES` (default 2,000) and `SLOT_SEED` widen the seeded run.
"""

import os
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.availability.domain.engine import alternatives, free_hosts, is_offered, start_masks

from . import reference
from .cases import Case, changing_zones, clock_changes, draw_case

CASES = int(os.environ.get("SLOT_CASES", "2000"))
SEED = int(os.environ.get("SLOT_SEED", "1"))
PARTS = 8


def offered_by_engine(case: Case) -> dict[str, list[int]]:
    masks = start_masks(case.rules, case.hosts, case.lo, case.hi, case.now)
    return {host_id: masks.starts(mask) for host_id, mask in masks.by_host.items()}


def check(case: Case) -> int:
    expected = reference.offered(*case)
    assert offered_by_engine(case) == expected
    return sum(len(starts) for starts in expected.values())


@pytest.mark.parametrize("part", range(PARTS))
def test_engine_and_reference_agree_on_seeded_cases_over_all_zones_that_change_their_clocks(part: int) -> None:
    zones = changing_zones()
    starts = 0
    for i in range(part, CASES, PARTS):
        rng = Random(f"{SEED}/{i}")
        try:
            starts += check(draw_case(rng, zones[i % len(zones)]))
        except AssertionError as error:
            raise AssertionError(f"case {i} of seed {SEED}: {error}") from error
    assert starts > CASES // PARTS  # the cases are not empty ones


@settings(max_examples=150, derandomize=True)
@given(st.randoms(use_true_random=False))
def test_engine_and_reference_agree_on_whatever_is_tried(rng: Random) -> None:
    check(draw_case(rng))


def test_every_start_on_the_list_can_be_booked_and_no_other_one() -> None:
    compared = 0
    for i in range(60):
        case = draw_case(Random(f"book {i}"))
        listed = offered_by_engine(case)
        for start in range(case.lo // 5 * 5 + 5, case.hi, 35 if case.hi - case.lo > 600 else 5):
            expected = [one.host_id for one in case.hosts if start in listed[one.host_id]]
            assert free_hosts(case.rules, case.hosts, start, case.now) == expected
        for one in case.hosts:
            for start in listed[one.host_id]:
                assert is_offered(case.rules, one, start, case.now, members=case.hosts)
                compared += 1
    assert compared > 500


def test_alternatives_are_the_nearest_starts_of_the_list() -> None:
    compared = 0
    for i in range(60):
        rng = Random(f"near {i}")
        case = draw_case(rng)
        around = rng.randint(case.lo, case.hi)
        got = alternatives(case.rules, case.hosts, around, case.now, 5)
        span = Case(case.rules, case.hosts, around - 3 * 1440, around + 3 * 1440, case.now)
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
