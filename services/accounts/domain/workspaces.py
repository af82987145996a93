"""Workspaces (tenants): their address, and who owns them.

Who owns a workspace is said twice: a member's `role`, and the *seats* here. Seats are what "the last owner stays" is
decided on, in one compare-and-set, while members are documents of their own. So:

- Who becomes an owner is written as such first (`Member.owner_since`), then takes a seat. A seat is named by
  (member, `owner_since`), so a late seating of an ownership that has ended is not one.
- Who stops being an owner leaves the seat first, which is refused if nobody else sits, and only then stops. The write
  that frees the seat owes the rest (timer `leave_office`), should the process die in between.

Hence whoever sits is an active owner, and somebody always sits.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from services.accounts.domain.auditing import Actor, recorded
from turnus_contracts import WorkspaceChanged
from turnus_runtime.records import Decision, Owed, Record, state, timer

RESERVED = frozenset(
    ("api", "b", "console", "static", "mailbox", "problems", "styleguide", "healthz", "readyz", "metrics")
)
"""Addresses of pages that are no workspace's; so are all of one or two letters (`design.md`)."""
SLUG = r"^[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?$"
"""The first part of every public address: 1 to 40 small letters, digits and hyphens, none at an end."""

LEAVE_OFFICE, FOUND = "leave_office", "found_workspace"


class Seat(BaseModel):
    """That somebody became an owner (the member's `owner_since`), and whether they still are."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    since: int
    sits: bool


class Workspace(Record):
    """One tenant."""

    collection: ClassVar[str] = "workspaces"

    version: int
    status: Literal["active", "removed"] = "active"
    slug: str
    name: str
    tz: str
    locale: str
    seats: dict[str, Seat]
    request_digest: str | None = None
    created_at: datetime
    changed_at: datetime

    def keys(self) -> Mapping[str, str | int | None]:
        """By id, for saying all of them again."""
        return {"self": self.id}

    @property
    def workspace_id(self) -> str:
        """Its own id: what every thing of a workspace has."""
        return self.id

    @property
    def owner_ids(self) -> list[str]:
        """The members who own it, in a stable order."""
        return sorted(member_id for member_id, seat in self.seats.items() if seat.sits)


class SlugClaim(Record):
    """Who holds an address; the id is the slug, so the insert is the guard."""

    collection: ClassVar[str] = "slugs"
    workspace_id: str


def is_reserved(slug: str) -> bool:
    """Whether no workspace may have this address."""
    return slug in RESERVED or (len(slug) <= 2 and slug.isalpha())


def is_slug(slug: str) -> bool:
    """Whether it is written like an address."""
    return re.fullmatch(SLUG, slug) is not None


def claim_slug(
    current: SlugClaim | None, new: SlugClaim, vacated: str | None, errand: Owed
) -> Decision[SlugClaim, str]:
    """Take an address for a workspace that is to be made; the answer is who holds it now.

    `vacated` is a holder with another address (of two requests with one key and two slugs, one got neither).
    `errand` finishes the founding, should this process die before it has: an address never leads nowhere.
    """
    if current is not None and current.workspace_id != vacated:
        return Decision(current.workspace_id)
    return Decision(new.workspace_id, new, owes=[errand])


def founding(plan: Mapping[str, Any], due: datetime) -> Owed:
    """The errand of `claim_slug`: the records to be made, as JSON."""
    return timer(FOUND, due, data=plan)


def founded(current: SlugClaim | None) -> Decision[SlugClaim, None]:
    """Everything is made: the errand is done."""
    if current is None or current.owes(FOUND) is None:
        return Decision(None)
    return Decision(None, current, drops=[FOUND])


def found(current: Workspace | None, new: Workspace, actor: Actor) -> Decision[Workspace, Workspace]:
    """Make a workspace; the same one again is the one there is."""
    if current is not None:
        return Decision(current)
    return Decision(new, new, owes=[state(WorkspaceChanged), recorded(new, "workspace", "created", actor)])


def change(
    current: Workspace | None, values: Mapping[str, Any], expected: int | None, actor: Actor
) -> Decision[Workspace, Workspace | int | None]:
    """Change name, zone or language. Answers the workspace, or its version if `expected` is another one."""
    if current is None:
        return Decision(None)
    if expected is not None and expected != current.version:
        return Decision(current.version)
    differing = {name: value for name, value in values.items() if getattr(current, name) != value}
    if not differing:
        return Decision(current)
    changed = current.change(**differing, version=current.version + 1, changed_at=actor.now)
    owes = [state(WorkspaceChanged), recorded(changed, "workspace", "changed", actor, sorted(differing))]
    return Decision(changed, changed, owes=owes)


def take_seat(current: Workspace | None, member_id: str, since: int, now: datetime) -> Decision[Workspace, None]:
    """Count a member as owner, unless this ownership has ended already."""
    if current is None:
        return Decision(None)
    known = current.seats.get(member_id)
    if known is not None and known.since >= since:
        return Decision(None)
    return Decision(None, _seated(current, member_id, since, now, sits=True), owes=[state(WorkspaceChanged)])


def leave_seat(
    current: Workspace | None, member_id: str, since: int, to: str | None, actor: Actor
) -> Decision[Workspace, bool]:
    """Let an owner stop being one, to become `to` (None: to be removed); False if nobody else would own the workspace.

    The errand makes it true of the member, whatever becomes of this process.
    """
    if current is None:
        return Decision(answer=False)
    known = current.seats.get(member_id)
    if known is not None and (known.since > since or (known.since == since and not known.sits)):
        return Decision(answer=True)
    if not any(seat.sits for other, seat in current.seats.items() if other != member_id):
        return Decision(answer=False)
    errand = timer(
        LEAVE_OFFICE,
        actor.now,
        id=f"{LEAVE_OFFICE}:{member_id}",
        data={"member_id": member_id, "since": since, "to": to, "actor_id": actor.id},
    )
    left = _seated(current, member_id, since, actor.now, sits=False)
    return Decision(True, left, owes=[state(WorkspaceChanged), errand])


def left_office(current: Workspace | None, errand_id: str, since: int) -> Decision[Workspace, None]:
    """The member is no owner any more: the errand is done."""
    owed = current.owes(errand_id) if current is not None else None
    if current is None or owed is None or (owed.data or {}).get("since") != since:
        return Decision(None)
    return Decision(None, current, drops=[errand_id])


def described(workspace: Workspace, _: datetime) -> tuple[WorkspaceChanged, ...]:
    """What a workspace says of itself."""
    return (
        WorkspaceChanged(
            workspace_id=workspace.id,
            version=workspace.version,
            status=workspace.status,
            slug=workspace.slug,
            name=workspace.name,
            tz=workspace.tz,
            locale=workspace.locale,
        ),
    )


def _seated(current: Workspace, member_id: str, since: int, now: datetime, *, sits: bool) -> Workspace:
    seats = {**current.seats, member_id: Seat(since=since, sits=sits)}
    return current.change(seats=seats, version=current.version + 1, changed_at=now)
