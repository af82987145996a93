"""Reading the first records of a long range of an index without the store reading the range as a whole.

The embedded server examines all of a range before it cuts it at a limit, wherever the range begins: a page of 50 out of
20,000 bookings would cost 20,000. So about every 64th record has its key a second time in an index of *milestones*, and
about every 4,096th there on a level of its own. Which ones is told by a hash of the id, so nobody counts, and no write
knows of another. A page looks for the next milestones first, the coarse ones and then the fine ones before them, and
reads up to there only: some 64 of each and what it asked for, however much the range holds.

Milestones only say where to cut. What is found is what one plain query would find, also of documents that were written
before their index had milestones, or by somebody who chose their ids: those only cost more.
"""

import hashlib
from collections.abc import Mapping, Sequence

from turnus_runtime.ports import Store, Stored

APART = 64
"""Between two milestones lie so many records on average; between two of the coarse level the square of it."""
LEVELS = 2


def index_of(index: str) -> str:
    """The index of the milestones of `index`."""
    return f"{index}_milestones"


def keys_of(id: str, keys: Mapping[str, str | int], long: Sequence[str]) -> dict[str, str]:
    """The keys that a record with these keys has in the milestones of its `long` indexes; for most there are none.

    Raises `TypeError` for a number: only texts are walked.
    """
    level = level_of(id)
    found: dict[str, str] = {}
    for index in long:
        place = keys.get(index)
        if isinstance(place, int):
            raise TypeError(f"key {index} is {place}: only an index of texts can be long")
        if level and place is not None:
            found[index_of(index)] = _at(level, place)
    return found


def level_of(id: str) -> int:
    """0 for what is no milestone, 2 for a coarse one: the same for ever, so that every process says the same."""
    number = int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest())
    return 0 if number % APART else 1 if number % APART**LEVELS else LEVELS


async def find(
    store: Store, collection: str, index: str, low: str, high: str, *, limit: int, reverse: bool
) -> list[Stored]:
    """As `Store.find`, in steps from milestone to milestone."""
    found: list[Stored] = []
    while len(found) < limit and low < high:
        # One more than are needed on average: then one step is mostly enough.
        ahead = (limit - len(found)) // APART + 2
        edge = await _edge(store, collection, index, low, high, ahead, reverse=reverse)
        start, stop = (edge or low, high) if reverse else (low, edge or high)
        found += await store.find(collection, index, start, stop, limit=limit - len(found), reverse=reverse)
        if edge is None:
            break
        low, high = (low, edge) if reverse else (edge, high)
    return found


async def _edge(
    store: Store, collection: str, index: str, low: str, high: str, ahead: int, *, reverse: bool
) -> str | None:
    """The place of the milestone so many `ahead`, or of the next coarse one if that comes first; None: all is near."""
    edge: str | None = None
    for level, number in ((LEVELS, 1), (1, ahead)):
        # A step forward begins at the milestone where the last one ended: that one is no edge again.
        stones = await store.find(
            collection, index_of(index), _at(level, low) + "\0", _at(level, high), limit=number, reverse=reverse
        )
        if len(stones) == number:
            edge = str(stones[-1].keys[index])
            low, high = (edge, high) if reverse else (low, edge)
    return edge


def _at(level: int, place: str) -> str:
    return f"{level}|{place}"
