"""Invitations: who is let in when several things happen at once."""

from datetime import timedelta
from typing import Any

import pytest

from services.accounts.domain import invitations, members
from services.accounts.domain.invitations import new_invitation
from services.accounts.domain.letters import Outcome
from services.accounts.domain.members import EXPIRE_INVITATION, SEND_INVITATION, Member
from tests.unit.accounts.team import ACTOR, NOW, member, owed, written
from tests.unit.accounts.test_credentials import identity
from turnus_runtime.records import Decision, millis

WEEK = timedelta(days=7)
LATER = NOW + timedelta(hours=1)
FIRST, SECOND = "1" * 16, "2" * 16


def invite(current: Member, nonce: str = FIRST, request: str | None = None, by: Any = "owner") -> Decision[Member, Any]:
    new = new_invitation(current, nonce, NOW + WEEK, request, ACTOR)
    return invitations.invite(current, new, by, ACTOR)


def invited(**values: Any) -> Member:
    before = member(**values)
    return written(invite(before), before)


def test_an_invitation_owes_its_mail_and_its_end_and_is_said_and_audited() -> None:
    decision = invite(member())
    assert owed(decision) == ["MemberChanged", "ChangeRecorded", SEND_INVITATION, EXPIRE_INVITATION]
    assert decision.owes[2].due == millis(NOW)
    assert decision.owes[3].due == millis(NOW + WEEK)
    assert decision.record is not None
    assert decision.record.version == 2, "the member is shown with it"
    assert decision.record.keys()["invited"] == "ws_a|mem_mia"


def test_inviting_again_ends_the_older_link_and_sends_another() -> None:
    again = written(invite(invited(), SECOND), invited())
    assert invitations.standing(again, FIRST, NOW) == "replaced"
    assert invitations.standing(again, SECOND, NOW) == "open"
    assert again.invitation.version == 2
    assert [entry.data for entry in again.owed if entry.name == SEND_INVITATION] == [{"nonce": SECOND}]


def test_the_same_request_again_changes_nothing_also_after_another_one() -> None:
    once = written(invite(member(), FIRST, "req_1"))
    assert invite(once, SECOND, "req_1").record is None
    twice = written(invite(once, SECOND, "req_2"))
    repeated = invite(twice, "3" * 16, "req_1")
    assert repeated.answer.replayed
    assert repeated.record is None


def test_of_many_requests_the_latest_are_known() -> None:
    current = member()
    for number in range(invitations.REQUESTS_KEPT + 5):
        current = written(invite(current, FIRST, f"req_{number}"))
    assert current.invitation is not None
    assert len(current.invitation.requests) == invitations.REQUESTS_KEPT
    assert invite(current, SECOND, f"req_{number}").answer.replayed


@pytest.mark.parametrize(
    ("current", "by", "refusal"),
    [
        (member(status="removed"), "owner", "gone"),
        (member(identity_id="idn_1"), "owner", "joined"),
        (member(role="owner"), "admin", "forbidden"),
        (member(), "member", "forbidden"),
    ],
)
def test_who_cannot_be_invited(current: Member, by: Any, refusal: str) -> None:
    decision = invite(current, by=by)
    assert (decision.answer.refusal, decision.record) == (refusal, None)


def test_accepting_links_the_identity_and_ends_the_invitation() -> None:
    decision = invitations.accept(invited(), FIRST, identity(), LATER)
    joined = written(decision, invited())
    assert (joined.identity_id, joined.invitation.status) == ("idn_1", "accepted")
    assert joined.keys()["invited"] is None
    assert joined.keys()["by_identity"] == "idn_1|mem_mia"
    assert [entry.name for entry in joined.owed] == ["ChangeRecorded", "MemberChanged", "ChangeRecorded"]
    assert decision.answer == decision.record


def test_accepting_twice_is_accepting_once() -> None:
    joined = written(invitations.accept(invited(), FIRST, identity(), LATER), invited())
    again = invitations.accept(joined, FIRST, identity(), LATER)
    assert (again.answer, again.record) == (joined, None)
    somebody_else = invitations.accept(joined, FIRST, identity(id="idn_2"), LATER)
    assert (somebody_else.answer, somebody_else.record) == ("accepted", None)


def test_of_accepting_and_revoking_the_first_one_counts() -> None:
    revoked = written(invitations.revoke(invited(), None, "owner", ACTOR), invited())
    assert invitations.accept(revoked, FIRST, identity(), LATER).answer == "revoked"
    joined = written(invitations.accept(invited(), FIRST, identity(), LATER), invited())
    late = invitations.revoke(joined, None, "owner", ACTOR)
    assert (late.record, late.answer.refusal) == (None, None)


def test_who_is_removed_meanwhile_is_not_let_in() -> None:
    removal = members.remove(invited(), None, "owner", ACTOR)
    assert {SEND_INVITATION, EXPIRE_INVITATION} <= set(removal.drops)
    gone = written(removal, invited())
    assert gone.invitation.status == "revoked"
    assert invitations.accept(gone, FIRST, identity(), LATER).answer == "revoked"
    assert invitations.accept(invited().change(status="removed"), FIRST, identity(), LATER).answer == "revoked"


