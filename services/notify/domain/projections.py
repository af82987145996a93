"""What notify knows of members, calendars and workspaces: the highest version of each."""

from typing import Any, ClassVar

from turnus_contracts import CalendarPublished, MemberChanged, WorkspaceChanged
from turnus_runtime.records import Decision, Projection, newest


class Member(Projection):
    """A member as `accounts` last described them."""

    collection: ClassVar[str] = "members"
    workspace_id: str
    status: str
    name: str
    email: str
    tz: str
    locale: str


class Calendar(Projection):
    """A calendar as `booking` last published it."""

    collection: ClassVar[str] = "calendars"
    format: ClassVar[int] = 2
    workspace_id: str
    status: str
    address: str
    name: str

    @classmethod
    def upgrade(cls, stored: dict[str, Any], written: int) -> dict[str, Any]:
        """Format 1 also held the location; where a booking takes place is pinned to it, and its facts say so."""
        return {name: value for name, value in stored.items() if name != "location"}


class Workspace(Projection):
    """A workspace as `accounts` last described it."""

    collection: ClassVar[str] = "workspaces"
    status: str
    name: str


def learn_member(known: Member | None, told: MemberChanged) -> Decision[Member, None]:
    """Keep the highest version. Removed members stay known: past bookings still name them."""
    member = Member(
        id=told.member_id,
        workspace_id=told.workspace_id,
        version=told.version,
        status=told.status,
        name=told.name,
        email=told.email,
        tz=told.tz,
        locale=told.locale,
    )
    return newest(known, member)


def learn_calendar(known: Calendar | None, told: CalendarPublished) -> Decision[Calendar, None]:
    """Keep the highest version."""
    calendar = Calendar(
        id=told.calendar_id,
        workspace_id=told.workspace_id,
        version=told.version,
        status=told.status,
        address=told.address,
        name=told.name,
    )
    return newest(known, calendar)


def learn_workspace(known: Workspace | None, told: WorkspaceChanged) -> Decision[Workspace, None]:
    """Keep the highest version."""
    workspace = Workspace(id=told.workspace_id, version=told.version, status=told.status, name=told.name)
    return newest(known, workspace)
