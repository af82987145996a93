"""Passwords: setting a new one by a link or with the old one, and what ends by that."""

from datetime import timedelta
from typing import Any

import pytest

from services.accounts.domain import credentials, identities
from services.accounts.domain.identities import (
    ASKED_ANEW_AFTER,
    END_SESSIONS,
    SEND_RESET,
    STAND_INS,
    Identity,
    Reset,
    StandIn,
)
from services.accounts.domain.letters import LONGEST_PAUSE, Letter, Outcome, sending, tried
from services.accounts.store import stand_in_id
from tests.unit.accounts.team import NOW, member, owed, written
from tests.unit.accounts.test_credentials import identity, session
from turnus_runtime.records import Decision, millis

HOUR = timedelta(hours=1)
SOON = NOW + timedelta(minutes=1)
FIRST, SECOND = "1" * 16, "2" * 16
MEMBERS = [member(), member(id="mem_other", workspace_id="ws_b")]


def reset(nonce: str = FIRST, **values: Any) -> Reset:
    known: dict[str, Any] = {"nonce": nonce, "asked_at": NOW, "expires_at": NOW + HOUR}
    return Reset(**(known | values))


def ask(current: Identity | None, new: Reset, at: Any = NOW) -> Decision[Identity, bool]:
    return identities.ask_reset(current, new, MEMBERS, at)


def asked() -> Identity:
    return written(ask(identity(), reset()))


def test_a_reset_owes_its_mail_a_moment_later_and_every_workspace_hears_of_its_own_member() -> None:
    decision = ask(identity(), reset())
    assert owed(decision) == [SEND_RESET, "ChangeRecorded", "ChangeRecorded"]
    assert decision.owes[0].due > millis(NOW), "nothing of it happens while the request is answered"
    told = [entry.data or {} for entry in decision.owes[1:]]
    assert [(one["workspace_id"], one["thing_id"], one["actor_id"]) for one in told] == [
        ("ws_a", "mem_mia", "mem_mia"),
        ("ws_b", "mem_other", "mem_other"),
    ]
    assert "idn_1" not in str(told)


def test_for_nobody_nothing_is_owed_and_a_stand_in_is_written() -> None:
    decision = ask(None, reset())
    assert (decision.answer, decision.record) == (False, None)
    first = identities.stand_in(None, "nob_1").record
    assert first == StandIn(id="nob_1", asked=1)
    assert identities.stand_in(first, "nob_1").record == StandIn(id="nob_1", asked=2)


def test_however_many_addresses_are_asked_for_the_stand_ins_are_few() -> None:
    assert len({stand_in_id(f"a{n}@example.org", STAND_INS) for n in range(5_000)}) == STAND_INS


def test_asking_again_at_once_sends_no_second_mail_but_is_written_all_the_same() -> None:
    again = ask(asked(), reset(SECOND), NOW + ASKED_ANEW_AFTER - timedelta(seconds=1))
    assert again.record is not None
    assert again.record.reset is not None
    assert (again.record.reset.nonce, again.record.reset.asked) == (FIRST, 2)
    assert not again.owes
    later = ask(asked(), reset(SECOND), NOW + ASKED_ANEW_AFTER)
    assert owed(later)[0] == SEND_RESET


def test_asking_again_after_the_mail_failed_or_the_link_was_used_begins_anew() -> None:
    failed = asked().change(reset=reset(letter=Letter(failed="refused", code=550)))
    assert owed(ask(failed, reset(SECOND), SOON))[0] == SEND_RESET
    used = written(identities.use_reset(asked(), FIRST, "h2", [], SOON), asked())
    assert owed(ask(used, reset(SECOND), SOON))[0] == SEND_RESET
    short = asked().change(reset=reset(expires_at=SOON))
    assert owed(ask(short, reset(SECOND), SOON))[0] == SEND_RESET


def test_the_newer_link_counts() -> None:
    newer = written(ask(asked(), reset(SECOND), NOW + ASKED_ANEW_AFTER), asked())
    assert identities.reset_standing(newer, FIRST, NOW) == "replaced"
    assert identities.use_reset(newer, FIRST, "h2", [], NOW).record is None
    assert identities.use_reset(newer, SECOND, "h2", [], NOW).record is not None


