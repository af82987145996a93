"""The table of the saga, which the docs show, is what the functions of the saga do.

Every function is driven with every input from every state that can be reached by them; what comes out are the arrows.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from services.booking.domain import transitions
from services.booking.domain.bookings import OVER, Attempt, Booking, Overbooking
from services.booking.domain.saga import SAGA
from services.booking.domain.transitions import Move, Violation
from services.booking.service import service
from turnus_contracts import AssigneeSettled, Guest, SlotRefused
from turnus_runtime.records import Decision, Owed
from turnus_runtime.saga import START
from turnus_runtime.schemas.pages import saga as saga_page

ASKED = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
FIRST, SECOND = datetime(2027, 1, 10, 9, 0, tzinfo=UTC), datetime(2027, 1, 11, 9, 0, tzinfo=UTC)
DURATION = timedelta(minutes=30)
MOMENTS = (ASKED + timedelta(seconds=1), SECOND + timedelta(days=2))
"""Before everything (but the request), and when every deadline, start and end has passed."""
MOST_ATTEMPTS = 3
OPEN, OVERBOOKING = "of the open move", "AssigneeSettled of an overbooking"
FIRED = Owed(id="redrive", kind="timer", name="redrive", due=0)
ADA, BRUNO = ("mem_ada",), ("mem_bruno",)


class Arrow(NamedTuple):
    source: str
    on: str
    target: str
    says: frozenset[str]


def asked(*, overbook: bool = False) -> Booking:
    attempt = Attempt(
        number=1,
        start=FIRST,
        end=FIRST + DURATION,
        overbooking=Overbooking(actor_id="mem_ada", reason="ill") if overbook else None,
        requested_at=ASKED,
    )
    return Booking(
        id="bk_1",
        workspace_id="ws_1",
        calendar_id="cal_1",
        calendar_version=1,
        version=1,
        status="requested",
        attempts=(attempt,),
        start=FIRST,
        end=FIRST + DURATION,
        duration_minutes=30,
        buffer_before_minutes=0,
        buffer_after_minutes=0,
        reschedule_policy="reassign",
        guest=Guest(name="Ada", email="ada@example.org"),
        locale="en",
        tz="UTC",
        token="bkt_1",
        request_digest="digest",
        created_at=ASKED,
        changed_at=ASKED,
    )


def seen(booking: Booking) -> object:
    """What tells states apart for the functions: everything but versions, history and how often something was asked."""
    tries = tuple((a.state, a.start, a.host_ids, a.same_host, a.requested_at, a.overbooking) for a in booking.attempts)
    return booking.status, booking.attempt, booking.charged, booking.revision, booking.host_ids, tries


def inputs(booking: Booking) -> Iterator[tuple[str, Callable[[], Decision[Booking, Any]]]]:
    """Every input that the outside can give: its name, and the decision on it."""
    of = {"workspace_id": "ws_1", "calendar_id": "cal_1", "booking_id": booking.id}
    for now in MOMENTS:
        for attempt in booking.attempts:
            where = f" {OPEN}" if attempt.state == "open" and booking.attempt else ""
            yes = "late AssigneeSettled" if booking.status in OVER or attempt.state != "open" else "AssigneeSettled"
            heard = f"{yes}{where}"
            if yes == "AssigneeSettled" and attempt.overbooking:
                heard = f"{OVERBOOKING} by the open move" if booking.attempt else OVERBOOKING
            for hosts in (ADA, BRUNO):
                for charged in (False, True):
                    settled = AssigneeSettled(
                        **of,
                        attempt=attempt.number,
                        start=attempt.start,
                        end=attempt.end,
                        host_ids=hosts,
                        charged=charged,
                    )
                    yield heard, lambda s=settled, n=now: transitions.settle(booking, s, n)
            no = SlotRefused(**of, attempt=attempt.number, start=attempt.start, code="slot_taken")
            yield f"SlotRefused{where}", lambda r=no, n=now: transitions.refuse(booking, r, n)
        pending = f" {OPEN}" if booking.attempt else ""
        yield f"timer redrive{pending}", lambda n=now: transitions.redrive(booking, FIRED, n)
        yield f"timer expire{pending}", lambda n=now: transitions.expire(booking, n)
        yield "timer conclude", lambda n=now: transitions.conclude_unmarked(booking, n)
        yield "POST …/cancel", lambda n=now: transitions.cancel(booking, n, "guest", "guest", None)
        yield "POST …/cancel with a reason", lambda n=now: transitions.cancel(booking, n, "staff", "mem_ada", "ill")
        for status in ("attended", "no_show"):
            yield "POST …/attendance", lambda n=now, s=status: transitions.conclude(booking, n, s, "mem_ada")
        if len(booking.attempts) == 1:  # what was overbooked before makes no difference afterwards
            over = Move(SECOND, ADA, False, "staff", "mem_ada", None, None, "ill", overbook=True)
            yield "POST …/reschedule", lambda a=over, n=now: transitions.move(booking, a, n)
        if len(booking.attempts) < MOST_ATTEMPTS:
            for same in (False, True):
                ask = Move(SECOND, (), same, "guest", "guest", None, None)
                yield "POST …/reschedule", lambda a=ask, n=now: transitions.move(booking, a, n)
            ask = Move(
                FIRST, BRUNO, same_host=False, by="staff", actor="mem_ada", request_key=None, request_digest=None
            )
            yield "POST …/assign", lambda a=ask, n=now: transitions.move(booking, a, n)


def said(decision: Decision[Booking, Any]) -> frozenset[str]:
    """The topics of all that a decision says."""
    owed = {entry.name for entry in decision.owes if entry.kind in ("event", "state")}
    return frozenset(owed | {event.topic() for event in decision.says})


def arrow(source: str, on: str, before: Booking | None, decision: Decision[Booking, Any]) -> Arrow | None:
    """None if nothing changed and nothing is said."""
    target = decision.record or before
    assert target is not None
    if not said(decision) and (before is None or seen(target) == seen(before)):
        return None
    return Arrow(source, on, target.status, said(decision))


@cache
def explored() -> tuple[frozenset[Arrow], int]:
    """Every arrow there is, and how many states were visited."""
    arrows, waiting = set[Arrow](), list[Booking]()
    for overbook in (False, True):
        first = transitions.request(None, asked(overbook=overbook))
        begun = arrow(START, "POST /bookings", None, first)
        assert begun is not None
        assert first.record is not None
        arrows.add(begun)
        waiting.append(first.record)
    visited = {seen(booking) for booking in waiting}
    while waiting:
        booking = waiting.pop()
        for on, decide in inputs(booking):
            try:
                decision = decide()
            except Violation:
                continue
            found = arrow(booking.status, on, booking, decision)
            if found is not None:
                arrows.add(found)
            after = decision.record
            if after is not None and seen(after) not in visited:
                visited.add(seen(after))
                waiting.append(after)
    return frozenset(arrows), len(visited)


def table() -> set[Arrow]:
    return {Arrow(one.source, one.on, one.target, frozenset(one.says)) for one in SAGA.transitions}


def test_the_table_holds_exactly_the_arrows_that_the_functions_draw() -> None:
    arrows, states = explored()
    assert states > 100, "the exploration saw next to nothing"
    assert arrows - table() == set(), "arrows that the table lacks"
    assert table() - arrows == set(), "arrows that nothing draws"
    assert len(SAGA.transitions) == len(table()), "an arrow stands there twice"


def test_the_table_names_every_state_and_says_which_are_over() -> None:
    named = {state.name for state in SAGA.states}
    assert {one.source for one in SAGA.transitions} | {one.target for one in SAGA.transitions} == named | {START}
    assert {state.name for state in SAGA.states if state.over} == OVER


def test_nothing_leaves_a_state_that_is_over_but_a_correction_of_what_came_of_the_appointment() -> None:
    arrows, _ = explored()
    left = {(one.source, one.target) for one in arrows if one.source in OVER and one.source != one.target}
    assert left == {("attended", "no_show"), ("no_show", "attended")}


def test_every_release_in_the_table_says_what_it_undoes() -> None:
    for one in SAGA.transitions:
        if {"BookingReleased", "AttemptReleased", "BookingMoved"} & set(one.says):
            assert one.undoes, one


def test_every_timer_of_the_service_that_moves_a_booking_stands_there_with_its_time() -> None:
    assert {timeout.timer for timeout in SAGA.timeouts} == {"redrive", "expire", "conclude"} <= service.timers.keys()
    begun = transitions.request(None, asked())
    owed = {entry.name: entry.due for entry in begun.owes if entry.kind == "timer"}
    for timeout in SAGA.timeouts:
        if timeout.timer in owed:
            assert owed[timeout.timer] == int((ASKED + timeout.after).timestamp() * 1000)
    settled = AssigneeSettled(
        workspace_id="ws_1",
        calendar_id="cal_1",
        booking_id="bk_1",
        attempt=1,
        start=FIRST,
        end=FIRST + DURATION,
        host_ids=ADA,
    )
    confirmed = transitions.settle(asked(), settled, ASKED)
    (conclude,) = [entry for entry in confirmed.owes if entry.name == "conclude"]
    after = next(timeout.after for timeout in SAGA.timeouts if timeout.timer == "conclude")
    assert conclude.due == int((FIRST + DURATION + after).timestamp() * 1000)


def test_a_command_is_said_again_after_the_spans_that_the_table_shows() -> None:
    (timeout,) = [timeout for timeout in SAGA.timeouts if timeout.timer == "redrive"]
    booking, spans = asked(), []
    for _ in timeout.again:
        decision = transitions.redrive(booking, FIRED, ASKED)
        (entry,) = [entry for entry in decision.owes if entry.kind == "timer"]
        spans.append(timedelta(milliseconds=entry.due - int(ASKED.timestamp() * 1000)))
        booking = decision.record or booking
    assert spans == list(timeout.again)


def test_the_page_shows_every_state_arrow_timeout_and_compensation() -> None:
    page = saga_page([service])
    for state in SAGA.states:
        assert f"| {state.name} | {state.meaning} |" in page
    for one in SAGA.transitions:
        assert f"| {one.source} | {one.on} | {one.target} |" in page
        assert one.undoes in page
    for timeout in SAGA.timeouts:
        assert f"| `{timeout.timer}` |" in page
    assert "| 10 s |" in page
    assert "| 1 min |" in page
    assert "| 24 h |" in page
