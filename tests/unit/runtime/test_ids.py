"""Ids carry their kind, sort by time, and derived ones are the same everywhere and for ever."""

import time

from hypothesis import given
from hypothesis import strategies as some

from turnus_runtime.ids import ALPHABET, LENGTH, RandomIds, derived, is_id

parts = some.lists(some.one_of(some.text(max_size=20), some.integers()), max_size=4)


def test_fresh_ids_are_well_formed_and_all_different() -> None:
    fresh = RandomIds().fresh
    ids = {fresh("bk") for _ in range(2_000)}
    assert len(ids) == 2_000
    assert all(is_id("bk", one) for one in ids)


def test_fresh_ids_of_a_later_millisecond_sort_later() -> None:
    fresh = RandomIds().fresh
    seen: list[str] = []
    last = 0
    while len(seen) < 5:
        if (now := time.time_ns() // 1_000_000) > last:
            seen.append(fresh("bk"))
            last = time.time_ns() // 1_000_000
            assert now <= last
    assert seen == sorted(seen)


@given(parts, parts)
def test_derived_ids_are_equal_exactly_when_all_parts_are(one: list[str | int], other: list[str | int]) -> None:
    assert is_id("mem", derived("mem", *one))
    same = [(type(part), part) for part in one] == [(type(part), part) for part in other]
    assert (derived("mem", *one) == derived("mem", *other)) is same


def test_parts_cannot_run_into_one_another() -> None:
    assert derived("bk", "a", "bc") != derived("bk", "ab", "c")
    assert derived("bk", "1") != derived("bk", 1)
    assert derived("bk", "a") != derived("bk", "a", "")
    assert derived("bk", "cal:x") != derived("cal", "bk:x")


def test_a_derived_id_never_changes_between_releases() -> None:
    assert derived("bk", "ws_1", "bookings", "key-1") == "bk_7xtphr7yzjjfypyjt26e6qt0dj"


def test_other_kinds_lengths_and_letters_are_not_well_formed() -> None:
    good = derived("bk", 1)
    assert is_id("bk", good)
    for bad in (
        good.replace("bk_", "cal_"),
        good[:-1],
        good + "0",
        good + "\n",
        good.upper(),
        f"bk_{'u' * LENGTH}",
        f"bk_{'i' * LENGTH}",
        "",
    ):
        assert not is_id("bk", bad)
    assert not is_id("b.", good)
    assert len(set(ALPHABET)) == 32
