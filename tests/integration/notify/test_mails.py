"""Facts go in, mails come out: one each, whatever comes twice, late, or in the wrong order."""

from datetime import timedelta
from typing import Any

import pytest
from icalendar import Calendar as Ical

from services.notify.domain.notices import Notice
from tests.integration.notify.conftest import Notify, at_rest, calendar, details, known, member, soon, until, workspace
from tests.unit.notify.given import cancelled, confirmed, erased, moved
from turnus_contracts import Event, NotificationFailed, NotificationSent
from turnus_runtime.ports import Message, Stored, StoreUnavailable
from turnus_runtime.records import Decision, job

BOOKED = ("0.booked.guest", "0.booked.host")


async def test_a_confirmed_booking_is_one_mail_to_the_guest_and_one_to_the_host(notify: Notify) -> None:
    host = await notify.new_host()
    await notify.publish(*known(), details(), confirmed(**soon(host)))
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    assert [subject[:17] for subject in notify.inbox.subjects("ada@")] == ["Gebucht: Beratung"]
    assert [subject[:15] for subject in notify.inbox.subjects("grace@")] == ["New appointment"]
    (mail,) = [mail for mail in notify.inbox.mails if "ada@" in str(mail["To"])]
    parts = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
    assert parts == ["text/plain", "text/html", "text/calendar"]
    invitation: Any = Ical.from_ical(list(mail.walk())[-1].get_content())
    assert invitation["METHOD"] == "REQUEST"
    assert str(mail["From"]) == "Praxis <turnus@localhost>"
    await until(lambda: at_rest(host), "nothing is owed")
    await until(lambda: _said(notify, NotificationSent, 2), "both are said")
    message = await notify.message("0.booked.guest")
    assert message is not None
    assert [(one.outcome, one.code, one.reply) for one in message.attempts] == [
        ("sent", 250, "2.0.0 queued for … as 4711")
    ]


async def _said(notify: Notify, kind: Any, count: int) -> bool:
    return len(notify.said(kind)) >= count


@pytest.mark.parametrize("last", ["fact", "details", "workspace", "calendar", "member"])
async def test_whatever_comes_last_starts_the_mails(notify: Notify, last: str) -> None:
    host = await notify.new_host()
    parts: dict[str, Event] = {"fact": confirmed(**soon(host)), "details": details()}
    parts |= {"workspace": workspace(), "calendar": calendar(), "member": member()}
    late = parts.pop(last)
    await notify.publish(*parts.values())

    async def taken() -> bool:
        notice = await notify.notice()
        if last in ("fact", "details"):
            return notice is not None
        return notice is not None and any(entry.tries for entry in notice.owed)  # a job has looked, in vain

    await until(taken, "the others were taken in")
    assert notify.inbox.mails == []
    await notify.publish(late)
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    assert len(notify.inbox.mails) == 2


async def test_repeated_and_republished_facts_send_nothing_twice(notify: Notify) -> None:
    host = await notify.new_host()
    fact, given = confirmed(**soon(host)), details()
    await notify.publish(*known(), given, fact, given, fact)
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    await notify.publish(*known(), fact, given)
    second = await notify.new_host()
    # Something that comes after the repetition on the same lane shows that it was handled.
    await notify.publish(confirmed(5, **soon(second)))
    await until(lambda: notify.known(5), "the later fact is known")
    await until(lambda: at_rest(second), "nothing is owed")
    await until(lambda: _said(notify, NotificationSent, 2), "both are said")
    assert len(notify.inbox.mails) == 2
    assert len(notify.said(NotificationSent)) == 2


