"""Words of mails and reminder times of a workspace, from the API to the audit log, with all services."""

from typing import Any

import pytest

from tests.integration.api.conftest import Api, office
from tests.support.system import eventually

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_changes_are_in_the_audit_log_and_reach_the_reminders_of_a_booking(api: Api) -> None:
    here = await office(api, "words")
    host = await here.host("Ada", "08:00", "18:00")
    calendar = await here.calendar("talk", [host])
    booked = (await api.book(calendar["address"], "2027-03-02T10:00:00+01:00")).json()

    async def planned() -> set[tuple[int, str]]:
        query = {"booking_id": booked["id"], "status": "planned"}
        answer = await api.send("GET", "/notifications", None, here.staff, params=query)
        items: list[dict[str, Any]] = answer.json()["items"] if answer.status_code == 200 else []
        return {(one["offset_minutes"], one["receiver"]) for one in items}

    async def as_installed() -> bool:
        return await planned() == {(1440, "guest"), (1440, "host"), (60, "guest"), (60, "host")}

    await eventually(as_installed)
    words = {"subject": "Hi {{guest_name}}", "body": "Hi"}
    await api.call("PUT", "/templates/reminder.guest.de", words, here.staff)
    times = {"guest_reminder_minutes": [2880, 15], "host_reminder_minutes": []}
    await api.call("PUT", "/notifications/settings", times, here.staff)

    async def as_chosen() -> bool:
        return await planned() == {(2880, "guest"), (15, "guest")}

    await eventually(as_chosen)
    session = await api.call("GET", "/sessions/current", None, here.staff)

    async def recorded() -> bool:
        found = (await api.call("GET", "/audit-log", None, here.staff))["items"]
        told = {(one["thing"], one["thing_id"], one["actor_id"]) for one in found if one["service"] == "notify"}
        return told == {
            ("template", "reminder.guest.de", session["member_id"]),
            ("notification_settings", session["workspace_id"], session["member_id"]),
        }

    await eventually(recorded)
    query = {"thing_id": "reminder.guest.de"}
    (entry,) = (await api.send("GET", "/audit-log", None, here.staff, params=query)).json()["items"]
    assert (entry["action"], entry["fields"]) == ("changed", ["subject", "body"])
    assert "Hi" not in str(entry)
