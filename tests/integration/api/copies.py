"""Thousands of documents that are like a real one."""

import re
import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import bson
from bson.raw_bson import RawBSONDocument

from services.availability.domain.claims import Claim
from services.availability.domain.zones import DAY
from services.booking.domain.bookings import Booking
from turnus_runtime import milestones
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.mongo import documents
from turnus_runtime.records import Record, millis

FIRST_TURN = 5_000_000
"""A number that is nothing else in a choice, in a version or in a dead letter."""

Changes = Callable[[Any, int], dict[bytes, bytes]]
"""What is other in the n-th copy of a record: old bytes to new ones of the same length, wherever they occur."""


def _text(old: str, new: str) -> dict[bytes, bytes]:
    return {old.encode(): new.encode()}


def texts_of_time(old: datetime, new: datetime) -> dict[bytes, bytes]:
    """An instant, as records and keys write it."""
    was, now = millis(old), millis(new)
    before, after = (one.astimezone(UTC).isoformat(timespec="microseconds") for one in (old, new))
    texts = _text(f"{was:013d}", f"{now:013d}")
    for length in (19, 23, 26):  # to the second, the millisecond, the microsecond
        texts |= _text(f"{before[:length]}Z", f"{after[:length]}Z")
    return texts | {struct.pack("<q", was): struct.pack("<q", now)}


def _earlier(name: str) -> Changes:
    """The n-th copy lies ten minutes before the one before."""
    return lambda record, n: texts_of_time(getattr(record, name), getattr(record, name) - timedelta(minutes=10 * n))


def _booking(record: Booking, n: int) -> dict[bytes, bytes]:
    later = timedelta(minutes=10 * n)
    return texts_of_time(record.start, record.start + later) | texts_of_time(record.end, record.end + later)


def _claim(record: Claim, n: int) -> dict[bytes, bytes]:
    """What a calendar has behind it grows; what limits count of it, the latest weeks and what is to come, does not."""
    earlier = 60 * DAY + 10 * n
    found: dict[bytes, bytes] = {}
    for one in record.attempts.values():
        for minute in (one.start, one.end, one.padded_start, one.padded_end):
            found |= _text(f"{minute:013d}", f"{minute - earlier:013d}")
            found[struct.pack("<i", minute)] = struct.pack("<i", minute - earlier)
    return found


def _numbered(_: Record, n: int) -> dict[bytes, bytes]:
    turn = FIRST_TURN + n
    key = _text(f"{FIRST_TURN:013d}", f"{turn:013d}")
    return key | {struct.pack("<i", FIRST_TURN): struct.pack("<i", turn)}


def _elsewhere(*names: str, together: int = 20) -> Changes:
    """So many copies have each of the other owners."""

    def changes(record: Record, n: int) -> dict[bytes, bytes]:
        owners = [str(getattr(record, name)) for name in names]
        return {owner.encode(): f"{owner[:-6]}{n // together:06}".encode() for owner in owners}

    return changes


GROWS: Mapping[str, Changes] = {
    "booking.bookings": _booking,
    "booking.calendar_versions": _numbered,
    "assignment.choices": _numbered,
    "booking.dead_letters": _numbered,
    "notify.notices": _earlier("created_at"),
    "notify.templates": _elsewhere("workspace_id", together=1),
    "accounts.audit_entries": _earlier("at"),
    "accounts.members": _elsewhere("workspace_id"),
    "accounts.sessions": _elsewhere("workspace_id", "member_id"),
    "accounts.api_keys": _elsewhere("workspace_id", "member_id"),
    "booking.calendars": _elsewhere("workspace_id"),
    "booking.calendars_of_members": _elsewhere("member_id", together=1),
    "availability.claims": _claim,
    "availability.calendars": _elsewhere("address"),
    "availability.schedules": _elsewhere("member_id"),
    "availability.blocks": _elsewhere("owner_id"),
}


class Mould:
    """Copies of one record by the thousand. (Through the models it would take minutes.)"""

    def __init__(self, original: Record, changes: Changes) -> None:
        stored = stored_form(original, 1)
        keys = {name: one for name, one in stored.keys.items() if not name.endswith(milestones.index_of(""))}
        body = bson.decode(documents.write(stored, 1).body.raw)
        raw = bson.encode({name: one for name, one in body.items() if name[:2] != "k_" or name[2:] in keys})
        old = [*changes(original, 1), original.id.encode()]
        # Longest first: an id may begin with another one.
        found = b"|".join(re.escape(one) for one in sorted(old, key=len, reverse=True))
        self._original = original
        self._changes = changes
        self._parts = re.split(b"(" + found + b")", raw)

    def copy(self, n: int, *, check: bool = False) -> RawBSONDocument:
        """The n-th copy, as the service itself would have stored it, which is found out by `check`."""
        original = self._original
        new = self._changes(original, n)
        name = original.id
        for old, other in new.items():  # an id that is made of others
            name = name.encode().replace(old, other).decode()
        if name == original.id:
            name = f"{name[:-6]}{n:06}"
        new[original.id.encode()] = name.encode()
        raw = b"".join(new.get(part, part) for part in self._parts)
        if not check and not (original.long and milestones.level_of(name)):
            return RawBSONDocument(raw)
        body = bson.decode(raw)
        keys = {index[2:]: one for index, one in body.items() if index.startswith("k_")}
        body |= {documents.field(index): one for index, one in milestones.keys_of(name, keys, original.long).items()}
        raw = bson.encode(body)
        if check:
            read = documents.read(raw)
            meant = stored_form(loaded(type(original), read), 1)
            assert (meant.state, meant.keys) == (read.state, read.keys), "a copy that nobody would have stored"
        return RawBSONDocument(raw)
