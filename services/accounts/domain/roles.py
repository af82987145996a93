"""Roles: what each may do, and who may give which to whom (`semantics.md`, "Team, roles, tenants")."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

Role = Literal["owner", "admin", "member"]

EVERYTHING = (
    "calendars:view",
    "calendars:manage",
    "groups:view",
    "groups:manage",
    "bookings:view",
    "bookings:manage",
    "team:view",
    "team:manage",
    "operations:view",
    "operations:manage",
    "settings:manage",
)
"""Every scope there is; the runtime's own list, which a test holds against this one (a domain imports no runtime)."""

SCOPES: dict[Role, tuple[str, ...]] = {
    "owner": EVERYTHING,
    "admin": tuple(scope for scope in EVERYTHING if scope != "settings:manage"),
    "member": ("calendars:view", "groups:view", "bookings:view", "team:view"),
}
"""Owners do everything. Admins run calendars, groups, bookings, the team and what went wrong with their events, but not
the workspace itself: its settings, everybody's API keys and the audit log. Members look, unless they have permissions
of their own."""

Level = Literal["none", "view", "manage"]
LEVELS: tuple[Level, ...] = ("none", "view", "manage")
"""Each includes the one before it."""
PERMITTED = ("calendars", "bookings", "groups")
"""What a member may have a level of their own for."""


class Permissions(BaseModel):
    """What somebody with the role `member` may do. Owners and admins have what their role says (`permissions_of`).

    `assigned_only`: only with what is assigned to them: bookings that they serve, calendars in which they serve, groups
    with such a calendar.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    calendars: Level = "view"
    bookings: Level = "view"
    groups: Level = "view"
    assigned_only: bool = False


MANAGES_ALL = Permissions(calendars="manage", bookings="manage", groups="manage")


def permissions_of(role: Role, own: Permissions) -> Permissions:
    """The permissions in force: a member's own, or those of the role."""
    return own if role == "member" else MANAGES_ALL


def scopes_of(role: Role, own: Permissions) -> tuple[str, ...]:
    """What sessions of such a member may do."""
    if role != "member":
        return SCOPES[role]
    given = {thing: LEVELS[1 : LEVELS.index(getattr(own, thing)) + 1] for thing in PERMITTED}
    mine = {f"{thing}:{level}" for thing, levels in given.items() for level in levels}
    untouched = {scope for scope in SCOPES["member"] if scope.partition(":")[0] not in PERMITTED}
    return tuple(scope for scope in EVERYTHING if scope in mine | untouched)


def may_give(actor: Role, present: Role, wanted: Role) -> bool:
    """Whether `actor` may turn somebody who is `present` into `wanted` (for a new member both are the same).

    Only owners make owners, and only owners touch them.
    """
    if actor == "owner":
        return True
    return actor == "admin" and present != "owner" and wanted != "owner"


def not_held(scopes: Iterable[str], maker: Iterable[str], served: Iterable[str]) -> list[str]:
    """Which of these scopes an API key may not get: its maker lacks them, or whoever is `served` by it."""
    return sorted(set(scopes) - (set(maker) & set(served)))
