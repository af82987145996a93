"""What services know of each other's things, and settings and members that change in mid-flight."""

# pyright: reportPrivateUsage=false, reportUnknownVariableType=false, reportUnknownLambdaType=false
# pyright: reportUnknownArgumentType=false, reportOptionalMemberAccess=false

from collections.abc import Generator
from typing import Any

from services.assignment import handlers as assigning
from services.assignment.domain import rotation as rotations
from services.availability.domain import hosts, masks, rules, serving
from services.availability.domain.rules import MemberSchedule
from services.availability.handlers import learning, reserving
from services.availability.routes import schedules as schedule_routes
from services.availability.store import kept, teams
from services.booking.domain import calendars
from services.booking.routes import bookings as booking_routes
from tests.simulation.mutants.registry import changed, mutant
from turnus_runtime import records
from turnus_runtime.records import Decision

BESIDE = "tests/unit/availability/test_masks.py::test_what_comes_and_goes_beside_an_edge_is_seen_on_both_sides"
KEPT = "tests/unit/availability/test_kept.py::"
OFFERS = "tests/integration/api/test_offers.py::"
RETIRED = f"{OFFERS}test_a_retired_calendar_takes_no_request_and_lets_its_bookings_be_moved_and_cancelled"
NEWEST = "tests/unit/runtime/test_newest.py::test_the_highest_version_stays_in_any_order_and_with_duplicates"


@mutant(
    "Keep what was told unless it is already known as well or better",
    page="libs/runtime/turnus_runtime/records.py",
    seen_by=NEWEST,
)
def the_latest_state_wins_and_not_the_newest() -> Generator[None]:
    with changed(records, newest=lambda known, told: Decision(None, told)):
        yield


@mutant(
    "Keep the highest version and say that it is served; a duplicate is answered again.",
    page="services/availability/domain/serving.py",
)
def an_older_calendar_replaces_a_newer_one() -> Generator[None]:
    serve = serving.serve_calendar

    def latest(current: Any, told: Any) -> Any:
        return serve(current.change(version=0) if current is not None else None, told)

    with changed(serving, serve_calendar=latest):
        yield


@mutant(
    "Take over a calendar as published, the highest version winning",
    page="services/assignment/domain/rotation.py",
    seen_by="tests/unit/assignment/test_rotation.py::test_an_older_version_changes_nothing",
)
def the_rotation_takes_over_an_older_calendar() -> Generator[None]:
    applied = rotations.apply_calendar

    def latest(event: Any, rotation: Any) -> Any:
        return applied(event, rotation.change(calendar_version=0) if rotation is not None else None)

    with changed(assigning, calendar_applied=latest), changed(rotations, apply_calendar=latest):
        yield


@mutant("a racing reservation must look again", page="services/availability/domain/hosts.py")
def hosts_are_not_told_that_rules_changed() -> Generator[None]:
    def silent(host: Any, host_id: str) -> Any:
        return Decision(host.rules_version if host is not None else 0)

    with changed(hosts, change_rules=silent):
        yield


@mutant(
    "A change of a member's schedules, blocks or limits is written first and then raises `rules_version` in the host "
    "record",
    page="services/availability/domain/rules.py",
)
def hosts_are_not_told_of_other_hours() -> Generator[None]:
    async def untold(schedule_id: str, on: Any) -> None:
        schedule = await on.records(MemberSchedule).get(schedule_id)
        if schedule is not None and (owed := schedule.owes(rules.APPLY_RULES)) is not None:
            await on.records(MemberSchedule).decide(schedule_id, lambda s: rules.rules_applied(s, owed))

    with changed(learning, apply_schedule=untold), changed(schedule_routes, apply_schedule=untold):
        yield


@mutant("A record with another version of them makes an entry stale.", page="services/availability/store/teams.py")
def rules_in_memory_never_become_stale() -> Generator[None]:
    def as_ever(cache: Any, owner_id: str, _: int) -> Any:
        return cache._kept.get(owner_id)

    with changed(teams.RulesCache, get=as_ever):
        yield


@mutant(
    "counts only while the versions of their records, read after the question came, are those by which it was made",
    seen_by=f"{KEPT}test_whoever_wrote_the_next_answer_shows_it",
)
def what_is_kept_of_calendars_never_becomes_stale() -> Generator[None]:
    look = kept.Kept._look

    async def once(self: Any, on: Any, calendar_id: str) -> Any:
        return self._calendars.get(calendar_id) or await look(self, on, calendar_id)

    with changed(kept.Kept, _look=once):
        yield


