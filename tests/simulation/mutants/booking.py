"""The booking: the only arbiter of what becomes of a request."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from services.booking.domain import bookings, transitions
from services.booking.domain.bookings import Booking
from services.booking.routes import bookings as booking_routes
from tests.simulation.mutants.registry import changed, mutant
from turnus_runtime.records import Decision

TIMES = "tests/contracts/test_saga_table.py::"
TABLE = f"{TIMES}test_the_table_holds_exactly_the_arrows_that_the_functions_draw"
DIRECT = "tests/simulation/test_protections.py::"


@mutant("Unanswered for 10 s: the current command is said again", seeds=3000)
def nothing_is_asked_again() -> Generator[None]:
    redrive = transitions.redrive

    def tired(*given: Any) -> Any:
        decided = redrive(*given)
        return replace(decided, owes=[one for one in decided.owes if one.kind == "timer"])

    with changed(transitions, redrive=tired):
        yield


@mutant(
    "the current command is said again, with backoff",
    seen_by=f"{TIMES}test_a_command_is_said_again_after_the_spans_that_the_table_shows",
)
def it_is_asked_again_without_backoff() -> Generator[None]:
    redrive = transitions.redrive

    def hasty(booking: Any, fired: Any, now: Any) -> Any:
        decided = redrive(booking, fired, now)
        soon = transitions.timer(transitions.REDRIVE, now + transitions.REDRIVE_AFTER)
        return replace(decided, owes=[*[one for one in decided.owes if one.kind != "timer"], soon])

    with changed(transitions, redrive=hasty):
        yield


@mutant("Still undecided after 60 s: expired.")
def nothing_expires() -> Generator[None]:
    def patient(booking: Any, now: Any) -> Any:
        return Decision(None, booking, drops=(transitions.EXPIRE,))

    with changed(transitions, expire=patient):
        yield


@mutant(
    "for a guest also the calendar and the e-mail address, so strangers' keys never meet",
    seen_by=f"{DIRECT}test_the_keys_of_strangers_never_meet",
)
def keys_of_strangers_meet() -> Generator[None]:
    derived = booking_routes.derived
    with changed(booking_routes, derived=lambda kind, *parts: derived(kind, parts[-1])):
        yield


@mutant("An id created by a POST with an idempotency key is derived from workspace, resource and key")
def the_same_key_makes_a_new_booking() -> Generator[None]:
    made = iter(range(1_000_000))
    with changed(booking_routes, derived=lambda kind, *_: f"{kind}_{next(made):026d}"):
        yield


@mutant(
    "the insert is the guard, and the record keeps the body's digest",
    seen_by=f"{DIRECT}test_the_same_key_with_another_body_is_refused",
)
def a_key_takes_any_body() -> Generator[None]:
    request = transitions.request

    def trusting(current: Booking | None, new: Booking) -> Any:
        alike = current.change(request_digest=new.request_digest) if current is not None else None
        return request(alike, new)

    with changed(transitions, request=trusting):
        yield


@mutant(
    "A replay answers with the thing as it is now (202 may have become 201 or 409).",
    seen_by=f"{DIRECT}test_a_replay_answers_with_the_booking_as_it_is_now",
)
def a_replay_answers_with_the_thing_as_it_was() -> Generator[None]:
    request = transitions.request

    def forgetful(current: Booking | None, new: Booking) -> Any:
        decided = request(current, new)
        return replace(decided, answer=replace(decided.answer, booking=new)) if decided.answer.replayed else decided

    with changed(transitions, request=forgetful):
        yield


@mutant("The attempt keeps its idempotency key and digest, and a replay answers with its outcome.")
def a_move_forgets_its_key() -> Generator[None]:
    with changed(Booking, attempt_with_key=lambda self, key: None):
        yield


@mutant("One move at a time")
def a_second_move_is_taken() -> Generator[None]:
    move = transitions.move

    def careless(booking: Booking | None, ask: Any, now: Any) -> Any:
        with changed(Booking, open_attempt=property(lambda self: None)):
            return move(booking, ask, now)

    with changed(transitions, move=careless):
        yield


@mutant("cancelling is always possible", seen_by=TABLE)
def what_waits_cannot_be_cancelled() -> Generator[None]:
    cancel = transitions.cancel

    def stubborn(booking: Booking | None, *more: Any) -> Any:
        if booking is not None and booking.open_attempt is not None:
            return Decision(transitions.Outcome(booking, "move_in_progress"))
        return cancel(booking, *more)

    with changed(transitions, cancel=stubborn):
        yield


@mutant("Every arrow is one compare-and-set of the booking record that also owes its events.")
def a_cancel_says_nothing() -> Generator[None]:
    cancel = transitions.cancel
    with changed(transitions, cancel=lambda *given: replace(cancel(*given), owes=())):
        yield


@mutant("The booking record is the only arbiter.")
def a_late_yes_changes_what_is_over() -> Generator[None]:
    settle = transitions.settle

    def eager(booking: Any, reply: Any, now: Any) -> Any:
        if booking is not None and booking.status in ("expired", "cancelled"):
            attempt = booking.attempt_of(reply.attempt)
            if attempt is not None and attempt.state == "released":
                reopened = attempt.model_copy(update={"state": "open"})
                booking = booking.change(status="requested", attempts=booking.with_attempt(reopened))
        return settle(booking, reply, now)

    with changed(transitions, settle=eager):
        yield


@mutant("AssigneeSettled or PaymentAuthorized of an attempt that was given up", seen_by="model CHOOSING")
def a_move_that_was_given_up_may_still_be_settled() -> Generator[None]:
    settle = transitions.settle

    def eager(booking: Any, reply: Any, now: Any) -> Any:
        attempt = booking.attempt_of(reply.attempt) if booking is not None else None
        if attempt is not None and attempt.state == "released" and booking.status == "confirmed":
            booking = booking.change(attempts=booking.with_attempt(attempt.model_copy(update={"state": "open"})))
        return settle(booking, reply, now)

    with changed(transitions, settle=eager):
        yield


@mutant("every other late reply is only noted")
def a_settled_attempt_is_settled_again() -> Generator[None]:
    settle = transitions.settle

    def eager(booking: Any, reply: Any, now: Any) -> Any:
        attempt = booking.attempt_of(reply.attempt) if booking is not None else None
        if attempt is not None and attempt.state == "settled" and booking.status == "confirmed":
            booking = booking.change(attempts=booking.with_attempt(attempt.model_copy(update={"state": "open"})))
        return settle(booking, reply, now)

    with changed(transitions, settle=eager):
        yield


@mutant(
    "of an attempt that was given up (of a rejected booking too) is answered by its release",
    seen_by=f"{DIRECT}test_a_yes_to_a_move_that_was_refused_is_answered_by_its_release",
)
def a_yes_to_a_refused_move_is_only_noted() -> Generator[None]:
    settle = transitions.settle

    def deaf(booking: Any, reply: Any, now: Any) -> Any:
        attempt = booking.attempt_of(reply.attempt) if booking is not None else None
        return Decision(None) if attempt is not None and attempt.state == "refused" else settle(booking, reply, now)

    with changed(transitions, settle=deaf):
        yield


@mutant("A late SlotRefused is only noted.", seen_by=TABLE)
def a_late_refusal_counts() -> Generator[None]:
    refuse = transitions.refuse

    def eager(booking: Any, reply: Any, now: Any) -> Any:
        attempt = booking.attempt_of(reply.attempt) if booking is not None else None
        if attempt is not None and attempt.state != "open":
            reopened = attempt.model_copy(update={"state": "open"})
            booking = booking.change(
                status="confirmed" if booking.attempt else "requested", attempts=booking.with_attempt(reopened)
            )
        return refuse(booking, reply, now)

    with changed(transitions, refuse=eager):
        yield


@mutant(
    "AssigneeSettled that names another host for a settled attempt, or an unknown booking, is a violation",
    seen_by=f"{DIRECT}test_a_yes_that_cannot_be_is_a_violation",
)
def a_yes_that_cannot_be_is_taken() -> Generator[None]:
    settle = transitions.settle

    def lenient(*given: Any) -> Any:
        try:
            return settle(*given)
        except transitions.Violation:
            return Decision(None)

    with changed(transitions, settle=lenient):
        yield


@mutant("`revision` counts settled moves only.")
def revision_counts_every_ask() -> Generator[None]:
    settle = transitions.settle

    def counting(*given: Any) -> Any:
        decided = settle(*given)
        if decided.record is None:
            return decided
        return replace(decided, record=decided.record.change(revision=len(decided.record.attempts) - 1))

    with changed(transitions, settle=counting):
        yield


@mutant("The facts also name `charged`: the attempt whose choice is in force.")
def facts_do_not_name_the_charged_attempt() -> Generator[None]:
    fact = bookings.fact

    def silent(booking: Booking) -> Any:
        said = fact(booking)
        return said.model_copy(update={"charged": 0}) if said is not None else None

    with changed(bookings, fact=silent), changed(transitions, fact=silent):
        yield


@mutant("Price and policy are pinned at the request; a move keeps them.")
def a_move_takes_another_duration() -> Generator[None]:
    move = transitions.move

    def shorter(booking: Booking | None, ask: Any, now: Any) -> Any:
        decided = move(booking, ask, now)
        if decided.record is None:
            return decided
        return replace(decided, record=decided.record.change(buffer_after_minutes=booking.buffer_after_minutes + 5))

    with changed(transitions, move=shorter):
        yield
