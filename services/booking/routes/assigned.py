"""What of bookings, calendars and groups is there for whom.

For who is restricted to what is assigned to them the rest is answered like what is foreign: 404, and in no list. The
checks run inside the decisions, too: what is handed over at this very moment is not changed by who had it before.
"""

import asyncio
from collections.abc import Iterable

from services.booking.domain.bookings import Booking
from services.booking.domain.calendars import Calendar
from services.booking.domain.directory import CalendarOfMember
from turnus_runtime.http import Page, Paging, Principal, cursor, found
from turnus_runtime.records import key
from turnus_runtime.turn import Turn

MOST_LOOKED_AT = 1000
"""Calendars in which somebody has ever served that one page looks at; it may then hold fewer than asked for."""


def booking_for(who: Principal, booking: Booking | None) -> Booking:
    """The booking. Raises 404 if it is not there for whoever asks."""
    known = found(booking, who)
    return found(known if not who.assigned_only or who.member_id in known.host_ids else None)


def calendar_for(who: Principal, calendar: Calendar | None) -> Calendar:
    """The calendar. Raises 404 if it is not there for whoever asks."""
    known = found(calendar, who)
    return found(known if is_there(who, known) else None)


def is_there(who: Principal, calendar: Calendar) -> bool:
    """Whether the calendar is there for whoever asks."""
    own = calendar.workspace_id == who.workspace_id
    return own and (not who.assigned_only or calendar.serves(who.member_id))


async def calendars_of(member_id: str, who: Principal, paging: Paging, on: Turn) -> Page[Calendar]:
    """One page of the calendars in which a member serves, in the order of their making, as far as they are there.

    Who serves where is written down before they do and stays, so it leads to some in which they do not serve any more.
    """
    links, items = on.records(CalendarOfMember), list[Calendar]()
    after = None if paging.after is None else key(member_id, paging.after)
    looked_at, most = 0, paging.limit + 1
    while True:
        batch = await links.with_prefix("by_member", member_id, limit=most, after=after)
        calendars = await asyncio.gather(*(on.records(Calendar).get(link.calendar_id) for link in batch))
        items += [one for one in calendars if one is not None and one.serves(member_id) and is_there(who, one)]
        if len(items) > paging.limit:
            return Page(items=items[: paging.limit], next=cursor(items[paging.limit - 1].id))
        if len(batch) < most:
            return Page(items=items)
        after, looked_at = key(member_id, batch[-1].calendar_id), looked_at + most
        if looked_at >= MOST_LOOKED_AT:
            return Page(items=items, next=cursor(batch[-1].calendar_id))


async def served_among(calendar_ids: Iterable[str], member_id: str, on: Turn) -> set[str]:
    """Those of these calendars in which the member serves."""
    wanted = set(calendar_ids)
    calendars = await asyncio.gather(*(on.records(Calendar).get(one) for one in wanted))
    return {one.id for one in calendars if one is not None and one.serves(member_id)}
