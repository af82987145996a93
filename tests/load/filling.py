"""Bookings of the past, written straight into the stores as the services would have left them, by the million.

One booking is made by the services; their pure halves carry it to its end (reminders sent, concluded, nothing owed any
more, its host's time archived). Every stored booking is a copy of its records: other ids, another calendar and host,
earlier by a multiple of half an hour. The first copy and every ten thousandth is read back through the models and must
be what its service would have stored.
"""

import json
import re
import struct
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from pymongo import MongoClient

from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.rotation import Rotation
from services.availability.domain.claims import Claim
from services.booking.domain.bookings import Booking, fact
from services.booking.domain.transitions import CONCLUDE_AFTER, conclude_unmarked
from services.notify.domain.notices import FINAL, Notice, reminding_id
from services.notify.domain.planning import Rules, learn_fact
from services.notify.domain.sending import Outcome, remind, report
from tests.integration.api.copies import FIRST_TURN, Mould, texts_of_time
from tests.load.guests import Calendars
from turnus_runtime.forms import loaded, stored_form
from turnus_runtime.ids import ALPHABET, derived
from turnus_runtime.mongo import documents
from turnus_runtime.records import Decision, Record, millis
from turnus_runtime.settings import Settings, load

R = TypeVar("R", bound=Record)
DAYS_AGO = 14
"""The latest stored booking began so long ago: nobody says its facts again, no host holds its time."""
STEP = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
BATCH = 1_000
CHECKED = 10_000
LEFT_BEHIND = {"event", "state", "again"}
"""What is owed for a while after the end, and not any more by then."""
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
PLACES: Mapping[type[Record], str] = {Booking: "booking", Claim: "availability", Choice: "assignment", Notice: "notify"}


@dataclass(frozen=True)
class Originals:
    """The records of one booking that is over, and the calendars over which its copies are spread."""

    records: tuple[Record, ...]
    calendars: Sequence[str]
    hosts: Sequence[Sequence[str]]

    @classmethod
    def read(cls, given: Mapping[str, Any], calendars: Calendars) -> "Originals":
        """Of one booking that stands in these stores."""
        with _client(given) as client:
            found = _of(client, given, Booking)
            confirmed = found.find_one({"s.status": "confirmed", "s.calendar_id": {"$in": calendars.ids}})
            booking = _read(Booking, confirmed)
            claim = _read(Claim, _of(client, given, Claim).find_one({"_id": booking.id}))
            choice = _read(Choice, _of(client, given, Choice).find_one({"_id": choice_id(booking.id, 1)}))
            notice = _read(Notice, _of(client, given, Notice).find_one({"_id": booking.id}))
        return cls(over(booking, claim, choice, notice), calendars.ids, calendars.hosts)

    @property
    def booking(self) -> Booking:
        booking = self.records[0]
        assert isinstance(booking, Booking)
        return booking

    @property
    def claim(self) -> Claim:
        claim = self.records[1]
        assert isinstance(claim, Claim)
        return claim


def over(booking: Booking, claim: Claim, choice: Choice, notice: Notice) -> tuple[Record, ...]:
    """These records of a confirmed booking, weeks after its end."""
    for message in sorted((one for one in notice.messages if one.status not in FINAL), key=lambda one: one.due):
        if (fired := notice.owes(reminding_id(message.revision, message.offset_minutes or 0))) is not None:
            notice = after(notice, remind(notice, fired, message.due))
        notice = after(notice, report(notice, message.key, Outcome("sent", 250, "taken"), message.due))
    booking = after(booking, conclude_unmarked(booking, booking.end + CONCLUDE_AFTER))
    concluded = fact(booking)
    assert concluded is not None
    notice = after(notice, learn_fact(notice, concluded, Rules(), concluded.at))
    assert choice.charge is not None
    choice = choice.change(charge=choice.charge.model_copy(update={"turn": FIRST_TURN}))
    for record in (booking, claim, choice, notice):
        assert {entry.kind for entry in record.owed} <= LEFT_BEHIND, record
    return tuple(record.change(owed=()) for record in (booking, claim, choice, notice))


