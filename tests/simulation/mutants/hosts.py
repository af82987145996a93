"""The host record: one person's time."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Generator
from dataclasses import replace
from typing import Any

from services.availability.domain import hosts
from services.availability.domain.hosts import Host, Reply
from tests.simulation.mutants.registry import changed, mutant
from turnus_runtime.records import Decision

UNHEARD = "tests/unit/availability/test_hosts.py::"


def unowed(decided: Decision[Any, Any]) -> Decision[Any, Any]:
    """The same answer, and nothing is written."""
    return Decision(decided.answer, says=decided.says)


@mutant("Every host record then gives a permanent yes or no: concurrent duplicates converge.")
def refusals_are_forgotten() -> Generator[None]:
    reserve = hosts._reserve_unheard

    def forgetful(host: Host, ask: Any, *more: Any) -> Any:
        decided = reserve(host, ask, *more)
        return unowed(decided) if decided.answer is Reply.REFUSED else decided

    with changed(hosts, _reserve_unheard=forgetful):
        yield


@mutant("Host record: padded half-open intervals in UTC minutes")
def overlap_is_only_the_same_start() -> Generator[None]:
    def same_start(host: Host, start: int, end: int, but: str) -> Any:
        return next((r for r in host.reservations if r.start == start and r.booking_id != but), None)

    with changed(Host, clash=same_start):
        yield


@mutant("Host record: padded half-open intervals")
def buffers_are_not_held() -> Generator[None]:
    reserve = hosts.reserve

    def unpadded(host: Any, ask: Any, *more: Any) -> Any:
        said = ask.assigned or ask.reserved
        if said is None:
            return reserve(host, ask, *more)
        start, end = (int(at.timestamp()) // 60 for at in (said.start, said.end))
        return reserve(host, replace(ask, start=start, end=end), *more)

    with changed(hosts, reserve=unpadded):
        yield


@mutant(
    "padded half-open intervals in UTC minutes with (booking, attempt)",
    seen_by=f"{UNHEARD}test_who_comes_right_after_another_one_gets_the_time",
)
def intervals_include_their_end() -> Generator[None]:
    def closed(host: Host, start: int, end: int, but: str) -> Any:
        return next((r for r in host.reservations if r.start <= end and start <= r.end and r.booking_id != but), None)

    with changed(Host, clash=closed):
        yield


@mutant(
    "the overlap check ignoring the booking's own intervals",
    seen_by=f"{UNHEARD}test_a_move_may_overlap_the_time_that_the_booking_holds",
)
def a_booking_hinders_its_own_move() -> Generator[None]:
    clash = Host.clash
    with changed(Host, clash=lambda host, start, end, but: clash(host, start, end, "")):
        yield


@mutant("Reservations, answers, choices, tombstones and releases are keyed by (booking, attempt)")
def hosts_hold_bookings_and_not_attempts() -> Generator[None]:
    def held(host: Host, booking_id: str, _: int) -> Any:
        return next((r for r in host.reservations if r.booking_id == booking_id), None)

    with changed(Host, held=held):
        yield


@mutant("Reservations, answers, choices, tombstones and releases are keyed by (booking, attempt)")
def marks_are_of_bookings_and_not_of_attempts() -> Generator[None]:
    mark = hosts.mark_of
    with changed(hosts, mark_of=lambda booking_id, *_: mark(booking_id, 0)):
        yield


@mutant("A tombstoned attempt pins nothing, asks nobody, and is refused by hosts.", seen_by="model OUTRUN")
def hosts_keep_no_tombstone() -> Generator[None]:
    release = hosts.release

    def forgetful(host: Host | None, *more: Any) -> Any:
        decided = release(host, *more)
        if decided.record is None:
            return decided
        return replace(decided, record=decided.record.change(tombstones=host.tombstones if host else {}))

    with changed(hosts, release=forgetful):
        yield


@mutant("Freeing at a swap or after a move removes exactly (booking, attempt), keeps the recorded answer")
def a_freed_answer_is_forgotten() -> Generator[None]:
    free = hosts.free

    def forgetful(host: Host | None, *more: Any) -> Any:
        decided = free(host, *more)
        if decided.record is None or host is None:
            return decided
        return replace(decided, record=decided.record.change(answered=host.answered))

    with changed(hosts, free=forgetful):
        yield


@mutant("Freeing at a swap or after a move removes exactly (booking, attempt)")
def freeing_removes_all_that_the_booking_holds() -> Generator[None]:
    free = hosts.free

    def generous(host: Host | None, booking_id: str, *more: Any) -> Any:
        decided = free(host, booking_id, *more)
        if decided.record is None:
            return decided
        left = tuple(r for r in decided.record.reservations if r.booking_id != booking_id)
        return replace(decided, record=decided.record.change(reservations=left))

    with changed(hosts, free=generous):
        yield


@mutant("keeps the recorded answer and leaves no tombstone")
def freeing_leaves_a_tombstone() -> Generator[None]:
    free = hosts.free

    def final(host: Host | None, *more: Any) -> Any:
        decided = free(host, *more)
        if decided.record is None or host is None:
            return decided
        left = decided.record.change(answered=host.answered, tombstones=decided.record.answered)
        return replace(decided, record=left)

    with changed(hosts, free=final):
        yield


@mutant("a racing reservation must look again", page="services/availability/domain/hosts.py")
def rules_are_not_looked_at_again() -> Generator[None]:
    reserve = hosts._reserve_unheard

    def blind(host: Host, ask: Any, *more: Any) -> Any:
        return reserve(host, replace(ask, rules_version=host.rules_version), *more)

    with changed(hosts, _reserve_unheard=blind):
        yield


@mutant(
    "The own blocks of a calendar in which this member serves changed: a racing reservation in it must look again",
    page="services/availability/domain/hosts.py",
)
def blocks_of_the_calendar_are_not_looked_at_again() -> Generator[None]:
    reserve = hosts._reserve_unheard

    def blind(host: Host, ask: Any, *more: Any) -> Any:
        return reserve(host, replace(ask, blocks_version=1 << 60), *more)

    with changed(hosts, _reserve_unheard=blind):
        yield


@mutant("our handlers never drop a duplicate, they answer it again")
def a_duplicate_is_dropped() -> Generator[None]:
    reserve = hosts.reserve

    def silent(*given: Any) -> Any:
        return replace(reserve(*given), says=())

    with changed(hosts, reserve=silent):
        yield


@mutant(
    "an ask whose *padded* start lies before it is CLOSED, unrecorded, which ends the handling",
    seen_by="model OUTLIVED",
)
def closed_until_is_not_asked() -> Generator[None]:
    reserve = hosts.reserve

    def forgetful(host: Host | None, *more: Any) -> Any:
        return reserve(host.change(closed_until=0) if host is not None else None, *more)

    with changed(hosts, reserve=forgetful):
        yield


@mutant(
    "archiving past intervals raises `closed_until` in the same write",
    seen_by=f"{UNHEARD}test_what_is_forgotten_is_closed_by_the_same_write_and_nothing_else_is",
)
def archiving_does_not_raise_closed_until() -> Generator[None]:
    archive = hosts.archive

    def open_for_ever(host: Host, now: Any) -> Host:
        return archive(host, now).change(closed_until=host.closed_until)

    with changed(hosts, archive=open_for_ever):
        yield


@mutant(
    "Answers, refusals and tombstones live as long as their slot is open",
    seen_by=f"{UNHEARD}test_what_is_forgotten_is_closed_by_the_same_write_and_nothing_else_is",
)
def marks_are_forgotten_two_days_early() -> Generator[None]:
    since = hosts.since
    with changed(hosts, since=lambda marks, closed: since(marks, closed + 4 * hosts.DAY)):
        yield


@mutant("trailing the store's clock by two days")
def a_slot_closes_when_it_begins() -> Generator[None]:
    with changed(hosts, CLOSED_BEHIND_MINUTES=-2 * hosts.DAY):
        yield


@mutant("no other host, no swap, no answer; the booking's deadline decides", seen_by="model UNDECIDED_FOR_DAYS")
def a_closed_time_is_a_no() -> Generator[None]:
    reserve = hosts.reserve

    def final(*given: Any) -> Any:
        decided = reserve(*given)
        return replace(decided, answer=Reply.REFUSED) if decided.answer is Reply.CLOSED else decided

    with changed(hosts, reserve=final):
        yield


@mutant(
    "Keeping checks that the interval is still there",
    seen_by=f"{UNHEARD}test_keeping_a_time_that_is_gone_says_nothing",
)
def keeping_does_not_look_for_the_time() -> Generator[None]:
    keep = hosts.keep

    def trusting(host: Host | None, settled: Any) -> Any:
        decided = keep(host, settled)
        return decided if decided.answer else Decision(True, says=[settled])

    with changed(hosts, keep=trusting):
        yield


@mutant("the write that leaves one holder owes AssigneeSettled")
def a_swap_owes_no_last_word() -> Generator[None]:
    free = hosts.free
    with changed(hosts, free=lambda host, booking_id, attempt, settled=None: free(host, booking_id, attempt)):
        yield


@mutant(
    "A repeated swap says AssigneeSettled again although nothing is left to free.",
    seen_by=f"{UNHEARD}test_a_repeated_swap_says_again_who_serves",
)
def a_repeated_swap_says_nothing() -> Generator[None]:
    free = hosts.free
    with changed(hosts, free=lambda *given: replace(free(*given), says=())):
        yield


@mutant("marks it settled in the write that owes AssigneeSettled", seeds=3000)
def keeping_again_says_nothing() -> Generator[None]:
    keep = hosts.keep
    with changed(hosts, keep=lambda *given: replace(keep(*given), says=())):
        yield


@mutant("the reserving write owes AssigneeSettled itself")
def a_time_that_is_settled_at_once_is_not_said() -> Generator[None]:
    reserve = hosts.reserve

    def silent(host: Any, ask: Any, *more: Any) -> Any:
        return reserve(host, replace(ask, assigned=None), *more)

    with changed(hosts, reserve=silent):
        yield


@mutant("A paused host refuses every ask that meets its pause, in the middle of a swap too")
def a_pause_is_not_asked_when_reserving() -> Generator[None]:
    with changed(Host, is_paused=lambda *_: False):
        yield
