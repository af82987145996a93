"""Looking at one place: everything that an invariant compares is read, and what does not hold is said.

A look is taken again by ids alone; a walk through everything (`walking.py`) takes the same looks with what it has read.
"""

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Protocol

from oversight.invariants import copies, limits, mails, sagas, times, turns, work
from oversight.invariants.findings import Finding, place
from oversight.reading import RECORDS, Reading
from services.accounts.domain.auditing import AuditEntry
from services.accounts.domain.members import Member
from services.accounts.domain.signing import SigningPair
from services.accounts.domain.workspaces import Workspace
from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.rotation import Rotation
from services.availability.domain import rules, serving
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.domain.rules import MemberLimits
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import KEPT_MINUTES, Tally
from services.booking.domain import directory
from services.booking.domain.bookings import Booking
from services.booking.domain.calendars import Calendar
from services.notify.domain import projections
from services.notify.domain.notices import Notice
from services.notify.domain.planning import Rules
from services.notify.domain.reminding import ReminderTimes, rules_by
from turnus_runtime.credentials import SigningKey
from turnus_runtime.ids import derived
from turnus_runtime.records import Projection, Record, key, millis

OWED_WITHIN = sagas.FINAL_WITHIN
"""Whatever is due is done within this: by a relay at once, by the sweeper of another process after seconds."""


class Look(Protocol):
    """One place to look at; equal ones are the same place."""

    async def taken(self, on: Reading) -> list[Finding]:
        """Read afresh what belongs to it, and say what does not hold."""
        ...


@dataclass(frozen=True, slots=True)
class AtBooking:
    """A booking, and what other services have about it."""

    id: str

    async def taken(self, on: Reading) -> list[Finding]:
        """See `Look`."""
        booking = await on.get("booking", Booking, self.id)
        if booking is None:
            return []
        host = await on.get("availability", Host, booking.host_ids[0]) if booking.host_ids else None
        return await self.of(booking, host, on)

    async def of(self, booking: Booking, host: Host | None, on: Reading) -> list[Finding]:
        """The same for a booking and its host (None: it has none, or that one has no record)."""
        numbered = {attempt.number: choice_id(booking.id, attempt.number) for attempt in booking.attempts}
        overbooked = {one: derived("aud", said.ce_id) for one, said in times.overbookings(booking).items()}
        claim, notice, chosen, found, audited = await asyncio.gather(
            on.get("availability", Claim, booking.id),
            on.get("notify", Notice, booking.id),
            on.get("notify", ReminderTimes, booking.workspace_id),
            on.many("assignment", Choice, list(numbered.values())),
            on.many("accounts", AuditEntry, list(overbooked.values())),
        )
        choices = {number: found[wanted] for number, wanted in numbered.items() if wanted in found}
        return [
            *sagas.alone(booking, on.clock.now()),
            *times.held(booking, host),
            *times.claimed(booking, claim),
            *times.audited(booking, overbooked, audited.keys()),
            *turns.paid(booking, choices, claim),
            *chain.from_iterable(turns.applied(choice) for choice in choices.values()),
            *mails.told(booking, notice),
            *(mails.once(notice) if notice is not None else ()),
            *_reminded(notice, chosen, on.clock.now()),
        ]


def _reminded(notice: Notice | None, chosen: ReminderTimes | None, now: datetime) -> Iterable[Finding]:
    """Only of a workspace that has chosen: the times of the installation may have been others when it was planned."""
    if notice is None or chosen is None or chosen.minutes is None:
        return ()
    return mails.reminded(notice, rules_by(chosen, Rules()), now)


@dataclass(frozen=True, slots=True)
class AtReservation:
    """What a host holds for one booking."""

    host_id: str
    booking_id: str

    async def taken(self, on: Reading) -> list[Finding]:
        """See `Look`."""
        host = await on.get("availability", Host, self.host_id)
        booking = await on.get("booking", Booking, self.booking_id)
        return [] if host is None else self.of(host, booking)

    def of(self, host: Host, booking: Booking | None) -> list[Finding]:
        """The same for a host and a booking (None: there is none)."""
        held = [one for one in host.reservations if one.booking_id == self.booking_id]
        return [
            finding
            for one in held
            for finding in (*times.wanted(host, one, booking), *times.overbooked(host, one, booking))
        ]


@dataclass(frozen=True, slots=True)
class AtHost:
    """A host record by itself."""

    id: str

    async def taken(self, on: Reading) -> list[Finding]:
        """See `Look`."""
        host = await on.get("availability", Host, self.id)
        return [] if host is None else await self.of(host, on)

    async def of(self, host: Host, on: Reading) -> list[Finding]:
        """The same for this record, and for the bookings that overlap by what staff decided."""
        upon = {one.booking_id for pair in times.overlaps(host) for one in pair if any(o.overbooked for o in pair)}
        bookings = await on.many("booking", Booking, sorted(upon))
        return [*times.double_bookings(host), *times.upon_overbooked(host, bookings)]


