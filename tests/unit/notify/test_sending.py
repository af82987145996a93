"""When reminders fire, what is checked right before sending, and what becomes of a try."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notify.domain import sending
from services.notify.domain.planning import Rules
from services.notify.domain.sending import Outcome
from tests.unit.notify.given import NOW, START, Kept, cancelled, confirmed, details, moved, reminding

MANY = reminding(1440, 120, 60)


def booked(rules: Rules = MANY) -> Kept:
    kept = Kept(rules)
    kept.hear(details(), confirmed(2))
    kept.work()
    kept.sent.clear()
    kept.said.clear()
    return kept


def test_every_reminder_goes_once_at_its_time_to_guest_and_host() -> None:
    kept = booked()
    kept.pass_to(START)
    assert kept.sent == [
        f"0.reminder-{offset}.{receiver}" for offset in (1440, 120, 60) for receiver in ("guest", "host")
    ]


def test_the_write_that_fires_owes_the_sending_and_reminder_due_together() -> None:
    kept = booked()
    kept.now = START - timedelta(minutes=1440)
    kept.fire()
    assert [entry.id for entry in kept.owed("job")] == ["send:0.reminder-1440.guest", "send:0.reminder-1440.host"]
    (due,) = kept.events("ReminderDue")
    assert due["offset_minutes"] == 1440
    assert due["notification_id"] == "ntf_1.0.reminder-1440.guest"


def test_of_several_overdue_reminders_only_the_latest_goes() -> None:
    kept = booked()
    kept.now = START - timedelta(minutes=90)
    kept.fire()
    kept.work()
    assert kept.sent == ["0.reminder-120.guest", "0.reminder-120.host"]
    assert kept.outcomes()["0.reminder-1440.guest"] == "overtaken"
    assert [event["offset_minutes"] for event in kept.events("ReminderDue")] == [120]
    assert {entry.id for entry in kept.owed("timer")} == {"remind:0.60"}


def test_a_reminder_that_comes_after_the_start_is_given_up_and_said() -> None:
    kept = booked()
    kept.now = START
    kept.fire()
    kept.work()
    assert kept.sent == []
    assert [event["code"] for event in kept.events("NotificationFailed")] == ["too_late", "too_late"]
    assert kept.events("ReminderDue") == []
    assert not kept.owed("timer")


def test_a_reminder_whose_time_has_passed_at_booking_is_skipped_and_logged() -> None:
    kept = Kept(MANY)
    kept.now = START - timedelta(minutes=100)
    kept.hear(details(), confirmed(2, at=kept.now))
    assert kept.outcomes()["0.reminder-1440.guest"] == kept.outcomes()["0.reminder-120.host"] == "past"
    assert {entry.id for entry in kept.owed("timer")} == {"remind:0.60"}


@given(st.integers(-3000, 3000))
def test_the_reminders_of_a_moved_booking_are_those_of_its_revision(minutes: int) -> None:
    kept = booked()
    start = START + timedelta(minutes=minutes)
    kept.hear(moved(4, 1, start=start))
    kept.pass_to(max(start, START) + timedelta(days=1))
    reminded = [key for key in kept.sent if "reminder" in key]
    assert all(key.startswith("1.") for key in reminded)
    expected = [offset for offset in (1440, 120, 60) if start - timedelta(minutes=offset) > NOW]
    assert [key for key in reminded if key.endswith("guest")] == [f"1.reminder-{o}.guest" for o in expected]


def test_a_reminder_that_was_queued_before_the_cancellation_is_not_sent() -> None:
    kept = booked()
    kept.now = START - timedelta(minutes=1440)
    kept.fire()
    kept.hear(cancelled(3, at=kept.now))
    kept.work()
    assert kept.sent == ["0.cancelled.guest", "0.cancelled.host"]
    assert kept.outcomes()["0.reminder-1440.guest"] == "cancelled"


def test_whoever_books_in_the_last_minute_gets_the_mail() -> None:
    kept = Kept()
    kept.hear(details(), confirmed(2, start=NOW + timedelta(seconds=1)))
    kept.now = NOW + timedelta(minutes=2)
    kept.work()
    assert "0.booked.guest" in kept.sent


def report(kept: Kept, outcome: Outcome, key: str = "0.booked.guest") -> None:
    kept.decide(lambda n: sending.report(n, key, outcome, kept.now))


def waiting() -> Kept:
    kept = Kept()
    kept.hear(details(), confirmed(2))
    return kept


def test_a_delayed_mail_is_tried_again_with_backoff_until_it_helps_nobody() -> None:
    kept = waiting()
    pauses: list[float] = []
    while owed := [entry for entry in kept.owed("job") if entry.id == "send:0.booked.guest"]:
        # The sweeper counts a claim before it runs the job.
        assert kept.notice is not None
        claimed = owed[0].__class__(**{**owed[0].stored(), "tries": owed[0].tries + 1})
        kept.notice = kept.notice.change(
            owed=tuple(claimed if one.id == claimed.id else one for one in kept.notice.owed)
        )
        report(kept, Outcome("delayed", code=451))
        if left := [entry for entry in kept.owed("job") if entry.id == "send:0.booked.guest"]:
            pauses.append(left[0].due / 1000 - kept.now.timestamp())
            kept.now += timedelta(seconds=pauses[-1])
    assert pauses[:5] == [2, 4, 8, 16, 32]
    assert max(pauses) == 3600
    assert kept.now < START
    assert kept.now > START - timedelta(hours=1)
    (failed,) = kept.events("NotificationFailed")
    assert failed["code"] == "gave_up"
    assert len(kept.message("0.booked.guest").attempts) == sending.ATTEMPTS_KEPT


def test_a_refused_mail_is_never_tried_again() -> None:
    kept = waiting()
    report(kept, Outcome("refused", code=550))
    assert [event["code"] for event in kept.events("NotificationFailed")] == ["refused"]
    assert [entry.id for entry in kept.owed("job")] == ["send:0.booked.host"]
    assert kept.message("0.booked.guest").attempts[0].code == 550


def test_a_sent_mail_is_said_once_even_if_a_second_sending_is_reported() -> None:
    kept = waiting()
    report(kept, Outcome("sent", code=250, reply="queued"))
    report(kept, Outcome("sent", code=250, reply="queued again"))
    assert len(kept.events("NotificationSent")) == 1
    assert [attempt.reply for attempt in kept.message("0.booked.guest").attempts] == ["queued", "queued again"]


def test_waiting_for_what_is_not_known_yet_is_no_try() -> None:
    kept = waiting()
    report(kept, Outcome("waiting"))
    assert kept.message("0.booked.guest").attempts == ()
    assert "send:0.booked.guest" in [entry.id for entry in kept.owed("job")]


@pytest.mark.parametrize("tries", [0, 1])
def test_a_message_past_its_deadline_fails_by_whether_it_was_ever_tried(tries: int) -> None:
    kept = waiting()
    for _ in range(tries):
        report(kept, Outcome("delayed", code=451))
    kept.now = START + timedelta(minutes=1)
    kept.work()
    assert kept.outcomes()["0.booked.guest"] == ("gave_up" if tries else "too_late")