@mutant(
    "a look is shared by those alone who came before it began",
    seen_by=f"{KEPT}test_a_look_begins_after_each_who_shares_it_came",
)
def a_look_is_shared_by_who_comes_later() -> Generator[None]:
    share = kept.Looks.share

    async def joined(self: Any, key: str, work: Any) -> Any:
        running = self._running.get(key)
        return await (running.task if running is not None else share(self, key, work))

    with changed(kept.Looks, share=joined):
        yield


@mutant("makes every stretch of days again into which it reaches, beside its edge too", seen_by=BESIDE)
def a_change_reaches_into_no_other_two_weeks() -> Generator[None]:
    meets = masks._Change.meets

    def inside(change: Any, lo: int, hi: int) -> bool:
        return meets(change, lo + masks.REACH, hi)

    with changed(masks._Change, meets=inside):
        yield


@mutant("A member's pause lies in the host record, as the highest version of the member says it")
def an_older_word_of_a_pause_replaces_a_newer_one() -> Generator[None]:
    learn = hosts.learn_pause

    def latest(host: Any, told: Any) -> Any:
        return learn(host.change(pause=None) if host is not None else None, told)

    with changed(hosts, learn_pause=latest):
        yield


@mutant(
    "A pause is busy time: guests are not offered it",
    page="docs/semantics.md",
    seen_by="tests/simulation/test_reserving.py"
    "::test_who_pauses_is_no_candidate_and_a_time_that_only_they_had_is_not_offered",
)
def a_pause_is_offered() -> Generator[None]:
    look = teams.host_of

    async def rested(on: Any, host_id: str) -> Any:
        host, known = await look(on, host_id)
        return host.change(pause=None), known

    with changed(teams, host_of=rested):
        yield


@mutant(
    "the timer may leave, unless a later change owes it anew",
    page="services/availability/domain/rules.py",
    seen_by="tests/simulation/test_owed_work.py::test_a_second_change_of_rules_while_the_first_is_applied_is_applied_too",
)
def a_later_change_of_rules_leaves_with_an_earlier_one() -> Generator[None]:
    applied = rules.rules_applied

    def hasty(record: Any, owed: Any) -> Any:
        return applied(record, record.owes(rules.APPLY_RULES) if record is not None else owed)

    with changed(rules, rules_applied=hasty):
        yield


@mutant(
    "Removing a member publishes their calendars without them (a personal one is retired)",
    seen_by=f"{OFFERS}test_a_removed_member_is_offered_nowhere_and_a_personal_calendar_of_theirs_is_retired",
)
def a_removed_member_stays_in_their_calendars() -> Generator[None]:
    with changed(calendars, drop_member=lambda *_: Decision(None)):
        yield


@mutant(
    "`same_host` falls back to `reassign`",
    seen_by=f"{OFFERS}test_a_member_who_leaves_the_calendar_is_not_kept_by_a_move",
)
def whoever_left_is_kept_by_a_move() -> Generator[None]:
    serving = booking_routes.serving_hosts

    async def everybody(booking: Any, on: Any) -> set[str]:
        return {*await serving(booking, on), *booking.host_ids}

    with changed(booking_routes, serving_hosts=everybody):
        yield


@mutant(
    "A retired calendar takes no new requests",
    seen_by=RETIRED,
    together="The route refuses by the calendar as booking has it, availability by the one that the request meets: "
    "where both know of the retirement, each refuses without the other.",
)
def a_retired_calendar_takes_requests() -> Generator[None]:
    check, pin = booking_routes.check_calendar, reserving._pin

    def lenient(calendar: Any, *more: Any) -> Any:
        return check(calendar.change(status="active"), *more)

    async def open_still(request: Any, calendar: Any, members: Any, on: Any) -> Any:
        return await pin(request, calendar.change(status="active"), members, on)

    with changed(booking_routes, check_calendar=lenient), changed(reserving, _pin=open_still):
        yield


@mutant("open ones, moves and cancels go on", seen_by=RETIRED)
def a_retired_calendar_refuses_moves() -> Generator[None]:
    candidates = reserving._candidates

    def nobody(request: Any, calendar: Any, members: Any) -> Any:
        return () if calendar.status == "retired" else candidates(request, calendar, members)

    with changed(reserving, _candidates=nobody):
        yield
