"""The narrow ports through which the runtime reaches the world.

Production has one adapter per port (`mongo`, `kafka`, `clock.py`, `redis.py`, `smtp.py`), `tests/simulation` the only
other ones; `tests/contracts/test_store_port.py` and `test_broker_port.py` hold both to the same behaviour. Think twice
before adding a verb.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


class StoreUnavailable(Exception):
    """The store did not answer in time or refused the connection; nothing is known about a write that was under way."""


class BrokerUnavailable(Exception):
    """The broker did not answer in time; a publish that was under way may or may not have been written."""


class UnknownTopic(BrokerUnavailable):
    """Topics do not exist (never made, or lost with the broker) and nobody said how to make them: `provision`."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(f"unknown topics, provision them first: {', '.join(sorted(names))}")
        self.names = tuple(sorted(names))


@dataclass(frozen=True, slots=True)
class Stored:
    """One document as the store keeps it.

    `version` rises by one with every replace and is the only guard; `state` and `owed` are JSON-like values;
    `keys` are the index keys of the document (index name -> sortable scalar), an absent key keeps it out of that index.
    """

    id: str
    version: int
    format: int
    state: Mapping[str, Any]
    owed: Sequence[Mapping[str, Any]] = ()
    keys: Mapping[str, str | int] = field(default_factory=dict[str, str | int])

    @property
    def next_due(self) -> int | None:
        """Epoch milliseconds of the earliest owed entry, or None when nothing is owed."""
        return min((int(entry["due"]) for entry in self.owed), default=None)


class Store(Protocol):
    """Documents of one service. Collections and their indexes are declared before use by `prepare`.

    Every verb raises `StoreUnavailable` when the store does not answer.
    """

    async def prepare(self, collections: Mapping[str, Sequence[str]]) -> None:
        """Create what is missing: collection name -> names of its index keys. Idempotent; `next_due` is always one."""
        ...

    async def get(self, collection: str, id: str) -> Stored | None:
        """Read one document, majority-committed."""
        ...

    async def versions(self, collection: str, ids: Sequence[str]) -> Mapping[str, int]:
        """The versions of these documents, majority-committed, for little; those that do not exist are left out."""
        ...

    async def find(
        self, collection: str, index: str, low: str | int, high: str | int, *, limit: int, reverse: bool = False
    ) -> list[Stored]:
        """Documents whose key `index` lies in the half-open [low, high), ordered by it; index may be `next_due`."""
        ...

    def walk(self, collection: str, index: str, low: str | int, high: str | int) -> AsyncGenerator[Stored, None]:
        """All documents whose key `index` lies in [low, high), ordered by it: one query, read while it is asked for.

        What was there all the time is met once; what is written or moved to another key meanwhile may be met or not,
        or at both keys. Whoever breaks it off closes it (`aclosing`); after `StoreUnavailable` it is over.
        """
        ...

    async def insert(self, collection: str, document: Stored) -> bool:
        """Insert; False if the id exists already (then nothing changed)."""
        ...

    async def replace(self, collection: str, document: Stored, expected: int) -> bool:
        """Replace the document if its version is still `expected`; False if not (then nothing changed)."""
        ...

    async def clear(self, collection: str, id: str, owed_ids: Sequence[str]) -> None:
        """Remove sent entries from `owed` by id, recomputing `next_due` from what is left; the version stays."""
        ...

    async def now(self) -> datetime:
        """The store's own clock (aware, UTC), the clock of all timers."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One Kafka record. `value` None is a tombstone. `offset`/`partition`/`timestamp` are set on consumed ones."""

    topic: str
    key: str
    value: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    partition: int = -1
    offset: int = -1
    timestamp: int = 0


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """What a topic must be like. `compacted` keeps the last value of each key; retention None is without limit."""

    name: str
    partitions: int
    compacted: bool
    retention_hours: int | None = None


Receive = Callable[[Message], Awaitable[None]]
LaneOf = Callable[[Message], str]
"""Messages of one lane are handled one after the other; empty: in the order of their partition."""


def by_key(message: Message) -> str:
    """A lane for each key."""
    return message.key


class Consumer(Protocol):
    """One running subscription. `busy` is the number of messages taken and not finished."""

    async def start(self) -> None: ...

    async def stop(self) -> None:
        """Stop taking, finish what was taken (bounded), commit what is finished."""
        ...

    @property
    def busy(self) -> int: ...

    def health(self) -> Mapping[str, Any]:
        """`{"alive": bool, "moving": bool, "last_poll_age_s": float, "lag": int, "paused": bool, …}`."""
        ...


class Broker(Protocol):
    """Publish and consume; every verb raises `BrokerUnavailable` when the broker does not answer."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when all are acknowledged. Messages of one topic and key are written in the order given."""
        ...

    async def provision(self, topics: Sequence[TopicSpec]) -> list[str]:
        """Create the topics that are missing and say which; idempotent."""
        ...

    async def topic_ids(self) -> Mapping[str, str]:
        """Name -> id of every topic that exists now (an id changes when a topic was lost and made again)."""
        ...

    def consumer(self, group: str, topics: Sequence[str], receive: Receive, lane_of: LaneOf = by_key) -> Consumer:
        """One subscription of `group` to all `topics`. `receive` is called one at a time per lane,
        lanes concurrently; a message counts as done when it returns. `StoreUnavailable`/`BrokerUnavailable` raised by
        it pause the lane and are retried without limit; `receive` itself turns everything else into a dead letter.
        """
        ...


class Clock(Protocol):
    """Time, as the store tells it. Aware UTC, millisecond precision."""

    def now(self) -> datetime: ...

    async def sleep(self, seconds: float) -> None: ...

    @property
    def doubt_seconds(self) -> float:
        """How far this clock may be off the store's; more than 2 is not ready."""
        ...


class Ids(Protocol):
    """Fresh ids; derived ones come from `turnus_runtime.ids.derived`."""

    def fresh(self, kind: str) -> str:
        """A new id of that kind: `bk_` + 26 characters."""
        ...


class Signals(Protocol):
    """Wake-ups between processes (Redis pub/sub). They may vanish at any moment: every waiter polls too."""

    async def wake(self, key: str) -> None: ...

    async def wait(self, key: str, seconds: float) -> bool:
        """True if woken, False after `seconds`."""
        ...


@dataclass(frozen=True, slots=True)
class Mail:
    """One e-mail to one receiver. `sender` and `to` are addresses, `calendar` an iCalendar text with its METHOD."""

    message_id: str
    sender: str
    sender_name: str
    to: str
    to_name: str
    subject: str
    text: str
    html: str
    calendar: str | None = None
    calendar_method: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class MailRefused(Exception):
    """The mail server said no for good (5xx); `code` is its reply code. Trying again will not help."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the mail server refused the mail for good (reply {code})")
        self.code = code


class MailDelayed(Exception):
    """The mail server said "later" (4xx) or did not answer; try again with backoff. `code` is 0 without a reply."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the mail server did not take the mail now (reply {code or 'none'})")
        self.code = code


class Mailer(Protocol):
    """Send mail. Raises `MailRefused` or `MailDelayed`."""

    async def send(self, mail: Mail) -> str:
        """Return the server's reply text (its queue id, for the delivery log)."""
        ...