def test_using_it_sets_the_password_once_and_owes_the_end_of_all_sessions() -> None:
    decision = identities.use_reset(asked(), FIRST, "h2", MEMBERS, SOON)
    assert decision.answer == "open"
    assert owed(decision) == [END_SESSIONS, "ChangeRecorded", "ChangeRecorded"]
    assert SEND_RESET in decision.drops
    used = written(decision, asked())
    assert (used.password_hash, used.epoch, used.version) == ("h2", 2, 3)
    again = identities.use_reset(used, FIRST, "h3", MEMBERS, SOON)
    assert (again.answer, again.record) == ("used", None)


@pytest.mark.parametrize(
    ("current", "at", "standing"),
    [
        (None, NOW, "replaced"),
        (identity(), NOW, "replaced"),
        (identity(reset=reset()), NOW + HOUR, "expired"),
        (identity(reset=reset(status="used")), NOW + HOUR, "used"),
    ],
)
def test_a_reset_that_is_not_open_changes_nothing(current: Any, at: Any, standing: str) -> None:
    decision = identities.use_reset(current, FIRST, "h2", MEMBERS, at)
    assert (decision.answer, decision.record) == (standing, None)


def test_a_change_of_the_password_ends_an_open_reset_and_is_decided_on_the_epoch() -> None:
    decision = identities.change_password(asked(), 1, "h2", "ses_1", MEMBERS, SOON)
    changed = written(decision, asked())
    assert decision.answer
    assert identities.reset_standing(changed, FIRST, SOON) == "replaced"
    assert changed.owes(END_SESSIONS).data == {"keep": "ses_1"}
    assert changed.owes(SEND_RESET) is None
    second = identities.change_password(changed, 1, "h3", "ses_2", MEMBERS, SOON)
    assert (second.answer, second.record) == (False, None)


def test_hashing_the_same_password_anew_ends_nothing() -> None:
    rehashed = identities.rehash(identity(), "h1", "h2", NOW).record
    assert rehashed is not None
    assert rehashed.epoch == 1


def test_the_session_in_which_it_was_changed_lives_on_and_no_older_one() -> None:
    carried = credentials.carry_over(session(), 2).record
    assert carried is not None
    assert carried.identity_epoch == 2
    assert credentials.carry_over(session(), 3).record is None
    assert credentials.carry_over(session(status="revoked"), 2).record is None
    assert credentials.carry_over(None, 2).record is None


def test_the_end_of_sessions_is_done_when_it_was_that_of_the_latest_password() -> None:
    changed = written(identities.change_password(identity(), 1, "h2", "ses_1", [], NOW))
    assert identities.sessions_ended(changed, 1).record is None
    done = written(identities.sessions_ended(changed, 2), changed)
    assert done.owes(END_SESSIONS) is None
    assert identities.sessions_ended(done, 2).record is None


def test_where_somebody_was_last_is_written_when_it_changes() -> None:
    entered = identities.enter(identity(), "mem_a").record
    assert entered is not None
    assert entered.entered == "mem_a"
    assert identities.enter(entered, "mem_a").record is None
    assert identities.enter(None, "mem_a").record is None


def test_pauses_between_tries_grow_and_end() -> None:
    tries = [tried(Letter(), _job(n), Outcome("delayed"), NOW, NOW + HOUR)[1] for n in (1, 2, 3, 30)]
    pauses = [(one.due - millis(NOW)) / 1000 for one in tries if one is not None]
    assert pauses == [2, 4, 8, LONGEST_PAUSE.total_seconds()]
    assert tried(Letter(), None, Outcome("delayed"), NOW, NOW + HOUR)[0].failed == "gave_up"


def _job(tries: int) -> Any:
    entry = sending(SEND_RESET, NOW, FIRST)
    return type(entry)(**{**entry.stored(), "tries": tries})


def test_what_became_of_a_resets_mail_is_kept_of_the_newest_only() -> None:
    sent = written(identities.mailed(asked(), FIRST, Outcome("sent", 250), SOON), asked())
    assert sent.reset.letter.sent_at == SOON
    assert sent.owes(SEND_RESET) is None
    assert identities.mailed(asked(), SECOND, Outcome("sent", 250), SOON).record is None
    delayed = identities.mailed(asked(), FIRST, Outcome("delayed", 451), SOON)
    assert owed(delayed) == [SEND_RESET]
    assert identities.not_needed(asked(), SECOND).record is None
    assert written(identities.not_needed(asked(), FIRST), asked()).owes(SEND_RESET) is None
