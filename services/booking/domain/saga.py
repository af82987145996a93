"""The arrows of a booking as a table, for the generated `docs/saga.md`; a test holds it to `transitions`."""

from turnus_runtime.saga import Transition

SAGA = (
    Transition("–", "POST /bookings", "requested", ("BookingRequested", "GuestDetailsGiven"), "asks availability"),
    Transition("requested", "AssigneeSettled", "confirmed", ("BookingConfirmed",)),
    Transition("requested", "SlotRefused", "rejected", (), "the refusal is kept with its alternatives"),
    Transition("requested", "timer redrive", "requested", ("BookingRequested",), "after 10 s, then 20, 40, 80 s"),
    Transition("requested", "timer expire", "expired", ("BookingReleased",), "after 60 s; releases every attempt"),
    Transition("requested", "POST …/cancel", "cancelled", ("BookingReleased",)),
    Transition("confirmed", "POST …/cancel", "cancelled", ("BookingReleased",), "also while a move is open"),
    Transition("confirmed", "POST …/reschedule", "confirmed", ("BookingRequested",), "the next attempt is open"),
    Transition("confirmed", "POST …/assign", "confirmed", ("BookingRequested",), "the next attempt, another host"),
    Transition("confirmed", "AssigneeSettled of the open attempt", "confirmed", ("BookingMoved",), "revision + 1"),
    Transition("confirmed", "SlotRefused of the open attempt", "confirmed", (), "unchanged"),
    Transition("confirmed", "timer redrive of the open attempt", "confirmed", ("BookingRequested",)),
    Transition("confirmed", "timer expire of the open attempt", "confirmed", ("AttemptReleased",), "unchanged"),
    Transition("confirmed", "POST …/attendance", "attended", ("BookingConcluded",), "from the start on"),
    Transition("confirmed", "POST …/attendance", "no_show", ("BookingConcluded",), "from the start on"),
    Transition("confirmed", "timer conclude", "attended", ("BookingConcluded",), "a day after the end, unless marked"),
    Transition("attended", "POST …/attendance", "no_show", ("BookingConcluded",), "a correction"),
    Transition("no_show", "POST …/attendance", "attended", ("BookingConcluded",), "a correction"),
    Transition("rejected", "AssigneeSettled", "rejected", ("AttemptReleased",), "a late yes is given back"),
    Transition("expired", "AssigneeSettled", "expired", ("BookingReleased",), "a late yes is given back"),
    Transition("cancelled", "AssigneeSettled", "cancelled", ("BookingReleased",), "a late yes is given back"),
)
