"""How often may be tried."""

from tests.integration.accounts.conftest import Accounts


async def test_sign_ins_are_limited_per_account(limited: Accounts) -> None:
    for n in range(3):
        answer = await limited.client.post(
            "/api/v1/sessions", json={"workspace": "x1", "email": "a@example.org", "password": str(n)}
        )
        assert answer.status_code == 401
    refused = await limited.sign_in("x1", "A@example.org")
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) >= 1


async def test_sign_ins_are_limited_per_address(limited: Accounts) -> None:
    for n in range(3):
        assert (await limited.sign_in("x1", f"a{n}@example.org")).status_code == 401
    assert (await limited.sign_in("x1", "another@example.org")).status_code == 429


async def test_new_workspaces_are_limited_per_address(limited: Accounts) -> None:
    for n in range(2):
        assert (await limited.found(f"praxis-{n}", f"o{n}@example.org")).status_code == 201
    assert (await limited.found("praxis-3", "o3@example.org")).status_code == 429
