"""Whatever is asked in whatever order, and wherever a process dies: somebody active owns the workspace."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.accounts.domain import members, workspaces
from services.accounts.domain.members import Member
from tests.unit.accounts.team import ACTOR, NOW, Team, member, workspace

NAMES = st.sampled_from(["mem_olga", "mem_otto", "mem_mia"])
ROLES = st.sampled_from(["owner", "admin", "member"])


class Office(RuleBasedStateMachine):
    """Every step is one compare-and-set; `read` copies may be stale when they are used, and steps may be missing."""

    def __init__(self) -> None:
        super().__init__()
        self.team = Team(
            workspace("olga"),
            {each.id: each for each in (member("olga", "owner"), member("otto"), member("mia", "admin"))},
        )
        self.leaving: list[tuple[Member, str | None]] = []
        self.stale: list[int] = []

    @rule(who=NAMES, role=ROLES)
    def ask_for_a_role(self, who: str, role: str) -> None:
        known = self.team.members[who]
        changed = self.team.on_member(
            who,
            members.change(known, {}, role, None, "owner", ACTOR),  # pyright: ignore[reportArgumentType]
        )
        if changed.leaves_office:
            self.leaving.append((changed.member, role))

    @rule(who=NAMES)
    def ask_for_removal(self, who: str) -> None:
        changed = self.team.on_member(who, members.remove(self.team.members[who], None, "owner", ACTOR))
        if changed.leaves_office:
            self.leaving.append((changed.member, None))

    @rule(which=st.integers(0, 5))
    def leave_the_seat_some_time_later(self, which: int) -> None:
        if self.leaving:
            known, to = self.leaving[which % len(self.leaving)]
            self.team.on_workspace(workspaces.leave_seat(self.team.workspace, known.id, known.owner_since, to, ACTOR))

    @rule(which=st.integers(0, 5))
    def leave_the_seat_and_the_office(self, which: int) -> None:
        if self.leaving:
            known, to = self.leaving.pop(which % len(self.leaving))
            decision = workspaces.leave_seat(self.team.workspace, known.id, known.owner_since, to, ACTOR)
            if self.team.on_workspace(decision):
                current = self.team.members[known.id]
                left = members.leave_office(current, known.owner_since, to, ACTOR)  # pyright: ignore[reportArgumentType]
                self.team.on_member(known.id, left)

    @rule(who=NAMES)
    def take_a_seat(self, who: str) -> None:
        self.team.seat(who)

    @rule(who=NAMES, since=st.integers(1, 30))
    def take_a_seat_of_another_time(self, who: str, since: int) -> None:
        if any(known.id == who and known.owner_since == since for known, _ in self.leaving):
            self.team.on_workspace(workspaces.take_seat(self.team.workspace, who, since, NOW))

    @rule()
    def fire_the_timers(self) -> None:
        self.team.rest()

    @rule(who=NAMES)
    def come_back_as_somebody_new(self, who: str) -> None:
        if self.team.members[who].status == "removed":
            version = self.team.members[who].version + 1
            self.team.members[who] = member(who.removeprefix("mem_"), version=version)

    @invariant()
    def somebody_owns_the_workspace(self) -> None:
        assert self.team.workspace.owner_ids
        assert set(self.team.workspace.owner_ids) <= self.team.owners

    def teardown(self) -> None:
        """At rest, seats and roles say the same."""
        self.team.rest()
        assert set(self.team.workspace.owner_ids) == self.team.owners


TestOffice = Office.TestCase
TestOffice.settings = settings(max_examples=300, stateful_step_count=30)
