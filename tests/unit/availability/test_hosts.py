"""The host record: permanent answers, and what `STALE` may and may not ask for."""

from datetime import UTC, datetime, timedelta

from services.availability.domain import hosts
from services.availability.domain.hosts import Ask, Host, Reply
from services.availability.domain.limits import period_spans
from turnus_contracts import AssigneeSettled, Limits

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


def test_who_comes_right_after_another_one_gets_the_time() -> None:
    held = hosts.reserve(None, _ask(offered=True, rules_version=0), "mem_a", NOW).record
    for start in (START - 30, START + 30):
        after = Ask("bk_b", 1, start, start + 30, offered=True, rules_version=0)
        assert hosts.reserve(held, after, "mem_a", NOW).answer is Reply.ACCEPTED
    between = Ask("bk_b", 1, START + 29, START + 59, offered=True, rules_version=0)
    assert hosts.reserve(held, between, "mem_a", NOW).answer is Reply.REFUSED


def test_a_move_may_overlap_the_time_that_the_booking_holds() -> None:
    held = hosts.reserve(None, _ask(offered=True, rules_version=0), "mem_a", NOW).record
    move = Ask("bk_a", 2, START + 15, START + 45, offered=True, rules_version=0)
    moved = hosts.reserve(held, move, "mem_a", NOW)
    assert moved.answer is Reply.ACCEPTED
    assert moved.record is not None
    assert [one.attempt for one in moved.record.reservations] == [1, 2]


def _settled() -> AssigneeSettled:
    return AssigneeSettled(
        workspace_id="ws_a",
        calendar_id="cal_a",
        booking_id="bk_a",
        attempt=1,
        start=NOW,
        end=NOW,
        host_ids=("mem_a",),
        charged=True,
    )


def test_keeping_a_time_that_is_gone_says_nothing() -> None:
    settled = _settled()
    held = hosts.reserve(None, _ask(offered=True, rules_version=0), "mem_a", NOW).record
    assert hosts.keep(held, settled).answer
    gone = hosts.keep(hosts.release(held, "bk_a", 1, START, "mem_a").record, settled)
    assert (gone.answer, gone.record, gone.says) == (False, None, ())


def test_a_repeated_swap_says_again_who_serves() -> None:
    held = hosts.reserve(None, _ask(offered=True, rules_version=0), "mem_a", NOW).record
    freed = hosts.free(held, "bk_a", 1, _settled())
    assert [entry.name for entry in freed.owes] == ["AssigneeSettled"]
    assert hosts.free(freed.record, "bk_a", 1, _settled()).says == [_settled()]


def test_what_is_forgotten_is_closed_by_the_same_write_and_nothing_else_is() -> None:
    host: Host | None = None
    days = [datetime(2027, 1, day, 12, tzinfo=UTC) for day in range(1, 11)]
    minutes = [int(day.timestamp()) // 60 for day in days]
    for number, start in enumerate(minutes):
        ask = Ask(f"bk_{number}", 1, start, start + 30, offered=number % 2 == 0, rules_version=0)
        host = hosts.reserve(host, ask, "mem_a", days[0]).record
        assert host is not None
    late = hosts.archive(host, days[7]) if host is not None else Host(id="mem_a")
    assert 0 < late.closed_until <= minutes[7] - hosts.CLOSED_BEHIND_MINUTES
    for number, start in enumerate(minutes):
        again = hosts.reserve(late, Ask(f"bk_{number}", 1, start, start + 30, True, 0), "mem_a", days[7])
        known = Reply.REFUSED if number % 2 else Reply.ACCEPTED
        assert again.answer is (Reply.CLOSED if start < late.closed_until else known), days[number]
        assert again.record is None, "it was asked before"
    assert late.closed_until > minutes[3], "something was forgotten"


def test_a_member_takes_no_more_than_their_limits_whatever_the_list_said() -> None:
    limited = tuple(period_spans(Limits(day=1), "UTC", START))
    held = hosts.reserve(None, _ask(offered=True, rules_version=0), "mem_a", NOW).record
    later = START + 60
    for booking, attempt, expected in (("bk_b", 1, Reply.REFUSED), ("bk_a", 2, Reply.ACCEPTED)):
        ask = Ask(booking, attempt, later, later + 30, offered=True, rules_version=0, limited=limited)
        assert hosts.reserve(held, ask, "mem_a", NOW).answer is expected  # a move within the day is no second booking


def test_what_was_archived_still_counts_until_the_longest_period_is_over() -> None:
    held = hosts.reserve(None, _ask(offered=True, rules_version=0), "mem_a", NOW).record
    assert held is not None
    end = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=START)
    archived = hosts.archive(held, end + timedelta(days=5))
    assert archived.reservations == ()
    assert [start for _, start in archived.counted(but="bk_b")] == [START]
    assert archived.counted(but="bk_a") == []
    assert [archived.had(*one) for one in (("bk_a", START), ("bk_a", START + 30), ("bk_b", START))] == [
        True,
        False,
        False,
    ]
    moved = hosts.archive(hosts.free(held, "bk_a", 1).record or held, end + timedelta(days=5))
    assert not moved.had("bk_a", START)
    assert hosts.archive(archived, end + timedelta(days=50)).counted(but="bk_b") == []


def test_staff_overbook_whatever_is_in_the_way_and_what_lies_there_stays() -> None:
    held = hosts.reserve(None, _ask(offered=True, rules_version=0), "mem_a", NOW).record
    ask = Ask("bk_b", 1, START, START + 30, offered=False, rules_version=None, overbook=True)
    decided = hosts.reserve(held, ask, "mem_a", NOW)
    assert decided.answer is Reply.ACCEPTED
    assert decided.record is not None
    assert [(one.booking_id, one.overbooked) for one in decided.record.reservations] == [
        ("bk_a", False),
        ("bk_b", True),
    ]
    third = Ask("bk_c", 1, START, START + 30, offered=True, rules_version=0)
    assert hosts.reserve(decided.record, third, "mem_a", NOW).answer is Reply.REFUSED
