"""`GET /bookings`: what is wanted of them, and the ranges of the indexes in which that lies.

A page reads in the order it is asked for, whatever it is narrowed to: every index that can serve holds the same order.
A search reads one range for each place that its beginning may have, all at once, and merges them; what it finds there
is looked at once more (`Sought.finds`). So nobody sees by a search what the same request without it would not show.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Literal

from fastapi import Query

from services.booking.domain.bookings import BY_CREATION, WORDS, Booking
from services.booking.domain.finding import MORE, Sought, id_of
from turnus_runtime.http import Id, Instant, Page, Paging, Principal, Text, invalid
from turnus_runtime.records import key, millis
from turnus_runtime.turn import Records, Turn

Sort = Literal["start", "-start", "created_at", "-created_at"]
LAST = "~"
"""Comes after every character of an id."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list of bookings is narrowed to, and its order."""

    calendar_id: str | None = None
    host_id: str | None = None
    status: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    q: str | None = None
    sort: Sort = "start"

    @property
    def by_creation(self) -> bool:
        """In the order of creation, not of the start."""
        return self.sort.endswith("created_at")

    @property
    def falling(self) -> bool:
        """The last ones first."""
        return self.sort.startswith("-")

    def place(self, booking: Booking) -> tuple[int, str]:
        """Where a booking lies in this order."""
        return millis(booking.created_at if self.by_creation else booking.start), booking.id

    def holds(self, booking: Booking) -> bool:
        """Whether it is one of those that are wanted, but for the search."""
        return (
            self.calendar_id in (None, booking.calendar_id)
            and (self.host_id is None or booking.host_ids[:1] == (self.host_id,))
            and self.status in (None, booking.status)
            and (self.start is None or booking.start >= self.start)
            and (self.end is None or booking.start < self.end)
        )


async def wanted(
    calendar_id: Annotated[Annotated[str, Id("cal")] | None, Query()] = None,
    host_id: Annotated[Annotated[str, Id("mem")] | None, Query()] = None,
    status: Annotated[
        Literal["requested", "confirmed", "rejected", "expired", "cancelled", "attended", "no_show"] | None, Query()
    ] = None,
    start: Annotated[Instant | None, Query(description="Only those that start at this instant or later")] = None,
    end: Annotated[Instant | None, Query(description="Only those that start before this instant")] = None,
    q: Annotated[
        Annotated[str, Text(100)] | None,
        Query(
            description="Only those whose guest has, for each of these words, one that begins with it in the name or "
            "the address, whatever the case and the accents; or the one with this id (ten characters after `bk_` do)"
        ),
    ] = None,
    sort: Annotated[Sort, Query(description="The order; `-` turns it round")] = "start",
) -> Wanted:
    """Read from the query. Raises 422."""
    if start is not None and end is not None and end <= start:
        raise invalid("end", "must be after start")
    return Wanted(calendar_id, host_id, status, start, end, q, sort)


async def page_of(asked: Wanted, who: Principal, paging: Paging, on: Turn) -> Page[Booking]:
    """A page of what is wanted among the bookings that are there for whoever asks.

    For who is restricted to what is assigned to them only the range of their own bookings is read, also by a search:
    not even an empty page or its `next` tells them anything of the others.
    """
    if who.assigned_only:
        if asked.host_id not in (None, who.member_id):
            return Page(items=[])
        asked = replace(asked, host_id=who.member_id)
    sought = Sought.of(asked.q) if asked.q is not None else None
    named = id_of(asked.q) if asked.q is not None else None
    if sought is not None and sought.nothing:
        return Page(items=[])

    def keep(booking: Booking) -> bool:
        return (
            booking.workspace_id == who.workspace_id
            and asked.holds(booking)
            and (named is not None or sought is None or sought.finds(booking.guest.name, booking.guest.email))
        )

    records = on.records(Booking)
    shelf = ById(records, named, asked) if named is not None else Ranges(records, _ranges(asked, sought, who), asked)
    index = "by_workspace"
    return await paging.page(
        shelf, BY_CREATION[index] if asked.by_creation else index, who.workspace_id, _itself, keep=keep,
        reverse=asked.falling,
    )  # fmt: skip


def _itself(booking: Booking) -> Booking:
    return booking


def _ranges(asked: Wanted, sought: Sought | None, who: Principal) -> list[tuple[str, str]]:
    """Indexes and the owner in each of them, which hold together everything that is wanted."""
    if sought is not None and (beginning := sought.beginning) is not None and not who.assigned_only:
        places = [(index, key(who.workspace_id, beginning)) for index in WORDS]
        return [*places, (WORDS[-1], key(who.workspace_id, MORE))]
    if asked.host_id is not None:
        return [("by_host", asked.host_id)]
    if asked.calendar_id is not None:
        return [("by_calendar", asked.calendar_id)]
    return [("by_workspace", who.workspace_id)]


@dataclass(slots=True)
class Ranges:
    """The bookings of several ranges in one order, each once, for one page."""

    records: Records[Booking]
    ranges: Sequence[tuple[str, str]]
    asked: Wanted
    ended: dict[tuple[str, str], list[Booking]] = field(default_factory=dict[tuple[str, str], list[Booking]])
    """What is left of ranges that were read to their end: they are not asked again."""

    async def with_prefix(
        self, index: str, prefix: str, *, limit: int, after: str | None, reverse: bool
    ) -> list[Booking]:
        """See `turnus_runtime.http.params.Listed`. Of `after` counts what follows the prefix: the same everywhere."""
        place = None if after is None else after[len(prefix) + 1 :]
        found = await asyncio.gather(*(self._next(one, limit, place, reverse=reverse) for one in self.ranges))
        once = {booking.id: booking for those in found for booking in those}
        merged = sorted(once.values(), key=self.asked.place, reverse=reverse)
        used = {booking.id for booking in merged[:limit]}
        for left in self.ended.values():
            left[:] = [booking for booking in left if booking.id not in used]
        return merged[:limit]

    async def _next(self, one: tuple[str, str], limit: int, place: str | None, *, reverse: bool) -> list[Booking]:
        if one not in self.ended:
            found = await self._read(*one, limit, place, reverse=reverse)
            if len(found) == limit:
                return found
            self.ended[one] = found
        return list(self.ended[one])

    async def _read(self, index: str, owner: str, limit: int, place: str | None, *, reverse: bool) -> list[Booking]:
        low, high = f"{owner}|", f"{owner}}}"
        if not self.asked.by_creation:
            low = key(owner, millis(self.asked.start)) if self.asked.start is not None else low
            high = key(owner, millis(self.asked.end)) if self.asked.end is not None else high
        if place is not None:
            low, high = (low, min(high, f"{owner}|{place}")) if reverse else (max(low, f"{owner}|{place}\0"), high)
        index = BY_CREATION[index] if self.asked.by_creation else index
        return await self.records.find(index, low, high, limit=limit, reverse=reverse)


@dataclass(frozen=True, slots=True)
class ById:
    """The booking with an id; the very few whose ids begin so, made within the same millisecond."""

    records: Records[Booking]
    id: str
    asked: Wanted

    async def with_prefix(
        self, index: str, prefix: str, *, limit: int, after: str | None, reverse: bool
    ) -> list[Booking]:
        """See `turnus_runtime.http.params.Listed`."""
        found = await self.records.find("self", self.id, self.id + LAST, limit=limit)
        found.sort(key=self.asked.place, reverse=reverse)
        if after is None:
            return found
        place = after[len(prefix) + 1 :]
        at = {one.id: key(*self.asked.place(one)) for one in found}
        return [one for one in found if (at[one.id] < place if reverse else at[one.id] > place)]
