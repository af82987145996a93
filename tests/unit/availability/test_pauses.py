"""A pause in the host record: what it refuses, what it leaves, and when it is over."""

from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import pytest

from services.availability.domain import hosts
from services.availability.domain.hosts import Ask, Host, Reply
from services.availability.domain.zones import LAST_MINUTE, epoch_minute
from turnus_contracts import MemberChanged

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
MINUTE = epoch_minute(NOW)


def told(version: int = 2, since: datetime | None = NOW, **more: Any) -> MemberChanged:
    values: dict[str, Any] = {
        "workspace_id": "ws_a",
        "member_id": "mem_a",
        "version": version,
        "status": "active",
        "name": "Ada",
        "email": "ada@example.org",
        "tz": "Europe/Berlin",
        "locale": "de",
        "role": "member",
        "paused_since": since,
    }
    return MemberChanged(**values | more)


def learned(*said: MemberChanged, host: Host | None = None) -> Host | None:
    for one in said:
        host = hosts.learn_pause(host, one).record or host
    return host


def asked(start: int, minutes: int = 30, *, booking_id: str = "bk_a", rules_version: int | None = 0) -> Ask:
    return Ask(booking_id, 1, start, start + minutes, offered=True, rules_version=rules_version)


def reply(host: Host | None, ask: Ask) -> Reply:
    return hosts.reserve(host, ask, "mem_a", NOW).answer


def test_whoever_pauses_gives_no_time_and_the_refusal_outlasts_the_pause() -> None:
    refused = hosts.reserve(learned(told()), asked(MINUTE + 600), "mem_a", NOW)
    assert refused.answer is Reply.REFUSED
    back = learned(told(3, resumed_at=NOW), host=refused.record)
    assert reply(back, asked(MINUTE + 600)) is Reply.REFUSED
    assert reply(back, asked(MINUTE + 600, booking_id="bk_b")) is Reply.ACCEPTED


def test_in_the_middle_of_a_swap_it_counts_although_rules_do_not() -> None:
    assert reply(learned(told()), asked(MINUTE + 600, rules_version=None)) is Reply.REFUSED


def test_what_was_held_before_stays_and_is_answered_as_before() -> None:
    held = hosts.reserve(None, asked(MINUTE + 600), "mem_a", NOW).record
    pausing = learned(told(), host=held)
    assert pausing is not None
    assert [one.booking_id for one in pausing.reservations] == ["bk_a"]
    assert reply(pausing, asked(MINUTE + 600)) is Reply.ACCEPTED


@pytest.mark.parametrize(
    ("tz", "day", "begins"),
    [
        pytest.param("Europe/Berlin", date(2027, 2, 1), datetime(2027, 1, 31, 23, tzinfo=UTC), id="Berlin"),
        pytest.param("Pacific/Kiritimati", date(2027, 2, 1), datetime(2027, 1, 31, 10, tzinfo=UTC), id="Kiritimati"),
        pytest.param("Africa/Cairo", date(2027, 4, 30), datetime(2027, 4, 29, 22, tzinfo=UTC), id="no midnight"),
    ],
)
def test_a_pause_until_a_day_ends_where_that_day_begins_for_the_member(tz: str, day: date, begins: datetime) -> None:
    pausing, end = learned(told(tz=tz, paused_until=day)), epoch_minute(begins)
    assert reply(pausing, asked(end - 1)) is Reply.REFUSED
    assert reply(pausing, asked(end - 30)) is Reply.REFUSED
    assert reply(pausing, asked(end)) is Reply.ACCEPTED


def test_who_resumes_ends_it_before_its_day() -> None:
    back = learned(told(), told(3, paused_until=date(2027, 2, 1), resumed_at=NOW))
    assert back is not None
    assert back.pause == hosts.Pause(version=3, start=MINUTE, end=MINUTE)
    assert reply(back, asked(MINUTE - 10)) is Reply.ACCEPTED


def test_of_several_words_the_newest_counts_in_whatever_order_and_however_often_they_come() -> None:
    said = (told(2), told(3, paused_until=date(2027, 2, 1)), told(4, resumed_at=NOW), told(5, tz="UTC"))
    for order in permutations(said):
        found = learned(*order, *order)
        assert found is not None
        assert found.pause == hosts.Pause(version=5, start=MINUTE, end=LAST_MINUTE)


def test_nothing_is_written_of_whoever_never_paused() -> None:
    assert hosts.learn_pause(None, told(since=None)).record is None
    assert hosts.learn_pause(Host(id="mem_a"), told(7, since=None)).record is None
