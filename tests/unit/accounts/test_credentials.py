"""Sessions, API keys, identities, the audit log: decisions by example."""

from datetime import timedelta
from typing import Any

from services.accounts.domain import credentials
from services.accounts.domain.auditing import AuditEntry, file
from services.accounts.domain.credentials import ApiKey, Session
from services.accounts.domain.identities import Identity, enrol, normal, rehash
from tests.unit.accounts.team import ACTOR, NOW, owed
from turnus_contracts import ChangeRecorded
from turnus_runtime.records import millis


def session(**values: Any) -> Session:
    known: dict[str, Any] = {
        "id": "ses_1",
        "workspace_id": "ws_a",
        "member_id": "mem_mia",
        "role": "member",
        "scopes": ("team:view",),
        "epoch": 1,
        "key_id": "sgn_1",
        "created_at": NOW,
        "expires_at": NOW + timedelta(days=7),
    }
    return Session(**(known | values))


def api_key(**values: Any) -> ApiKey:
    return ApiKey(
        **session().model_dump(exclude={"identity_epoch"})
        | {"id": "key_1", "expires_at": None, "name": "k", "created_by": "m"}
        | values
    )


def identity(**values: Any) -> Identity:
    known = {"id": "idn_1", "email": "mia@example.org", "password_hash": "h1", "created_at": NOW, "changed_at": NOW}
    return Identity(**(known | values))


def test_signing_in_is_audited_and_the_session_expires() -> None:
    decision = credentials.begin(None, session(), ACTOR)
    assert owed(decision) == ["ChangeRecorded", credentials.EXPIRE]
    assert decision.owes[1].due == millis(NOW + timedelta(days=7))


def test_an_api_key_does_not_expire() -> None:
    assert owed(credentials.begin(None, api_key(), ACTOR)) == ["ChangeRecorded"]


def test_a_credential_made_again_is_the_one_there_is() -> None:
    decision = credentials.begin(session(status="revoked"), session(), ACTOR)
    assert decision.answer[1]
    assert decision.record is None


def test_a_revoked_session_says_so_until_its_token_ends_by_itself() -> None:
    ended = credentials.revoke(session(), ACTOR).record
    assert ended is not None
    said = credentials.described(ended, NOW)
    assert [(fact.credential_id, fact.version, fact.status) for fact in said] == [("ses_1", 2, "removed")]
    assert not credentials.described(ended, NOW + timedelta(days=7))


def test_a_revoked_api_key_says_so_for_ever() -> None:
    ended = credentials.revoke(api_key(), ACTOR).record
    assert ended is not None
    assert credentials.described(ended, NOW + timedelta(days=36_500))


def test_a_living_credential_says_nothing() -> None:
    assert not credentials.described(session(), NOW)


def test_a_revocation_begins_the_daily_saying_anew() -> None:
    assert "again" in credentials.revoke(session(), ACTOR).drops


def test_a_second_revocation_changes_nothing() -> None:
    assert credentials.revoke(session(status="revoked"), ACTOR).record is None
    assert credentials.revoke(session(status="expired"), ACTOR).record is None


def test_only_living_credentials_are_found_by_member_or_signing_key() -> None:
    for status in ("revoked", "expired"):
        keys = session(status=status).keys()
        assert keys["by_member"] is None
        assert keys["by_signing_key"] is None
    assert session().keys()["by_signing_key"] == "sgn_1|ses_1"
    assert session(status="expired").keys()["revoked"] is None


def test_a_session_expires_at_its_time_and_not_before() -> None:
    assert credentials.expire(session(), NOW + timedelta(days=7) - timedelta(milliseconds=1)).record is None
    expired = credentials.expire(session(), NOW + timedelta(days=7)).record
    assert expired is not None
    assert expired.status == "expired"


def test_nobody_takes_over_an_identity() -> None:
    known = identity()
    decision = enrol(known, identity(password_hash="h2"))
    assert decision.answer.password_hash == "h1"
    assert decision.record is None


def test_addresses_that_differ_by_capitals_are_one() -> None:
    assert normal("Mia@Example.org") == normal("mia@example.org")


def test_a_password_that_was_changed_meanwhile_is_not_rehashed() -> None:
    assert rehash(identity(password_hash="new"), "h1", "h2", NOW).record is None
    changed = rehash(identity(), "h1", "h2", NOW).record
    assert changed is not None
    assert changed.password_hash == "h2"


def test_secrets_are_in_no_repr() -> None:
    assert "h1" not in repr(identity())


def change(**values: Any) -> ChangeRecorded:
    known: dict[str, Any] = {
        "workspace_id": "ws_a",
        "change_id": "cal_1.2",
        "service": "booking",
        "at": NOW,
        "actor_id": "mem_mia",
        "action": "changed",
        "thing": "calendar",
        "thing_id": "cal_1",
        "fields": ("name",),
    }
    return ChangeRecorded(**(known | values))


def test_a_change_is_filed_once_as_it_was_told_first() -> None:
    entry = file(None, "aud_1", change()).record
    assert entry is not None
    assert (entry.action, entry.fields, entry.workspace_id) == ("changed", ("name",), "ws_a")
    assert file(entry, "aud_1", change(action="invented")).record is None


def test_a_change_is_found_by_workspace_thing_and_actor() -> None:
    entry = file(None, "aud_1", change()).record
    assert isinstance(entry, AuditEntry)
    at = f"{millis(NOW):013d}"
    assert dict(entry.keys()) == {
        "by_workspace": f"ws_a|{at}|aud_1",
        "by_thing": f"ws_a|cal_1|{at}|aud_1",
        "by_actor": f"ws_a|mem_mia|{at}|aud_1",
    }
