"""What a host gives is what the rules allow at that moment: hours, blocks, pauses, limits, and what Look Busy hides.

What staff overbook is given whatever is in the way.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from services.availability.domain import engine
from services.availability.domain.claims import Attempt, Claim
from services.availability.domain.hosts import Host, Reservation
from services.availability.domain.limits import Counted, is_full, period_spans
from services.availability.domain.rasters import rasters
from services.availability.domain.rules import APPLY_RULES, Blocks, MemberLimits, MemberSchedule
from services.availability.domain.schedule import Schedule
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.tallies import Tally
from services.booking.domain.bookings import Booking
from tests.simulation.words import short
from turnus_contracts import Limits

if TYPE_CHECKING:
    from tests.simulation.watch import Watch
    from tests.simulation.world import World

UNDER_WAY = timedelta(minutes=2)
"""How long a handling may go on by what it has read."""


class Allowed:
    """Looks at what hosts give and tallies count, and knows which limits held lately, and which calendars."""

    def __init__(self, world: "World", watch: "Watch") -> None:
        self._world = world
        self._watch = watch
        self._limits: dict[str, list[list[Any]]] = {}
        self._served: dict[str, list[tuple[datetime, ServedCalendar]]] = {}
        self._hours_stay = True
        """no schedule was replaced: then whatever Look Busy hid of a calendar's version it hides all the time"""

    def learn(self, before: Any, record: ServedCalendar | MemberLimits | MemberSchedule | Blocks) -> None:
        """A rule changed."""
        if isinstance(record, ServedCalendar | MemberLimits):
            self._limited(record)
        if isinstance(record, ServedCalendar):
            self._served.setdefault(record.id, []).append((self._world.now(), record))
        if isinstance(record, MemberSchedule) and before is not None and before.version != record.version:
            self._hours_stay = False

    def gave(self, before: Host | None, host: Host) -> None:
        """A host gave times. One write may hold several decisions."""
        for new in host.reservations:
            if before is not None and before.held(new.booking_id, new.attempt) is not None:
                continue
            claim = self._watch.latest(Claim, new.booking_id)
            attempt = claim.attempt(new.attempt) if claim is not None else None
            if claim is None or attempt is None:
                continue
            self._counted(host, claim, new)
            if new.overbooked:
                continue
            self._not_taken(before, host, new)
            self._not_paused(before, host, new)
            self._not_full(before, host, new, by_request=attempt.chosen != host.id)
            if attempt.chosen != host.id:
                # Whoever is asked by a request has looked at the rules as they are; the chosen one of a swap need not.
                self._not_blocked(host, claim, new)
                self._in_hours(host, claim, attempt)
                self._not_hidden(host, claim, attempt)

    def counts(self, before: Tally | None, now: Tally) -> None:
        """What is counted by a write of its own has room in every period that its calendar limits."""
        served = self._watch.latest(ServedCalendar, now.id)
        if before is None or before.filled_for != now.filled_for or served is None or served.limits is None:
            return
        known = {(one.booking_id, one.attempt) for one in before.entries}
        fresh = [one for one in now.entries if (one.booking_id, one.attempt) not in known]
        upon = [one for one in fresh if self._is_overbooked(one.booking_id, one.attempt)]
        # What staff overbooked by the same write may have come last.
        there = now.change(entries=tuple(one for one in now.entries if one not in upon))
        for new in fresh:
            if new.calendar_version < served.limited_since or new in upon:
                continue
            if self._is_full(now.id, new.start, there.counted(but=new.booking_id)):
                self._world.fail(f"{short(new.booking_id)} counts in {short(now.id)}, which takes no more")

    def _is_overbooked(self, booking_id: str, number: int) -> bool:
        booking = self._watch.latest(Booking, booking_id)
        asked = booking.attempt_of(number) if booking is not None else None
        return asked is not None and asked.overbooking is not None

    def _not_taken(self, before: Host | None, host: Host, new: Reservation) -> None:
        """Nothing lies there that was there before and still is, overbooked or not."""
        for one in host.reservations if before is not None else ():
            if one.booking_id == new.booking_id or before is None or before.held(one.booking_id, one.attempt) is None:
                continue
            if one.start < new.end and new.start < one.end:
                self._world.fail(f"{short(host.id)} gives {short(new.booking_id)} a time that is taken")

    def _not_paused(self, before: Host | None, host: Host, new: Reservation) -> None:
        """Whoever pauses by their own record is given no time in it, by a swap neither; what they hold they keep.

        A time may be given before the pause is learned that comes with it in one write.
        """
        pause = host.pause
        learned = before is None or before.pause != pause
        if not learned and pause is not None and host.is_paused(new.start, new.end):
            self._world.fail(f"{short(host.id)} pauses and gives {short(new.booking_id)} a time")

    def _limited(self, record: ServedCalendar | MemberLimits) -> None:
        """Limits begin to hold; of a member there were none before."""
        known = self._limits.setdefault(record.id, [])
        if not known and isinstance(record, MemberLimits):
            known.append([Limits(), record.tz, None])
        if known:
            known[-1][2] = self._world.now()
        known.append([record.limits or Limits(), record.tz, None])

    def _counted(self, host: Host, claim: Claim, new: Reservation) -> None:
        """What a host holds in a calendar with limits was counted before."""
        served = self._watch.latest(ServedCalendar, claim.calendar_id)
        tally = self._watch.latest(Tally, claim.calendar_id)
        if served is not None and tally is not None and 0 < served.limited_since <= tally.filled_for:
            over = claim.is_released(new.attempt)
            if not over and not tally.has(new.booking_id, new.attempt):
                self._world.fail(f"{short(host.id)} gives {short(new.booking_id)} a time that does not count")

    def _not_full(self, before: Host | None, host: Host, new: Reservation, *, by_request: bool) -> None:
        """The host's own limits are kept: as they are by whoever is asked by a request, unless they have just changed;
        in the middle of a swap those of a while ago will do.
        """
        limits = self._watch.latest(MemberLimits, host.id)
        if limits is None:
            return
        # What staff overbooked by the same write may have come last.
        upon = [r for r in host.reservations if r.overbooked and (before is None or r not in before.reservations)]
        there = host.change(reservations=tuple(r for r in host.reservations if r not in upon))
        counted = there.counted(but=new.booking_id)
        if by_request:
            changing = limits.owes(APPLY_RULES) is not None
            full = not changing and is_full(period_spans(limits.limits, limits.tz, new.begins), counted)
        else:
            full = self._is_full(host.id, new.begins, counted)
        if full:
            self._world.fail(f"{short(host.id)} gives {short(new.booking_id)} a time and takes no more")

    def _is_full(self, whose: str, start: int, counted: list[Counted]) -> bool:
        """Whether the limits of this calendar or member forbid the start, those of a while ago too: who asked by them
        may still be under way.
        """
        oldest = self._world.now() - UNDER_WAY
        held = [one for one in self._limits[whose] if one[2] is None or one[2] > oldest]
        return all(is_full(period_spans(limits, tz, start), counted) for limits, tz, _ in held)

    def _not_blocked(self, host: Host, claim: Claim, new: Reservation) -> None:
        """No block of the host or of the calendar lies there.

        Nobody tells whoever has left a calendar of its blocks: a request that still asks them, by the calendar as it
        was before, counts as made before they left.
        """
        served = self._watch.latest(ServedCalendar, claim.calendar_id)
        owners = {host.id}
        if served is not None and host.id in served.member_ids:
            owners.add(served.id)
        for blocks in self._watch.records(Blocks):
            if blocks.owner_id not in owners or blocks.owes(APPLY_RULES) is not None:
                continue
            for block in blocks.items:
                if not block.removed and new.start < block.end and block.start < new.end:
                    self._world.fail(f"{short(host.id)} gives {short(new.booking_id)} a time that is blocked")

    def _in_hours(self, host: Host, claim: Claim, attempt: Attempt) -> None:
        """The appointment lies in the hours that the host has now, unless they have just changed."""
        served = self._watch.latest(ServedCalendar, claim.calendar_id)
        own = self._schedules(host.id)
        if served is None or not own or any(one.owes(APPLY_RULES) is not None for one in own):
            return
        possible = rasters(served.rules(), self._hours(host.id, served), attempt.start, attempt.start + 1)
        if not possible:
            self._world.fail(f"{short(host.id)} gives {short(claim.id)} a time outside their hours")

    def _not_hidden(self, host: Host, claim: Claim, attempt: Attempt) -> None:
        """Guests get nothing that every version of the calendar hides that somebody may still go by."""
        booking = self._watch.latest(Booking, claim.id)
        asked = booking.attempt_of(attempt.number) if booking is not None else None
        if asked is None or asked.by == "staff" or not self._hours_stay:
            return
        known, oldest = self._served.get(claim.calendar_id, []), self._world.now() - UNDER_WAY
        latest = [one for began, one in known if began > oldest] or [one for _, one in known[-1:]]
        if len(known) > len(latest):
            latest.append(known[-len(latest) - 1][1])
        if latest and all(attempt.start in self._hidden(one, attempt.start) for one in latest):
            self._world.fail(f"{short(host.id)} gives {short(claim.id)} a time that is hidden")

    def _hidden(self, served: ServedCalendar, start: int) -> list[int]:
        members = tuple(engine.HostTimes(one, self._hours(one, served)) for one in served.member_ids)
        return engine.hidden(engine.Team(served.rules(), members), start, start + 1)

    def _hours(self, member_id: str, served: ServedCalendar) -> Schedule:
        own = sorted(self._schedules(member_id), key=lambda one: one.changed_at)
        here = [one for one in own if served.id in one.calendar_ids] or [one for one in own if one.default]
        return here[-1].as_rules() if here else Schedule(tz="UTC")

    def _schedules(self, member_id: str) -> list[MemberSchedule]:
        every: list[MemberSchedule] = self._watch.records(MemberSchedule)
        return [one for one in every if one.member_id == member_id and one.status == "active"]
