"""What keeps copies of others, or follows the bookings, is brought to what these say."""

from collections import defaultdict
from collections.abc import AsyncGenerator
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from oversight.copying import WITH_KEYS, learnings
from oversight.invariants.sagas import STANDING
from oversight.invariants.times import overbookings
from oversight.looks import SOURCES
from oversight.repair import limits, mails, times, turns
from oversight.repair.limits import Counted
from oversight.writing import Writing
from services.accounts.domain.auditing import AuditEntry, file
from services.assignment.domain import choice
from services.assignment.domain.charging import filing_of
from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.rotation import FILE, Rotation, errand_id
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Ask, Host, Reservation
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.booking.domain.bookings import Booking, fact, guest_details
from services.notify.domain import planning
from services.notify.domain.notices import Notice
from services.notify.domain.planning import Rules
from services.notify.domain.reminding import ReminderTimes, rules_by
from turnus_runtime.credentials import Revocation
from turnus_runtime.ids import derived
from turnus_runtime.records import Decision, newest


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

    counted: dict[str, dict[Counted, int]] = field(
        default_factory=lambda: defaultdict[str, dict[Counted, int]](dict[Counted, int])
    )
    """by calendar: what is held, and when it starts"""
    waiting: set[Counted] = field(default_factory=set[Counted])

    @property
    def hosts(self) -> set[str]:
        return {*self.wanted, *self.denied, *self.gone}


class Following:
    """Repairs followers, in the order of its methods. Each raises `StoreUnavailable`."""

    def __init__(self, at: Writing) -> None:
        self._at = at

    async def copy(self, closed: AbstractSet[str]) -> None:
        """What services keep of the calendars, members, workspaces and keys of others, if either of them is closed."""
        at = self._at
        for kind, service in SOURCES.items():
            async with aclosing(at.on.pages(service, kind)) as pages:
                async for page in pages:
                    for each in (learning for record in page for learning in learnings(record, at.on.clock.now())):
                        if closed & {service, each.service}:
                            await at.change(each.service, each.kind, each.id, each.decision)
        await self._revoke(closed)

    async def _revoke(self, closed: AbstractSet[str]) -> None:
        """A credential that anybody knows to be void is void for those who forgot it, too."""
        at, known = self._at, dict[str, Revocation]()
        for service in WITH_KEYS:
            async with aclosing(at.on.pages(service, Revocation)) as pages:
                async for page in pages:
                    known |= {revoked.id: revoked for revoked in page}
        for service in closed:
            for revoked in known.values():
                await at.change(service, Revocation, revoked.id, partial(_learned, revoked))

    async def charge(self, booking: Booking) -> None:
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

    async def tell(self, booking: Booking, rules: Rules, since: datetime | None) -> None:
        """What notify knows of one booking; `since`: nothing was sent from then on (None: nothing was lost here).

        `rules` are those of a workspace that has chosen no reminder times.
        """
        now = self._at.on.clock.now()
        rules = rules_by(await self._at.on.get("notify", ReminderTimes, booking.workspace_id), rules)
        if since is not None:
            follow = partial(mails.notice_follows, booking, since, rules, now)
            await self._at.change("notify", Notice, booking.id, follow)
        elif (told := fact(booking)) is not None:
            given = guest_details(booking)
            await self._at.change("notify", Notice, booking.id, lambda n: mails.details_follow(n, given, rules, now))
            await self._at.change("notify", Notice, booking.id, lambda n: planning.learn_fact(n, told, rules, now))

    async def note(self, booking: Booking) -> None:
        """What the audit log knows of one booking: who overbooked its times."""
        for told in overbookings(booking).values():
            entry = derived("aud", told.ce_id)
            await self._at.change("accounts", AuditEntry, entry, partial(file, entry_id=entry, told=told))

    async def _choices(self, booking: Booking) -> dict[int, Choice]:
        numbered = {attempt.number: choice_id(booking.id, attempt.number) for attempt in booking.attempts}
        found = await self._at.on.many("assignment", Choice, list(numbered.values()))
        return {number: found[wanted] for number, wanted in numbered.items() if wanted in found}

    async def hold(self, closed: AbstractSet[str]) -> None:
        """Claims, host records and tallies follow the bookings."""
        at, holding = self._at, _Holding()
        async with aclosing(at.on.pages("availability", Host)) as pages:
            async for page in pages:
                for host in page:
                    for held in host.reservations:
                        holding.there[held.booking_id].append((host.id, held))
        async for booking in bookings(self._at):
            await self._hold_for(booking, holding)
        for host_id in sorted(holding.hosts):
            parts = (holding.wanted[host_id], holding.denied[host_id], holding.gone[host_id])
            await at.change(
                "availability", Host, host_id, partial(times.host_follows, *parts, at.on.clock.now(), host_id)
            )
        async with aclosing(at.on.pages("availability", ServedCalendar)) as pages:
            async for page in pages:
                for calendar in page:
                    counted = (holding.counted.get(calendar.id, {}), holding.waiting, at.on.clock.now())
                    follow = partial(limits.tally_follows, calendar, *counted, fill="availability" in closed)
                    await at.change("availability", Tally, calendar.id, follow)

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
        self._count(booking, claim, holding)

    def _count(self, booking: Booking, claim: Claim, holding: _Holding) -> None:
        """What limits of its calendar count of one booking: what it has, and what waits and is held."""
        numbers = {booking.attempt} if booking.status in STANDING else set[int]()
        if (waiting := booking.open_attempt) is not None:
            holding.waiting.add((booking.id, waiting.number))
            numbers |= {time.attempt for _, time in holding.there.get(booking.id, ()) if time.attempt == waiting.number}
        for number in numbers:
            if (asked := claim.attempt(number)) is not None:
                holding.counted[booking.calendar_id][booking.id, number] = asked.start


def _learned(revoked: Revocation, known: Revocation | None) -> Decision[Revocation, None]:
    return newest(known, revoked)


async def bookings(at: Writing) -> AsyncGenerator[Booking]:
    """All of them."""
    async with aclosing(at.on.pages("booking", Booking)) as pages:
        async for page in pages:
            for booking in page:
                yield booking
