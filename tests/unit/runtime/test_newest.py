"""A projection keeps the highest version, whatever the order and however often it is told."""

from itertools import permutations
from typing import ClassVar

from turnus_runtime.records import Projection, newest


class Thing(Projection):
    collection: ClassVar[str] = "things"
    name: str


def test_the_highest_version_stays_in_any_order_and_with_duplicates() -> None:
    told = [Thing(id="t", version=version, name=f"v{version}") for version in (1, 2, 2, 3)]
    for order in permutations(told):
        known: Thing | None = None
        for thing in order:
            known = newest(known, thing).record or known
        assert known == told[-1]


def test_what_is_known_already_writes_nothing() -> None:
    known = Thing(id="t", version=2, name="as it is")
    assert newest(known, Thing(id="t", version=2, name="again")).record is None
    assert newest(known, Thing(id="t", version=1, name="older")).record is None
