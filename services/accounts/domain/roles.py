"""Roles: what each may do, and who may give which to whom (`semantics.md`, "Team, roles, tenants")."""

from collections.abc import Iterable
from typing import Literal

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
the workspace itself: its settings, everybody's API keys and the audit log. Members look."""


def may_give(actor: Role, present: Role, wanted: Role) -> bool:
    """Whether `actor` may turn somebody who is `present` into `wanted` (for a new member both are the same).

    Only owners make owners, and only owners touch them.
    """
    if actor == "owner":
        return True
    return actor == "admin" and present != "owner" and wanted != "owner"


def not_held(scopes: Iterable[str], maker: Iterable[str], role: Role) -> list[str]:
    """Which of these scopes an API key may not get: its maker lacks them, or whoever it acts for."""
    held = set(maker) & set(SCOPES[role])
    return sorted(set(scopes) - held)
