"""From an invitation to a session, over HTTP and a real mail server."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from services.accounts.domain import members
from services.accounts.domain.identities import Identity
from services.accounts.domain.letters import sending
from services.accounts.domain.members import Member
from services.accounts.domain.tokens import INVITATION, nonce_of, token_of
from services.accounts.store import identity_id
from tests.integration.accounts.conftest import ANOTHER, PASSWORD, Accounts
from tests.support.system import eventually
from turnus_contracts import MemberChanged
from turnus_runtime.ids import derived
from turnus_runtime.records import Decision

pytestmark = pytest.mark.asyncio(loop_scope="session")
CURRENT, ACCEPT = "/invitations/current", "/invitations/current/accept"


async def test_an_invited_member_accepts_and_is_signed_in(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    made = await owner.made("/invitations", {"member_id": mia["id"]})
    assert (made["status"], made["member_id"], made["email"]) == ("open", mia["id"], mia["email"])
    assert made["invited_by"] == owner.member_id
    assert "ivt_" not in str(made)
    shown = (await owner.ask("GET", f"/members/{mia['id']}")).json()
    assert (shown["invited_at"], shown["can_sign_in"]) == (made["created_at"], False)
    token = await accounts.link(mia["email"])
    seen = await accounts.by_link("GET", CURRENT, token)
    assert seen.status_code == 200, seen.text
    assert seen.json() == {
        "workspace": {"slug": owner.slug, "name": "Praxis am Markt"},
        "name": "Mia",
        "email": mia["email"],
        "locale": "de",
        "has_account": False,
        "expires_at": made["expires_at"],
    }
    accepted = await accounts.accept(token)
    assert accepted.status_code == 201, accepted.text
    told = accepted.json()
    assert (told["member_id"], told["workspace"]["slug"], told["role"]) == (mia["id"], owner.slug, "member")
    signed = await accounts.let_in(accepted)
    assert (await signed.ask("GET", "/members")).status_code == 200
    shown = (await owner.ask("GET", f"/members/{mia['id']}")).json()
    assert (shown["invited_at"], shown["can_sign_in"]) == (None, True)
    assert (await accounts.sign_in("praxis", mia["email"])).status_code == 201
    ended = (await owner.ask("GET", f"/invitations/{made['id']}")).json()
    assert ended["status"] == "accepted"
    assert ended["sent_at"] is not None


async def test_the_mail_is_in_the_members_language_and_its_sending_is_shown(accounts: Accounts) -> None:
    owner = await accounts.owner()
    email = accounts.mail("eve@example.org")
    eve = await owner.made("/members", {"name": "Eve", "email": email, "locale": "en"})
    made = await owner.made("/invitations", {"member_id": eve["id"]})
    assert made["failed"] is None
    await accounts.link(email)
    (mail,) = accounts.mails(email)
    assert str(mail["Subject"]).strip() == "Invitation: Praxis am Markt"
    assert str(mail["From"]) == "Praxis am Markt <turnus@localhost>"

    async def sent() -> bool:
        return (await owner.ask("GET", f"/invitations/{made['id']}")).json()["sent_at"] is not None

    await eventually(sent)
    shown = await owner.ask("GET", f"/invitations/{made['id']}")
    assert shown.headers["etag"] == f'"{shown.json()["version"]}"'
    assert shown.json()["version"] > made["version"]


async def test_accepting_twice_is_one_session_and_one_identity(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    token = await owner.invited(mia)
    answers = await asyncio.gather(*(accounts.accept(token) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({(answer.json()["id"], answer.json()["token"]) for answer in answers}) == 1
    signed = await accounts.let_in(answers[0])
    assert len((await signed.ask("GET", "/sessions")).json()["items"]) == 1
    wrong = await accounts.accept(token, ANOTHER)
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["reason"]) == (410, "invitation_over", "accepted")
    assert (await signed.ask("DELETE", "/sessions/current")).status_code == 204
    late = await accounts.accept(token)
    assert (late.status_code, late.json()["reason"]) == (410, "accepted")
    seen = await accounts.by_link("GET", CURRENT, token)
    assert (seen.status_code, seen.json()["reason"]) == (410, "accepted")


async def test_of_two_who_accept_at_once_with_different_passwords_one_gets_in(accounts: Accounts) -> None:
    owner = await accounts.owner()
    for number in range(4):
        mia = await owner.member(f"Mia{number}")
        token = await owner.invited(mia)
        answers = await asyncio.gather(accounts.accept(token, PASSWORD), accounts.accept(token, ANOTHER))
        assert sorted(answer.status_code for answer in answers) in ([201, 410], [201, 422])
        won = PASSWORD if answers[0].status_code == 201 else ANOTHER
        assert (await accounts.sign_in("praxis", mia["email"], won)).status_code == 201


async def test_who_has_an_account_gives_its_password(accounts: Accounts) -> None:
    await accounts.owner("kanzlei", "mia@example.org")
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    token = await owner.invited(mia)
    assert (await accounts.by_link("GET", CURRENT, token)).json()["has_account"] is True
    wrong = await accounts.accept(token, ANOTHER)
    assert (wrong.status_code, wrong.json()["code"]) == (422, "password_wrong")
    assert wrong.json()["errors"][0]["field"] == "password"
    assert (await accounts.by_link("GET", CURRENT, token)).status_code == 200, "it is still open"
    assert (await accounts.accept(token)).status_code == 201
    assert (await accounts.sign_in("praxis", mia["email"])).status_code == 201
    assert (await accounts.sign_in("kanzlei", mia["email"])).status_code == 201


async def test_inviting_again_ends_the_older_link(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    first, second = await owner.invited(mia), await owner.invited(mia)
    for over in (await accounts.by_link("GET", CURRENT, first), await accounts.accept(first)):
        assert (over.status_code, over.json()["code"], over.json()["reason"]) == (410, "invitation_over", "replaced")
    listed = (await owner.ask("GET", "/invitations")).json()["items"]
    assert [each["member_id"] for each in listed] == [mia["id"]]
    assert (await accounts.accept(second)).status_code == 201
    assert (await owner.ask("GET", "/invitations")).json()["items"] == []
    again = await owner.ask("POST", "/invitations", {"member_id": mia["id"]})
    assert (again.status_code, again.json()["code"]) == (409, "member_joined")


async def test_the_same_request_again_is_the_same_invitation_and_no_second_mail(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia, max_ = await owner.member("Mia"), await owner.member("Max")
    body = {"member_id": mia["id"]}
    first = await owner.ask("POST", "/invitations", body, Idempotency_Key="once")
    again = await owner.ask("POST", "/invitations", body, Idempotency_Key="once")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.headers["location"] == f"/api/v1/invitations/{first.json()['id']}"
    other = await owner.ask("POST", "/invitations", {"member_id": max_["id"]}, Idempotency_Key="once")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    await accounts.system.quiet()
    assert (len(accounts.mails(mia["email"])), accounts.mails(max_["email"])) == (1, [])


async def test_a_revoked_invitation_lets_nobody_in(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    token = await owner.invited(mia)
    listed = (await owner.ask("GET", "/invitations")).json()["items"]
    path = f"/invitations/{listed[0]['id']}"
    assert (await owner.ask("DELETE", path, If_Match='"0"')).status_code == 412
    assert (await owner.ask("DELETE", path)).status_code == 204
    assert (await owner.ask("DELETE", path)).status_code == 204
    for over in (await accounts.by_link("GET", CURRENT, token), await accounts.accept(token)):
        assert (over.status_code, over.json()["reason"]) == (410, "revoked")
    assert (await owner.ask("GET", "/invitations")).json()["items"] == []
    assert (await owner.ask("GET", f"/members/{mia['id']}")).json()["invited_at"] is None
    assert (await accounts.sign_in("praxis", mia["email"])).status_code == 401


async def test_of_revoking_and_accepting_at_once_one_counts(accounts: Accounts) -> None:
    owner = await accounts.owner()
    for number in range(6):
        mia = await owner.member(f"Mia{number}")
        token = await owner.invited(mia)
        path = f"/invitations/inv_{mia['id'].partition('_')[2]}"
        revoked, accepted = await asyncio.gather(owner.ask("DELETE", path), accounts.accept(token))
        assert revoked.status_code == 204
        status = (await owner.ask("GET", path)).json()["status"]
        can_sign_in = (await owner.ask("GET", f"/members/{mia['id']}")).json()["can_sign_in"]
        outcome = (accepted.status_code, status, can_sign_in)
        assert outcome in ((201, "accepted", True), (410, "revoked", False))


async def test_of_removing_and_accepting_at_once_nobody_stays_signed_in(accounts: Accounts) -> None:
    owner = await accounts.owner()
    for number in range(6):
        mia = await owner.member(f"Mia{number}")
        token = await owner.invited(mia)
        removed, accepted = await asyncio.gather(owner.ask("DELETE", f"/members/{mia['id']}"), accounts.accept(token))
        assert removed.status_code == 204
        assert accepted.status_code in (201, 410, 503), accepted.text
        await accounts.system.quiet()
        if accepted.status_code == 201:
            used = await accounts.ask("GET", "/members", Authorization=f"Bearer {accepted.json()['token']}")
            assert used.status_code == 401
        assert (await accounts.sign_in("praxis", mia["email"])).status_code == 401
        assert (await accounts.accept(token)).status_code == 410


async def test_an_identity_that_is_made_meanwhile_keeps_its_password(accounts: Accounts) -> None:
    """A workspace of their own is founded with the address between looking and accepting."""
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    token = await owner.invited(mia)
    assert (await accounts.by_link("GET", CURRENT, token)).json()["has_account"] is False
    assert (await accounts.found("own", mia["email"])).status_code == 201
    assert (await accounts.accept(token, ANOTHER)).json()["code"] == "password_wrong"
    assert (await accounts.accept(token, PASSWORD)).status_code == 201


async def test_an_invitation_ends_by_itself(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    token = await owner.invited(mia)
    turn = accounts.host.turn()

    def age(current: Member | None) -> Decision[Member, None]:
        assert current is not None
        assert current.invitation is not None
        ago = turn.now - timedelta(seconds=1)
        owed = current.owes(members.EXPIRE_INVITATION)
        assert owed is not None
        older = current.invitation.model_copy(update={"expires_at": ago})
        return Decision(None, current.change(invitation=older), owes=[type(owed)(**{**owed.stored(), "due": 1})])

    await turn.records(Member).decide(mia["id"], age)
    for over in (await accounts.by_link("GET", CURRENT, token), await accounts.accept(token)):
        assert (over.status_code, over.json()["reason"]) == (410, "expired")

    async def expired() -> bool:
        return (await owner.ask("GET", f"/members/{mia['id']}")).json()["invited_at"] is None

    await eventually(expired)
    shown = (await owner.ask("GET", f"/invitations/inv_{mia['id'].partition('_')[2]}")).json()
    assert shown["status"] == "expired"
    again = await owner.invited(mia)
    assert (await accounts.accept(again)).status_code == 201


async def test_a_mail_is_not_sent_for_what_is_over_by_then(accounts: Accounts) -> None:
    """The job was claimed by a process that died; meanwhile the invitation was revoked."""
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    await owner.invited(mia)
    path = f"/invitations/inv_{mia['id'].partition('_')[2]}"
    assert (await owner.ask("DELETE", path)).status_code == 204
    turn = accounts.host.turn()

    def left(current: Member | None) -> Decision[Member, None]:
        assert current is not None
        assert current.invitation is not None
        return Decision(None, current, owes=[sending(members.SEND_INVITATION, turn.now, current.invitation.nonce)])

    await turn.records(Member).decide(mia["id"], left)
    await accounts.system.quiet()
    assert len(accounts.mails(mia["email"])) == 1


async def test_a_forged_link_is_told_from_one_that_is_over(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    token = await owner.invited(mia)
    secret = accounts.host.turn().effects.secret
    nonce = nonce_of(derived("inv", "never made"))
    ours = token_of(secret, INVITATION, mia["id"], nonce)
    nobodys = token_of(secret, INVITATION, derived("mem", "nobody"), nonce)
    for over, reason in ((ours, "replaced"), (nobodys, "revoked")):
        answer = await accounts.by_link("GET", CURRENT, over)
        assert (answer.status_code, answer.json()["reason"]) == (410, reason)
    forged = [
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token[:-1],
        token.replace("ivt_", "prt_"),
        "x",
        owner.token,
    ]
    forged.append(token_of("00" * 32, INVITATION, mia["id"], nonce))
    for one in forged:
        for answer in (await accounts.by_link("GET", CURRENT, one), await accounts.accept(one)):
            assert (answer.status_code, answer.json()["code"]) == (401, "link_invalid"), one
    nothing = await accounts.ask("POST", ACCEPT, {"password": PASSWORD})
    assert (nothing.status_code, nothing.json()["code"]) == (401, "link_invalid")
    assert (await accounts.accept(token)).status_code == 201


async def test_a_token_of_a_link_opens_nothing_else(accounts: Accounts) -> None:
    owner = await accounts.owner()
    token = await owner.invited(await owner.member("Mia"))
    for path in ("/members", "/sessions/current", "/invitations", "/password-resets/current"):
        answer = await accounts.by_link("GET", path, token)
        assert answer.status_code == 401, path


async def test_who_may_invite_whom(accounts: Accounts) -> None:
    owner = await accounts.owner()
    admin = await accounts.enable(await owner.member("Anna", "admin"), owner)
    member = await accounts.enable(await owner.member("Mia"), owner)
    people: dict[str, Any] = {role: await owner.member(f"New-{role}", role) for role in ("owner", "admin", "member")}
    allowed = {"owner": {"owner", "admin", "member"}, "admin": {"admin", "member"}, "member": set[str]()}
    for by, asker in (("member", member), ("admin", admin), ("owner", owner)):
        for role, person in people.items():
            asked = await asker.ask("POST", "/invitations", {"member_id": person["id"]})
            assert asked.status_code == (201 if role in allowed[by] else 403), (by, role)
    for by, asker in (("member", member), ("admin", admin), ("owner", owner)):
        assert (await asker.ask("GET", "/invitations")).status_code == 200
        for role, person in people.items():
            path = f"/invitations/inv_{person['id'].partition('_')[2]}"
            assert (await asker.ask("GET", path)).status_code == 200
            assert (await asker.ask("DELETE", path)).status_code == (204 if role in allowed[by] else 403), (by, role)


async def test_who_cannot_be_invited_is_said(accounts: Accounts) -> None:
    owner = await accounts.owner()
    theirs = await accounts.owner("kanzlei", "other@example.org")
    gone, stranger = await owner.member("Mia"), await theirs.member("Max")
    assert (await owner.ask("DELETE", f"/members/{gone['id']}")).status_code == 204
    for member_id, status, code in (
        (gone["id"], 409, "member_removed"),
        (owner.member_id, 409, "member_joined"),
        (stranger["id"], 422, "member_unknown"),
        ("mem_" + "0" * 26, 422, "member_unknown"),
    ):
        asked = await owner.ask("POST", "/invitations", {"member_id": member_id})
        assert (asked.status_code, asked.json()["code"]) == (status, code)
    assert (await owner.ask("GET", "/invitations/inv_" + gone["id"].partition("_")[2])).status_code == 404
    assert (await owner.ask("GET", f"/invitations/{gone['id']}")).status_code == 404


async def test_inviting_and_joining_are_said_and_in_the_audit_log(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    token = await owner.invited(mia)
    path = f"/invitations/inv_{mia['id'].partition('_')[2]}"
    await owner.ask("DELETE", path)
    token = await owner.invited(mia)
    await accounts.accept(token)

    async def told() -> bool:
        entries = (await owner.ask("GET", f"/audit-log?thing_id={mia['id']}")).json()["items"]
        return [(each["action"], each["actor_id"]) for each in entries] == [
            ("joined", mia["id"]),
            ("invited", owner.member_id),
            ("invitation_revoked", owner.member_id),
            ("invited", owner.member_id),
            ("created", owner.member_id),
        ]

    await eventually(told)
    await accounts.system.quiet()
    versions = [event.version for event in accounts.said(MemberChanged) if event.member_id == mia["id"]]
    assert max(versions) == 5, "who is shown otherwise has another version"


async def test_whose_invitation_was_never_accepted_has_no_identity(accounts: Accounts) -> None:
    owner = await accounts.owner()
    mia = await owner.member("Mia")
    await owner.invited(mia)
    short = await accounts.accept(await owner.invited(mia), "short")
    assert (short.status_code, short.json()["errors"][0]["field"]) == (422, "password")
    assert await accounts.host.turn().records(Identity).get(identity_id(mia["email"])) is None
