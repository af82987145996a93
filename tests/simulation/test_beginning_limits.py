"""A calendar begins to have limits while somebody is asking by its version without them: what is held then counts."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from oversight.invariants import limits
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.availability.handlers import learning, reserving
from tests.simulation.test_reserving import ABOUT, ADA, BRUNO, pinned, published, request, working
from turnus_contracts import AssigneeChosen, BookingReleased, BookingRequested, CalendarPublished, Limits
from turnus_runtime.turn import Turn

LEAVING = {
    "whoever leaves with the limits": [("limited", BRUNO)],
    "whoever has left before them": [("without Ada", BRUNO), ("limited", BRUNO)],
    "whoever leaves before anything is counted": [("unfilled", ADA, BRUNO), ("limited", BRUNO)],
    "whoever has left and limits went and came": [("limited", ADA), ("free", BRUNO), ("limited", BRUNO)],
    "nobody leaves": [("limited", ADA, BRUNO)],
}
"""Versions from the second on: what is told of them, and who serves."""


def told(version: int, name: str, *members: str) -> CalendarPublished:
    """A version, which allows one booking a day if it is limited."""
    limited = name in ("limited", "unfilled")
    return published(version, name, *members).model_copy(update={"limits": Limits(day=1) if limited else None})


async def serve(versions: list[Any], on: Turn) -> None:
    """The second version of the calendar, and so on; the process dies before an unfilled one is counted."""
    for number, (name, *members) in enumerate(versions):
        with pytest.MonkeyPatch.context() as dying:
            if name == "unfilled":
                dying.setattr(learning, "ensure_filled", _nothing)
            await learning.serve_calendar(told(number + 2, name, *members), on)


async def _nothing(*_: Any) -> None: ...


async def slowly(asked: BookingRequested, on: Turn, meanwhile: Callable[[], Awaitable[None]]) -> None:
    """The request is handled, and right before a host is asked for the first time something happens."""
    ask, pending = reserving._ask_host, [meanwhile]  # pyright: ignore[reportPrivateUsage]

    async def later(*about: Any, **more: Any) -> Any:
        while pending:
            await pending.pop()()
        return await ask(*about, **more)

    with pytest.MonkeyPatch.context() as slow:
        slow.setattr(reserving, "_ask_host", later)
        await reserving.reserve_slot(asked, on)


async def holders(on: Turn) -> list[str]:
    """Who holds the booking."""
    known = [await on.records(Host).get(one) for one in (ADA, BRUNO)]
    return [one.id for one in known if one is not None and one.held("bk_1", 1) is not None]


async def findings(on: Turn) -> list[str]:
    """What an audit finds in the tally."""
    served, tally, claim = (
        await on.records(ServedCalendar).get("cal_1"),
        await on.records(Tally).get("cal_1"),
        await on.records(Claim).get("bk_1"),
    )
    assert served is not None
    assert limits.is_filled(served, tally)
    hosts = {one: await on.records(Host).get(one) for one in (ADA, BRUNO)}
    known = {name: host for name, host in hosts.items() if host is not None}
    return [one.kind for one in limits.counted(served, tally, {"bk_1": claim} if claim is not None else {}, known)]


@pytest.mark.parametrize("versions", LEAVING.values(), ids=LEAVING)
async def test_a_slow_request_by_the_calendar_without_limits_looks_again_whoever_has_left_since(
    versions: list[Any],
) -> None:
    turn = await working()
    await slowly(request(1), turn, lambda: serve(versions, turn))
    assert await holders(turn) == [versions[-1][1]]
    assert await findings(turn) == []


@pytest.mark.parametrize("versions", LEAVING.values(), ids=LEAVING)
async def test_what_staff_overbook_by_the_calendar_without_limits_counts_too(versions: list[Any]) -> None:
    turn = await working()
    upon = request(1, [ADA]).model_copy(update={"overbook": True, "by_staff": True})
    await slowly(upon, turn, lambda: serve(versions, turn))
    assert await holders(turn) == [ADA]
    assert await findings(turn) == []


async def test_what_is_swapped_while_it_is_counted_counts() -> None:
    """The claims are read before the swap, the hosts after it."""
    turn = await working()
    await reserving.reserve_slot(request(1), turn)
    chosen = AssigneeChosen(**ABOUT, start=request(1).start, host_ids=(BRUNO,), charged=True, rule="equal")
    shelf: Any = turn.shelf
    find, pending = shelf.find, [lambda: reserving.settle_assignee(chosen, turn)]

    async def swapped(*asked: Any, **more: Any) -> Any:
        found = await find(*asked, **more)
        while found and pending:
            await pending.pop()()
        return found

    with pytest.MonkeyPatch.context() as slow:
        slow.setattr(shelf, "find", swapped)
        await learning.serve_calendar(told(2, "limited", ADA, BRUNO), turn)
    assert not pending
    assert await holders(turn) == [BRUNO]
    assert await findings(turn) == []


async def test_what_is_refused_by_the_calendar_without_limits_while_it_is_counted_by_them_counts_no_more(
    monkeypatch: Any,
) -> None:
    """Of two handlings of one request the slow one notes the last no when the other one has just counted it."""
    turn = await working()
    ask, note = reserving._ask_host, reserving._note_refused  # pyright: ignore[reportPrivateUsage]
    noted: list[Any] = []

    async def taken(asked: Any, calendar: Any, members: Any, *more: Any, **named: Any) -> Any:
        if calendar.limited_since and noted:
            await note(*noted.pop())
        return await ask(asked, calendar, members.without_bookings(), *more, **named, limited=True)

    async def limited(*about: Any) -> Any:
        monkeypatch.setattr(reserving, "_note_refused", note)
        noted.append(about)
        await learning.serve_calendar(told(2, "limited", ADA), turn)
        await reserving.reserve_slot(request(2), turn)

    monkeypatch.setattr(reserving, "_ask_host", taken)
    monkeypatch.setattr(reserving, "_note_refused", limited)
    await reserving.reserve_slot(request(1, [ADA]), turn)
    assert not noted
    assert (await pinned(turn)).refusal is not None
    assert await findings(turn) == []


async def test_what_is_given_up_while_it_is_counted_counts_no_more() -> None:
    """The release goes by the calendar without limits; before it is done, a slow request meets them and counts."""
    turn, heard, go = await working(), asyncio.Event(), asyncio.Event()
    give_back = reserving.give_back

    async def slow_release(*about: Any) -> None:
        await give_back(*about)
        await learning.serve_calendar(told(2, "limited", ADA, BRUNO), turn)
        heard.set()
        await go.wait()

    released = BookingReleased.model_construct(workspace_id="ws_1", calendar_id="cal_1", booking_id="bk_1")
    tasks: list[Any] = []

    async def meanwhile() -> None:
        tasks.append(asyncio.create_task(reserving.release_booking(released, turn)))
        await heard.wait()

    with pytest.MonkeyPatch.context() as slow:
        slow.setattr(reserving, "give_back", slow_release)
        await slowly(request(1), turn, meanwhile)
    go.set()
    await asyncio.gather(*tasks)
    assert await holders(turn) == []
    assert await findings(turn) == []