async def test_moved_and_cancelled_are_told_and_no_stale_mail_goes_out(notify: Notify) -> None:
    taking = await notify.new_host(jobs=False)
    await notify.publish(*known(), details(), confirmed(**soon(taking)))
    await until(notify.all_known, "the booking is known, nobody sends")
    await notify.publish(moved(4, 1, **soon(taking, days=4)))
    await until(lambda: notify.known(4), "the move is known")
    sending = await notify.new_host()
    await until(lambda: notify.settled("1.moved.guest", "1.moved.host", *BOOKED), "all is settled")
    assert [subject[:10] for subject in notify.inbox.subjects("ada@")] == ["Verschoben"]
    message = await notify.message("0.booked.guest")
    assert message is not None
    assert (message.status, message.reason) == ("skipped", "superseded")
    await notify.publish(cancelled(5, 1, **soon(sending, days=4)))
    await until(lambda: notify.settled("1.cancelled.guest", "1.cancelled.host"), "the cancellation is told")
    assert [subject[:10] for subject in notify.inbox.subjects("ada@")] == ["Verschoben", "Abgesagt: "]

    async def nothing_owed() -> bool:
        notice = await notify.notice()
        return notice is not None and notice.owed == ()

    await until(nothing_owed, "no reminder is left, and all is said")


async def test_a_mail_that_is_delayed_goes_out_later_and_every_try_is_logged(notify: Notify) -> None:
    notify.inbox.replies = ["451 4.3.0 later", "421 4.3.2 later"]
    host = await notify.new_host()
    await notify.publish(*known(), details(), confirmed(**soon(host)))
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    messages = [await notify.message(key) for key in BOOKED]
    tried = [[one.outcome for one in message.attempts] for message in messages if message is not None]
    assert sorted(outcome for one in tried for outcome in one) == ["delayed", "delayed", "sent", "sent"]
    assert all(one[-1] == "sent" for one in tried)


async def test_a_refused_mail_is_not_tried_again_and_is_said(notify: Notify) -> None:
    notify.inbox.replies = ["550 5.1.1 no such user", "550 5.1.1 no such user"]
    host = await notify.new_host()
    await notify.publish(*known(), details(), confirmed(**soon(host)))
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    await until(lambda: _said(notify, NotificationFailed, 2), "both failures are said")
    assert {(one.code, one.receiver) for one in notify.said(NotificationFailed)} == {
        ("refused", "guest"),
        ("refused", "host"),
    }
    await until(lambda: at_rest(host), "nothing is owed")
    assert len(notify.inbox.mails) == 2


async def test_two_processes_send_every_mail_once(notify: Notify) -> None:
    hosts = [await notify.new_host() for _ in range(3)]
    await notify.publish(*known(), details(), confirmed(**soon(hosts[0])))
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    await until(lambda: at_rest(hosts[0]), "nothing is owed")
    assert len(notify.inbox.mails) == 2
    notice = await notify.notice()
    assert notice is not None
    assert [len(one.attempts) for one in notice.messages if one.event == "booked"] == [1, 1]


async def test_a_crash_in_the_middle_of_a_send_is_made_up_for_with_the_same_message_id(notify: Notify) -> None:
    notify.inbox.replies = [None, None]
    first = await notify.new_host()
    await notify.publish(*known(), details(), confirmed(**soon(first)))

    async def silent() -> bool:
        return len(notify.inbox.mails) == 2

    await until(silent, "both mails hang in the server")
    for task in list(first.sweeper._tasks):
        task.cancel()  # as a kill does: nothing is reported
    await first.stop()
    # The claims are left to run out, as they would; here their due time is moved to now instead of waiting a minute.
    second = await notify.new_host(jobs=False)
    await _claims_run_out(second)
    await notify.new_host()
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    assert len(notify.inbox.mails) == 4
    assert len(set(notify.inbox.ids())) == 2


