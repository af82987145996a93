"""Credit in units: nothing is lost in division."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.assignment.domain.credit import UNIT, bookings, shares, spread

WEIGHTS = st.lists(st.integers(1, 100), min_size=1, max_size=500)


@given(WEIGHTS)
def test_shares_add_up_to_exactly_one_booking(weights: list[int]) -> None:
    assert sum(shares(weights)) == UNIT


@given(WEIGHTS)
def test_a_share_is_off_its_exact_value_by_one_unit_at_most(weights: list[int]) -> None:
    total = sum(weights)
    assert all(
        abs(part * total - UNIT * weight) <= total for part, weight in zip(shares(weights), weights, strict=True)
    )


@pytest.mark.parametrize("total", range(1, 37))
def test_teams_of_weight_36_or_less_share_without_a_remainder(total: int) -> None:
    assert shares([1] * total) == [UNIT // total] * total
    assert UNIT % total == 0


@given(st.integers(-(10**20), 10**20), st.integers(1, 500))
def test_what_is_spread_is_spread_whole_and_evenly(amount: int, over: int) -> None:
    parts = spread(amount, over)
    assert sum(parts) == amount
    assert max(parts) - min(parts) <= 1


def test_nothing_is_spread_over_nobody() -> None:
    assert spread(0, 0) == []


def test_credit_is_shown_in_bookings() -> None:
    assert bookings(-UNIT // 3) == -0.333333333
