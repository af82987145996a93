"""Brings stores that were set back to what the others know. Run twice, or broken off and run again, it does the same.

The booking's four facts are right, whoever was set back. Only services that are closed are written to; if booking is
one of them, what follows it too: a booking that was lost and found again may be over now, and its time must be free.
"""

from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from oversight.looks import SOURCES
from oversight.repair import mails, times, turns
from oversight.repair.copies import WITH_KEYS, learnings
from oversight.writing import Writing
from services.assignment.domain import choice
from services.assignment.domain.charging import filing_of
from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.rotation import FILE, Rotation, errand_id
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Ask, Host, Reservation
from services.booking.domain.bookings import Booking
from services.booking.domain.transitions import EXPIRE_AFTER
from services.notify.domain import planning
from services.notify.domain.notices import Notice
from turnus_runtime.closing import Closure
from turnus_runtime.credentials import Revocation
from turnus_runtime.installation import OperationError
from turnus_runtime.records import Decision, millis, newest

DECIDED_WITHIN = timedelta(seconds=150)
"""What was asked before the closing is decided by booking's deadline within this, if booking runs."""
LOOK_EVERY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What services are told that a repair must know too."""

    reminder_minutes: tuple[int, ...] = (1440, 60)
    too_old: timedelta = timedelta(hours=24)


@dataclass(slots=True)
class _Holding:
    """What is gathered for the host records while bookings are walked."""

    there: dict[str, list[tuple[str, Reservation]]] = field(
        default_factory=lambda: defaultdict[str, list[tuple[str, Reservation]]](list)
    )
    """by booking: what hosts hold now"""
    wanted: dict[str, list[Reservation]] = field(default_factory=lambda: defaultdict[str, list[Reservation]](list))
    denied: dict[str, list[Ask]] = field(default_factory=lambda: defaultdict[str, list[Ask]](list))
    gone: dict[str, list[Reservation]] = field(default_factory=lambda: defaultdict[str, list[Reservation]](list))

    @property
    def hosts(self) -> set[str]:
        return {*self.wanted, *self.denied, *self.gone}


class Repairer:
    """Repairs the services that are closed."""

    def __init__(self, at: Writing, closures: Mapping[str, Closure], rules: Rules) -> None:
        self._at = at
        self._closures = closures
        self._rules = rules
        self.notes: list[str] = []
        """what an operator should look at, though nothing disagrees"""

    async def repair(self) -> None:
        """Everything that can be repaired; what cannot agree is left as it is, for the audit to name.

        Raises `OperationError`, `StoreUnavailable`.
        """
        followers = set(self._closures)
        if "booking" in followers:
            followers |= {"availability", "assignment"}
        else:
            await self._decided()
        await self._copy()
        if "availability" in followers:
            await self._hold()
        async for booking in self._bookings():
            if "assignment" in followers:
                await self._charge_for(booking)
            if "notify" in self._closures:
                await self._tell(booking, self._closures["notify"].since)

    async def _decided(self) -> None:
        """Wait until booking has nothing open that may have been asked of a store as it was.

        Else an answer that is still on its way could confirm a time that nobody knows here to be taken.
        """
        since = max(closure.since for closure in self._closures.values())
        until = self._at.on.clock.now() + DECIDED_WITHIN
        while waiting := await self._open_since(since):
            if self._at.rehearsed:
                return
            if self._at.on.clock.now() > until:
                raise OperationError(
                    f"booking has not decided about {', '.join(waiting[:3])}: is it running? `turnus status` tells"
                )
            await self._at.on.clock.sleep(LOOK_EVERY_SECONDS)

    async def _open_since(self, since: datetime) -> list[str]:
        due = await self._at.on.overdue("booking", Booking, millis(since + EXPIRE_AFTER) + 1)
        return [one.id for one in due if (asked := one.open_attempt) is not None and asked.requested_at <= since]

    async def _bookings(self) -> AsyncGenerator[Booking]:
        async with aclosing(self._at.on.pages("booking", Booking)) as pages:
            async for page in pages:
                for booking in page:
                    yield booking

    async def _copy(self) -> None:
        """What closed services keep of the calendars, members, workspaces and keys of others."""
        at = self._at
        for kind, service in SOURCES.items():
            async with aclosing(at.on.pages(service, kind)) as pages:
                async for page in pages:
                    for each in (learning for record in page for learning in learnings(record, at.on.clock.now())):
                        if each.service in self._closures:
                            await at.change(each.service, each.kind, each.id, each.decision)
        await self._revoke()

    async def _revoke(self) -> None:
        """A credential that anybody knows to be void is void for those who forgot it, too."""
        at, known = self._at, dict[str, Revocation]()
        for service in WITH_KEYS:
            async with aclosing(at.on.pages(service, Revocation)) as pages:
                async for page in pages:
                    known |= {revoked.id: revoked for revoked in page}
        for service in self._closures:
            for revoked in known.values():
                await at.change(service, Revocation, revoked.id, partial(_learned, revoked))

    async def _charge_for(self, booking: Booking) -> None:
        """The rotation's choices about one booking."""
        at, now = self._at, self._at.on.clock.now()
        choices = await self._choices(booking)
        for number in sorted(choices):
            known = choices[number]
            await at.change("assignment", Choice, known.id, partial(turns.follow, booking, number, now))
        claim = await at.on.get("availability", Claim, booking.id)
        rotation = await at.on.get("assignment", Rotation, booking.calendar_id)
        for number in turns.missing(booking, choices, claim):
            owed = rotation.owes(errand_id(FILE, choice_id(booking.id, number))) if rotation is not None else None
            if owed is not None:
                charged: Choice | None = filing_of(owed)
            else:
                charge = partial(turns.charge, booking, number, claim, now)
                charged = await at.change("assignment", Rotation, booking.calendar_id, charge)
            if charged is not None:
                await at.change("assignment", Choice, charged.id, partial(choice.file, charged, now))
        for blank in turns.given_up(booking, choices, rotation, now):
            await at.change("assignment", Choice, blank.id, partial(choice.release, blank, now))

    async def _tell(self, booking: Booking, since: datetime) -> None:
        """What notify knows of one booking."""
        rules = planning.Rules(self._rules.reminder_minutes, self._rules.too_old)
        follow = partial(mails.notice_follows, booking, since, rules, self._at.on.clock.now())
        await self._at.change("notify", Notice, booking.id, follow)

    async def _choices(self, booking: Booking) -> dict[int, Choice]:
        numbered = {attempt.number: choice_id(booking.id, attempt.number) for attempt in booking.attempts}
        found = await self._at.on.many("assignment", Choice, list(numbered.values()))
        return {number: found[wanted] for number, wanted in numbered.items() if wanted in found}

    async def _hold(self) -> None:
        """Claims and host records follow the bookings."""
        at, holding = self._at, _Holding()
        async with aclosing(at.on.pages("availability", Host)) as pages:
            async for page in pages:
                for host in page:
                    for held in host.reservations:
                        holding.there[held.booking_id].append((host.id, held))
        async for booking in self._bookings():
            await self._hold_for(booking, holding)
        for host_id in sorted(holding.hosts):
            parts = (holding.wanted[host_id], holding.denied[host_id], holding.gone[host_id])
            await at.change(
                "availability", Host, host_id, partial(times.host_follows, *parts, at.on.clock.now(), host_id)
            )

    async def _hold_for(self, booking: Booking, holding: _Holding) -> None:
        choices = await self._choices(booking)
        claim = await self._at.change("availability", Claim, booking.id, partial(times.claim_follows, booking, choices))
        held = times.held(booking, claim)
        for host_id, time in held.wanted.items():
            holding.wanted[host_id].append(time)
        for host_id, no in held.denied.items():
            holding.denied[host_id].append(no)
        for host_id, time in holding.there.get(booking.id, ()):
            if not times.belongs(time, host_id, booking):
                holding.gone[host_id].append(time)


def _learned(revoked: Revocation, known: Revocation | None) -> Decision[Revocation, None]:
    return newest(known, revoked)
