"""The audit log: every change of a setting, anywhere, as `ChangeRecorded` told it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from turnus_contracts import ChangeRecorded
from turnus_runtime.records import Decision, Owed, Record, event, key, millis

TURNUS = "turnus"
"""Who did what nobody asked for: timers."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who changes something (a member's id), and when."""

    id: str
    now: datetime


class Audited(Protocol):
    """What a change is recorded of."""

    @property
    def id(self) -> str: ...
    @property
    def workspace_id(self) -> str: ...
    @property
    def version(self) -> int: ...


def recorded(thing: Audited, kind: str, action: str, actor: Actor, fields: Sequence[str] = ()) -> Owed:
    """Owe the fact that `actor` changed `thing`, which has the version of after the change. Names, never values."""
    return event(
        ChangeRecorded(
            workspace_id=thing.workspace_id,
            change_id=f"{thing.id}.{thing.version}",
            service="accounts",
            at=actor.now,
            actor_id=actor.id,
            action=action,
            thing=kind,
            thing_id=thing.id,
            fields=tuple(fields),
        )
    )


def of_password(member: Audited, action: str, change: int, now: datetime) -> Owed:
    """Owe the fact that something was done about the password of this member's identity, which has no workspace.

    Each workspace hears of its own member, by whose name it was done; `change` is the identity's version after it.
    """
    return event(
        ChangeRecorded(
            workspace_id=member.workspace_id,
            change_id=f"{member.id}.password.{change}",
            service="accounts",
            at=now,
            actor_id=member.id,
            action=action,
            thing="member",
            thing_id=member.id,
            fields=("password",),
        )
    )


class AuditEntry(Record):
    """One change. The id is derived from the event's `ce_id`, so a duplicate is the same entry."""

    collection: ClassVar[str] = "audit_entries"
    indexes: ClassVar[tuple[str, ...]] = ("by_workspace", "by_thing", "by_actor")
    long: ClassVar[tuple[str, ...]] = indexes

    workspace_id: str
    service: str
    at: datetime
    actor_id: str
    action: str
    thing: str
    thing_id: str
    fields: tuple[str, ...] = ()

    def keys(self) -> Mapping[str, str | int | None]:
        """By time, and by thing or actor and time."""
        at = millis(self.at)
        return {
            "by_workspace": key(self.workspace_id, at, self.id),
            "by_thing": key(self.workspace_id, self.thing_id, at, self.id),
            "by_actor": key(self.workspace_id, self.actor_id, at, self.id),
        }


def file(current: AuditEntry | None, entry_id: str, told: ChangeRecorded) -> Decision[AuditEntry, None]:
    """Keep the first saying: a change never changes."""
    if current is not None:
        return Decision(None)
    values = told.model_dump(include=set(AuditEntry.model_fields) - {"id"})
    return Decision(None, AuditEntry.model_validate({**values, "id": entry_id}))
