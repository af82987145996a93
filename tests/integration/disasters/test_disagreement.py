"""What no rule can decide is listed, and decided by nobody but the operator."""

import pytest
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from services.availability.domain.claims import Claim
from tests.integration.disasters.conftest import Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


def set_back(site: Site, service: str, documents: dict[str, dict[str, bytes]]) -> None:
    """As a tool does that knows nothing of Turnus, while everything runs."""
    with MongoClient[RawBSONDocument](site.settings.mongo_url, document_class=RawBSONDocument) as client:
        database = client[f"{site.settings.database_prefix}_{service}"]
        for name in database.list_collection_names():
            database[name].delete_many({})
            if documents.get(name):
                database[name].insert_many([RawBSONDocument(raw) for raw in documents[name].values()])


async def test_a_time_that_was_given_twice_is_listed_with_both_bookings_and_stays_closed_until_one_is_cancelled(
    site: Site,
) -> None:
    team = await site.team()
    await team.book(2)
    await site.at_rest()
    earlier = site.documents("availability")
    (first, other) = await team.book(2)
    await site.at_rest()
    set_back(site, "availability", earlier)
    answer = await site.api.book(f"{team.at.slug}/ada", first["start"], 900)
    second = answer.json()
    assert second["status"] == "confirmed", "the store that was set back gives the time away again"

    await site.close("availability")
    report = await site.repair()

    assert not report.opened
    assert {one.kind for one in report.disagreeing} == {"double_booked"}
    assert report.bookings.keys() == {first["id"], second["id"]}
    records = {record for one in report.disagreeing for record in one.records}
    assert {f"booking.bookings/{one['id']}" for one in (first, second)} < records
    assert other["id"] in {claim.id for claim in await site.all("availability", Claim)}, "the rest is repaired"
    assert not (await site.repair()).opened, "asked again, it says the same"
    assert [(await team.see(one))["status"] for one in (first, second)] == ["confirmed", "confirmed"]

    await team.ask(second, "cancel")
    await site.mended()
    assert await site.audited() == []
    again = await site.api.book(f"{team.at.slug}/ada", first["start"], 901)
    assert again.json()["code"] == "slot_taken"


async def test_a_booking_that_nobody_knows_the_guest_of_is_named(site: Site) -> None:
    team = await site.team()
    await site.at_rest()
    earlier = site.documents("availability")
    backups = [await site.back_up(service) for service in ("booking", "notify")]
    (lost,) = await team.book(1, "ada")
    await site.at_rest()
    for backup in backups:
        await site.restore(backup)

    report = await site.repair()

    assert not report.opened
    assert [note for note in report.notes if lost["id"] in note and "is lost" in note]
    assert {one.kind for one in report.disagreeing} >= {"held_for_nobody", "claim_of_nobody"}
    report = await site.repair(open_anyway=True)
    assert report.opened
    free = await site.api.slots(f"{team.at.slug}/ada", lost["start"][:10])
    assert lost["start"] not in free, "what may have been promised is not given to anybody else"
    assert free
    set_back(site, "availability", earlier)
    await site.at_rest()
