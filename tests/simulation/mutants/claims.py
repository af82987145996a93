"""The claim of a booking, and the way from a request to one holder of its time."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Generator
from dataclasses import replace
from functools import partial
from typing import Any

from services.availability.domain import claims, hosts
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.domain.serving import ServedCalendar
from services.availability.handlers import reserving
from services.availability.service import service as availability
from services.booking.domain import transitions
from tests.simulation.mutants.hosts import unowed
from tests.simulation.mutants.registry import changed, deaf, handled_by, mutant
from turnus_runtime.records import Decision

DIRECT = "tests/simulation/test_reserving.py::"


@mutant("A host is written there before it is asked")
def asked_is_not_written_before_asking() -> Generator[None]:
    pin, ask_next = claims.pin, claims.ask_next

    def unwritten(decided: Any) -> Any:
        if decided.record is None:
            return decided
        attempts = {name: attempt.model_copy(update={"asked": ()}) for name, attempt in decided.record.attempts.items()}
        return replace(decided, record=decided.record.change(attempts=attempts))

    with changed(
        claims,
        pin=lambda *given: unwritten(pin(*given)),
        ask_next=lambda *given: unwritten(ask_next(*given)),
    ):
        yield


@mutant("per attempt the order of candidates (pinned at first sight)")
def candidates_are_not_pinned() -> Generator[None]:
    pin = claims.pin

    def fickle(claim: Claim | None, request: Any, new: Any, refusal: Any) -> Any:
        known = claim.attempt(request.attempt) if claim is not None else None
        if claim is None or known is None or known.refusal is not None or not new.candidates:
            return pin(claim, request, new, refusal)
        anew = known.model_copy(update={"candidates": new.candidates})
        return Decision(anew, claim.with_attempt(anew))

    with changed(claims, pin=fickle):
        yield


@mutant(
    "the next to ask is the first pinned one not noted as refused",
    seen_by=f"{DIRECT}test_who_says_no_is_followed_by_the_next_and_the_last_no_is_the_answer",
)
def nobody_else_is_asked() -> Generator[None]:
    ask_next = claims.ask_next

    def alone(claim: Claim | None, number: int, host_id: str, refusal: Any) -> Any:
        attempt = claim.attempt(number) if claim is not None else None
        if claim is None or attempt is None or attempt.at_once or attempt.refusal is not None:
            return ask_next(claim, number, host_id, refusal)
        shorter = attempt.model_copy(update={"candidates": attempt.candidates[:1]})
        return ask_next(claim.with_attempt(shorter), number, host_id, refusal)

    with changed(claims, ask_next=alone):
        yield


@mutant("an answer repeats the start it was given for")
def an_answer_names_another_start() -> Generator[None]:
    settled = reserving._settled

    def later(about: Any, attempt: Any, host_id: str) -> Any:
        return settled(about, attempt.model_copy(update={"start": attempt.start + 1}), host_id)

    with changed(reserving, _settled=later):
        yield


@mutant("concurrent duplicates converge")
def a_claim_forgets_its_refusal() -> Generator[None]:
    pin, ask_next = claims.pin, claims.ask_next

    def without(decided: Any, before: Any) -> Any:
        answer = decided.answer
        return replace(decided, record=before) if answer is not None and answer.refusal is not None else decided

    def forgetful_pin(claim: Any, request: Any, *more: Any) -> Any:
        blank = Claim(id=request.booking_id, workspace_id=request.workspace_id, calendar_id=request.calendar_id)
        return without(pin(claim, request, *more), claim or blank)

    with changed(claims, pin=forgetful_pin, ask_next=lambda claim, *more: without(ask_next(claim, *more), claim)):
        yield


@mutant(
    "A release first writes the tombstone into the claim (inserting it if absent)",
    together="The claim's tombstone and the answer to a late yes mask each other: without the tombstone the late yes "
    "comes and its release is said again, without that answer the tombstone lets no yes come.",
)
def neither_claim_tombstone_nor_release_of_a_late_yes() -> Generator[None]:
    release = claims.release
    with (
        changed(claims, release=lambda *given: unowed(release(*given))),
        changed(transitions, _released_again=lambda *_: Decision(None)),
    ):
        yield


@mutant("then frees and tombstones that (booking, attempt) on every host asked", seen_by="model OUTRUN")
def hosts_are_freed_before_the_tombstone() -> Generator[None]:
    async def release(booking_id: str, workspace_id: str, calendar_id: str, number: int | None, on: Any) -> None:
        claim = await on.records(Claim).get(booking_id)
        for attempt in claim.attempts.values() if claim is not None else ():
            if number in (None, attempt.number):
                for host_id in attempt.asked:
                    free = partial(hosts.free, booking_id=booking_id, attempt=attempt.number)
                    await on.records(Host).decide(host_id, lambda h, free=free: free(h))
        await on.records(Claim).decide(
            booking_id, lambda c: claims.release(c, booking_id, workspace_id, calendar_id, number)
        )

    with changed(reserving, _release=release):
        yield


@mutant("on every host asked")
def only_the_provisional_host_is_freed() -> Generator[None]:
    release = claims.release

    def hasty(*given: Any) -> Any:
        decided = release(*given)
        asked = {
            number: attempt.model_copy(update={"asked": attempt.asked[:1]})
            for number, attempt in decided.answer.items()
        }
        return replace(decided, answer=asked)

    with changed(claims, release=hasty):
        yield


@mutant("BookingReleased means the booking is over: it ends all its attempts, known or not.")
def a_release_ends_the_attempts_that_are_known() -> Generator[None]:
    release = claims.release

    def known(claim: Claim | None, booking_id: str, *more: Any) -> Any:
        decided = release(claim, booking_id, *more)
        if decided.record is None or not decided.record.over or (claim is not None and claim.over):
            return decided
        numbers = tuple(attempt.number for attempt in decided.record.attempts.values())
        return replace(decided, record=decided.record.change(over=False, tombstones=numbers))

    with changed(claims, release=known):
        yield


@mutant("A single attempt given up is AttemptReleased, read by availability and assignment only.")
def availability_does_not_read_that_an_attempt_was_given_up() -> Generator[None]:
    with handled_by(availability.consumes, "release_attempt", deaf):
        yield


@mutant(
    "BookingMoved (and BookingConcluded, should that one be lost) of attempt n then frees all attempts below n.",
)
def a_move_frees_nothing() -> Generator[None]:
    with handled_by(availability.consumes, "free_moved", deaf):
        yield


@mutant("the new time is reserved beside the old one")
def a_move_gives_the_old_time_back_first() -> Generator[None]:
    move = transitions.move

    def generous(booking: Any, ask: Any, now: Any) -> Any:
        decided = move(booking, ask, now)
        if decided.record is None:
            return decided
        given_up = transitions.attempt_released(decided.record, decided.record.attempts[0])
        return replace(decided, owes=[*decided.owes, transitions.event(given_up)])

    with changed(transitions, move=generous):
        yield


@mutant(
    "Availability decides by that version or a newer one",
    seen_by=f"{DIRECT}test_a_request_ahead_of_its_calendar_pins_nothing",
)
def a_request_is_decided_by_an_older_calendar() -> Generator[None]:
    async def any_version(request: Any, on: Any) -> Any:
        return await on.records(ServedCalendar).get(request.calendar_id)

    with changed(reserving, _calendar=any_version):
        yield


@mutant(
    "then acks: the booking asks again",
    seen_by=f"{DIRECT}test_a_request_ahead_of_its_calendar_pins_nothing",
)
def a_request_ahead_of_its_calendar_is_given_up() -> Generator[None]:
    calendar_of = reserving._calendar

    async def strict(request: Any, on: Any) -> Any:
        calendar = await calendar_of(request, on)
        if calendar is None:
            raise claims.Violation("a request for a calendar that is not known in its version")
        return calendar

    with changed(reserving, _calendar=strict):
        yield


@mutant("The event's duration and buffers always hold.")
def the_calendars_present_buffers_hold() -> Generator[None]:
    calendar_of = reserving._calendar
    pin = reserving._pin

    async def present(request: Any, calendar: Any, members: Any, on: Any) -> Any:
        asked = request.model_copy(
            update={
                "buffer_before_minutes": calendar.buffer_before_minutes,
                "buffer_after_minutes": calendar.buffer_after_minutes,
            }
        )
        return await pin(asked, calendar, members, on)

    with changed(reserving, _pin=present, _calendar=calendar_of):
        yield
