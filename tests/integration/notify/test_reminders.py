"""Reminders from stored times: after a restart, a move, a time of being down."""

from typing import Any

from tests.integration.notify.conftest import Notify, details, known, soon, until
from tests.unit.notify.given import confirmed, moved
from turnus_contracts import ReminderDue


async def test_a_reminder_is_sent_at_its_time_by_another_process_than_planned_it(notify: Notify) -> None:
    planning = await notify.new_host(jobs=False)
    await notify.publish(*known(), details(), confirmed(**soon(planning, days=0.5)))
    await until(notify.all_known, "the booking is known")
    await planning.stop()
    await notify.new_host(consume=False, later=11 * 60 + 1)
    await until(lambda: notify.settled("0.reminder-60.guest", "0.reminder-60.host"), "both reminders are settled")
    assert len([one for one in notify.inbox.subjects("ada@") if one.startswith("Erinnerung")]) == 1

    async def said() -> list[Any]:
        return notify.said(ReminderDue)

    (due,) = await until(said, "ReminderDue is said")
    assert (due.offset_minutes, due.revision) == (60, 0)
    message = await notify.message("0.reminder-1440.guest")
    assert message is not None
    assert message.reason == "past"


async def test_after_being_down_only_the_latest_of_the_overdue_reminders_goes(notify: Notify) -> None:
    offsets = (120, 90, 60)
    planning = await notify.new_host(jobs=False, notify_reminder_minutes=offsets)
    await notify.publish(*known(), details(), confirmed(**soon(planning, days=1)))
    await until(notify.all_known, "the booking is known")
    notice = await notify.notice()
    assert notice is not None
    assert len([entry for entry in notice.owed if entry.kind == "timer"]) == 3
    await planning.stop()
    await notify.new_host(consume=False, later=1440 - 59)
    keys = [f"0.reminder-{offset}.guest" for offset in offsets]
    await until(lambda: notify.settled(*keys), "all reminders are settled")
    outcomes = [await notify.message(key) for key in keys]
    assert [one.reason or one.status for one in outcomes if one is not None] == ["overtaken", "overtaken", "sent"]
    assert len([one for one in notify.inbox.subjects("ada@") if one.startswith("Erinnerung")]) == 1


async def test_the_reminders_of_a_moved_booking_never_go_out(notify: Notify) -> None:
    first = await notify.new_host()
    await notify.publish(*known(), details(), confirmed(**soon(first, days=0.5)))
    await until(lambda: notify.settled("0.booked.guest"), "the booking is told")
    await notify.publish(moved(4, 1, **soon(first, days=2)))
    await until(lambda: notify.settled("1.moved.guest", "1.moved.host"), "the move is told")
    await first.stop()
    # A day later both the time of the old reminder and that of the new first one have passed.
    await notify.new_host(consume=False, later=1441)
    await until(lambda: notify.settled("1.reminder-1440.guest", "1.reminder-1440.host"), "the new first reminder went")
    reminded = await notify.message("0.reminder-60.guest")
    assert reminded is not None
    assert (reminded.reason, reminded.attempts) == ("superseded", ())
    assert len([one for one in notify.inbox.subjects("ada@") if one.startswith("Erinnerung")]) == 1
    notice = await notify.notice()
    assert notice is not None
    assert {entry.id for entry in notice.owed if entry.kind == "timer"} == {"remind:1.60"}


async def test_reminders_survive_a_broker_that_comes_back_empty(notify: Notify) -> None:
    """They are in the record; hearing the fact again changes nothing."""
    host = await notify.new_host()
    fact = confirmed(**soon(host))
    await notify.publish(*known(), details(), fact)
    await until(lambda: notify.settled("0.booked.guest", "0.booked.host"), "both are settled")
    before = await notify.notice()
    await notify.publish(*known(), fact, details())
    await notify.publish(confirmed(3, **soon(host)))
    await until(lambda: notify.known(3), "a later fact is known")
    after = await notify.notice()
    assert before is not None
    assert after is not None
    assert after.messages == before.messages
    assert len(notify.inbox.mails) == 2