def test_whose_address_was_changed_meanwhile_is_not_let_in() -> None:
    """The link went to the older address."""
    elsewhere = invited().change(email="other@example.org")
    wrong = identity(email="other@example.org")
    assert invitations.standing(elsewhere, FIRST, NOW) == "replaced"
    assert invitations.accept(elsewhere, FIRST, wrong, LATER).answer == "replaced"
    assert invitations.accept(invited(), FIRST, wrong, LATER).record is None


def test_who_has_an_identity_meanwhile_is_not_given_another() -> None:
    linked = invited().change(identity_id="idn_9")
    assert invitations.accept(linked, FIRST, identity(), LATER).record is None


def test_an_invitation_is_over_when_its_time_is_whether_the_timer_fired_or_not() -> None:
    assert invitations.accept(invited(), FIRST, identity(), NOW + WEEK).answer == "expired"
    assert invitations.accept(invited(), FIRST, identity(), NOW + WEEK - timedelta(seconds=1)).record is not None
    expired = written(invitations.expire(invited(), NOW + WEEK), invited())
    assert expired.invitation.status == "expired"
    assert expired.keys()["invited"] is None
    assert not [entry for entry in expired.owed if entry.name in (SEND_INVITATION, EXPIRE_INVITATION)]
    assert invitations.expire(expired, NOW + WEEK).record is None


def test_an_early_timer_of_an_older_invitation_ends_nothing() -> None:
    assert invitations.expire(invited(), NOW + WEEK - timedelta(seconds=1)).record is None


def test_what_a_restored_store_does_not_know_is_over() -> None:
    assert invitations.accept(None, FIRST, identity(), NOW).answer == "revoked"
    assert invitations.accept(member(), FIRST, identity(), NOW).answer == "revoked"


def test_a_stale_revoking_of_a_newer_invitation_ends_nothing() -> None:
    newer = written(invite(invited(), SECOND), invited())
    stale = invitations.revoke(newer, 1, "owner", ACTOR)
    assert (stale.answer.refusal, stale.record) == ("stale", None)
    forbidden = invitations.revoke(invited(role="owner"), None, "admin", ACTOR)
    assert (forbidden.answer.refusal, forbidden.record) == ("forbidden", None)


def test_a_delayed_mail_is_tried_again_until_the_link_would_be_too_old() -> None:
    current = invited()
    decision = invitations.mailed(current, FIRST, Outcome("delayed", 451), LATER)
    assert [entry.due for entry in decision.owes] == [millis(LATER) + 2_000]
    assert decision.record is not None
    assert decision.record.version == current.version, "the member is shown as before"
    assert decision.record.invitation is not None
    assert decision.record.invitation.letter.code == 451
    end = NOW + WEEK - timedelta(seconds=1)
    given_up = written(invitations.mailed(current, FIRST, Outcome("delayed", 451), end), current)
    assert given_up.invitation.letter.failed == "gave_up"
    assert given_up.owes(SEND_INVITATION) is None


@pytest.mark.parametrize(
    ("outcome", "sent_at", "failed"), [(Outcome("sent", 250), LATER, None), (Outcome("refused", 550), None, "refused")]
)
def test_what_became_of_the_mail_is_kept_and_it_is_not_sent_again(outcome: Outcome, sent_at: Any, failed: Any) -> None:
    kept = written(invitations.mailed(invited(), FIRST, outcome, LATER), invited())
    assert (kept.invitation.letter.sent_at, kept.invitation.letter.failed) == (sent_at, failed)
    assert kept.owes(SEND_INVITATION) is None
    assert kept.owes(EXPIRE_INVITATION) is not None


def test_the_report_of_an_older_invitations_mail_says_nothing_of_the_newer_one() -> None:
    newer = written(invite(invited(), SECOND), invited())
    assert invitations.mailed(newer, FIRST, Outcome("sent", 250), LATER).record is None
    assert invitations.not_needed(newer, FIRST).record is None
    assert written(invitations.not_needed(newer, SECOND), newer).owes(SEND_INVITATION) is None


def test_a_mail_that_is_delayed_while_its_invitation_is_revoked_is_not_tried_again() -> None:
    claimed = invited()
    revoked = claimed.change(invitation=members.ended(claimed.invitation, "revoked"))  # type: ignore[arg-type]
    assert written(invitations.mailed(revoked, FIRST, Outcome("delayed"), LATER), revoked).owes(SEND_INVITATION) is None


def test_the_member_who_joined_did_it_themselves() -> None:
    decision = invitations.accept(invited(), FIRST, identity(), LATER)
    told = decision.owes[1].data or {}
    assert (told["action"], told["actor_id"], told["thing_id"]) == ("joined", "mem_mia", "mem_mia")
