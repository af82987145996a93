"""How often may be tried."""

from tests.integration.accounts.conftest import Accounts


async def test_sign_ins_are_limited_per_account_wherever_they_come_from(limited: Accounts) -> None:
    for n in range(3):
        answer = await limited.sign_in("praxis", "a@example.org", f"guess {n}", X_Forwarded_For=f"203.0.113.{n}")
        assert answer.status_code == 401
    refused = await limited.sign_in("praxis", "A@example.org", X_Forwarded_For="203.0.113.9")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1
    other = await limited.sign_in("praxis", "b@example.org", X_Forwarded_For="203.0.113.9")
    assert other.status_code == 401


async def test_sign_ins_are_limited_per_address(limited: Accounts) -> None:
    for n in range(3):
        assert (await limited.sign_in("x1", f"a{n}@example.org")).status_code == 401
    assert (await limited.sign_in("x1", "another@example.org")).status_code == 429


async def test_new_workspaces_are_limited_per_address(limited: Accounts) -> None:
    for n in range(2):
        assert (await limited.found(f"praxis-{n}", f"o{n}@example.org")).status_code == 201
    assert (await limited.found("praxis-3", "o3@example.org")).status_code == 429


async def test_resets_are_limited_per_account_wherever_they_are_asked_for_from(limited: Accounts) -> None:
    async def forgotten(email: str, n: int) -> int:
        answer = await limited.ask("POST", "/password-resets", {"email": email}, X_Forwarded_For=f"203.0.113.{n}")
        return answer.status_code

    assert [await forgotten("a@example.org", n) for n in range(3)] == [202] * 3
    assert await forgotten("A@example.org", 9) == 429
    assert await forgotten("b@example.org", 9) == 202
    signing_in = await limited.sign_in("praxis", "a@example.org", X_Forwarded_For="203.0.113.10")
    assert signing_in.status_code == 401, "whoever asks for resets of others keeps nobody from signing in"


async def test_resets_are_limited_per_address(limited: Accounts) -> None:
    answers = [await limited.forgotten(f"a{n}@example.org") for n in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 202, 429]


async def test_links_are_limited_per_address(limited: Accounts) -> None:
    for path in ("/invitations/current", "/password-resets/current"):
        headers = {"X_Forwarded_For": f"203.0.113.{len(path)}"}
        answers = [await limited.by_link("GET", path, "x", **headers) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429]


async def test_passwords_are_guessed_at_an_invitation_as_rarely_as_at_signing_in(limited: Accounts) -> None:
    owner = await limited.owner()
    mia = await owner.member("Mia")
    token = await owner.invited(mia)
    assert (await limited.accept(token, X_Forwarded_For="203.0.113.1")).status_code == 201
    for n in (2, 3):
        assert (await limited.accept(token, "wrong password", X_Forwarded_For=f"203.0.113.{n}")).status_code == 410
    assert (await limited.accept(token, X_Forwarded_For="203.0.113.4")).status_code == 429
    assert (await limited.sign_in("praxis", mia["email"], X_Forwarded_For="203.0.113.5")).status_code == 429


async def test_nobodys_mailbox_is_filled_with_invitations(limited: Accounts) -> None:
    owner = await limited.owner()
    mia, max_ = await owner.member("Mia"), await owner.member("Max")
    asked = [await owner.ask("POST", "/invitations", {"member_id": mia["id"]}) for _ in range(4)]
    assert [answer.status_code for answer in asked] == [201, 201, 201, 429]
    assert (await owner.ask("POST", "/invitations", {"member_id": max_["id"]})).status_code == 201
