"""How records and messages are called in a table of events."""

import re

from services.assignment.domain.choice import Choice
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.booking.domain.bookings import Booking
from services.notify.domain.notices import Notice
from turnus_runtime.ports import Message
from turnus_runtime.records import Record


def shortened(text: str) -> str:
    """The text with its ids as they are shown in a table."""
    return re.sub(r"\b(?:bk|mem|cal|cho|ntf)_\w+", lambda found: short(found[0]), text)


def short(id: str) -> str:
    """Enough of an id to tell it apart in a table."""
    return id if len(id) < 12 else id[: id.find("_") + 5]


def name_of(message: Message) -> str:
    topic, *parts = message.headers.get("ce_id", message.topic).split(":")
    return " ".join([topic, *(short(part) for part in parts)])


def shown(record: Record) -> str:
    if isinstance(record, Booking):
        attempts = ",".join(attempt.state for attempt in record.attempts)
        return f"{record.status} ({attempts}) on {','.join(map(short, record.host_ids)) or '–'}"
    if isinstance(record, Host):
        held = [f"{short(r.booking_id)}/{r.attempt}{'!' if r.settled else ''}" for r in record.reservations]
        return f"holds {' '.join(held) or 'nothing'}, rules {record.rules_version}"
    if isinstance(record, Claim):
        told = [
            f"{a.number}: asked {'>'.join(map(short, a.asked))} refused {'>'.join(map(short, a.refused))}"
            f"{' chosen ' + short(a.chosen) if a.chosen else ''}{' REFUSED' if a.refusal else ''}"
            for a in record.attempts.values()
        ]
        return (
            "; ".join(told)
            + (f" tombstones {record.tombstones}" if record.tombstones else "")
            + (" over" if record.over else "")
        )
    if isinstance(record, Notice):
        return " ".join(f"{one.key} {one.status}" for one in record.messages if one.status != "planned")
    if isinstance(record, Choice):
        return f"charged {record.charge is not None} released {record.released} payer {short(record.payer or '–')}"
    return ""
