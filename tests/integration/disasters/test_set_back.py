"""Each store in turn is set back: closed until it is repaired, then everything agrees and nothing was doubled."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from services.assignment.domain.rotation import Rotation
from services.availability.domain.hosts import Host
from tests.integration.api.conftest import SERVICES
from tests.integration.disasters.conftest import SET_BACK, Site, Team
from turnus_runtime.backups import Backup

pytestmark = pytest.mark.asyncio(loop_scope="session")


@dataclass
class Past:
    """A team that has worked on since all stores were backed up."""

    team: Team
    backups: dict[str, Backup]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def past(site: Site) -> Past:
    team = await site.team()
    await team.book(8)
    await site.at_rest()
    backups = {service: await site.back_up(service) for service in SERVICES}
    await team.live(SET_BACK)
    await site.at_rest()
    return Past(team, backups)


CHANGED = {
    "availability": {"availability.claims", "availability.hosts", "availability.tallies"},
    "assignment": {"assignment.choices", "assignment.rotations"},
    "notify": {"notify.notices"},
    "booking": {"booking.bookings"},
    "accounts": {"accounts.audit_entries"},
}
"""What a repair of each service has to change at least."""


@pytest.mark.parametrize("service", SERVICES)
async def test_a_store_that_was_set_back_is_repaired_from_the_others(service: str, site: Site, past: Past) -> None:
    team = past.team
    stood, sent, held, owing = await team.standing(), site.sent(), await times(site), await credit(site)

    await site.restore(past.backups[service])
    planned = await site.repair(rehearsed=True)
    report = await site.mended()

    assert report.changed.keys() >= CHANGED[service]
    assert planned.changed.keys() >= CHANGED[service]
    assert await team.standing() == stood
    assert await times(site) == held
    assert sum((await credit(site)).values()) == sum(owing.values()) == 0
    new = await team.book(2)
    await site.at_rest()
    assert await site.audited() == []
    assert (await site.repair()).closed == {}
    went = site.sent()
    assert set(went.values()) == {1}
    # Nothing was told again in other words either: two mails for each new booking, and none besides.
    assert Counter(to for to, _ in went.elements()) - Counter(to for to, _ in sent.elements()) == Counter(
        {**dict.fromkeys((f"{guest(one)}" for one in new), 1), **told_hosts(site, sent)}
    )


def guest(booking: dict[str, Any]) -> str:
    return f"{booking['guest']['name']} <{booking['guest']['email']}>"


def told_hosts(site: Site, before: Counter[tuple[str, str]]) -> Counter[str]:
    """The mails to hosts since then."""
    new = site.sent() - before
    return Counter(to for to, _ in new.elements() if "disaster" in to)


async def times(site: Site) -> dict[str, set[tuple[int, int, str, int]]]:
    """What every host holds."""
    return {
        host.id: {(one.start, one.end, one.booking_id, one.attempt) for one in host.reservations}
        for host in await site.all("availability", Host)
    }


async def credit(site: Site) -> dict[tuple[str, str], int]:
    rotations = await site.all("assignment", Rotation)
    return {(one.id, member.member_id): member.credit for one in rotations for member in one.members}
