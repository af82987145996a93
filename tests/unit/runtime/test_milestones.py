"""Which records are milestones, and where their keys lie."""

from collections import Counter

import pytest

from turnus_runtime.milestones import APART, index_of, keys_of, level_of


def test_about_every_64th_record_is_a_milestone_and_about_every_4096th_a_coarse_one() -> None:
    levels = Counter(level_of(f"bk_{n}") for n in range(100 * APART**2))
    assert 5_500 < levels[1] < 7_000
    assert 60 < levels[2] < 140
    assert set(levels) == {0, 1, 2}


def test_which_records_are_milestones_never_changes() -> None:
    """Every process, of every version, must say the same: these are stored."""
    assert [n for n in range(200) if level_of(f"bk_{n}")] == [57, 86, 196]
    assert level_of("bk_1700") == 2


def test_a_milestone_has_its_keys_a_second_time_by_level() -> None:
    keys = {"by_host": "mem_1|7", "self": "x", "ends": 7}
    for n in range(APART**2 * 10):
        level = level_of(f"bk_{n}")
        expected = {index_of("by_host"): f"{level}|mem_1|7"} if level else {}
        assert keys_of(f"bk_{n}", keys, ("by_host", "by_calendar")) == expected


def test_only_texts_are_long() -> None:
    with pytest.raises(TypeError, match="only an index of texts can be long"):
        keys_of("bk_1", {"ends": 7}, ("ends",))
