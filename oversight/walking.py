"""A walk through the stores: every place is looked at once, in pages, each record read once where that can be."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from datetime import timedelta

from oversight.invariants import turns
from oversight.invariants.findings import Finding
from oversight.looks import (
    FOLLOWERS,
    OWED_WITHIN,
    SOURCES,
    AtBooking,
    AtFollower,
    AtHost,
    AtLimits,
    AtOwed,
    AtReservation,
    AtRotation,
    AtSource,
    Look,
)
from oversight.reading import PAGE, RECORDS, Reading
from services.assignment.domain.rotation import Rotation
from services.availability.domain.hosts import Host
from services.availability.domain.limits import NONE
from services.availability.domain.rules import MemberLimits
from services.availability.domain.serving import ServedCalendar
from services.booking.domain.bookings import Booking
from turnus_runtime.records import millis

MAY_CHANGE = timedelta(days=3)
"""A booking that ended so long ago is concluded (a day after its end) and archived by its host (two days after it)."""

Looked = tuple[Look, list[Finding]]


async def walked(on: Reading, *, whole: bool) -> AsyncGenerator[Looked]:
    """Look at everything; not `whole`: of bookings and what belongs to them only at those that may still change."""
    hosts: dict[str, Host] = {}
    async for host in _each_host(on):
        hosts[host.id] = host
        yield AtHost(host.id), await AtHost(host.id).of(host, on)
    async for looked in _at_bookings(on, hosts, millis(on.clock.now() - MAY_CHANGE) if not whole else 0):
        yield looked
    async with aclosing(on.pages("assignment", Rotation)) as rotations:
        async for page in rotations:
            for rotation in page:
                yield AtRotation(rotation.id), list(turns.balanced(rotation))
    async for looked in _at_sources(on):
        yield looked
    async for looked in _at_owed(on):
        yield looked
    if whole:
        async for looked in _at_followers(on):
            yield looked
        async for looked in _at_limits(on):
            yield looked


async def _each_host(on: Reading) -> AsyncGenerator[Host]:
    async with aclosing(on.pages("availability", Host)) as pages:
        async for page in pages:
            for host in page:
                yield host


async def _at_bookings(on: Reading, hosts: Mapping[str, Host], low: int) -> AsyncGenerator[Looked]:
    """The bookings whose latest attempt ends after `low`, and every time that is held, whoever it is for."""
    holders: dict[str, set[str]] = defaultdict(set)
    for host in hosts.values():
        for held in host.reservations:
            holders[held.booking_id].add(host.id)
    async with aclosing(on.pages("booking", Booking, "ends", low)) as pages:
        async for page in pages:
            found = await asyncio.gather(
                *(AtBooking(one.id).of(one, hosts.get(one.host_ids[0]) if one.host_ids else None, on) for one in page)
            )
            for booking, findings in zip(page, found, strict=True):
                yield AtBooking(booking.id), findings
                for host_id in holders.pop(booking.id, ()):
                    look = AtReservation(host_id, booking.id)
                    yield look, look.of(hosts[host_id], booking)
    looks = [AtReservation(host_id, booking_id) for booking_id, holding in holders.items() for host_id in holding]
    for start in range(0, len(looks), PAGE):
        part = looks[start : start + PAGE]
        bookings = await on.many("booking", Booking, sorted({look.booking_id for look in part}))
        for look in part:
            yield look, look.of(hosts[look.host_id], bookings.get(look.booking_id))


async def _at_sources(on: Reading) -> AsyncGenerator[Looked]:
    for kind, service in SOURCES.items():
        async with aclosing(on.pages(service, kind)) as pages:
            async for page in pages:
                found = await asyncio.gather(*(AtSource(kind, record.id).of(record, on) for record in page))
                for record, findings in zip(page, found, strict=True):
                    yield AtSource(kind, record.id), findings


async def _at_owed(on: Reading) -> AsyncGenerator[Looked]:
    late = millis(on.clock.now() - OWED_WITHIN)
    for service, kinds in RECORDS.items():
        for kind in kinds:
            for record in await on.overdue(service, kind, late):
                look = AtOwed(service, kind, record.id)
                yield look, look.of(record, on)


async def _at_followers(on: Reading) -> AsyncGenerator[Looked]:
    for kind, service in FOLLOWERS.items():
        async with aclosing(on.pages(service, kind)) as pages:
            async for page in pages:
                found = await asyncio.gather(*(AtFollower(kind, record.id).of(record, on) for record in page))
                for record, findings in zip(page, found, strict=True):
                    yield AtFollower(kind, record.id), findings


async def _at_limits(on: Reading) -> AsyncGenerator[Looked]:
    """Every calendar and every member with limits, each with all that it counts."""
    for kind in (ServedCalendar, MemberLimits):
        async with aclosing(on.pages("availability", kind)) as pages:
            async for page in pages:
                for record in page:
                    if record.limits is not None and record.limits != NONE:
                        yield AtLimits(kind, record.id), await AtLimits(kind, record.id).of(record, on)
