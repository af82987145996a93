"""Brings stores that were set back to what the others know. Run twice, or broken off and run again, it does the same.

The booking's four facts are right, whoever was set back. Only services that are closed are written to; if booking is
one of them, what follows it too: a booking that was lost and found again may be over now, and its time must be free.
"""

from collections.abc import Mapping
from datetime import datetime

from oversight.following import Following, bookings
from oversight.invariants.sagas import FINAL_WITHIN
from oversight.owning import Owning
from oversight.writing import Writing
from services.booking.domain.bookings import Booking
from services.booking.domain.transitions import EXPIRE_AFTER
from services.notify.domain.planning import Rules
from turnus_runtime.closing import Closure
from turnus_runtime.installation import OperationError
from turnus_runtime.records import millis

LOOK_EVERY_SECONDS = 1.0


class Repairer:
    """Repairs the services that are closed. `rules`: by which notify plans."""

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
        closed = set(self._closures)
        await self._at_rest()
        owning, following = Owning(self._at), Following(self._at)
        if "accounts" in closed:
            await owning.people()
        if "booking" in closed:
            await owning.calendars()
            await owning.bookings()
        else:
            await self._decided()
        self.notes = owning.notes
        await following.copy(closed)
        if closed & {"booking", "availability"}:
            await following.hold(closed)
        async for booking in bookings(self._at):
            if closed & {"booking", "assignment"}:
                await following.charge(booking)
            if closed & {"accounts", "booking"}:
                await following.note(booking)
            if closed & {"booking", "notify"}:
                closure = self._closures.get("notify")
                await following.tell(booking, self._rules, closure.since if closure is not None else None)

    async def _at_rest(self) -> None:
        """Wait until the closing has taken effect."""
        clock = self._at.on.clock
        since = max(closure.since for closure in self._closures.values())
        while (left := (since - clock.now()).total_seconds()) > 0:
            await clock.sleep(left)

    async def _decided(self) -> None:
        """Wait until booking has nothing open that may have been asked of a store as it was.

        Else an answer that is still on its way could confirm a time that nobody knows here to be taken.
        """
        since = max(closure.since for closure in self._closures.values())
        until = self._at.on.clock.now() + FINAL_WITHIN
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