async def test_a_store_that_is_away_while_a_mail_is_handed_over_makes_no_second_mail(
    notify: Notify, monkeypatch: pytest.MonkeyPatch
) -> None:
    notify.inbox.replies = [None, None]
    host = await notify.new_host()
    await notify.publish(*known(), details(), confirmed(**soon(host)))

    async def silent() -> bool:
        return len(notify.inbox.mails) == 2

    await until(silent, "both mails hang in the server")
    store, away = host.ports.store, iter(range(6))
    replace = store.replace

    async def replaced(collection: str, document: Stored, expected: int) -> bool:
        if next(away, None) is not None:
            raise StoreUnavailable("away")
        done = await replace(collection, document, expected)
        if next(unheard, None) is not None:
            raise StoreUnavailable("written, and nobody was told")
        return done

    unheard = iter(range(2))
    monkeypatch.setattr(store, "replace", replaced)
    notify.inbox.talks.set()
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    await until(lambda: at_rest(host), "nothing is owed")
    assert len(notify.inbox.mails) == 2
    notice = await notify.notice()
    assert notice is not None
    assert [len(one.attempts) for one in notice.messages if one.event == "booked"] == [1, 1]


async def _claims_run_out(host: Any) -> None:
    def due_now(notice: Notice | None) -> Decision[Notice, None]:
        assert notice is not None
        jobs = [entry for entry in notice.owed if entry.kind == "job"]
        again = [job(entry.name, host.ports.clock.now(), id=entry.id, data=entry.data) for entry in jobs]
        return Decision(None, notice, owes=again)

    await host.records.decide(Notice, "bk_1", due_now)


async def test_a_mail_that_cannot_be_sent_before_it_helps_nobody_is_given_up(notify: Notify) -> None:
    notify.inbox.replies = ["451 4.3.0 later"] * 20
    host = await notify.new_host()
    await notify.publish(*known(), details(), confirmed(**soon(host)))

    async def tried() -> bool:
        found = [await notify.message(key) for key in BOOKED]
        return all(one is not None and one.attempts for one in found)

    await until(tried, "both were tried")
    await host.stop()
    await notify.new_host(consume=False, later=3 * 1440 + 1)
    await until(lambda: notify.settled(*BOOKED), "both are settled")

    async def said() -> list[Any]:
        # Its reminders, which come too late by now, are said too.
        failed = [one for one in notify.said(NotificationFailed) if one.event == "booked"]
        return failed if len(failed) == 2 else []

    assert {one.code for one in await until(said, "both failures are said")} == {"gave_up"}
    assert notify.said(NotificationSent) == []


async def test_an_emptied_store_that_hears_old_facts_again_mails_nothing_and_reminds_all_the_same(
    notify: Notify,
) -> None:
    host = await notify.new_host()
    now = host.ports.clock.now()
    await notify.publish(
        *known(), details(), confirmed(start=now + timedelta(days=3), at=now - timedelta(hours=24, minutes=1))
    )
    await until(lambda: notify.settled(*BOOKED), "both are settled")
    notice = await notify.notice()
    assert notice is not None
    assert {one.reason for one in notice.messages if one.event == "booked"} == {"too_old"}
    assert {entry.id for entry in notice.owed if entry.kind == "timer"} == {"remind:0.1440", "remind:0.60"}
    assert notify.inbox.mails == []


async def test_erased_details_leave_no_personal_data_in_the_store(notify: Notify) -> None:
    host = await notify.new_host()
    await notify.publish(*known(), details(), confirmed(**soon(host)))
    await until(lambda: notify.settled(*BOOKED), "both are settled")

    async def gone() -> bool:
        notice = await notify.notice()
        return notice is not None and notice.erased

    async def personal() -> list[str]:
        stored = await host.ports.store.get("notices", "bk_1")
        assert stored is not None
        return [word for word in ("Ada", "ada@") if word in repr(stored)]

    assert await personal() == ["Ada", "ada@"]
    await notify.publish(erased(3))
    await until(gone, "the erasure is known")
    assert await personal() == []


async def test_a_poisoned_fact_goes_to_the_dead_letters_and_stops_nobody(notify: Notify) -> None:
    host = await notify.new_host()
    await notify.broker.publish([Message("BookingConfirmed", "cal_1", b"{}")])
    await notify.publish(*known(), details(), confirmed(**soon(host)))
    await until(lambda: notify.settled(*BOOKED), "both are settled")