class Copies:
    """What is other in the n-th copy, in all of its records alike."""

    def __init__(self, originals: Originals, turns: Sequence[int]) -> None:
        self._originals = originals
        self._turns = turns
        self._booking = booking = originals.booking
        self._team = next(hosts for hosts in originals.hosts if booking.host_ids[0] in hosts)
        texts = json.dumps([stored_form(one, 1).state for one in originals.records], default=str)
        self._instants = [datetime.fromisoformat(text) for text in sorted(set(INSTANT.findall(texts)))]
        (ask,) = originals.claim.attempts.values()
        self._minutes = {ask.start, ask.end, ask.padded_start, ask.padded_end}
        before = booking.created_at - timedelta(days=DAYS_AGO)
        self._shift = ((booking.start - before) // STEP + 1) * STEP  # whole steps keep starts on their grid
        self.times = lru_cache(maxsize=8)(self._times)
        self.changes = lru_cache(maxsize=8 * BATCH)(self._changes)

    def of(self, _: Record, n: int) -> dict[bytes, bytes]:
        """For a mould, which adds to it."""
        return dict(self.changes(n))

    def _changes(self, n: int) -> dict[bytes, bytes]:
        originals, booking = self._originals, self._booking
        place = n % len(originals.calendars)
        team = originals.hosts[place]
        round_, first = n // len(originals.calendars), self._team.index(booking.host_ids[0])
        hosts = {
            old: team[(number - first + round_) % len(team)]
            for number, old in enumerate(self._team)  # the one who serves is another one every time
        }
        ids = {
            **hosts,
            booking.calendar_id: originals.calendars[place],
            booking.id[3:]: self._id(n, round_ // len(team)),
        }
        turn = self._turns[place] + round_ + 1
        return {
            **self.times(round_ // len(team)),
            **{old.encode(): new.encode() for old, new in ids.items()},
            f"{FIRST_TURN:013d}".encode(): f"{turn:013d}".encode(),
            struct.pack("<i", FIRST_TURN): struct.pack("<i", turn),
        }

    def _id(self, n: int, step: int) -> str:
        """As a fresh id of that time: neighbours in time are neighbours in the index."""
        made = millis(self._booking.created_at - self._shift - step * STEP)
        return "".join(ALPHABET[made >> 5 * place & 31] for place in range(9, -1, -1)) + derived("bk", n)[13:]

    def _times(self, step: int) -> dict[bytes, bytes]:
        earlier = self._shift + step * STEP
        found: dict[bytes, bytes] = {}
        for instant in self._instants:
            found |= texts_of_time(instant, instant - earlier)
        for minute in self._minutes:
            found[struct.pack("<i", minute)] = struct.pack("<i", minute - earlier // MINUTE)
            found[f"{minute:013d}".encode()] = f"{minute - earlier // MINUTE:013d}".encode()
        return found


def fill(given: Mapping[str, Any], originals: Originals, have: int, want: int) -> None:
    """Store the bookings `have` … `want` - 1. The services must not run: they keep records in memory."""
    with _client(given) as client, ThreadPoolExecutor(len(originals.records)) as threads:
        turns = _turned(client, given, originals, want - have)
        # Numbered from 0 in every filling: later copies are told apart by the place where they begin.
        copies = Copies(originals, [turn - have // len(originals.calendars) for turn in turns])
        filling = [
            threads.submit(_fill, _of(client, given, type(one)), one, copies, have, want) for one in originals.records
        ]
        for one in filling:
            one.result()


def _fill(collection: Any, original: Record, copies: Copies, have: int, want: int) -> None:
    mould = Mould(original, copies.of)
    for first in range(have, want, BATCH):
        batch = [mould.copy(n, check=n == have or n % CHECKED == 0) for n in range(first, min(first + BATCH, want))]
        collection.insert_many(batch, ordered=False)


def _turned(client: Any, given: Mapping[str, Any], originals: Originals, more: int) -> list[int]:
    """Let the rotations have chosen so many times more; where each of them was."""
    rotations = _of(client, given, Rotation)
    turns: list[int] = []
    for calendar_id in originals.calendars:
        stored = documents.read(rotations.find_one({"_id": calendar_id}).raw)
        rotation = loaded(Rotation, stored)
        turns.append(rotation.turn)
        later = rotation.turn + more // len(originals.calendars) + 1
        changed = rotation.change(turn=later, version=rotation.version + 1)
        body = documents.write(stored_form(changed, stored.version + 1), stored.version).body
        rotations.replace_one({"_id": calendar_id}, body)
    return turns


def after(record: R, decision: Decision[R, Any]) -> R:
    """The record that this decision leaves behind, with what it owes."""
    if decision.record is None:
        return record
    gone = {*decision.drops, *(entry.id for entry in decision.owes)}
    return decision.record.change(owed=(*(one for one in record.owed if one.id not in gone), *decision.owes))


def _client(given: Mapping[str, Any]) -> Any:
    return MongoClient(load(Settings, **given).mongo_url, document_class=documents.RawBSONDocument)


def _of(client: Any, given: Mapping[str, Any], kind: type[Record]) -> Any:
    service = PLACES.get(kind, "assignment")
    return client[f"{load(Settings, **given).database_prefix}_{service}"][kind.collection]


def _read(kind: type[R], found: Any) -> R:
    assert found is not None, f"no {kind.__name__} of a confirmed booking"
    return loaded(kind, documents.read(found.raw))
