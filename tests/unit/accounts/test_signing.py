"""Signing keys follow each other and none is withdrawn while something living needs it."""

from datetime import timedelta
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from services.accounts.adapters.tokens import new_pair
from services.accounts.domain import signing
from services.accounts.domain.signing import SigningPair, generation
from tests.unit.accounts.team import NOW, owed, written

LASTS = timedelta(days=90)


def pair(number: int = 1, **values: Any) -> SigningPair:
    known = new_pair(generation(number), NOW)
    return known.change(**values) if values else known


def test_the_first_key_is_told_and_has_an_end() -> None:
    decision = signing.make(None, pair(), LASTS)
    assert owed(decision) == ["SigningKeyChanged", signing.ROTATE]


def test_of_two_processes_that_make_the_first_key_one_does() -> None:
    first, second = pair(), pair()
    assert signing.make(first, second, LASTS).answer == first
    assert signing.make(first, second, LASTS).record is None


def test_a_new_key_does_not_sign_while_the_old_one_does() -> None:
    old, new = pair(1), pair(2)
    assert signing.signs([old, new]) == old
    assert signing.signs([old.change(status="retiring"), new]) == new
    assert signing.signs([]) is None


def test_a_key_retires_once_its_successor_is_known_for_an_hour() -> None:
    decision = signing.succeeded(pair(), NOW)
    assert [(o.name, o.due) for o in decision.owes] == [
        (signing.RETIRE, int((NOW + signing.KNOWN_BEFORE).timestamp() * 1000))
    ]
    assert list(decision.drops) == [signing.ROTATE]
    assert signing.succeeded(written(decision), NOW).record is None


def test_a_retired_key_verifies_on_while_an_api_key_lives() -> None:
    retiring = signing.retire(pair(), NOW).record
    assert retiring is not None
    kept = signing.remove(retiring, NOW + timedelta(days=4000), needed=True)
    assert kept.record is not None
    assert kept.record.status == "retiring"
    assert kept.record.private_key
    assert owed(kept) == [signing.REMOVE]


def test_a_removed_key_has_no_private_half_and_says_that_it_is_removed() -> None:
    removed = signing.remove(pair(status="retiring", version=2), NOW, needed=False).record
    assert removed is not None
    assert removed.private_key == ""
    assert [(fact.status, fact.version) for fact in signing.described(removed, NOW)] == [("removed", 3)]


def test_a_key_that_signs_is_never_removed() -> None:
    assert signing.remove(pair(), NOW, needed=False).record is None


def test_private_halves_are_in_no_repr_and_no_event() -> None:
    known = pair()
    assert known.private_key not in repr(known)
    assert known.private_key not in signing.described(known, NOW)[0].model_dump_json()


class Rotation(RuleBasedStateMachine):
    """Timers fire in any order and again; credentials come and go."""

    def __init__(self) -> None:
        super().__init__()
        self.pairs = {generation(1): written(signing.make(None, pair(), LASTS))}
        self.living: set[str] = set()

    def on(self, decision: Any, at: str) -> None:
        if decision.record is not None:
            self.pairs[at] = written(decision, self.pairs.get(at))

    @rule(which=st.integers(0, 3))
    def rotate(self, which: int) -> None:
        at = sorted(self.pairs)[-1 - which % len(self.pairs)]
        known = self.pairs[at]
        if known.owes(signing.ROTATE) is not None:
            self.on(signing.make(self.pairs.get(known.next_id), pair(int(known.next_id)), LASTS), known.next_id)
            self.on(signing.succeeded(known, NOW), at)

    @rule(which=st.integers(0, 3))
    def retire(self, which: int) -> None:
        at = sorted(self.pairs)[-1 - which % len(self.pairs)]
        if self.pairs[at].owes(signing.RETIRE) is not None:
            self.on(signing.retire(self.pairs[at], NOW), at)

    @rule(which=st.integers(0, 3))
    def remove(self, which: int) -> None:
        at = sorted(self.pairs)[-1 - which % len(self.pairs)]
        if self.pairs[at].owes(signing.REMOVE) is not None:
            self.on(signing.remove(self.pairs[at], NOW, needed=self.pairs[at].key_id in self.living), at)

    @rule()
    def sign(self) -> None:
        signer = signing.signs([self.pairs[at] for at in sorted(self.pairs)])
        assert signer is not None
        self.living.add(signer.key_id)

    @rule(which=st.integers(0, 3))
    def end(self, which: int) -> None:
        if self.living:
            self.living.discard(sorted(self.living)[which % len(self.living)])

    @invariant()
    def some_key_signs(self) -> None:
        assert signing.signs([self.pairs[at] for at in sorted(self.pairs)]) is not None

    @invariant()
    def every_living_credential_verifies(self) -> None:
        assert not any(p.key_id in self.living and p.status == "removed" for p in self.pairs.values())


TestRotation = Rotation.TestCase
TestRotation.settings = settings(max_examples=150, stateful_step_count=40)
