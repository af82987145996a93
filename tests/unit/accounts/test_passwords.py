"""Passwords: argon2id, off the loop, bounded."""

import asyncio
import threading

import pytest

from services.accounts.adapters.passwords import Passwords, TooManyPasswords


@pytest.fixture
def passwords() -> Passwords:
    return Passwords(memory_kib=64, passes=1, at_once=1, waiting=2)


async def test_a_password_matches_its_hash_and_no_other(passwords: Passwords) -> None:
    kept = await passwords.hashed("correct horse")
    assert kept.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await passwords.match(kept, "correct horse")
    assert not await passwords.match(kept, "correct horse ")
    assert not await passwords.match("$argon2id$broken", "correct horse")


async def test_two_hashes_of_one_password_differ(passwords: Passwords) -> None:
    assert await passwords.hashed("same") != await passwords.hashed("same")


async def test_the_same_characters_match_however_they_were_typed(passwords: Passwords) -> None:
    kept = await passwords.hashed("Schl\u00fcssel")
    assert await passwords.match(kept, "Schlu\u0308ssel")


async def test_nobody_has_a_password_and_finding_that_out_costs_as_much(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs: list[str] = []
    verify = passwords._hasher.verify

    def counted(kept: str, password: bytes) -> bool:
        costs.append(kept.split("$")[3])
        return verify(kept, password)

    monkeypatch.setattr(type(passwords._hasher), "verify", lambda _, kept, password: counted(kept, password))
    kept = await passwords.hashed("x" * 8)
    assert not await passwords.match(kept, "wrong")
    assert not await passwords.match(None, "wrong")
    assert costs == ["m=64,t=1,p=1"] * 2


async def test_a_hash_of_other_parameters_is_outdated(passwords: Passwords) -> None:
    stronger = Passwords(memory_kib=128, passes=1, at_once=1, waiting=1)
    kept = await passwords.hashed("secret")
    assert stronger.outdated(kept)
    assert not passwords.outdated(kept)
    assert await stronger.match(kept, "secret")


async def test_hashing_does_not_hold_the_loop_and_is_bounded(passwords: Passwords) -> None:
    gate = threading.Event()
    at_work: list[int] = []

    def work() -> None:
        at_work.append(1)
        gate.wait(30)
        at_work.pop()

    waiting = [asyncio.create_task(passwords._off_the_loop(work)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(TooManyPasswords):
        await passwords.match(None, "one too many")
    assert len(at_work) <= 1
    gate.set()
    await asyncio.gather(*waiting)
    assert not await passwords.match(None, "there is room again")
