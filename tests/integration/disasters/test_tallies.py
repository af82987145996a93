"""Limits after a disaster: a tally that is lost or wrong counts again what is booked, and nothing else."""

from collections import Counter

import pytest
from pymongo import MongoClient

from services.availability.domain.tallies import Entry, Tally
from tests.integration.disasters.conftest import Site, Team

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def limited(site: Site) -> tuple[Team, Tally]:
    """A team, all of whose bookings are in its limited calendar; one of them is over. And what counts of it."""
    team = await site.team()
    await team.book(4, "team")
    await team.ask(team.booked[0], "cancel")
    await site.at_rest()
    return team, await tally_of(site, team)


async def tally_of(site: Site, team: Team) -> Tally:
    calendar = team.booked[0]["calendar_id"]
    return next(one for one in await site.all("availability", Tally) if one.id == calendar)


def entries(tally: Tally) -> Counter[tuple[str, int, int]]:
    return Counter((one.booking_id, one.attempt, one.start) for one in tally.entries)


@pytest.mark.parametrize("damage", ["lost", "forgetful", "boastful"])
async def test_a_tally_that_is_lost_or_wrong_is_rebuilt_from_the_bookings(site: Site, damage: str) -> None:
    team, before = await limited(site)
    assert len(before.entries) == 3
    await site.close("availability")
    with MongoClient(site.settings.mongo_url) as client:
        tallies = client[f"{site.settings.database_prefix}_availability"][Tally.collection]
        if damage == "lost":
            tallies.delete_one({"_id": before.id})
    if damage != "lost":
        over = Entry(booking_id=team.booked[0]["id"], attempt=1, start=before.entries[0].start, calendar_version=1)
        wrong = before.entries[1:] if damage == "forgetful" else (*before.entries, over)
        await site.put("availability", before.change(entries=wrong))
    report = await site.mended()
    assert report.changed["availability.tallies"] == 1
    assert entries(await tally_of(site, team)) == entries(before)
    await site.close("availability")
    assert (await site.mended()).changed == {}


async def test_a_calendar_that_got_limits_after_the_backup_counts_what_was_booked_before_and_since(site: Site) -> None:
    team = await site.team()
    await team.book(2, "ada")
    await site.at_rest()
    backup = await site.back_up("availability")
    calendar = team.booked[0]["calendar_id"]
    await team.at.api.call("PATCH", f"/calendars/{calendar}", {"limits": {"month": 4}}, team.at.staff)
    await team.at.publish(calendar)
    await team.book(1, "ada")
    await site.at_rest()
    before = await tally_of(site, team)
    await site.restore(backup)
    await site.mended()
    assert entries(await tally_of(site, team)) == entries(before)
    await team.book(1, "ada")
    refused = await team.at.api.book(f"{team.at.slug}/ada", team.starts["ada"].pop(0), 1)
    assert refused.json()["code"] == "slot_taken", refused.text
    await site.at_rest()
    assert await site.audited() == []
