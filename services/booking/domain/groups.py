"""Groups: calendars that guests find together, in an explicit order.

All groups of a workspace are one record: they are few and change rarely, and what holds between them is so decided in
one compare-and-set. No two have one slug, and together they never hold more than one page can show.

Their order is a `position` of each group (of equal ones the smaller id comes first), not a list of all groups. Whoever
moves a group writes that group alone, so two people who sort at the same time lose nothing: no group drops out of the
order or stands in it twice, and `If-Match` is stale only if somebody else has changed the very same group. A list would
have to be merged with whatever was made, removed or moved since it was read.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from services.booking.domain.doing import Actor
from turnus_contracts import ChangeRecorded, GroupChanged
from turnus_runtime.records import Decision, Owed, Record, event, key, state

MOST_GROUPS = 100
"""Groups of a workspace."""
MOST_CALENDARS = 100
"""Calendars of a group."""
MOST_IN_ALL = 500
"""Calendars of all groups of a workspace together, each counted as often as it is shown."""
LAST_POSITION = 1_000_000
REMOVED_KEPT = 100
"""Removed groups that are remembered, so that removing one again is fine and its end is said again."""


class Group(BaseModel):
    """One group. `version` rises with every change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    version: int = 0
    status: Literal["active", "inactive", "removed"] = "active"
    slug: str
    name: str
    description: str = ""
    calendar_ids: tuple[str, ...] = ()
    position: int = 0
    request_digest: str | None = None
    created_at: datetime
    changed_at: datetime

    @property
    def place(self) -> str:
        """Sorts like the order among the groups of the workspace."""
        return key(self.position, self.id)


class Groups(Record):
    """All groups of one workspace, whose id this is.

    `version` counts the changes of all of them, and a changed group takes it as its own: so a group that is made anew
    under an id of which nobody knows any more that it was removed is newer than whatever was said of it.
    """

    collection: ClassVar[str] = "groups"

    version: int = 0
    groups: tuple[Group, ...] = ()

    @property
    def listed(self) -> list[Group]:
        """Those that were not removed, in their order."""
        return sorted((one for one in self.groups if one.status != "removed"), key=lambda one: one.place)

    @property
    def shown(self) -> list[Group]:
        """Those that guests see, in their order."""
        return [one for one in self.listed if one.status == "active"]

    def group(self, group_id: str) -> Group | None:
        """The group with this id, also a removed one that is still remembered."""
        return next((one for one in self.groups if one.id == group_id), None)


class Changed(BaseModel):
    """What became of a change: the group as it is now, and a problem code if it was refused."""

    model_config = ConfigDict(frozen=True)
    group: Group
    code: str | None = None
    replayed: bool = False


def states_now(groups: Groups, now: datetime) -> tuple[GroupChanged, ...]:
    """What the groups of a workspace say of themselves now."""
    return tuple(
        GroupChanged(
            workspace_id=groups.id,
            group_id=one.id,
            version=one.version,
            status=one.status,
            slug=one.slug,
            name=one.name,
            description=one.description,
            calendar_ids=one.calendar_ids,
            position=one.position,
        )
        for one in groups.groups
    )


def create(
    current: Groups | None, workspace_id: str, new: Group, position: int | None, actor: Actor
) -> Decision[Groups, Changed]:
    """A new group at this position, or behind all others. The same key and body again is the same group."""
    before = current or Groups(id=workspace_id)
    if (known := before.group(new.id)) is not None:
        code = None if known.request_digest == new.request_digest else "idempotency_key_reused"
        return Decision(Changed(group=known, code=code, replayed=True))
    if position is None:
        position = min(max((one.position for one in before.listed), default=0) + 1, LAST_POSITION)
    return _written(before, new.model_copy(update={"position": position}), actor, "created")


def edit(
    current: Groups | None, group_id: str, values: Mapping[str, Any], expected: int | None, actor: Actor
) -> Decision[Groups, Changed | None]:
    """Change a group; guests see it at once. None if there is none."""
    known = current.group(group_id) if current is not None else None
    if current is None or known is None or known.status == "removed":
        return Decision(None)
    if expected is not None and expected != known.version:
        return Decision(Changed(group=known, code="stale_version"))
    differing = {name: value for name, value in values.items() if getattr(known, name) != value}
    if not differing:
        return Decision(Changed(group=known))
    return _written(current, known.model_copy(update=differing), actor, "changed", tuple(differing))


def remove(
    current: Groups | None, group_id: str, expected: int | None, actor: Actor
) -> Decision[Groups, Changed | None]:
    """Remove a group; its calendars stay as they are. None if there is none; again is fine."""
    known = current.group(group_id) if current is not None else None
    if current is None or known is None:
        return Decision(None)
    if known.status == "removed":
        return Decision(Changed(group=known))
    if expected is not None and expected != known.version:
        return Decision(Changed(group=known, code="stale_version"))
    gone = known.model_copy(update={"status": "removed", "description": "", "calendar_ids": ()})
    return _written(current, gone, actor, "removed")


def _written(
    before: Groups, group: Group, actor: Actor, action: str, fields: tuple[str, ...] = ()
) -> Decision[Groups, Changed]:
    """The decision to write `group` among the others, if it fits."""
    others = [one for one in before.groups if one.id != group.id]
    if group.status != "removed" and (code := _refused(group, others)) is not None:
        return Decision(Changed(group=group, code=code))
    version = before.version + 1
    changed = group.model_copy(update={"version": version, "changed_at": actor.now})
    after = before.change(version=version, groups=_remembered([*others, changed]))
    return Decision(
        Changed(group=changed), after, owes=[state(GroupChanged), _recorded(before.id, changed, actor, action, fields)]
    )


def _refused(group: Group, others: Sequence[Group]) -> str | None:
    """Why a group does not fit among the others; None if it does."""
    live = [one for one in others if one.status != "removed"]
    if any(one.slug == group.slug for one in live):
        return "slug_taken"
    if len(live) >= MOST_GROUPS:
        return "too_many_groups"
    if sum(len(one.calendar_ids) for one in (*live, group)) > MOST_IN_ALL:
        return "too_many_calendars"
    return None


def _remembered(groups: Sequence[Group]) -> tuple[Group, ...]:
    """Without the removed ones that were removed longest ago."""
    removed = sorted(one.version for one in groups if one.status == "removed")
    forgotten = set(removed[:-REMOVED_KEPT])
    return tuple(one for one in groups if one.status != "removed" or one.version not in forgotten)


def _recorded(workspace_id: str, group: Group, actor: Actor, action: str, fields: tuple[str, ...]) -> Owed:
    return event(
        ChangeRecorded(
            workspace_id=workspace_id,
            change_id=f"{group.id}.{group.version}",
            service="booking",
            at=actor.now,
            actor_id=actor.id,
            action=action,
            thing="group",
            thing_id=group.id,
            fields=fields,
        )
    )
