"""What is planned from facts and details, in any order and however often they come."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.notify.given import NOW, START, Kept, cancelled, concluded, confirmed, details, erased, moved, reminding
from turnus_contracts import Event, Guest

LATER = START + timedelta(days=1)
LIFE: list[Event] = [
    details(1),
    confirmed(2),
    moved(4, 1, start=LATER),
    moved(6, 2, start=LATER, host_ids=("mem_b",)),
]


def test_nothing_is_planned_before_both_the_fact_and_the_guest_are_known() -> None:
    for first, second in ((confirmed(), details()), (details(), confirmed())):
        kept = Kept()
        kept.hear(first)
        assert kept.notice is not None
        assert kept.notice.messages == ()
        kept.hear(second)
        kept.work()
        assert kept.sent == ["0.booked.guest", "0.booked.host"]


def test_additional_guests_get_their_own_message() -> None:
    kept = Kept()
    others = (Guest(name="Bob", email="bob@example.org"), Guest(name="Cy", email="cy@example.org"))
    kept.hear(confirmed(), details(additional_guests=others))
    kept.work()
    assert kept.sent == [
        "0.booked.guest",
        "0.booked.additional_guest",
        "0.booked.additional_guest-2",
        "0.booked.host",
    ]


@settings(max_examples=300)
@given(st.permutations(LIFE * 2), st.lists(st.booleans(), min_size=8, max_size=8))
def test_any_order_and_repetition_ends_in_one_message_per_stage_and_receiver(
    history: list[Event], works: list[bool]
) -> None:
    kept = Kept()
    for event, work in zip(history, works, strict=True):
        kept.hear(event)
        if work:
            kept.work()
    kept.work()
    assert len(kept.sent) == len(set(kept.sent)), "a message went out twice"
    assert kept.notice is not None
    assert kept.notice.told is not None
    assert kept.notice.told.version == 6
    last = [key for key in kept.sent if key.startswith("2.")]
    assert last[0] == "2.moved.guest"
    assert [key for key in last if key.endswith(".host") and "withdrawn" not in key] in (
        ["2.booked.host"],  # another host was told of the booking before
        ["2.moved.host"],  # the first that anybody was told
    )
    timers = {entry.id for entry in kept.owed("timer")}
    assert timers == {"remind:2.1440", "remind:2.60"}
    assert not kept.owed("job")


@settings(max_examples=200)
@given(st.permutations([*LIFE, cancelled(7, 2, start=LATER, host_ids=("mem_b",))] * 2))
def test_after_a_cancellation_nothing_but_it_is_sent_in_any_order(history: list[Event]) -> None:
    kept = Kept()
    for event in history:
        kept.hear(event)
    kept.work()
    kept.pass_to(LATER)
    told = [key for key in kept.sent if "withdrawn" not in key]
    assert told == ["2.cancelled.guest", "2.cancelled.host"]
    assert not kept.owed("timer")


def test_a_mail_that_was_not_sent_before_the_move_is_skipped_and_says_why() -> None:
    kept = Kept()
    kept.hear(details(), confirmed(2), moved(4, 1, start=LATER))
    kept.work()
    assert kept.sent == ["1.moved.guest", "1.moved.host"]
    assert kept.outcomes()["0.booked.guest"] == "superseded"


def test_a_host_who_lost_the_booking_is_told_and_the_new_one_is_told_as_of_a_booking() -> None:
    kept = Kept()
    kept.hear(details(), confirmed(2))
    kept.work()
    kept.hear(moved(4, 1, host_ids=("mem_b",)))
    kept.work()
    assert kept.sent[2:] == ["1.moved.guest", "1.booked.host", "1.withdrawn.host"]
    assert kept.message("1.withdrawn.host").member_id == "mem_a"
    assert kept.message("1.booked.host").member_id == "mem_b"


def test_the_withdrawal_is_not_sent_when_the_booking_is_back() -> None:
    kept = Kept()
    kept.hear(details(), confirmed(2), moved(4, 1, host_ids=("mem_b",)), moved(6, 2, host_ids=("mem_a",)))
    kept.work()
    assert kept.outcomes()["1.withdrawn.host"] == "superseded"


def test_a_refused_move_raises_the_version_and_sends_nothing() -> None:
    kept = Kept()
    kept.hear(details(), confirmed(2))
    kept.work()
    assert kept.notice is not None
    before = kept.notice
    kept.hear(confirmed(4), details(4))
    assert (kept.notice.messages, kept.notice.owed) == (before.messages, before.owed)
    kept.work()
    assert kept.sent == ["0.booked.guest", "0.booked.host"]


def test_a_booking_that_was_never_confirmed_sends_nothing_to_anybody() -> None:
    kept = Kept()
    kept.hear(details(), cancelled(2, attempt=0, host_ids=()))
    kept.work()
    assert kept.sent == []
    assert kept.outcomes() == {"0.cancelled.guest": "never_confirmed"}


def test_a_conclusion_sends_nothing_and_ends_reminders() -> None:
    kept = Kept()
    kept.hear(details(), confirmed(2))
    kept.work()
    kept.hear(concluded(3))
    kept.work()
    assert len(kept.sent) == 2
    assert not kept.owed("timer")


def test_old_news_is_not_mailed_by_an_emptied_store_but_its_reminders_are_planned() -> None:
    kept = Kept()
    kept.now = NOW + timedelta(hours=24, seconds=1)
    kept.hear(details(), confirmed(2, start=START + timedelta(days=3)))
    kept.work()
    assert kept.sent == []
    assert kept.outcomes()["0.booked.guest"] == kept.outcomes()["0.booked.host"] == "too_old"
    assert len(kept.owed("timer")) == 2


def test_news_stays_news_however_late_the_guest_becomes_known() -> None:
    kept = Kept()
    kept.hear(confirmed(2))
    kept.now = NOW + timedelta(hours=30)
    kept.hear(details())
    kept.work()
    assert kept.sent == ["0.booked.guest", "0.booked.host"]


def test_erasing_removes_everything_personal_and_messages_to_guests() -> None:
    kept = Kept()
    kept.hear(details(1, reason="krank"), confirmed(2), erased(3), details(1))
    kept.work()
    assert kept.notice is not None
    assert "Ada" not in kept.notice.model_dump_json()
    assert "ada@" not in kept.notice.model_dump_json()
    assert "bkt_" not in kept.notice.model_dump_json()
    assert kept.sent == ["0.booked.host"]
    assert kept.outcomes()["0.booked.guest"] == "erased"


def test_reminders_follow_the_settings() -> None:
    kept = Kept(reminding(30, 2880, 30))
    kept.hear(details(), confirmed(2))
    assert {entry.id for entry in kept.owed("timer")} == {"remind:0.2880", "remind:0.30"}
