"""What must hold once everything has come to rest, and why it has not yet."""

from collections import Counter
from typing import TYPE_CHECKING

from oversight.invariants import copies, limits, mails, times, turns
from services.assignment.domain.choice import Choice, choice_id
from services.assignment.domain.rotation import Rotation
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host
from services.availability.domain.rules import MemberLimits
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.booking.domain.bookings import Booking
from services.booking.domain.calendars import Calendar
from services.booking.domain.transitions import CONCLUDE
from services.notify.domain.notices import REMIND, Notice
from services.notify.domain.planning import Rules
from services.notify.domain.reminding import ReminderTimes, rules_by
from services.notify.service import service as notify
from tests.simulation.watch import Watch
from tests.simulation.words import short

if TYPE_CHECKING:
    from tests.simulation.world import World

LATER = (CONCLUDE, REMIND, "again")
"""Timers that are rightly owed at rest."""


class Rest:
    """Looks at a world that has come to rest."""

    def __init__(self, world: "World", watch: Watch) -> None:
        self._world = world
        self._watch = watch

    def unfinished(self) -> list[str]:
        """Why it is not at rest yet."""
        found = [
            f"attempt {attempt.number} of {short(booking.id)} ({booking.status}) is open"
            for booking in self._watch.records(Booking)
            for attempt in booking.attempts
            if attempt.state == "open" and booking.status != "cancelled"
        ]
        for name, store in self._world.stores.items():
            for collection, kept in store.collections.items():
                for whose, one in kept.items():
                    found += [
                        f"{name} {collection} {short(whose)} owes {entry['id']}"
                        for entry in one.told.owed
                        if entry["kind"] in ("event", "state", "job") or entry["name"] not in LATER
                    ]
        return found

    def check(self) -> None:
        """Everything has come to rest: what stands is held and paid once, and nothing else is."""
        hosts: dict[str, Host] = {host.id: host for host in self._watch.records(Host)}
        claims: dict[str, Claim] = {claim.id: claim for claim in self._watch.records(Claim)}
        choices: dict[str, Choice] = {choice.id: choice for choice in self._watch.records(Choice)}
        bookings: dict[str, Booking] = {booking.id: booking for booking in self._watch.records(Booking)}
        for host in hosts.values():
            for held in host.reservations:
                self._watch.none(times.wanted(host, held, bookings.get(held.booking_id)))
                self._watch.none(times.overbooked(host, held, bookings.get(held.booking_id)))
            if not self._world.weather.skewed:  # which of two was asked for later is told by their clocks
                self._watch.none(times.upon_overbooked(host, bookings))
        for booking in bookings.values():
            self._watch.none(times.held(booking, hosts.get(booking.host_ids[0]) if booking.host_ids else None))
            self._watch.none(times.claimed(booking, claims.get(booking.id)))
            made = {number: choice_id(booking.id, number) for number in range(1, len(booking.attempts) + 1)}
            known = {number: choices[wanted] for number, wanted in made.items() if wanted in choices}
            self._watch.none(turns.paid(booking, known, claims.get(booking.id)))
        for claim in claims.values():
            self._watch.none(times.of_somebody(claim, bookings.get(claim.id)))
        for choice in choices.values():
            self._watch.none((*turns.applied(choice), *turns.of_somebody(choice, bookings.get(choice.booking_id))))
        if self._world.members_stay:
            for rotation in self._watch.records(Rotation):
                self._credit(rotation, bookings, choices)
        self._mails(bookings)
        self._calendars()
        self._limits(claims, hosts, list(bookings.values()))
        self._pauses(hosts)

    def _mails(self, bookings: dict[str, Booking]) -> None:
        notices: dict[str, Notice] = {one.id: one for one in self._watch.records(Notice)}
        for booking in bookings.values() if notify in self._world.services else ():
            self._watch.none(mails.told(booking, notices.get(booking.id)))
        times: dict[str, ReminderTimes] = {one.id: one for one in self._watch.records(ReminderTimes)}
        for notice in notices.values():
            self._watch.none(mails.of_somebody(notice, bookings.get(notice.id)))
            if not self._world.weather.skewed:  # whoever has another time plans by it
                rules = rules_by(times.get(notice.workspace_id), Rules())
                self._watch.none(mails.reminded(notice, rules, self._world.now()))

    def _calendars(self) -> None:
        served: dict[str, ServedCalendar] = {one.id: one for one in self._watch.records(ServedCalendar)}
        rotations: dict[str, Rotation] = {one.id: one for one in self._watch.records(Rotation)}
        for calendar in self._watch.records(Calendar):
            version = calendar.published_version
            self._watch.none(copies.current(calendar.id, version, "availability", served[calendar.id].version))
            self._watch.none(
                copies.current(calendar.id, version, "assignment", rotations[calendar.id].calendar_version)
            )

    def _limits(self, claims: dict[str, Claim], hosts: dict[str, Host], bookings: list[Booking]) -> None:
        tallies: dict[str, Tally] = {one.id: one for one in self._watch.records(Tally)}
        for served in self._watch.records(ServedCalendar):
            own = {claim.id: claim for claim in claims.values() if claim.calendar_id == served.id}
            self._watch.none(limits.counted(served, tallies.get(served.id), own, hosts))
            booked = [one for one in bookings if one.calendar_id == served.id]
            if not self._world.weather.skewed:
                self._watch.none(limits.of_calendar(served, tallies.get(served.id), booked))
        for limited in self._watch.records(MemberLimits):
            booked = [one for one in bookings if limited.id in one.host_ids]
            if not self._world.weather.skewed:
                self._watch.none(limits.of_member(limited, booked))

    def _pauses(self, hosts: dict[str, Host]) -> None:
        for told in self._world.people.told.values():
            if told.paused_since is not None and told.status == "active":
                host = hosts.get(told.member_id)
                self._watch.none(copies.paused(told.member_id, told.version, told.member_id, host))

    def unchanged(self) -> None:
        """Nobody changed in place what he was given to read."""
        for name, store in self._world.stores.items():
            for collection, kept in store.collections.items():
                for whose in [whose for whose, one in kept.items() if one.changed]:
                    self._world.fail(f"{name} {collection} {short(whose)} was changed in place")

    def _credit(self, rotation: Rotation, bookings: dict[str, Booking], choices: dict[str, Choice]) -> None:
        """While nobody joins or leaves, credits are exactly what the choices in force say."""
        credit: Counter[str] = Counter()
        for choice in choices.values():
            booking = bookings.get(choice.booking_id)
            if choice.calendar_id != rotation.id or choice.charge is None or booking is None:
                continue
            if turns.in_force(booking, choice.attempt):
                credit.update({share.member_id: share.gained for share in choice.charge.candidates})
                credit[choice.payer or ""] -= choice.charge.paid
        for member in rotation.members:
            if member.credit != credit[member.member_id]:
                said = f"credit {member.credit}, their choices say {credit[member.member_id]}"
                self._world.fail(f"{short(member.member_id)} has {said}")
