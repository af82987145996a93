"""Tokens of links: always the same, and nobody else makes one."""

import string

import pytest

from services.accounts.domain.tokens import INVITATION, RESET, Named, TokenSecret, keep_secret, nonce_of, read, token_of
from turnus_runtime.ids import RandomIds, derived
from turnus_runtime.logs import masked

SECRET, OTHER = "11" * 32, "22" * 32
MEMBER = derived("mem", "mia")
NONCE = nonce_of(derived("inv", "first"))


def test_a_token_names_its_record_and_its_nonce_and_is_the_same_in_every_try() -> None:
    token = token_of(SECRET, INVITATION, MEMBER, NONCE)
    assert token == token_of(SECRET, INVITATION, MEMBER, NONCE)
    assert token.startswith("ivt_")
    assert read(SECRET, INVITATION, token) == Named(MEMBER.removeprefix("mem_"), NONCE)
    assert set(token) <= set(string.ascii_letters + string.digits + "_-"), "it stands in a path"


def test_a_fresh_id_has_a_nonce_that_nobody_can_guess() -> None:
    nonces = {nonce_of(RandomIds().fresh("inv")) for _ in range(100)}
    assert len(nonces) == 100
    assert {len(nonce) for nonce in nonces} == {16}


@pytest.mark.parametrize("at", [3, 5, 20, 35, 50, -1])
def test_a_token_with_one_letter_changed_is_forged(at: int) -> None:
    token = token_of(SECRET, INVITATION, MEMBER, NONCE)
    other = "2" if token[at] != "2" else "3"
    changed = [*token]
    changed[at] = other
    assert read(SECRET, INVITATION, "".join(changed)) is None


def test_a_token_of_another_secret_or_for_another_purpose_is_forged() -> None:
    token = token_of(SECRET, INVITATION, MEMBER, NONCE)
    assert read(OTHER, INVITATION, token) is None
    assert read(SECRET, RESET, token) is None
    assert read(SECRET, RESET, token.replace("ivt_", "prt_")) is None


@pytest.mark.parametrize("text", ["", "ivt_", "ivt_" + "0" * 64, "\0", "ivt_" + "é" * 64, "eyJhbGciOiJFZERTQSJ9.e30.x"])
def test_what_is_no_token_is_read_as_none(text: str) -> None:
    assert read(SECRET, INVITATION, text) is None


def test_a_token_is_masked_in_a_log_line_and_the_secret_not_shown() -> None:
    token = token_of(SECRET, RESET, MEMBER, NONCE)
    assert token not in masked(f"GET /console/reset/{token} 200")
    assert SECRET not in repr(TokenSecret(id="links", secret=SECRET))


def test_the_first_secret_stays() -> None:
    first = TokenSecret(id="links", secret=SECRET)
    assert keep_secret(None, first).record == first
    again = keep_secret(first, TokenSecret(id="links", secret=OTHER))
    assert (again.answer, again.record) == (first, None)
