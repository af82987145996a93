"""One of everything a workspace can have, and the values that a valid request of its staff names."""

from dataclasses import dataclass
from typing import Any

from services.assignment.domain.rotation import Rotation
from tests.integration.api.conftest import Api, Office, office
from tests.integration.api.letters import poisoned, waiting
from tests.support.system import eventually


@dataclass(frozen=True)
class Things:
    """A workspace with one of everything. `ids` are by the names that paths, queries and bodies give them."""

    office: Office
    ids: dict[str, str]
    booking: dict[str, Any]
    """as its guest got it"""

    def given(self) -> dict[str, Any]:
        """Values for fields that a schema alone cannot know. A block belongs to a member or to a calendar, not both."""
        hours = {"start": "09:00", "end": "12:00"}
        known = {name: one for name, one in self.ids.items() if name != "calendar_id"}
        later = {"start": "2027-03-05T10:00:00Z", "end": "2027-03-05T11:00:00Z"}
        return {
            **known,
            **later,
            "calendar_id": None,
            "calendar": self.ids["calendar_id"],
            "calendar_ids": [self.ids["calendar_id"]],
            "calendar_version": None,
            "weekly": [{"days": [1], **hours}],
            "overrides": [{"date": "2027-03-01", "ranges": [hours]}],
            "window": {"kind": "rolling", "count": 300, "unit": "days", "counting": "calendar"},
            "kind": "round_robin",
            "location": {"kind": "address", "value": "Lindenstraße 7"},
            "answers": {"topic": "x"},
            "overbook": False,
            "metadata": {"source": "x"},
            "slug": "some-slug",
            "phone": "+49 30 1234567",
            "expires_at": "2028-01-01T00:00:00Z",
            "scopes": ["bookings:view"],
            "workspace": self.office.slug,
            "password": "correct horse battery staple",
            "guest_reminder_minutes": [1440, 60],
            "host_reminder_minutes": [60],
        }


async def things(api: Api, name: str) -> Things:
    """Make them."""
    at = await office(api, name)
    first, second = await at.member("Ada"), await at.member("Bob")
    schedule = await at.hours(first, "08:00", "18:00")
    await at.hours(second, "08:00", "18:00")
    made = await at.calendar("team", [first, second])
    await api.call("PATCH", f"/calendars/{made['id']}", {"guest_chooses_host": True}, at.staff)
    calendar = await at.publish(made["id"])
    blocks = await at.made(
        "/blocks", {"member_id": first, "items": [{"start": "2027-03-20T10:00:00Z", "end": "2027-03-20T11:00:00Z"}]}
    )
    await at.made(
        "/blocks",
        {"calendar_id": calendar["id"], "items": [{"start": "2027-03-21T10:00:00Z", "end": "2027-03-21T11:00:00Z"}]},
    )
    group = await at.made("/groups", {"slug": "group", "name": "Group", "calendar_ids": [calendar["id"]]})
    key = await at.made("/api-keys", {"name": "key", "scopes": ["bookings:view"]})
    invitation = await at.made("/invitations", {"member_id": second})
    session = await api.call("GET", "/sessions/current", None, at.staff)
    workspace = session["workspace_id"]
    booked = await api.book(calendar["address"], "2027-03-02T10:00:00+01:00")
    assert booked.status_code == 201, booked.text
    told: list[dict[str, Any]] = []

    async def notified() -> bool:
        told[:] = (await api.call("GET", "/notifications", None, at.staff))["items"]
        return bool(told)

    await eventually(notified)

    async def settled() -> bool:
        """The rotation forgot the errands of its choice: nothing about this booking changes by itself any more."""
        await api.system.quiet()
        rotation = await api.system.process.hosts["assignment"].records.get(Rotation, calendar["id"])
        return rotation is not None and rotation.turn > 0 and not rotation.owed

    await eventually(settled)
    await poisoned(api, at)
    ids = {
        "workspace_id": workspace,
        "member_id": first,
        "host_id": second,
        "session_id": session["id"],
        "key_id": key["id"],
        "invitation_id": invitation["id"],
        "calendar_id": calendar["id"],
        "version": str(made["published_version"]),
        "group_id": group["id"],
        "booking_id": booked.json()["id"],
        "schedule_id": schedule["id"],
        "block_id": blocks["items"][0]["id"],
        "notification_id": told[0]["id"],
        "template_key": "booked.guest.de",
        "thing_id": calendar["id"],
        "actor_id": session["member_id"],
        "country": "DE",
        "year": "2027",
        "letter_id": (await waiting(api, at, "booking"))[0]["id"],
    }
    return Things(at, ids, booked.json())
