"""A pause outlives a store that was set back: of whoever says it, and of whoever refuses times by it."""

import pytest

from services.accounts.domain.members import Member
from services.availability.domain.hosts import Host
from tests.integration.disasters.conftest import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("service", ["accounts", "availability"])
async def test_a_pause_that_began_after_the_backup_goes_on(site: Site, service: str) -> None:
    team = await site.team()
    eve = await team.at.member("Eve")
    await site.at_rest()
    backup = await site.back_up(service)
    paused = await team.at.made(f"/members/{eve}/pause", {})
    await site.at_rest()

    await site.restore(backup)
    await site.mended()
    await site.at_rest()

    shown = await team.at.api.call("GET", f"/members/{eve}", None, team.at.staff)
    assert shown["paused"] == paused["paused"]
    (known,) = [one for one in await site.all("accounts", Member) if one.id == eve]
    (host,) = [one for one in await site.all("availability", Host) if one.id == eve]
    assert host.pause is not None
    assert (host.pause.version, host.is_paused(host.pause.start, host.pause.start + 1)) == (known.version, True)
    assert await site.audited() == []
