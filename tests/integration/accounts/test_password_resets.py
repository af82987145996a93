"""A new password by a mailed link, over HTTP and a real mail server."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.accounts.domain import identities
from services.accounts.domain.credentials import Session
from services.accounts.domain.identities import STAND_INS, Identity, Reset, StandIn
from services.accounts.domain.tokens import RESET, nonce_of, token_of
from services.accounts.handlers import credentials
from services.accounts.store import identity_id
from tests.integration.accounts.conftest import ANOTHER, PASSWORD, Accounts, Signed
from tests.support.system import eventually
from turnus_runtime.ids import derived
from turnus_runtime.records import Decision

pytestmark = pytest.mark.asyncio(loop_scope="session")
OWNER = "owner@example.org"
CURRENT, USE = "/password-resets/current", "/password-resets/current/use"


async def link(accounts: Accounts, email: str = OWNER) -> str:
    """Ask for a reset; the token in the link of the mail."""
    before = len(accounts.mails(email))
    assert (await accounts.forgotten(email)).status_code == 202
    return await accounts.link(email, before + 1)


async def age(accounts: Accounts, by: timedelta, email: str = OWNER) -> None:
    """The reset was asked for so long ago."""
    turn = accounts.host.turn()

    def older(current: Identity | None) -> Decision[Identity, None]:
        assert current is not None
        assert current.reset is not None
        times = {"asked_at": current.reset.asked_at - by, "expires_at": current.reset.expires_at - by}
        return Decision(None, current.change(reset=current.reset.model_copy(update=times)))

    await turn.records(Identity).decide(identity_id(accounts.mail(email)), older)


async def test_a_forgotten_password_is_set_anew_and_all_sessions_end_but_no_api_key(accounts: Accounts) -> None:
    owner = await accounts.owner()
    elsewhere = await accounts.owner("kanzlei")
    key = await owner.made("/api-keys", {"name": "robot", "scopes": ["team:view"]})
    token = await link(accounts)
    seen = await accounts.by_link("GET", CURRENT, token)
    assert seen.status_code == 200, seen.text
    assert seen.json()["email"] == accounts.mail(OWNER)
    assert set(seen.json()) == {"email", "expires_at"}
    (mail,) = accounts.mails(OWNER)
    assert str(mail["Subject"]).strip() == "Neues Passwort festlegen"
    assert str(mail["From"]) == "Turnus <turnus@localhost>"
    used = await accounts.reset(token)
    assert (used.status_code, used.content) == (204, b"")
    for signed in (owner, elsewhere):
        refused = await signed.ask("GET", "/sessions")
        assert (refused.status_code, refused.json()["code"]) == (401, "credential_revoked")
    assert (await accounts.ask("GET", "/members", Authorization=f"Bearer {key['key']}")).status_code == 200
    assert (await accounts.sign_in("praxis", OWNER)).status_code == 401
    assert (await accounts.sign_in("praxis", OWNER, ANOTHER)).status_code == 201
    assert (await accounts.sign_in("kanzlei", OWNER, ANOTHER)).status_code == 201


async def test_a_link_is_good_for_once(accounts: Accounts) -> None:
    await accounts.owner()
    token = await link(accounts)
    answers = await asyncio.gather(*(accounts.reset(token, f"a password number {n}") for n in range(4)))
    assert sorted(answer.status_code for answer in answers) == [204, 410, 410, 410]
    won = next(n for n, answer in enumerate(answers) if answer.status_code == 204)
    assert (await accounts.sign_in("praxis", OWNER, f"a password number {won}")).status_code == 201
    for over in (await accounts.by_link("GET", CURRENT, token), await accounts.reset(token)):
        assert (over.status_code, over.json()["code"], over.json()["reason"]) == (410, "reset_over", "used")


async def test_the_answer_does_not_tell_whether_there_is_an_account(accounts: Accounts) -> None:
    await accounts.owner()
    known, unknown = await accounts.forgotten(OWNER), await accounts.forgotten("nobody@example.org")
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json()) == (202, {"valid_minutes": 60})
    varying = {"x-request-id", "traceparent", "ratelimit"}
    headers = [{k: v for k, v in each.headers.items() if k not in varying} for each in (known, unknown)]
    assert headers[0] == headers[1]
    await accounts.system.quiet()
    assert (len(accounts.mails(OWNER)), accounts.mails("nobody@example.org")) == (1, [])


async def test_asking_takes_as_many_writes_for_nobody_and_no_password_is_hashed(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So its time does not tell whether the address is known."""
    await accounts.owner()
    store = accounts.host.ports.store
    written: list[str] = []
    replace, insert = store.replace, store.insert

    async def replaced(collection: str, document: Any, expected: int) -> bool:
        written.append(collection)
        return await replace(collection, document, expected)

    async def inserted(collection: str, document: Any) -> bool:
        written.append(collection)
        return await insert(collection, document)

    async def hashed(work: Any) -> Any:
        raise AssertionError("a password is hashed")

    await accounts.system.quiet()
    accounts.inbox.replies = [None]  # the job, which writes that its mail was taken, comes to that afterwards
    monkeypatch.setattr(store, "replace", replaced)
    monkeypatch.setattr(store, "insert", inserted)
    monkeypatch.setattr(accounts.host.turn().effects.passwords, "_off_the_loop", hashed)
    for email, collection in ((OWNER, "identities"), (OWNER, "identities"), ("nobody@example.org", "stand_ins")):
        written.clear()
        assert (await accounts.forgotten(email)).status_code == 202
        assert [name for name in written if name in ("identities", "stand_ins")] == [collection]
    accounts.inbox.talks.set()
    await accounts.system.quiet()
    accounts.inbox.talks.clear()
    assert accounts.inbox.replies == []


