"""Records in memory, and the steps of `handlers.team` one by one, so that a test may stop between any two."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from services.accounts.domain import members, workspaces
from services.accounts.domain.auditing import Actor
from services.accounts.domain.members import Member
from services.accounts.domain.workspaces import Seat, Workspace
from turnus_runtime.records import Decision, Owed, Record

NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
ACTOR = Actor("mem_olga", NOW)


def written(decision: Decision[Any, Any], before: Record | None = None) -> Any:
    """The record as the store would keep it: what it owed, what it owes now."""
    assert decision.record is not None
    gone = {owed.id for owed in decision.owes} | set(decision.drops)
    kept = [owed for owed in (before.owed if before is not None else ()) if owed.id not in gone]
    return decision.record.change(owed=(*kept, *decision.owes))


def member(name: str = "mia", role: str = "member", **values: Any) -> Member:
    known: dict[str, Any] = {
        "id": f"mem_{name}",
        "workspace_id": "ws_a",
        "version": 1,
        "name": name,
        "email": f"{name}@example.org",
        "tz": "Europe/Berlin",
        "locale": "de",
        "role": role,
        "owner_since": 1 if role == "owner" else 0,
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Member(**(known | values))


def workspace(*owners: str, **values: Any) -> Workspace:
    known: dict[str, Any] = {
        "id": "ws_a",
        "version": 1,
        "slug": "praxis",
        "name": "Praxis",
        "tz": "Europe/Berlin",
        "locale": "de",
        "seats": {f"mem_{name}": Seat(since=1, sits=True) for name in owners},
        "created_at": NOW,
        "changed_at": NOW,
    }
    return Workspace(**(known | values))


def owed(decision: Decision[Any, Any]) -> list[str]:
    """Names of what a decision owes."""
    return [entry.name for entry in decision.owes]


@dataclass
class Team:
    """One workspace and its members."""

    workspace: Workspace
    members: dict[str, Member] = field(default_factory=dict[str, Member])

    def on_workspace(self, decision: Decision[Workspace, Any]) -> Any:
        if decision.record is not None:
            self.workspace = written(decision, self.workspace)
        return decision.answer

    def on_member(self, member_id: str, decision: Decision[Member, Any]) -> Any:
        if decision.record is not None:
            self.members[member_id] = written(decision, self.members[member_id])
        return decision.answer

    @property
    def owners(self) -> set[str]:
        return {each.id for each in self.members.values() if each.status == "active" and each.role == "owner"}

    def fire(self, errand: Owed) -> None:
        """What the timer `leave_office` does."""
        told: Any = errand.data
        actor = Actor(told["actor_id"], NOW)
        self.on_member(
            told["member_id"],
            members.leave_office(self.members[told["member_id"]], told["since"], told["to"], actor),
        )
        self.on_workspace(workspaces.left_office(self.workspace, errand.id, told["since"]))

    def seat(self, member_id: str) -> None:
        """What the timer `take_seat` does."""
        entry = self.members[member_id].owes(members.TAKE_SEAT)
        if entry is None or entry.data is None:
            return
        since = entry.data["since"]
        self.on_workspace(workspaces.take_seat(self.workspace, member_id, since, NOW))
        self.on_member(member_id, members.seated(self.members[member_id], since))

    def rest(self) -> None:
        """Fire every timer."""
        for member_id in self.members:
            self.seat(member_id)
        for entry in self.workspace.owed:
            if entry.name == workspaces.LEAVE_OFFICE:
                self.fire(entry)
