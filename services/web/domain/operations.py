"""How the services are, as they tell it themselves, and what a page says of it in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.web.domain.seen import Seen

SERVICES = ("accounts", "booking", "availability", "assignment", "notify")
"""Who is asked, in this order; a test holds it against the tables."""
NOTHING_MISSED = 60.0
"""Work that has waited for fewer seconds is on its way, not late."""
STATES = ("away", "unwell", "letters", "late", "unsure", "busy", "done")
"""How a service is, the worst first: it does not answer; it cannot work; it gave up messages of this workspace; work
waits too long; the broker does not say how far it lags; it has something to do; it has nothing to do."""


class SeenRetried(Seen):
    """Jobs of one name that are tried again."""

    job: str
    count: int
    tries: int


class SeenOwed(Seen):
    """What a service still has to do."""

    count: int
    oldest_seconds: float
    under_way: int
    retried: tuple[SeenRetried, ...]


class SeenTopicLag(Seen):
    """Messages of a topic that a service has not handled."""

    topic: str
    messages: int


class SeenLag(Seen):
    """What a service has not heard yet."""

    messages: int
    topics: tuple[SeenTopicLag, ...]


class SeenOperations(Seen):
    """How a service is. `lag` and `dead_letters` are None while its broker does not answer."""

    service: str
    version: str
    ready: bool
    taken_at: datetime
    owed: SeenOwed
    lag: SeenLag | None
    dead_letters: int | None


class SeenLetter(Seen):
    """A message that a service gave up."""

    id: str
    topic: str
    subject: str | None
    key: str
    error: str
    unreadable: tuple[str, ...]
    buried_at: datetime
    empty: bool
    replayed: bool

    @property
    def about(self) -> str:
        """The id of what the message is about, as far as it says."""
        return self.subject or self.key


@dataclass(frozen=True, slots=True)
class Told:
    """What one service said. `figures` None: it does not answer. `further` leads to more letters than these."""

    service: str
    figures: SeenOperations | None
    letters: Sequence[SeenLetter] = ()
    further: str | None = None

    @property
    def state(self) -> str:
        """In one word the worst that is true of it, see `STATES`."""
        if self.figures is None:
            return "away"
        owed, lag = self.figures.owed, self.figures.lag
        if not self.figures.ready:
            return "unwell"
        if self.letters:
            return "letters"
        if owed.oldest_seconds >= NOTHING_MISSED or owed.retried:
            return "late"
        if lag is None or self.figures.dead_letters is None:
            return "unsure"
        return "busy" if owed.count or owed.under_way or lag.messages else "done"


def overall(told: Sequence[Told]) -> str:
    """The worst state of all."""
    return min((one.state for one in told), key=STATES.index)
