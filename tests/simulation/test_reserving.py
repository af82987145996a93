"""Reserving, where no history can tell: what is refused or waited for without need harms no promise, but is wrong."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from services.availability.domain import claims, serving, tallies
from services.availability.domain.claims import Attempt, Claim
from services.availability.domain.hosts import Host
from services.availability.domain.rules import MemberSchedule, Weekly
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Counting, Entry, Tally
from services.availability.domain.zones import epoch_minute
from services.availability.handlers import learning, reserving
from services.availability.service import service as availability
from services.availability.store.teams import RulesCache
from services.booking.service import service as booking
from tests.simulation.store import SimulatedStore
from turnus_contracts import (
    AssigneeChosen,
    BookingRequested,
    CalendarMember,
    CalendarPublished,
    Limits,
    MemberChanged,
    SlotRefused,
)
from turnus_runtime.host import collections
from turnus_runtime.ids import RandomIds
from turnus_runtime.records import Decision
from turnus_runtime.settings import Settings
from turnus_runtime.store import RecordStore
from turnus_runtime.turn import Turn

NOW = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
ADA, BRUNO = "mem_ada", "mem_bruno"
ABOUT: dict[str, Any] = {"workspace_id": "ws_1", "calendar_id": "cal_1", "booking_id": "bk_1", "attempt": 1}


class Quiet:
    """Clock and signals of one process in which nothing else happens."""

    doubt_seconds = 0.0

    def now(self) -> datetime:
        return NOW

    async def sleep(self, seconds: float) -> None: ...

    async def wake(self, key: str) -> None: ...

    async def wait(self, key: str, seconds: float) -> bool:
        return False


def published(version: int, name: str = "Calendar", *members: str) -> CalendarPublished:
    return CalendarPublished(
        workspace_id="ws_1",
        calendar_id="cal_1",
        version=version,
        status="active",
        calendar_kind="round_robin",
        address="ws/cal",
        name=name,
        tz="UTC",
        duration_minutes=30,
        interval_minutes=30,
        anchor="clock",
        members=tuple(CalendarMember(member_id=one) for one in members or (ADA, BRUNO)),
    )


def request(version: int, host_ids: Sequence[str] = ()) -> BookingRequested:
    return BookingRequested(
        **ABOUT,
        calendar_version=version,
        start=NOW + timedelta(days=1),
        duration_minutes=30,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        host_ids=tuple(host_ids),
        requested_at=NOW,
    )


async def process() -> Turn:
    """One process of availability that serves version 1 of the calendar."""
    quiet = Quiet()
    stored = SimulatedStore(quiet.now)
    await stored.prepare({**collections(availability), **collections(booking)})
    records = RecordStore(stored, quiet, quiet, lambda _: False)
    turn = Turn(NOW, records, RandomIds(), quiet, quiet, Settings(), RulesCache())
    await turn.records(ServedCalendar).decide("cal_1", lambda c: serving.serve_calendar(c, published(1)))
    return turn


async def test_a_request_ahead_of_its_calendar_pins_nothing(monkeypatch: Any) -> None:
    monkeypatch.setattr(reserving, "CALENDAR_WAIT_SECONDS", 0)
    turn = await process()
    await reserving.reserve_slot(request(2), turn)
    assert await turn.records(Claim).get("bk_1") is None
    await reserving.reserve_slot(request(1), turn)
    assert await turn.records(Claim).get("bk_1") is not None


async def test_who_joins_a_calendar_again_knows_of_the_blocks_it_got_meanwhile() -> None:
    turn = await process()
    await learning.serve_calendar(published(2, "without Ada", BRUNO), turn)
    await turn.records(ServedCalendar).decide("cal_1", serving.change_blocks)
    await learning.serve_calendar(published(3, "with her again", BRUNO, ADA), turn)
    host = await turn.records(Host).get(ADA)
    assert host is not None
    assert host.blocks_versions == {"cal_1": 1}


async def working() -> Turn:
    """A process in which Ada and Bruno work all day, every day."""
    turn = await process()
    for member_id in (ADA, BRUNO):
        hours = MemberSchedule(
            id=f"sch_{member_id}",
            workspace_id="ws_1",
            member_id=member_id,
            version=1,
            name="Hours",
            tz="UTC",
            default=True,
            weekly=(Weekly(days=(1, 2, 3, 4, 5, 6, 7), start=0, end=1440),),
            created_at=NOW,
            changed_at=NOW,
        )
        await turn.records(MemberSchedule).decide(hours.id, lambda _, hours=hours: Decision(None, hours))
    return turn


def pausing(member_id: str) -> MemberChanged:
    about: dict[str, Any] = {"name": "A", "email": "a@example.org", "tz": "UTC", "locale": "en", "role": "member"}
    return MemberChanged(
        workspace_id="ws_1", member_id=member_id, version=2, status="active", paused_since=NOW, **about
    )


async def pinned(turn: Turn) -> Attempt:
    claim = await turn.records(Claim).get("bk_1")
    found = claim.attempt(1) if claim is not None else None
    assert found is not None
    return found


async def test_who_pauses_is_no_candidate_and_a_time_that_only_they_had_is_not_offered() -> None:
    turn = await working()
    await learning.learn_member(pausing(ADA), turn)
    await reserving.reserve_slot(request(1), turn)
    assert (await pinned(turn)).candidates == (BRUNO,)
    turn = await working()
    for member_id in (ADA, BRUNO):
        await learning.learn_member(pausing(member_id), turn)
    await reserving.reserve_slot(request(1), turn)
    refusal = (await pinned(turn)).refusal
    assert refusal is not None
    assert (refusal.code, refusal.alternatives) == ("slot_not_offered", ())


async def test_whoever_is_chosen_and_pauses_by_then_does_not_get_the_time_and_who_holds_it_keeps_it() -> None:
    turn = await working()
    await reserving.reserve_slot(request(1), turn)
    assert (await pinned(turn)).asked == (ADA,)
    for member_id in (ADA, BRUNO):
        await learning.learn_member(pausing(member_id), turn)
    start = NOW + timedelta(days=1)
    chosen = AssigneeChosen(**ABOUT, start=start, host_ids=(BRUNO,), charged=True, rule="equal")
    for _ in range(2):  # a duplicate finds the same
        await reserving.settle_assignee(chosen, turn)
    ada, bruno = [await turn.records(Host).get(one) for one in (ADA, BRUNO)]
    assert ada is not None
    assert bruno is not None
    assert [(one.booking_id, one.settled) for one in ada.reservations] == [("bk_1", True)]
    assert bruno.reservations == ()


async def test_what_a_host_has_given_by_a_calendar_without_limits_is_not_refused_once_it_is_full(
    monkeypatch: Any,
) -> None:
    """Two handlings of one request: the slow one goes by limits that are gone by the time the other one asks."""
    turn = await working()
    await learning.serve_calendar(published(2, "limited").model_copy(update={"limits": Limits(day=1)}), turn)
    other = Counting(Entry(booking_id="bk_2", attempt=1, start=epoch_minute(request(2).start), calendar_version=2), ())
    counted = reserving.is_counted

    async def slowly(*asked: Any) -> bool:
        monkeypatch.setattr(reserving, "is_counted", counted)
        assert await turn.records(Tally).decide("cal_1", lambda t: tallies.count(t, other, "cal_1", NOW))
        answer = await counted(*asked)
        assert not answer
        await learning.serve_calendar(published(3, "free"), turn)
        await reserving.reserve_slot(request(2), turn)
        return answer

    monkeypatch.setattr(reserving, "is_counted", slowly)
    await reserving.reserve_slot(request(2), turn)
    assert (await pinned(turn)).refusal is None
    ada = await turn.records(Host).get(ADA)
    assert ada is not None
    assert [one.booking_id for one in ada.reservations] == ["bk_1"]


def attempt(**more: Any) -> Attempt:
    return Attempt(
        number=1, start=0, end=30, padded_start=0, padded_end=30, candidates=(ADA, BRUNO), at_once=False, **more
    )


def test_who_says_no_is_followed_by_the_next_and_the_last_no_is_the_answer() -> None:
    refusal = SlotRefused(**ABOUT, start=NOW, code="slot_taken")
    first = claims.pin(None, request(1), attempt(), None)
    assert first.record is not None
    assert [one.asked for one in first.record.attempts.values()] == [(ADA,)]
    second = claims.ask_next(first.record, 1, ADA, refusal)
    assert second.record is not None
    assert second.answer is not None
    assert (second.answer.next_to_ask, second.answer.asked, second.owes) == (BRUNO, (ADA, BRUNO), ())
    third = claims.ask_next(second.record, 1, BRUNO, refusal)
    assert third.answer is not None
    assert (third.answer.next_to_ask, third.answer.refusal) == (None, refusal)
    assert [entry.name for entry in third.owes] == ["SlotRefused"]


async def test_a_person_whom_the_guest_chose_is_said_to_be_fixed() -> None:
    calendar = (await (await process()).records(ServedCalendar).get("cal_1")) or published(1)
    assert isinstance(calendar, ServedCalendar)
    for fixed in (True, False):
        said = reserving._reserved(request(1, [ADA] if fixed else ()), calendar, attempt(fixed=fixed), ADA)  # pyright: ignore[reportPrivateUsage]
        assert said.fixed is fixed


def test_an_older_calendar_changes_nothing_and_is_answered_by_the_newest_version() -> None:
    newest = serving.serve_calendar(None, published(2, "new")).record
    older = serving.serve_calendar(newest, published(1, "old"))
    assert older.record is None
    assert [(said.topic(), getattr(said, "version", 0)) for said in older.says] == [("CalendarApplied", 2)]
