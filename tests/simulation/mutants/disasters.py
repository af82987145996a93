"""Disasters: topics that were lost, stores that were set back."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from oversight.repair import bookings as repaired
from oversight.repair import mails, times, turns
from services.booking.domain import bookings
from services.booking.domain.bookings import Booking
from services.booking.service import service as booking_service
from tests.simulation.mutants.booking import DIRECT
from tests.simulation.mutants.registry import changed, mutant
from turnus_runtime.closing import Door
from turnus_runtime.records import Decision

REPAIR = "tests/unit/oversight/test_repair.py::"


@contextmanager
def _said_again(events: Callable[[Booking, Any], list[Any]]) -> Generator[None]:
    """What bookings say of themselves when the broker came up empty."""
    says = next(one for one in booking_service.says if one.events is bookings.facts_now)
    object.__setattr__(says, "events", events)  # the table is frozen
    try:
        yield
    finally:
        object.__setattr__(says, "events", bookings.facts_now)


@mutant("for every booking with an attempt ending after now − 7 days, in any state, the fact that describes it now")
def lost_facts_are_not_said_again() -> Generator[None]:
    with _said_again(
        lambda booking, now: [one for one in bookings.facts_now(booking, now) if not hasattr(one, "charged")]
    ):
        yield


@mutant(
    "and AttemptReleased for every attempt it gave up",
    seen_by=f"{DIRECT}test_after_a_loss_a_booking_says_what_it_asks_for_and_what_it_gave_up",
)
def lost_releases_of_attempts_are_not_said_again() -> Generator[None]:
    with _said_again(
        lambda booking, now: [one for one in bookings.facts_now(booking, now) if one.topic() != "AttemptReleased"]
    ):
        yield


@mutant(
    "the fact that describes it now",
    seen_by=f"{DIRECT}test_after_a_loss_a_booking_says_what_it_asks_for_and_what_it_gave_up",
)
def what_is_still_asked_for_is_not_said_again_after_a_loss() -> Generator[None]:
    with _said_again(
        lambda booking, now: [one for one in bookings.facts_now(booking, now) if one.topic() != "BookingRequested"]
    ):
        yield


@mutant(
    "a closed service answers 503 and consumes nothing until `turnus repair` has compared it with the others",
    seen_by="tests/unit/runtime/test_closing.py::test_it_stays_shut_until_it_is_unlocked_again",
)
def a_closed_service_goes_on() -> Generator[None]:
    async def wide_open(self: Door) -> None: ...

    with changed(Door, enter=wide_open):
        yield


@mutant("Who wins: the booking's four facts", seen_by=f"{REPAIR}test_a_booking_is_found_again_as_it_was")
def a_repaired_booking_does_not_believe_its_facts() -> Generator[None]:
    with changed(repaired.Known, told=property(lambda self: None)):
        yield


@mutant(
    "attempts are raised above every claim",
    seen_by=f"{REPAIR}test_an_attempt_that_availability_has_seen_is_never_used_again",
)
def attempts_are_used_again_after_a_disaster() -> Generator[None]:
    with changed(repaired.Known, highest=property(lambda self: 0)):
        yield


@mutant(
    "availability reserves settled attempts and tombstones others",
    seen_by=f"{REPAIR}test_a_claim_and_hosts_say_what_the_booking_says",
)
def settled_attempts_are_not_reserved_again() -> Generator[None]:
    with changed(times, held=lambda *_: times.Held({}, {})):
        yield


@mutant(
    "availability reserves settled attempts and tombstones others",
    seen_by=f"{REPAIR}test_an_attempt_that_was_given_up_is_never_taken_again",
)
def what_was_given_up_gets_no_tombstone_again() -> Generator[None]:
    follow = times.host_follows
    with changed(times, host_follows=lambda wanted, denied, gone, *more: follow(wanted, denied, (), *more)):
        yield


@mutant(
    "assignment files a choice per settled attempt",
    seen_by=f"{REPAIR}test_a_lost_choice_is_charged_to_who_serves_and_credits_add_up_to_zero",
)
def lost_choices_are_not_charged_again() -> Generator[None]:
    with changed(turns, missing=lambda *_: [], charge=lambda *_: Decision(None)):
        yield


@mutant(
    "notify marks everything due earlier as unknown and does not send it",
    seen_by=f"{REPAIR}test_a_mail_that_waited_in_the_backup_may_have_gone_out_since",
)
def what_may_have_been_sent_is_sent_again() -> Generator[None]:
    with changed(mails, _hushed=lambda *_: Decision(None)):
        yield
