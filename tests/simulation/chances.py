"""Everything that may or may not happen in a history: one stream of random numbers for every actor, a name for every
event, and a cut that says which of them take place.

Streams do not touch each other: whoever is spared a crash meets the rest of the world as it was. That is what lets a
violation be shrunk (`shrinking`) to the few events that it needs.
"""

import random

Cut = frozenset[str]
"""Names of the events that are left of a history."""


class Stream:
    """The random numbers of one actor, and what happens to it. The n-th question has the same answer in every cut."""

    def __init__(self, lot: "Lot", name: str) -> None:
        self.name = name
        self.rng = random.Random(f"{lot.seed} {name}")
        self._lot = lot
        self._asked = 0

    def happens(self, chance: float, what: str) -> bool:
        """Whether something with this chance happens now."""
        self._asked += 1
        if chance <= 0.0 or self.rng.random() >= chance:
            return False
        return self._lot.allows(f"{self.name}: {what} #{self._asked}")


class Lot:
    """The streams of one history. `drawn` names everything that happened; `cut` None lets all of it happen."""

    def __init__(self, seed: int, cut: Cut | None = None) -> None:
        self.seed = seed
        self.drawn: dict[str, None] = {}
        self._cut = cut
        self._streams: dict[str, Stream] = {}

    def stream(self, name: str) -> Stream:
        """The stream of this actor."""
        if name not in self._streams:
            self._streams[name] = Stream(self, name)
        return self._streams[name]

    def allows(self, name: str) -> bool:
        """Whether this event takes place; it is remembered if it does."""
        if self._cut is not None and name not in self._cut:
            return False
        self.drawn[name] = None
        return True
