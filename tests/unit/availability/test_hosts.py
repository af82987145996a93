"""The host record: permanent answers, and what `STALE` may and may not ask for."""

from datetime import UTC, datetime

from services.availability.domain import hosts
from services.availability.domain.hosts import Ask, Host, Reply

NOW = datetime(2027, 1, 4, tzinfo=UTC)
START = 30_000_000


def _ask(*, offered: bool, rules_version: int | None) -> Ask:
    return Ask("bk_a", 1, START, START + 30, offered=offered, rules_version=rules_version)


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
