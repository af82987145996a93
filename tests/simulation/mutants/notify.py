"""Mails and reminders."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from services.notify.domain import notices, planning, sending
from tests.simulation.mutants.registry import changed, mutant
from turnus_runtime.records import Decision

PLANNING = "tests/unit/notify/test_planning.py::"
SENDING = "tests/unit/notify/test_sending.py::"


@mutant(
    "`notify`, `sync`, `payments` keep the highest version of these four per booking and ignore lower ones",
    seen_by=f"{PLANNING}test_after_a_cancellation_nothing_but_it_is_sent_in_any_order",
)
def the_latest_fact_wins_and_not_the_highest() -> Generator[None]:
    learn = planning.learn_fact

    def latest(notice: Any, fact: Any, *more: Any) -> Any:
        if notice is not None and notice.told is not None and notice.told.version > fact.version:
            notice = notice.change(told=notice.told.model_copy(update={"version": 0}))
        return learn(notice, fact, *more)

    with changed(planning, learn_fact=latest):
        yield


@mutant(
    "ignore lower ones, also for bookings not yet known; so order between topics does not matter",
    seen_by=f"{PLANNING}test_any_order_and_repetition_ends_in_one_message_per_stage_and_receiver",
)
def facts_of_unknown_bookings_are_dropped() -> Generator[None]:
    learn = planning.learn_fact

    def strict(notice: Any, *more: Any) -> Any:
        return Decision(None) if notice is None else learn(notice, *more)

    with changed(planning, learn_fact=strict):
        yield


@mutant(
    "reminder | one per booking revision and offset",
    seen_by=f"{SENDING}test_the_reminders_of_a_moved_booking_are_those_of_its_revision",
)
def reminders_are_not_keyed_to_the_revision() -> Generator[None]:
    key, timer = notices.message_key, notices.reminding_id

    def alike(revision: int, *more: Any) -> str:
        return key(0, *more)

    def same(revision: int, offset: int) -> str:
        return timer(0, offset)

    with (
        changed(notices, message_key=alike, reminding_id=same),
        changed(planning, message_key=alike, reminding_id=same),
        changed(sending, reminding_id=same),
    ):
        yield


@mutant(
    "The write that fires a reminder owes the sending job and ReminderDue together",
    seen_by=f"{SENDING}test_the_write_that_fires_owes_the_sending_and_reminder_due_together",
)
def the_write_that_fires_does_not_owe_reminder_due() -> Generator[None]:
    remind = sending.remind

    def silent(*given: Any) -> Any:
        decided = remind(*given)
        return replace(decided, owes=[one for one in decided.owes if one.kind == "job"])

    with changed(sending, remind=silent):
        yield


@mutant(
    "The write that fires a reminder owes the sending job",
    seen_by=f"{SENDING}test_the_write_that_fires_owes_the_sending_and_reminder_due_together",
)
def the_write_that_fires_does_not_owe_the_sending() -> Generator[None]:
    remind = sending.remind

    def idle(*given: Any) -> Any:
        decided = remind(*given)
        return replace(decided, owes=[one for one in decided.owes if one.kind != "job"])

    with changed(sending, remind=idle):
        yield


@mutant(
    "State is checked again right before sending.",
    seen_by=f"{SENDING}test_a_reminder_that_was_queued_before_the_cancellation_is_not_sent",
)
def the_state_is_not_checked_before_sending() -> Generator[None]:
    with changed(sending, _stale=lambda *_: ""):
        yield


@mutant(
    "Jobs about an appointment end at its start",
    seen_by=f"{SENDING}test_a_message_past_its_deadline_fails_by_whether_it_was_ever_tried",
)
def jobs_go_on_after_the_start() -> Generator[None]:
    deadline = sending.deadline
    with changed(sending, deadline=lambda *given: deadline(*given).replace(year=2099)):
        yield


@mutant(
    "of several overdue reminders only the latest goes",
    seen_by=f"{SENDING}test_of_several_overdue_reminders_only_the_latest_goes",
)
def all_overdue_reminders_go() -> Generator[None]:
    with changed(sending, max=lambda values, default: min(values, default=default)):
        yield


@mutant(
    "Erasure is a last full state {version, erased}, never a null",
    seen_by=f"{PLANNING}test_erasing_removes_everything_personal_and_messages_to_guests",
)
def erased_details_are_kept() -> Generator[None]:
    learn = planning.learn_details

    def nosy(notice: Any, given: Any, *more: Any) -> Any:
        return Decision(None) if given.status == "erased" else learn(notice, given, *more)

    with changed(planning, learn_details=nosy):
        yield
