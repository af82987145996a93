"""A finding, and the name and meaning of every kind there is."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from turnus_runtime.records import Record

Kind = Literal[
    "double_booked",
    "not_held",
    "held_otherwise",
    "held_for_nobody",
    "counted_for_nobody",
    "not_counted",
    "over_limit",
    "overbooked_unsaid",
    "claim_missing",
    "claim_differs",
    "claim_of_nobody",
    "answer_differs",
    "not_given_up",
    "undecided",
    "broken_booking",
    "illegal_path",
    "no_deadline",
    "owed_after_end",
    "overdue",
    "unbalanced",
    "charge_missing",
    "charge_unsettled",
    "charge_unapplied",
    "charge_of_nobody",
    "wrong_payer",
    "not_told",
    "mail_missing",
    "mail_forgotten",
    "mail_twice",
    "reminded_otherwise",
    "newer_than_source",
    "behind_source",
]

KINDS: Mapping[Kind, str] = {
    "double_booked": "two bookings hold the same time of one person, buffers included; nobody overbooked the later one",
    "not_held": "a booking stands and its host does not hold the time",
    "held_otherwise": "a host holds a booking's time from or until another minute than was promised",
    "held_for_nobody": "a host holds a time for an attempt that is over, or that somebody else serves",
    "counted_for_nobody": "an attempt counts for the limits of its calendar, and no host holds its time",
    "not_counted": "a host holds a time in a calendar with limits, or held it until it was archived, and it does not "
    "count",
    "over_limit": "more bookings start in a period than its limits have let in, without anybody having overbooked",
    "overbooked_unsaid": "a time was overbooked, and nothing says which member of staff did it and why",
    "claim_missing": "a booking was decided and availability has no record of having been asked",
    "claim_differs": "the claim of a booking that stands names another time, or it never asked the host, or gave up",
    "claim_of_nobody": "a claim of a booking or an attempt that nobody asked for",
    "answer_differs": "availability recorded another answer than the booking has",
    "not_given_up": "an attempt is over and availability has no tombstone for it",
    "undecided": "a request or a move has no answer and was not given up after its bound",
    "broken_booking": "what a booking says of itself does not fit together",
    "illegal_path": "a booking took a way that the saga does not have",
    "no_deadline": "a booking waits for something and no timer will end the waiting",
    "owed_after_end": "a booking is over and still has a timer",
    "overdue": "something was owed and due, and nobody did it",
    "unbalanced": "the credits of a rotation do not add up to zero",
    "charge_missing": "a booking stands, the rotation had to choose, and there is no choice",
    "charge_unsettled": "a charge is in force that should be returned, or is returned and should be in force",
    "charge_unapplied": "an effect of a choice was decided and nobody will apply it",
    "charge_of_nobody": "a choice of a booking or an attempt that nobody asked for",
    "wrong_payer": "somebody else paid for a booking than the one who serves it",
    "not_told": "notify does not know what became of a booking, or knows more than the booking itself",
    "mail_missing": "a guest was never to be told what became of the booking",
    "mail_forgotten": "a message waits and nothing will send it",
    "mail_twice": "a message was planned twice, or was handed over twice",
    "reminded_otherwise": "reminders to come are not at the times that their workspace has chosen",
    "newer_than_source": "a service knows a newer version of something than its owner",
    "behind_source": "a service does not know the version that its owner published",
}

AT_ONCE: frozenset[Kind] = frozenset(
    (
        "double_booked",
        "undecided",
        "broken_booking",
        "illegal_path",
        "no_deadline",
        "owed_after_end",
        "overdue",
        "unbalanced",
        "charge_unapplied",
        "mail_forgotten",
        "mail_twice",
    )
)
"""Kinds that one record shows, and every record is written whole: nothing about them can be in flight (and those that
are about time have their bound in themselves). All others compare records that are written one after the other."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that does not hold. `records` are `service.collection/id`; no part of it is about a person.

    It names the version of the booking it was seen with: the same finding later is about the same state.
    """

    kind: Kind
    records: tuple[str, ...]
    says: str


def place(service: str, kind: type[Record], id: str) -> str:
    """How a finding names a record."""
    return f"{service}.{kind.collection}/{id}"
