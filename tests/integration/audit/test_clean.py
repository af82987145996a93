"""Stores that services have written are clean, at every moment, and an audit leaves them as they are."""

from oversight.reading import RECORDS
from services.booking.domain.bookings import Booking
from tests.integration.audit.conftest import Installation, Stores
from turnus_runtime.host import records_of
from turnus_runtime.process import installed


async def test_the_stores_of_a_working_installation_are_clean(installation: Installation, stores: Stores) -> None:
    assert await installation.audited() == []
    bookings = await stores.all("booking", Booking)
    assert {"confirmed", "cancelled", "rejected"} == {booking.status for booking in bookings}
    assert any(booking.revision for booking in bookings)
    assert any(booking.charged == booking.attempt == 2 for booking in bookings)


def test_nothing_is_violated_while_bookings_are_under_way(installation: Installation) -> None:
    assert installation.rounds > 1
    assert installation.seen == []


async def test_an_audit_writes_nothing(installation: Installation) -> None:
    before = installation.documents()
    await installation.audited()
    assert installation.documents() == before


async def test_an_audit_of_an_installation_that_never_ran_makes_nothing(installation: Installation) -> None:
    nowhere = Installation(
        {**installation.given, "database_prefix": "never_ran", "clock_start": None}, installation.servers
    )
    assert await nowhere.audited() == []
    assert nowhere.documents() == {}


def test_the_auditor_knows_every_record_of_every_service() -> None:
    tables = {service.name: set(records_of(service)) for service in installed() if service.records}
    assert {name: set(kinds) for name, kinds in RECORDS.items()} == tables
