"""What a service owned and forgot is taken back from the copies of others, in versions that they believe."""

import pytest

from services.accounts.domain.members import Member
from services.availability.domain.serving import ServedCalendar
from services.booking.domain.calendars import Calendar
from tests.integration.api.conftest import office
from tests.integration.disasters.conftest import FIRST_DAY, Site

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_calendars_that_were_made_or_changed_after_the_backup_are_as_guests_saw_them(site: Site) -> None:
    team = await site.team()
    await site.at_rest()
    backup = await site.back_up("booking")
    (ada,) = [one for one in await site.all("booking", Calendar) if one.address == f"{team.at.slug}/ada"]
    changed = {"name": "Ada & Co", "duration_minutes": 45, "interval_minutes": 45}
    await team.at.api.call("PATCH", f"/calendars/{ada.id}", changed, team.at.staff)
    await team.at.publish(ada.id)
    late = await team.at.calendar("late", [await team.at.host("Eve", "08:00", "18:00")], buffer_before_minutes=5)
    team.starts["late"] = (await team.at.api.slots(f"{team.at.slug}/late", FIRST_DAY.isoformat()))[::2]
    made = await team.book(1, "late")
    await site.at_rest()
    before = {one.id: one for one in await site.all("availability", ServedCalendar)}

    await site.restore(backup)
    report = await site.mended()
    await site.at_rest()

    named = [one for one in (ada.id, late["id"]) if any(one in note for note in report.notes)]
    assert named == [ada.id, late["id"]]
    after = {one.id: one for one in await site.all("availability", ServedCalendar)}
    for calendar_id in (ada.id, late["id"]):
        assert after[calendar_id].version > before[calendar_id].version
        assert after[calendar_id].change(version=0) == before[calendar_id].change(version=0)
    seen = await team.at.api.call("GET", f"/calendars/{ada.id}", None, team.at.staff)
    assert seen["name"] == "Ada & Co"
    assert (await team.see(made[0]))["status"] == "confirmed"
    await team.book(1, "late")
    assert await site.audited() == []


async def test_who_was_removed_and_what_was_revoked_after_the_backup_stays_so(site: Site) -> None:
    team = await site.team()
    eve = await team.at.member("Eve")
    key = await team.at.made("/api-keys", {"name": "robot", "scopes": ["team:view"]})
    await site.at_rest()
    backup = await site.back_up("accounts")
    removed = await team.at.api.send("DELETE", f"/members/{eve}", None, team.at.staff)
    revoked = await team.at.api.send("DELETE", f"/api-keys/{key['id']}", None, team.at.staff)
    assert (removed.status_code, revoked.status_code) == (204, 204), (removed.text, revoked.text)
    mia = await team.at.member("Mia")
    await site.at_rest()

    await site.restore(backup)
    report = await site.mended()
    await site.at_rest()

    (known,) = [one for one in await site.all("accounts", Member) if one.id == eve]
    assert known.status == "removed"
    asked = await site.api.send("GET", "/members", None, {"Authorization": f"Bearer {key['key']}"})
    assert (asked.status_code, asked.json()["code"]) == (401, "credential_revoked")
    assert any(f"member {mia} came after the backup" in note for note in report.notes)
    assert await site.audited() == []


async def test_a_workspace_that_was_made_after_the_backup_has_its_page_and_groups_are_those_of_the_backup(
    site: Site,
) -> None:
    team = await site.team()
    calendars = (await team.at.api.call("GET", "/calendars", None, team.at.staff))["items"]
    ids = [one["id"] for one in calendars]
    kept = await team.at.made("/groups", {"slug": "kept", "name": "Kept", "calendar_ids": ids})
    await site.at_rest()
    backup = await site.back_up("booking")
    await team.at.made("/groups", {"slug": "late", "name": "Late"})
    late = await office(team.at.api, "late")
    await site.at_rest()

    await site.restore(backup)
    await site.mended()
    await site.at_rest()

    page = await site.api.send("GET", "/groups", params={"workspace": late.slug})
    assert (page.status_code, page.json().get("items")) == (200, []), page.text
    page = await site.api.send("GET", "/groups", params={"workspace": team.at.slug})
    assert [one["id"] for one in page.json()["items"]] == [kept["id"]]
    assert [one["id"] for one in page.json()["items"][0]["calendars"]] == ids
    assert (await team.at.made("/groups", {"slug": "late", "name": "Late"}))["position"] == 2
    assert await site.audited() == []
