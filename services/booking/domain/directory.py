"""What booking knows beside calendars and bookings: members, workspaces, who serves where, and who holds an address."""

from typing import ClassVar

from turnus_contracts import MemberChanged, WorkspaceChanged
from turnus_runtime.records import Decision, Projection, Record, key, newest


class Address(Record):
    """Who holds a public address; the id is `{workspace}/{slug}`, so the insert is the guard."""

    collection: ClassVar[str] = "addresses"
    calendar_id: str | None


class Member(Projection):
    """A member as `accounts` last described them."""

    collection: ClassVar[str] = "members"
    wakes: ClassVar[bool] = True
    workspace_id: str
    status: str
    name: str
    tz: str


class Workspace(Projection):
    """A workspace as `accounts` last described it."""

    collection: ClassVar[str] = "workspaces"
    wakes: ClassVar[bool] = True
    status: str
    slug: str
    name: str


class WorkspaceAddress(Projection):
    """Which workspace has a public address; the id is its slug, which never changes."""

    collection: ClassVar[str] = "workspace_addresses"
    workspace_id: str


class CalendarOfMember(Record):
    """That a member serves in a calendar: found by member, so that a removal reaches every calendar."""

    collection: ClassVar[str] = "calendars_of_members"
    indexes: ClassVar[tuple[str, ...]] = ("by_member",)
    member_id: str
    calendar_id: str

    def keys(self) -> dict[str, str | int | None]:
        """By member."""
        return {"by_member": key(self.member_id, self.calendar_id)}


def learn_member(current: Member | None, told: MemberChanged) -> Decision[Member, None]:
    """Keep the highest version."""
    member = Member(
        id=told.member_id,
        workspace_id=told.workspace_id,
        version=told.version,
        status=told.status,
        name=told.name,
        tz=told.tz,
    )
    return newest(current, member)


def learn_workspace(current: Workspace | None, told: WorkspaceChanged) -> Decision[Workspace, None]:
    """Keep the highest version."""
    workspace = Workspace(
        id=told.workspace_id, version=told.version, status=told.status, slug=told.slug, name=told.name
    )
    return newest(current, workspace)


def learn_workspace_address(
    current: WorkspaceAddress | None, told: WorkspaceChanged
) -> Decision[WorkspaceAddress, None]:
    """Keep the highest version."""
    return newest(current, WorkspaceAddress(id=told.slug, version=told.version, workspace_id=told.workspace_id))


def link_member(current: CalendarOfMember | None, link: CalendarOfMember) -> Decision[CalendarOfMember, None]:
    """Remember that a member serves in a calendar; written once."""
    return Decision(None, link if current is None else None)


def claim_address(current: Address | None, address: str, calendar_id: str) -> Decision[Address, bool]:
    """Take a public address, if nobody else has it."""
    if current is not None and current.calendar_id == calendar_id:
        return Decision(answer=True)
    if current is not None and current.calendar_id is not None:
        return Decision(answer=False)
    return Decision(True, Address(id=address, calendar_id=calendar_id))


def free_address(current: Address | None, calendar_id: str) -> Decision[Address, None]:
    """Give a public address back."""
    if current is None or current.calendar_id != calendar_id:
        return Decision(None)
    return Decision(None, current.change(calendar_id=None))
