"""Dead letters: messages that a service gave up, as its topic `<service>.dlq` keeps them, and having them tried again.

That topic is the truth: a letter, and later a note that it was replayed. It has one partition, so a note always comes
after its letter.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from turnus_runtime.consume import ADDED, dead_letter_topic
from turnus_runtime.installation import OperationError
from turnus_runtime.ports import Broker, Message
from turnus_runtime.service import Service

REPLAYED = "replayed"
"""The header of a note: which letter was replayed."""


class Reader(Protocol):
    """What is read beside all groups (`turnus_runtime.kafka.reading.KafkaReader`)."""

    async def existing(self, topics: Sequence[str]) -> dict[str, str]: ...

    async def all_of(self, topics: Sequence[str]) -> list[Message]: ...

    async def since(self, topic: str, offset: int, most: int) -> list[Message]: ...

    async def lags(self, group: str, topics: Sequence[str]) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that a service gave up, with where it came from and why. `value` is None where it is personal data."""

    id: str
    service: str
    topic: str
    partition: int
    offset: int
    key: str
    error: str
    detail: str
    buried_at: str
    value: bytes | None
    replayed: bool
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def shown(self) -> dict[str, Any]:
        """As `turnus dead-letters show` prints it."""
        return {
            "id": self.id,
            "origin": {"topic": self.topic, "partition": self.partition, "offset": self.offset, "key": self.key},
            "error": self.error,
            "detail": self.detail,
            "buried_at": self.buried_at,
            "replayed": self.replayed,
            "headers": dict(self.headers),
            "payload": None if self.value is None else payload(self.value),
        }


async def dead_letters(reader: Reader, services: Sequence[Service]) -> list[DeadLetter]:
    """All dead letters of these services that are kept, oldest first."""
    origins = {dead_letter_topic(service.name): service.name for service in services}
    found = await reader.all_of(list(origins))
    replayed = {message.headers[REPLAYED] for message in found if REPLAYED in message.headers}
    return [
        letter_of(origins[message.topic], message, replayed) for message in found if REPLAYED not in message.headers
    ]


def letter_of(service: str, message: Message, replayed: Collection[str] = ()) -> DeadLetter:
    """The letter that a message of the topic of this service is."""
    told = message.headers
    name = f"{service}:{message.partition}:{message.offset}"
    return DeadLetter(
        id=name,
        service=service,
        topic=told.get("origin_topic", ""),
        partition=int(told.get("origin_partition", "-1")),
        offset=int(told.get("origin_offset", "-1")),
        key=message.key,
        error=told.get("error", ""),
        detail=told.get("error_detail", ""),
        buried_at=told.get("buried_at", ""),
        value=message.value or None,
        replayed=name in replayed,
        headers={name: value for name, value in told.items() if name not in ADDED},
    )


def chosen(letters: Sequence[DeadLetter], ids: Sequence[str]) -> list[DeadLetter]:
    """These letters by id. Raises `OperationError` for an id that is none."""
    by_id = {letter.id: letter for letter in letters}
    if unknown := [name for name in ids if name not in by_id]:
        raise OperationError(f"there is no dead letter {unknown[0]}: `turnus dead-letters list` shows all")
    return [by_id[name] for name in ids]


async def replay(broker: Broker, letters: Sequence[DeadLetter]) -> None:
    """Publish the messages again where they came from, as they were, and note that next to the letters.

    Every service that listens gets them, which is harmless: all answer duplicates again. What fails again comes back
    as a new letter. Raises `OperationError`, with nothing published, for a letter without payload.
    """
    if empty := [letter for letter in letters if letter.value is None]:
        raise OperationError(
            f"dead letter {empty[0].id} was kept without its payload (personal data): "
            "`turnus republish` makes its owner say it again"
        )
    for letter in letters:
        await broker.publish([Message(letter.topic, letter.key, letter.value, letter.headers)])
        note = Message(dead_letter_topic(letter.service), letter.key, b"{}", {REPLAYED: letter.id})
        await broker.publish([note])


def payload(value: bytes) -> Any:
    """What a message says: JSON, or what text there is."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value.decode(errors="replace")
