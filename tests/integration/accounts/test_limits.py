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
