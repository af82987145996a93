"""The saga of a booking as a table, for the generated `docs/saga.md`; a test holds it to `transitions`."""

from services.booking.domain.transitions import (
    CONCLUDE,
    CONCLUDE_AFTER,
    EXPIRE,
    EXPIRE_AFTER,
    REDRIVE,
    REDRIVE_AFTER,
    redrive_after,
)
from turnus_runtime.saga import START, Saga, State, Timeout, Transition

STATES = (
    State("requested", "asks for its first time; nobody has promised anything yet"),
    State("confirmed", "stands; it may have one move open, which changes nothing until it is settled"),
    State("rejected", "the time could not be had; the refusal is kept with its alternatives", over=True),
    State("expired", "was not decided in time", over=True),
    State("cancelled", "the guest or the staff ended it", over=True),
    State("attended", "is past; staff said so, or nobody said anything for a day", over=True),
    State("no_show", "is past, and the guest did not come", over=True),
)

_REQUEST, _CANCEL = "POST /bookings", "POST …/cancel"
_WITH_REASON = f"{_CANCEL} with a reason"
_MOVE, _ASSIGN, _CONCLUDE = "POST …/reschedule", "POST …/assign", "POST …/attendance"
_OPEN, _LATE = "of the open move", "late AssigneeSettled"
_OVERBOOKING = "AssigneeSettled of an overbooking"

_ALL = "availability frees and tombstones every attempt, assignment returns every charge"
_ONE = "availability frees the time of this attempt, assignment returns its charge"
_BELOW = "availability frees the times of all attempts below"
_AGAIN = "the same release again: what a late yes still holds is freed"

TRANSITIONS = (
    Transition(START, _REQUEST, "requested", ("BookingRequested", "GuestDetailsGiven"), "asks availability"),
    Transition("requested", "AssigneeSettled", "confirmed", ("BookingConfirmed",)),
    Transition("requested", _OVERBOOKING, "confirmed", ("BookingConfirmed", "ChangeRecorded"), "staff did it: audited"),
    Transition("requested", "SlotRefused", "rejected", (), "nothing is held, nothing to say"),
    Transition("requested", f"timer {REDRIVE}", "requested", ("BookingRequested",), "the same command again"),
    Transition("requested", f"timer {EXPIRE}", "expired", ("BookingReleased",), "undecided for too long", _ALL),
    Transition("requested", _CANCEL, "cancelled", ("BookingReleased",), "", _ALL),
    Transition("requested", _WITH_REASON, "cancelled", ("BookingReleased", "GuestDetailsGiven"), "", _ALL),
    Transition("confirmed", _MOVE, "confirmed", ("BookingRequested",), "a move is open: the next attempt"),
    Transition("confirmed", _ASSIGN, "confirmed", ("BookingRequested",), "a move to another host, by staff"),
    Transition("confirmed", f"AssigneeSettled {_OPEN}", "confirmed", ("BookingMoved",), "revision + 1", _BELOW),
    Transition(
        "confirmed",
        f"{_OVERBOOKING} by the open move",
        "confirmed",
        ("BookingMoved", "ChangeRecorded"),
        "revision + 1; staff did it: audited",
        _BELOW,
    ),
    Transition("confirmed", f"SlotRefused {_OPEN}", "confirmed", (), "the booking stays as it was"),
    Transition("confirmed", f"timer {REDRIVE} {_OPEN}", "confirmed", ("BookingRequested",), "the same command again"),
    Transition("confirmed", f"timer {EXPIRE} {_OPEN}", "confirmed", ("AttemptReleased",), "stays as it was", _ONE),
    Transition("confirmed", _CANCEL, "cancelled", ("BookingReleased",), "also while a move is open", _ALL),
    Transition("confirmed", _WITH_REASON, "cancelled", ("BookingReleased", "GuestDetailsGiven"), "", _ALL),
    Transition("confirmed", _CONCLUDE, "attended", ("BookingConcluded",), "from the start on", _BELOW),
    Transition("confirmed", _CONCLUDE, "no_show", ("BookingConcluded",), "from the start on", _BELOW),
    Transition("confirmed", f"timer {CONCLUDE}", "attended", ("BookingConcluded",), "nobody marked it", _BELOW),
    Transition("attended", _CONCLUDE, "no_show", ("BookingConcluded",), "a correction"),
    Transition("no_show", _CONCLUDE, "attended", ("BookingConcluded",), "a correction"),
    Transition("confirmed", _LATE, "confirmed", ("AttemptReleased",), "of a move given up", _AGAIN),
    Transition("attended", _LATE, "attended", ("AttemptReleased",), "of a move given up", _AGAIN),
    Transition("no_show", _LATE, "no_show", ("AttemptReleased",), "of a move given up", _AGAIN),
    Transition("rejected", _LATE, "rejected", ("AttemptReleased",), "the refusal came first", _AGAIN),
    Transition("expired", _LATE, "expired", ("BookingReleased",), "the deadline came first", _AGAIN),
    Transition("cancelled", _LATE, "cancelled", ("BookingReleased",), "the cancelling came first", _AGAIN),
)

TIMEOUTS = (
    Timeout(
        REDRIVE,
        REDRIVE_AFTER,
        "the request or the move was asked for and not answered",
        "the current command is said again, until it is answered or given up",
        again=tuple(redrive_after(asked) for asked in (1, 2, 3)),
    ),
    Timeout(EXPIRE, EXPIRE_AFTER, "the request or the move was asked for and not answered", "it is given up"),
    Timeout(CONCLUDE, CONCLUDE_AFTER, "the end of a confirmed booking that nobody marked", "it counts as attended"),
)

SAGA = Saga(STATES, TRANSITIONS, TIMEOUTS)
