"""A pause of a member: decisions by example, and when it is over."""

from datetime import UTC, date, datetime, timedelta

import pytest

from services.accounts.domain import members, pausing
from services.accounts.domain.auditing import Actor
from services.accounts.domain.members import Member, Pause
from tests.unit.accounts.team import ACTOR, NOW, member, owed
from turnus_contracts import ChangeRecorded

LATER = Actor("mem_olga", NOW + timedelta(days=1))
UNTIL = date(2027, 2, 1)


def paused(until: date | None = UNTIL) -> Member:
    record = pausing.pause(member(), until, None, ACTOR).record
    assert record is not None
    return record


def test_a_pause_is_said_and_audited_and_ends_nothing_that_was_issued() -> None:
    decision = pausing.pause(member(), UNTIL, 1, ACTOR)
    assert owed(decision) == ["MemberChanged", "ChangeRecorded"]
    changed = decision.answer.member
    assert (changed.version, changed.epoch, changed.pause) == (2, 1, Pause(since=NOW, until=UNTIL))
    fact = ChangeRecorded.model_validate(decision.owes[1].data)
    assert (fact.action, fact.fields) == ("paused", ("pause",))


def test_the_same_pause_again_changes_nothing_whatever_version_is_named() -> None:
    known = paused()
    decision = pausing.pause(known, UNTIL, 1, LATER)
    assert (decision.record, decision.answer.refusal) == (None, None)


def test_another_end_of_a_running_pause_leaves_its_beginning() -> None:
    decision = pausing.pause(paused(), None, None, LATER)
    assert decision.answer.member.pause == Pause(since=NOW, until=None)


def test_a_pause_after_one_that_ended_begins_anew() -> None:
    resumed = pausing.resume(paused(), None, ACTOR).answer.member
    assert pausing.pause(resumed, UNTIL, None, LATER).answer.member.pause == Pause(since=LATER.now, until=UNTIL)
    after = Actor("mem_olga", datetime(2027, 2, 3, tzinfo=UTC))
    assert pausing.pause(paused(), None, None, after).answer.member.pause == Pause(since=after.now, until=None)


def test_resuming_is_said_and_keeps_what_it_ended() -> None:
    decision = pausing.resume(paused(), 2, LATER)
    assert owed(decision) == ["MemberChanged", "ChangeRecorded"]
    assert decision.answer.member.pause == Pause(since=NOW, until=UNTIL, resumed_at=LATER.now)
    (told,) = members.described(decision.answer.member, LATER.now)
    assert (told.paused_since, told.paused_until, told.resumed_at) == (NOW, UNTIL, LATER.now)


def test_who_does_not_pause_resumes_without_a_change() -> None:
    resumed = pausing.resume(paused(), None, LATER).answer.member
    for known in (member(), resumed):
        decision = pausing.resume(known, 1, LATER)
        assert (decision.record, decision.answer.refusal) == (None, None)


def test_a_stale_version_and_a_removed_member_are_refused() -> None:
    gone = member(status="removed")
    assert pausing.pause(member(version=4), None, 3, ACTOR).answer.refusal == "stale"
    assert pausing.resume(paused(), 1, LATER).answer.refusal == "stale"
    assert pausing.pause(gone, None, None, ACTOR).answer.refusal == "gone"
    assert pausing.resume(gone, None, ACTOR).answer.refusal == "gone"
    assert pausing.pause_of(paused().change(status="removed"), NOW) is None


@pytest.mark.parametrize(
    ("tz", "day", "last_minute"),
    [
        pytest.param("Europe/Berlin", date(2027, 2, 1), datetime(2027, 1, 31, 22, 59, tzinfo=UTC), id="Berlin"),
        pytest.param("Pacific/Kiritimati", date(2027, 2, 1), datetime(2027, 1, 31, 9, 59, tzinfo=UTC), id="Kiritimati"),
        pytest.param("Africa/Cairo", date(2027, 4, 30), datetime(2027, 4, 29, 21, 59, tzinfo=UTC), id="no midnight"),
    ],
)
def test_it_ends_by_itself_where_its_day_begins_in_the_members_zone(tz: str, day: date, last_minute: datetime) -> None:
    known = paused(day).change(tz=tz)
    assert pausing.pause_of(known, last_minute) is not None
    assert pausing.pause_of(known, last_minute + timedelta(minutes=1)) is None


def test_whoever_never_paused_says_nothing_of_it() -> None:
    (told,) = members.described(member(), NOW)
    assert (told.paused_since, told.paused_until, told.resumed_at) == (None, None, None)