@dataclass(frozen=True, slots=True)
class AtLimits:
    """The limits of a calendar or of a member, and all bookings that they count."""

    kind: type[ServedCalendar] | type[MemberLimits]
    id: str

    async def taken(self, on: Reading) -> list[Finding]:
        """See `Look`."""
        record = await on.get("availability", self.kind, self.id)
        return [] if record is None else await self.of(record, on)

    async def of(self, record: ServedCalendar | MemberLimits, on: Reading) -> list[Finding]:
        """The same for this record."""
        if isinstance(record, MemberLimits):
            return list(limits.of_member(record, await self._bookings("by_host", on)))
        tally = await on.get("availability", Tally, record.id)
        if tally is None or not limits.is_filled(record, tally):
            return []
        claims: dict[str, Claim] = {}
        async with aclosing(
            on.pages("availability", Claim, "by_calendar", key(record.id, tally.closed_until), f"{record.id}}}")
        ) as pages:
            async for page in pages:
                claims |= {claim.id: claim for claim in page}
        asked = {host for claim in claims.values() for attempt in claim.attempts.values() for host in attempt.asked}
        hosts = await on.many("availability", Host, sorted(asked))
        bookings = await self._bookings("by_calendar", on)
        return [*limits.counted(record, tally, claims, hosts), *limits.of_calendar(record, tally, bookings)]

    async def _bookings(self, index: str, on: Reading) -> list[Booking]:
        """Those of the calendar or member that some period which is still open counts."""
        low = key(self.id, millis(on.clock.now() - timedelta(minutes=KEPT_MINUTES)))
        found: dict[str, Booking] = {}
        async with aclosing(on.pages("booking", Booking, index, low, f"{self.id}}}")) as pages:
            async for page in pages:
                found |= {booking.id: booking for booking in page}
        return list(found.values())


@dataclass(frozen=True, slots=True)
class AtRotation:
    """A rotation by itself."""

    id: str

    async def taken(self, on: Reading) -> list[Finding]:
        """See `Look`."""
        rotation = await on.get("assignment", Rotation, self.id)
        return [] if rotation is None else list(turns.balanced(rotation))


@dataclass(frozen=True, slots=True)
class AtFollower:
    """A claim, a choice or a notice: whether its booking is there."""

    kind: type[Claim] | type[Choice] | type[Notice]
    id: str

    async def taken(self, on: Reading) -> list[Finding]:
        """See `Look`."""
        record = await on.get(FOLLOWERS[self.kind], self.kind, self.id)
        return [] if record is None else await self.of(record, on)

    async def of(self, record: Claim | Choice | Notice, on: Reading) -> list[Finding]:
        """The same for this record."""
        booking = await on.get("booking", Booking, record.booking_id if isinstance(record, Choice) else record.id)
        if isinstance(record, Claim):
            return list(times.of_somebody(record, booking))
        if isinstance(record, Choice):
            return list(turns.of_somebody(record, booking))
        return list(mails.of_somebody(record, booking))


FOLLOWERS: dict[type[Claim] | type[Choice] | type[Notice], str] = {
    Claim: "availability",
    Choice: "assignment",
    Notice: "notify",
}

Source = type[Calendar] | type[Member] | type[Workspace] | type[SigningPair]
SOURCES: dict[Source, str] = {Calendar: "booking", Member: "accounts", Workspace: "accounts", SigningPair: "accounts"}
COPIES: dict[Source, dict[str, type[Record]]] = {
    Calendar: {"availability": serving.ServedCalendar, "assignment": Rotation, "notify": projections.Calendar},
    Member: {"booking": directory.Member, "availability": rules.Member, "notify": projections.Member},
    Workspace: {"booking": directory.Workspace, "notify": projections.Workspace},
    SigningPair: dict.fromkeys(RECORDS, SigningKey),
}
"""Who keeps what of whose records."""


@dataclass(frozen=True, slots=True)
class AtSource:
    """A record that others keep copies of."""

    kind: Source
    id: str

    async def taken(self, on: Reading) -> list[Finding]:
        """See `Look`."""
        record = await on.get(SOURCES[self.kind], self.kind, self.id)
        return [] if record is None else await self.of(record, on)

    async def of(self, record: Calendar | Member | Workspace | SigningPair, on: Reading) -> list[Finding]:
        """The same for this record."""
        published = record.published_version if isinstance(record, Calendar) else record.version
        if not published:
            return []
        told = record.key_id if isinstance(record, SigningPair) else record.id
        found: list[Finding] = []
        at = place(SOURCES[self.kind], self.kind, record.id)
        for service, kind in COPIES[self.kind].items():
            known = _version(await on.get(service, kind, told))
            copy = place(service, kind, told)
            found += copies.current(at, published, copy, known)
        if isinstance(record, Member) and record.pause is not None:
            host = await on.get("availability", Host, record.id)
            found += copies.paused(at, published, place("availability", Host, record.id), host)
        return found


def _version(copy: Record | None) -> int | None:
    if isinstance(copy, Rotation):
        return copy.calendar_version
    if isinstance(copy, Projection | serving.ServedCalendar):
        return copy.version
    return None


@dataclass(frozen=True, slots=True)
class AtOwed:
    """What a record owes."""

    service: str
    kind: type[Record]
    id: str

    async def taken(self, on: Reading) -> list[Finding]:
        """See `Look`."""
        record = await on.get(self.service, self.kind, self.id)
        return [] if record is None else self.of(record, on)

    def of(self, record: Record, on: Reading) -> list[Finding]:
        """The same for this record."""
        at = place(self.service, self.kind, record.id)
        return list(work.done(at, record.owed, on.clock.now(), OWED_WITHIN))
