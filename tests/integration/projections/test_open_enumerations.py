"""Services of today meet values, fields and kinds that only a later version will say, and go on."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.contracts.examples import LATER, examples
from tests.integration.saga.conftest import CLOCK_START, Office
from tests.integration.saga.test_booking import slots
from tests.support.system import System, eventually
from turnus_contracts import (
    AttemptReleased,
    BookingConfirmed,
    CalendarPublished,
    Event,
    MemberChanged,
    SigningKeyChanged,
    SlotRefused,
    WorkspaceChanged,
)
from turnus_runtime.dead_letters import dead_letters
from turnus_runtime.embedded import Endpoints
from turnus_runtime.operations import reader_of

SERVICES = ("booking", "availability", "assignment", "notify")
MET: tuple[type[Event], ...] = (
    WorkspaceChanged,
    MemberChanged,
    SigningKeyChanged,
    CalendarPublished,
    BookingConfirmed,
    AttemptReleased,
    SlotRefused,
)


@pytest.fixture
async def system(embedded_servers: Endpoints, fresh_broker: str) -> AsyncIterator[System]:
    made = System(embedded_servers, SERVICES, kafka_url=fresh_broker, clock_start=CLOCK_START)
    async with made.running():
        yield made


def of_tomorrow(event: type[Event]) -> list[dict[str, Any]]:
    return [payload for name, payload in examples(event).items() if name.startswith(LATER)]


async def test_what_a_later_version_says_stops_nobody_and_goes_to_no_dead_letters(system: System) -> None:
    tenant, office = await system.tenant(), Office()
    ada = await office.host(tenant, "Ada")
    await office.calendar(tenant, "beratung", [ada])
    said = [event.model_validate(payload) for event in MET for payload in of_tomorrow(event)]
    assert {type(one) for one in said} == set(MET)
    await system.publish(*said)
    known = of_tomorrow(CalendarPublished)[0]["calendar_id"]

    async def heard() -> bool:
        answer = await system.client.get(
            "/api/v1/slots", params={"calendar": known, "start": "2027-01-04", "end": "2027-01-04", "tz": "UTC"}
        )
        assert answer.status_code < 500, answer.text
        return answer.status_code != 422

    await eventually(heard)
    await system.quiet()
    free = await slots(system, "demo/beratung")
    booked = await office.book(system, "demo/beratung", free[0])
    assert booked.status_code == 201, booked.text
    await system.quiet()
    process = system.process
    letters = await dead_letters(reader_of(process.settings), [host.service for host in process.hosts.values()])
    assert [(letter.service, letter.topic, letter.error, letter.detail) for letter in letters] == []
