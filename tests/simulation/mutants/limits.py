"""Limits and Look Busy: who counts, who takes no more, what is hidden."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false

from collections.abc import Generator
from typing import Any

from services.availability.domain import claims, engine, hosts, serving, tallies
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.handlers import limiting, reserving
from services.availability.store import teams
from services.booking.domain import transitions
from tests.simulation.mutants.registry import changed, mutant
from turnus_runtime.records import Decision, key


async def nothing(*_: Any, **__: Any) -> None:
    """Does nothing."""


@mutant("every limited calendar has one *tally* record, counting bookings")
def limits_are_checked_only_in_the_list() -> Generator[None]:
    async def always(*_: Any) -> bool:
        return True

    with changed(reserving, is_counted=always):
        yield


@mutant("A member's limits across calendars live in the host record, in the member's zone")
def limits_of_members_are_checked_only_in_the_list() -> Generator[None]:
    with changed(hosts, is_full=lambda *_: False):
        yield


@mutant("The tally answers for good and keeps tombstones, as hosts do.")
def the_tally_keeps_no_tombstones() -> Generator[None]:
    release = tallies.release

    def unmarked(tally: Any, *more: Any, moved: bool = False) -> Decision[Any, None]:
        decided = release(tally, *more, moved=moved)
        if decided.record is None or tally is None:
            return Decision(None)
        return Decision(None, decided.record.change(tombstones=tally.tombstones, answered=tally.answered))

    with changed(tallies, release=unmarked):
        yield


@mutant(
    "What it refuses is refused only after every host that was asked has said its last no",
    seen_by="tests/simulation/test_reserving.py::"
    "test_what_a_host_has_given_by_a_calendar_without_limits_is_not_refused_once_it_is_full",
)
def a_calendar_refuses_what_a_host_has_taken() -> Generator[None]:
    async def at_once(request: Any, calendar: Any, attempt: Any, on: Any) -> None:
        members = await teams.team(on, calendar, but=request.booking_id)
        refusal = reserving._refused(request, "slot_taken", calendar, members, on)

        def refuse(claim: Any) -> Any:
            known = claim.attempt(attempt.number)
            return claims.refuse(claim, attempt.number, known.asked if known is not None else (), refusal)

        await on.records(Claim).decide(request.booking_id, refuse)

    with changed(reserving, _refuse=at_once):
        yield


@mutant(
    "An attempt that it counted and no host took is given back, which the claim's refusal owes.",
    together="Whoever finds it refused gives it back as well: without a death in between each does without the other.",
)
def what_no_host_took_counts_on() -> Generator[None]:
    following = claims.ask_next

    def unowing(*asked: Any, counted_at: Any = None) -> Any:
        return following(*asked)

    with changed(claims, ask_next=unowing), changed(reserving, _give_back_counted=nothing):
        yield


@mutant(
    "whoever goes by limits and finds the attempt refused gives it back as well",
    seen_by="tests/simulation/test_beginning_limits.py::"
    "test_what_is_refused_by_the_calendar_without_limits_while_it_is_counted_by_them_counts_no_more",
)
def what_was_refused_without_limits_counts_on() -> Generator[None]:
    with changed(reserving, _give_back_counted=nothing):
        yield


@mutant(
    "a release does so last, when no host that was asked says yes any more",
    seen_by="tests/simulation/test_beginning_limits.py::test_what_is_given_up_while_it_is_counted_counts_no_more",
)
def a_release_gives_back_before_the_hosts_say_no() -> Generator[None]:
    release = reserving._release

    async def hasty(booking_id: str, workspace_id: str, calendar_id: str, number: Any, on: Any) -> None:
        claim = await on.records(Claim).decide(
            booking_id, lambda c: claims.release(c, booking_id, workspace_id, calendar_id, number)
        )
        for attempt in claim.values():
            await reserving.give_back(booking_id, calendar_id, attempt, on)
        with changed(reserving, give_back=nothing):
            await release(booking_id, workspace_id, calendar_id, number, on)

    with changed(reserving, _release=hasty):
        yield


@mutant("asked before the host, given back with the attempt")
def what_is_given_up_or_moved_counts_on() -> Generator[None]:
    with changed(reserving, give_back=nothing):
        yield


@mutant("the hosts are told first, so that a reservation by the version without them looks again", seeds=1500)
def limits_begin_without_telling_the_hosts() -> Generator[None]:
    with changed(limiting, tell=nothing):
        yield


@mutant(
    "Whoever has ever left the calendar is told as well",
    seen_by="tests/simulation/test_beginning_limits.py::"
    "test_a_slow_request_by_the_calendar_without_limits_looks_again_whoever_has_left_since",
)
def whoever_has_left_is_not_told_that_limits_begin() -> Generator[None]:
    with changed(serving, _former=lambda *_: ()):
        yield


@mutant(
    "What staff overbook looks again too: no rules hinder it, but it counts.",
    seen_by="tests/simulation/test_beginning_limits.py::"
    "test_what_staff_overbook_by_the_calendar_without_limits_counts_too",
)
def what_staff_overbook_does_not_hear_that_limits_begin() -> Generator[None]:
    stale = hosts._is_stale

    with changed(hosts, _is_stale=lambda host, ask: not ask.overbook and stale(host, ask)):
        yield


@mutant("then everything that hosts hold in the calendar is counted once")
def what_was_booked_before_limits_began_does_not_count() -> Generator[None]:
    async def none(*_: Any) -> tuple[list[Any], list[Any]]:
        return [], []

    with changed(limiting, _booked=none):
        yield


@mutant(
    "what nobody seems to hold is looked for again, claim and hosts, for it may be in the middle of a swap",
    seen_by="tests/simulation/test_beginning_limits.py::test_what_is_swapped_while_it_is_counted_counts",
)
def what_is_swapped_when_limits_begin_does_not_count() -> Generator[None]:
    with changed(limiting, _is_swapped=nothing):
        yield


@mutant("What a host has archived counts like what it holds, as long as a period may count it.")
def what_was_archived_when_limits_begin_does_not_count() -> Generator[None]:
    def holds(host: Any, claim_id: str, attempt: Any) -> bool:
        return host is not None and host.held(claim_id, attempt.number) is not None

    with changed(limiting, _holds=holds):
        yield


@mutant(
    "Claims are read in the order of the last start that they ever asked for, given up or not",
    seen_by="tests/simulation/test_counting_what_is_booked.py::"
    "test_whose_move_is_over_while_bookings_are_counted_page_by_page_counts",
)
def claims_go_back_when_a_move_is_given_up() -> Generator[None]:
    def keys(claim: Claim) -> dict[str, str | None]:
        starts = [one.start for one in claim.standing()]
        return {"by_calendar": key(claim.calendar_id, max(starts), claim.id) if starts else None}

    with changed(Claim, keys=keys):
        yield


@mutant(
    "What a move had left before is marked as answered",
    seen_by="tests/simulation/test_counting_what_is_booked.py::"
    "test_what_a_move_had_left_is_not_counted_by_a_late_duplicate",
)
def a_late_duplicate_counts_what_a_move_had_left() -> Generator[None]:
    fill = tallies.fill

    def unmarked(*asked: Any, left: Any) -> Decision[Any, None]:
        return fill(*asked)

    with changed(tallies, fill=unmarked):
        yield


@mutant("visible = free − hidden", page="docs/semantics.md")
def look_busy_only_hides() -> Generator[None]:
    free = engine.free_hosts

    def seen_by_all(team: Any, *more: Any) -> Any:
        return free(engine.replace(team, seen_by_staff=True), *more)

    with changed(engine, free_hosts=seen_by_all):
        yield


@mutant("History: who and why; audit log: who.", page="docs/semantics.md")
def nobody_notes_what_was_overbooked() -> Generator[None]:
    with changed(transitions, _overbooked=lambda *_: ([], [])):
        yield


@mutant("Staff may overbook only by an explicit, audited override", page="docs/semantics.md")
def whoever_comes_is_laid_upon_what_staff_overbooked() -> Generator[None]:
    clash = Host.clash

    def blind(host: Host, *asked: Any, **more: Any) -> Any:
        met = clash(host, *asked, **more)
        return None if met is not None and met.overbooked else met

    with changed(Host, clash=blind):
        yield
