"""Stores in memory, a clock that a test moves, and a booking of each kind of calendar that is as it should be."""

from datetime import UTC, datetime, timedelta
from typing import TypeVar

from oversight.reading import RECORDS, Reading
from services.availability.domain.claims import Attempt as Ask
from services.availability.domain.claims import Claim
from services.availability.domain.hosts import Host, Reservation
from services.booking.domain.bookings import Attempt, Booking, Moment
from services.booking.domain.transitions import CONCLUDE
from services.notify.domain.notices import Notice, Told
from tests.simulation.store import SimulatedStore
from turnus_contracts import Guest
from turnus_runtime.forms import stored_form
from turnus_runtime.records import Record, timer

R = TypeVar("R", bound=Record)
BEGIN = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
HOST = "mem_a"


class HandClock:
    """Time passes when somebody sleeps, or when a test says so."""

    doubt_seconds = 0.0

    def __init__(self) -> None:
        self.time = BEGIN

    def now(self) -> datetime:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


class World:
    """All stores."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.stores = {name: SimulatedStore(self.clock.now) for name in RECORDS}
        self.on = Reading(self.stores, self.clock)

    async def put(self, service: str, *records: Record) -> None:
        for record in records:
            store = self.stores[service]
            known = await store.get(record.collection, record.id)
            if known is None:
                assert await store.insert(record.collection, stored_form(record, 1))
            else:
                assert await store.replace(record.collection, stored_form(record, known.version + 1), known.version)

    async def booked(self, id: str, start: datetime) -> Booking:
        """A confirmed booking in a personal calendar, with everything that belongs to it."""
        booking = confirmed(id, start)
        await self.put("booking", booking)
        await self.put("availability", claim_of(booking), host_of(booking))
        await self.put("notify", notice_of(booking))
        return booking


def confirmed(id: str, start: datetime) -> Booking:
    end = start + timedelta(minutes=30)
    asked = start - timedelta(days=7)
    return Booking(
        id=id,
        workspace_id="ws_a",
        calendar_id="cal_a",
        calendar_version=2,
        version=2,
        status="confirmed",
        attempts=(Attempt(number=1, start=start, end=end, state="settled", host_ids=(HOST,), requested_at=asked),),
        attempt=1,
        start=start,
        end=end,
        host_ids=(HOST,),
        duration_minutes=30,
        buffer_before_minutes=0,
        buffer_after_minutes=10,
        reschedule_policy="same_host",
        guest=Guest(name="Grace", email="grace@example.org"),
        locale="en",
        tz="UTC",
        token="bkt_x",
        request_digest="x",
        created_at=asked,
        changed_at=asked,
        history=(Moment(at=asked, what="requested", attempt=1), Moment(at=asked, what="confirmed", attempt=1)),
        owed=(timer(CONCLUDE, end + timedelta(days=1)),),
    )


def claim_of(booking: Booking) -> Claim:
    start, end = (int(instant.timestamp()) // 60 for instant in (booking.start, booking.end))
    ask = Ask(
        number=1,
        start=start,
        end=end,
        padded_start=start,
        padded_end=end + booking.buffer_after_minutes,
        candidates=(HOST,),
        at_once=True,
        asked=(HOST,),
    )
    return Claim(id=booking.id, workspace_id="ws_a", calendar_id="cal_a", attempts={"1": ask})


def host_of(*bookings: Booking) -> Host:
    """The host of these bookings."""
    reservations = tuple(
        Reservation(
            start=ask.padded_start,
            end=ask.padded_end,
            booking_id=booking.id,
            attempt=1,
            settled=True,
            before=booking.buffer_before_minutes,
            after=booking.buffer_after_minutes,
        )
        for booking in bookings
        for ask in claim_of(booking).attempts.values()
    )
    return Host(id=HOST, reservations=reservations)


def notice_of(booking: Booking) -> Notice:
    told = Told(
        version=booking.version,
        standing="stands",
        revision=0,
        start=booking.start,
        end=booking.end,
        host_ids=booking.host_ids,
        at=booking.changed_at,
    )
    return Notice(id=booking.id, workspace_id="ws_a", calendar_id="cal_a", created_at=booking.created_at, told=told)
