"""Records and decisions: the pure half of the runtime, the only part of it that a `domain` module imports.

A *record* is one document. A *decision* is what a pure function of records says shall happen: the new state, the answer
to the asker, and what the record now owes the world. `turnus_runtime.store` writes all three in one compare-and-set.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Generic, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from turnus_contracts import Event

GRACE_MS = 3_000
"""How long the sweeper leaves a fresh event to the relay of the process that wrote it."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One thing a record owes. `id` is unique in the record: owing the same id again replaces the entry.

    kind `event`: publish `data` (a contract's JSON) to topic `name` with `key`; leaves when published.
    kind `state`: publish the full state `name`, built from the record when it is sent; leaves when published.
    kind `timer`: call the service's timer `name`; leaves only by a decision that drops or replaces it.
    kind `job`: run the service's job `name` outside any decision; leaves only by the decision on its outcome.
    `due` is epoch milliseconds; `tries` counts the claims of a job and the firings of a timer.
    """

    id: str
    kind: str
    name: str
    due: int
    key: str = ""
    data: Mapping[str, Any] | None = None
    tries: int = 0
    trace: str = ""

    def stored(self) -> dict[str, Any]:
        """The entry as the store keeps it, without what is empty."""
        entry: dict[str, Any] = {"id": self.id, "kind": self.kind, "name": self.name, "due": self.due}
        if self.key:
            entry["key"] = self.key
        if self.data is not None:
            entry["data"] = self.data
        if self.tries:
            entry["tries"] = self.tries
        if self.trace:
            entry["trace"] = self.trace
        return entry

    @classmethod
    def of_stored(cls, entry: Mapping[str, Any]) -> "Owed":
        """The entry that `stored` wrote."""
        return cls(**entry)


def event(fact: Event) -> Owed:
    """Owe a fact; its entry id is the event's own `ce_id`, so saying it twice in one record is saying it once."""
    return Owed(id=fact.ce_id, kind="event", name=fact.topic(), due=0, key=fact.key, data=fact.model_dump(mode="json"))


def state(contract: type[Event]) -> Owed:
    """Owe the full state of this record; it is built when it is sent, so only the newest is ever said."""
    return Owed(id=f"state:{contract.topic()}", kind="state", name=contract.topic(), due=0)


def timer(name: str, due: datetime, *, id: str | None = None, data: Mapping[str, Any] | None = None) -> Owed:
    """Owe a timer: the service's timer `name` is called with this record once `due` has come."""
    return Owed(id=id or name, kind="timer", name=name, due=millis(due), data=data)


def job(name: str, due: datetime, *, id: str, data: Mapping[str, Any] | None = None) -> Owed:
    """Owe a job: an effect on the outside world; `id` is its idempotency key inside the record."""
    return Owed(id=id, kind="job", name=name, due=millis(due), data=data)


def millis(instant: datetime) -> int:
    """Epoch milliseconds of an aware instant, rounded down."""
    return int(instant.timestamp() * 1000)


class Record(BaseModel):
    """One document of a service, immutable: a decision returns a changed copy (`change`).

    Class attributes: `collection` its name; `format` rises when the stored shape changes, `upgrade` reads the older
    ones (rolling deployments: a new process meets old documents; an old one waits when it meets a new one);
    `indexes` the names that `keys` gives values for; `long` those of them of which one range may hold any number of
    records (keys are texts; see `milestones`); `wakes`: a write wakes those who wait for this id.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    collection: ClassVar[str]
    format: ClassVar[int] = 1
    indexes: ClassVar[tuple[str, ...]] = ()
    long: ClassVar[tuple[str, ...]] = ()
    wakes: ClassVar[bool] = False

    id: str
    owed: tuple[Owed, ...] = Field(default=(), exclude=True, repr=False)
    """What is still owed as of this copy. Written by the runtime only; a decision may read it."""

    def keys(self) -> Mapping[str, str | int | None]:
        """Values of `indexes`, sortable scalars; None keeps the record out of that index."""
        return {}

    @classmethod
    def upgrade(cls, stored: dict[str, Any], written: int) -> dict[str, Any]:
        """Turn a stored state of format `written` into one of the present format."""
        return stored

    def change(self, **values: Any) -> Self:
        """A copy with these values (not validated again: domain code is typed)."""
        return self.model_copy(update=values)

    def owes(self, id: str) -> Owed | None:
        """The owed entry with this id, if it is still owed as of this copy."""
        return next((entry for entry in self.owed if entry.id == id), None)


R = TypeVar("R", bound=Record)
A_co = TypeVar("A_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Decision(Generic[R, A_co]):
    """What shall happen to one record.

    `record` None: nothing is written; that counts only on a fresh read, which the runtime sees to.
    `owes` are added (same id: replaced), `drops` are ids of timers and jobs that leave.
    `says` are published without being stored, before `answer` is returned: for repeating a recorded answer.
    """

    answer: A_co
    record: R | None = None
    owes: Sequence[Owed] = ()
    drops: Sequence[str] = ()
    says: Sequence[Event] = ()


class Projection(Record):
    """What another service last said of a thing of its own. `version` is that service's.

    It owes nothing (the store refuses it), so that nobody has to look whether it does.
    """

    version: int


P = TypeVar("P", bound=Projection)


def newest(known: P | None, told: P) -> Decision[P, None]:
    """Keep what was told unless it is already known as well or better: duplicates and older states change nothing."""
    return Decision(None, None if known is not None and known.version >= told.version else told)


def key(*parts: str | int) -> str:
    """An index key of several parts that sorts part by part: ints as 13 digits, parts joined by `|`."""
    return "|".join(f"{part:013d}" if isinstance(part, int) else part for part in parts)
