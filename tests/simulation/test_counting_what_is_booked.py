"""Limits of a calendar begin: every booking of a period that is still open counts, wherever it is found."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from oversight.invariants import limits
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.availability.handlers import learning, reserving
from tests.simulation.test_reserving import ABOUT, ADA, NOW, published, request, working
from turnus_contracts import AttemptReleased, BookingMoved, BookingRequested, Limits
from turnus_runtime.turn import Turn

Happening = Callable[[], Awaitable[Any]]


def asking(
    booking_id: str, days: float, *, attempt: int = 1, version: int = 1, now: datetime = NOW
) -> BookingRequested:
    """A request to Ada for a time so many days from the beginning, asked for now, by this version of the calendar."""
    about = {"booking_id": booking_id, "attempt": attempt, "start": NOW + timedelta(days=days), "requested_at": now}
    return request(version, [ADA]).model_copy(update=about)


async def begin(on: Turn, most: Limits) -> None:
    """The second version of the calendar is served, which has limits."""
    await learning.serve_calendar(published(2).model_copy(update={"limits": most}), on)


async def is_taken(asked: BookingRequested, on: Turn) -> bool:
    """Whether the request gets its time."""
    await reserving.reserve_slot(asked, on)
    host = await on.records(Host).get(ADA)
    return host is not None and host.held(asked.booking_id, asked.attempt) is not None


async def findings(on: Turn) -> list[str]:
    """What an audit finds in the tally."""
    served, tally = await on.records(ServedCalendar).get("cal_1"), await on.records(Tally).get("cal_1")
    asked = [await on.records(Claim).get(f"bk_{number}") for number in range(1, 6)]
    ada = await on.records(Host).get(ADA)
    assert served is not None
    assert ada is not None
    assert limits.is_filled(served, tally)
    return [one.kind for one in limits.counted(served, tally, {c.id: c for c in asked if c is not None}, {ADA: ada})]


async def released(on: Turn, _: Any) -> Happening:
    """Somebody has asked for another time, and gives up."""
    await reserving.reserve_slot(asking("bk_1", 3, attempt=2), on)
    gives_up = AttemptReleased(**{**ABOUT, "attempt": 2}, reason="expired")
    return lambda: reserving.release_attempt(gives_up, on)


async def refused(on: Turn, monkeypatch: Any) -> Happening:
    """Somebody has asked for another time, which somebody else got before them, and the no is about to be noted."""
    move, note = asking("bk_1", 3, attempt=2), reserving._note_refused  # pyright: ignore[reportPrivateUsage]
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(reserving, "_ask_host", _dies)
        with pytest.raises(ConnectionError):
            await reserving.reserve_slot(move, on)
    await reserving.reserve_slot(asking("bk_3", 3), on)
    heard, go = asyncio.Event(), asyncio.Event()

    async def slowly(*about: Any) -> Any:
        heard.set()
        await go.wait()
        return await note(*about)

    monkeypatch.setattr(reserving, "_note_refused", slowly)
    task = asyncio.create_task(reserving.reserve_slot(move, on))
    await heard.wait()

    async def goes_on() -> None:
        go.set()
        await task

    return goes_on


async def _dies(*_: Any, **__: Any) -> None:
    raise ConnectionError


@pytest.mark.parametrize("moving", [released, refused], ids=lambda one: one.__name__)
async def test_whose_move_is_over_while_bookings_are_counted_page_by_page_counts(
    moving: Callable[[Turn, Any], Awaitable[Happening]], monkeypatch: Any
) -> None:
    """The claims are read in the order of their starts; once the first page is read, the later time is given up."""
    turn = await working()
    for asked in (asking("bk_1", 1), asking("bk_2", 2)):
        assert await is_taken(asked, turn)
    pending, shelf = [await moving(turn, monkeypatch)], turn.shelf
    find = shelf.find

    async def one_by_one(kind: Any, *asked: Any, **more: Any) -> Any:
        found = await find(kind, *asked, **more | {"limit": 1})
        while found and pending and kind is Claim:
            await pending.pop()()
        return found

    monkeypatch.setattr(shelf, "find", one_by_one)
    await begin(turn, Limits(day=1))
    monkeypatch.undo()
    assert not pending
    assert await findings(turn) == []
    assert not await is_taken(asking("bk_5", 1.25, version=2), turn)


async def test_what_a_host_has_archived_counts_in_a_month_that_is_still_open() -> None:
    """What ended days ago has left the hosts' times when limits begin."""
    turn = await working()
    for asked in (asking("bk_1", 1), asking("bk_2", 2)):
        assert await is_taken(asked, turn)
    later = replace(turn, now=NOW + timedelta(days=9))
    assert await is_taken(asking("bk_3", 10, now=later.now), later)
    ada = await turn.records(Host).get(ADA)
    assert ada is not None
    assert [one.booking_id for one in ada.reservations] == ["bk_3"]
    await begin(later, Limits(month=4))
    tally = await turn.records(Tally).get("cal_1")
    assert tally is not None
    assert [one.booking_id for one in tally.entries] == ["bk_1", "bk_2", "bk_3"]
    assert await is_taken(asking("bk_4", 11, version=2, now=later.now), later)
    assert not await is_taken(asking("bk_5", 12, version=2, now=later.now), later)
    assert await findings(later) == []


async def test_what_a_move_had_left_is_not_counted_by_a_late_duplicate() -> None:
    """It is answered as it was, and counts neither before nor after."""
    turn = await working()
    assert await is_taken(asking("bk_1", 1), turn)
    assert await is_taken(asking("bk_1", 2, attempt=2), turn)
    moved = BookingMoved.model_construct(workspace_id="ws_1", calendar_id="cal_1", booking_id="bk_1", attempt=2)
    await reserving.free_moved(moved, turn)
    await begin(turn, Limits(day=1))
    await reserving.reserve_slot(asking("bk_1", 1), turn)
    assert await findings(turn) == []
    assert await is_taken(asking("bk_2", 1, version=2), turn)
    assert not await is_taken(asking("bk_3", 2.25, version=2), turn)