async def test_however_many_addresses_are_asked_for_little_is_stored(accounts: Accounts) -> None:
    for number in range(80):
        assert (await accounts.forgotten(f"nobody{number}@example.org")).status_code == 202
    kept = await accounts.host.ports.store.find(StandIn.collection, "self", "", "￿", limit=1000)
    assert 0 < len(kept) <= STAND_INS
    assert "nobody" not in str([(one.id, one.state) for one in kept])


async def test_asking_again_at_once_sends_no_second_mail_and_later_the_newest_link_counts(accounts: Accounts) -> None:
    await accounts.owner()
    first = await link(accounts)
    assert (await accounts.forgotten(OWNER)).status_code == 202
    await accounts.system.quiet()
    assert len(accounts.mails(OWNER)) == 1
    await age(accounts, identities.ASKED_ANEW_AFTER)
    second = await link(accounts)
    over = await accounts.reset(first)
    assert (over.status_code, over.json()["reason"]) == (410, "replaced")
    assert (await accounts.reset(second)).status_code == 204


async def test_a_link_ends_after_an_hour(accounts: Accounts) -> None:
    await accounts.owner()
    token = await link(accounts)
    await age(accounts, timedelta(hours=1))
    for over in (await accounts.by_link("GET", CURRENT, token), await accounts.reset(token)):
        assert (over.status_code, over.json()["reason"]) == (410, "expired")
    assert (await accounts.sign_in("praxis", OWNER)).status_code == 201


async def test_a_changed_password_ends_an_open_link(accounts: Accounts) -> None:
    owner = await accounts.owner()
    token = await link(accounts)
    body = {"password": PASSWORD, "new_password": ANOTHER}
    assert (await owner.ask("POST", "/sessions/current/password", body)).status_code == 204
    over = await accounts.reset(token, "a third password")
    assert (over.status_code, over.json()["reason"]) == (410, "replaced")
    assert (await accounts.sign_in("praxis", OWNER, ANOTHER)).status_code == 201


async def test_of_a_reset_and_a_change_at_once_one_password_counts(accounts: Accounts) -> None:
    for number in range(4):
        email = f"owner{number}@example.org"
        owner = await accounts.owner(f"praxis-{number}", email)
        token = await link(accounts, email)
        change = {"password": PASSWORD, "new_password": "a third password"}
        reset, changed = await asyncio.gather(
            accounts.reset(token), owner.ask("POST", "/sessions/current/password", change)
        )
        assert (reset.status_code, changed.status_code) in ((204, 503), (410, 204), (204, 401), (204, 422))
        won = ANOTHER if reset.status_code == 204 else "a third password"
        assert (await accounts.sign_in(f"praxis-{number}", email, won)).status_code == 201
        await accounts.system.quiet()
        assert (await owner.ask("GET", "/sessions")).status_code == (401 if reset.status_code == 204 else 200)


async def test_a_forged_link_is_told_from_one_that_is_over(accounts: Accounts) -> None:
    owner = await accounts.owner()
    token = await link(accounts)
    secret, nonce = accounts.host.turn().effects.secret, nonce_of(derived("rst", "never made"))
    for name in (identity_id(accounts.mail(OWNER)), derived("idn", "nobody")):
        answer = await accounts.reset(token_of(secret, RESET, name, nonce))
        assert (answer.status_code, answer.json()["reason"]) == (410, "replaced")
    forged = [token[:-1] + ("A" if token[-1] != "A" else "B"), token.replace("prt_", "ivt_"), "x", owner.token]
    for one in [*forged, token_of("00" * 32, RESET, identity_id(accounts.mail(OWNER)), nonce)]:
        for answer in (await accounts.by_link("GET", CURRENT, one), await accounts.reset(one)):
            assert (answer.status_code, answer.json()["code"]) == (401, "link_invalid"), one
    assert (await accounts.ask("GET", CURRENT)).status_code == 401
    assert (await accounts.reset(token)).status_code == 204


