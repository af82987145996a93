"""The host record: permanent answers, and what `STALE` may and may not ask for."""

from datetime import UTC, datetime

from services.availability.domain import hosts
from services.availability.domain.hosts import Ask, Host, Reply

NOW = datetime(2027, 1, 4, tzinfo=UTC)
START = 30_000_000


def _ask(*, offered: bool, rules_version: int | None, calendar_id: str = "cal_a", blocks_version: int = 0) -> Ask:
    return Ask("bk_a", 1, START, START + 30, offered, rules_version, calendar_id, blocks_version)


def test_a_change_of_rules_asks_for_another_look() -> None:
    host = Host(id="mem_a", rules_version=3)
    decided = hosts.reserve(host, _ask(offered=True, rules_version=2), "mem_a", NOW)
    assert (decided.answer, decided.record) == (Reply.STALE, None)


def test_who_has_left_the_calendar_says_no_for_good_instead_of_asking_for_another_look_for_ever() -> None:
    host = Host(id="mem_a", rules_version=3)
    decided = hosts.reserve(host, _ask(offered=False, rules_version=None), "mem_a", NOW)
    assert decided.answer is Reply.REFUSED
    again = hosts.reserve(decided.record, _ask(offered=True, rules_version=3), "mem_a", NOW)
    assert again.answer is Reply.REFUSED


def test_blocks_of_the_calendar_that_came_after_the_look_ask_for_another_one() -> None:
    told = hosts.change_blocks(None, "mem_a", "cal_a", 2).record
    stale = hosts.reserve(told, _ask(offered=True, rules_version=0, blocks_version=1), "mem_a", NOW)
    assert (stale.answer, stale.record) == (Reply.STALE, None)
    for version in (2, 3):
        seen = hosts.reserve(told, _ask(offered=True, rules_version=0, blocks_version=version), "mem_a", NOW)
        assert seen.answer is Reply.ACCEPTED
    other = hosts.reserve(told, _ask(offered=True, rules_version=0, calendar_id="cal_b"), "mem_a", NOW)
    assert other.answer is Reply.ACCEPTED


def test_of_two_changes_of_a_calendars_blocks_the_later_one_stays_in_whatever_order_they_are_told() -> None:
    told = hosts.change_blocks(None, "mem_a", "cal_a", 2).record
    assert hosts.change_blocks(told, "mem_a", "cal_a", 1).record is None
    assert hosts.change_blocks(told, "mem_a", "cal_a", 2).record is None
    third = hosts.change_blocks(told, "mem_a", "cal_a", 3).record
    assert third is not None
    assert third.blocks_versions == {"cal_a": 3}
