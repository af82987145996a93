"""What every event is: an immutable pydantic model whose class name is its topic."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, PlainSerializer, WithJsonSchema


def _utc_millis(value: datetime) -> datetime:
    return value.astimezone(UTC).replace(microsecond=value.microsecond // 1000 * 1000)


def _rfc3339(value: datetime) -> str:
    return value.isoformat(timespec="milliseconds" if value.microsecond else "seconds").replace("+00:00", "Z")


Instant = Annotated[
    AwareDatetime,
    AfterValidator(_utc_millis),
    PlainSerializer(_rfc3339, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""An aware instant, kept in UTC to the millisecond; RFC 3339 with `Z` in JSON."""

Kind = Literal["fact", "state"]


class Value(BaseModel):
    """A part of an event: immutable, tolerant of fields that a newer publisher adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Value):
    """A past-tense fact. The class name is the topic, verbatim; one service owns it.

    kind `fact`: kept without limit, self-contained, no personal data. kind `state`: a full state, compacted, its key is
    the id of the thing, it carries `version` and `status`, and its owner can say it again at any time.
    `keyed_by` names the field that is the Kafka key; `identity` the fields that make two sayings the same event.
    """

    kind: ClassVar[Kind] = "fact"
    keyed_by: ClassVar[str]
    identity: ClassVar[tuple[str, ...]]
    shared: ClassVar[bool] = False
    """Said by several services (`CalendarApplied`, `ChangeRecorded`); every other event has exactly one publisher."""
    about: ClassVar[str | None] = None
    """The field that names what this event is about, put into every log line of its handling."""
    personal: ClassVar[bool] = False
    """Holds guests' personal data; its dead letters hold no payload."""

    @classmethod
    def topic(cls) -> str:
        """The topic's name."""
        return cls.__name__

    @property
    def key(self) -> str:
        """The Kafka key of this event."""
        return str(getattr(self, self.keyed_by))

    @property
    def ce_id(self) -> str:
        """Stable across re-sends: the topic and the values of `identity`. Outside consumers drop duplicates by it."""
        return ":".join((self.topic(), *(str(getattr(self, name)) for name in self.identity)))