async def test_a_session_that_is_begun_while_the_password_changes_is_ended(accounts: Accounts) -> None:
    """The old password was checked before it was replaced, and the session kept after: nobody gets its token."""
    owner = await accounts.owner()
    turn = accounts.host.turn()
    entrance = credentials.Entrance(owner.slug, accounts.mail(OWNER), PASSWORD)
    known = await credentials.known_member(entrance, turn)
    assert known is not None
    assert (await accounts.reset(await link(accounts))).status_code == 204
    with pytest.raises(credentials.Overtaken):
        await credentials.start_session(*known, "once", turn)
    assert not await turn.records(Session).with_prefix("by_member", owner.member_id)


async def test_sessions_of_an_older_password_are_ended_by_the_timer_too(accounts: Accounts) -> None:
    """The process died right after the password was set."""
    owner = await accounts.owner()
    turn = accounts.host.turn()
    name = identity_id(accounts.mail(OWNER))
    await link(accounts)
    identity = await turn.records(Identity).get(name)
    assert identity is not None
    assert identity.reset is not None
    nonce = identity.reset.nonce
    await turn.records(Identity).decide(name, lambda now: identities.use_reset(now, nonce, "h2", [], turn.now))

    async def ended() -> bool:
        return (await owner.ask("GET", "/sessions")).status_code == 401

    await eventually(ended)


async def test_a_session_of_an_older_password_opens_no_other_workspace(accounts: Accounts) -> None:
    """While its end is still owed."""
    owner = await accounts.owner()
    await accounts.found("kanzlei")
    turn = accounts.host.turn()

    def next_epoch(current: Identity | None) -> Decision[Identity, None]:
        assert current is not None
        return Decision(None, current.change(epoch=2))

    await turn.records(Identity).decide(identity_id(accounts.mail(OWNER)), next_epoch)
    place = accounts.place("kanzlei")
    asked: list[tuple[str, str, Any]] = [
        ("GET", "/sessions/current/workspaces", None),
        ("POST", "/sessions/current/switch", {"workspace": place}),
        ("POST", "/sessions/current/password", {"password": PASSWORD, "new_password": ANOTHER}),
    ]
    for method, path, body in asked:
        refused = await owner.ask(method, path, body)
        assert (refused.status_code, refused.json()["code"]) == (401, "credential_revoked"), path


async def test_whose_membership_ended_can_set_a_password_to_accept_another_invitation(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    await accounts.enable(mia, owner)
    assert (await owner.ask("DELETE", f"/members/{mia['id']}")).status_code == 204
    back = await owner.member("Mia")
    invitation = await owner.invited(back)
    before = len(accounts.mails(mia["email"]))
    assert (await accounts.forgotten(mia["email"])).status_code == 202
    assert (await accounts.reset(await accounts.link(mia["email"], before + 1))).status_code == 204
    assert str(accounts.mails(mia["email"])[-1]["Subject"]).strip() == "Choose a new password", "nobody's language"
    assert (await accounts.accept(invitation, ANOTHER)).status_code == 201


async def test_resets_are_in_the_audit_log_of_each_workspace_under_its_own_member(accounts: Accounts) -> None:
    owner = await accounts.owner()
    elsewhere = await accounts.owner("kanzlei")
    await accounts.reset(await link(accounts))
    signed = [await accounts.let_in(await accounts.sign_in(slug, OWNER, ANOTHER)) for slug in ("praxis", "kanzlei")]

    async def told() -> bool:
        seen = [await _password_entries(each) for each in signed]
        wanted = [("password_reset", owner.member_id), ("password_reset_requested", owner.member_id)]
        theirs = [(action, elsewhere.member_id) for action, _ in wanted]
        return seen == [wanted, theirs]

    await eventually(told)


async def _password_entries(signed: Signed) -> list[tuple[str, str]]:
    entries = (await signed.ask("GET", f"/audit-log?thing_id={signed.member_id}")).json()["items"]
    return [(each["action"], each["actor_id"]) for each in entries if each["fields"] == ["password"]]


async def test_a_mail_is_not_sent_for_a_reset_that_is_over_by_then(accounts: Accounts) -> None:
    await accounts.owner()
    turn = accounts.host.turn()
    name = identity_id(accounts.mail(OWNER))
    over = Reset(nonce="1" * 16, asked_at=turn.now, expires_at=turn.now)
    await turn.records(Identity).decide(name, lambda now: identities.ask_reset(now, over, [], turn.now))
    await accounts.system.quiet()
    assert accounts.mails(OWNER) == []
