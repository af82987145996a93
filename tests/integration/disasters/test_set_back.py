"""Each store in turn is set back: closed until it is repaired, then everything agrees and nothing was doubled."""

import pytest

from tests.integration.disasters.conftest import SET_BACK, Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("service", ["availability", "assignment", "notify"])
async def test_a_store_that_was_set_back_is_repaired_from_the_others(service: str, site: Site) -> None:
    team = await site.team()
    await team.book(8)
    await site.at_rest()
    backup = await site.back_up(service)
    await team.live(SET_BACK)
    await site.at_rest()
    stood, sent = await team.standing(), site.sent()

    await site.restore(backup)
    report = await site.repair()

    assert (report.disagreeing, report.violations, report.opened) == ([], [], True)
    assert await site.audited() == []
    await team.book(4)
    await site.at_rest()
    assert (await team.standing())[: len(stood)] == stood
    assert set(site.sent().values()) == {1}
    assert sent.keys() <= site.sent().keys()
