"""The dead letters of one service as its store knows them, so that each workspace can be shown its own.

The topic `<service>.dlq` is the truth; this is a projection of it, read on to its end whenever somebody asks. It holds
where a letter came from and why it is there, never what the message said. A topic that was lost and made again begins
anew: what the store knows of the earlier one is not shown any more.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar

from turnus_runtime.consume import SUBJECT, UNREADABLE, WORKSPACE, dead_letter_topic, workspace_of
from turnus_runtime.dead_letters import REPLAYED, DeadLetter, Reader, letter_of
from turnus_runtime.ids import derived
from turnus_runtime.ports import Message
from turnus_runtime.records import Decision, Projection, key, newest
from turnus_runtime.store import RecordStore

AT_ONCE = 200
PAGES = 5
"""So many times `AT_ONCE` are read on for one who asks; whoever asks next goes on there."""
SHOWN = 200
"""Characters of what strangers may have chosen: the key, the subject, the names of fields."""
WAITING, DONE = 1, 2
"""The versions of a letter: it waits, it was replayed."""


class FiledLetter(Projection):
    """One dead letter. `place` is its offset in the topic, `made` the id of the topic that it lies in."""

    collection: ClassVar[str] = "dead_letters"
    indexes: ClassVar[tuple[str, ...]] = ("by_workspace", "waiting")
    long: ClassVar[tuple[str, ...]] = indexes

    made: str
    place: int
    workspace_id: str
    """empty: the message named none that could be read"""
    topic: str
    subject: str
    key: str
    error: str
    unreadable: tuple[str, ...]
    """the fields in which the message could not be read"""
    buried_at: datetime
    empty: bool
    """kept without what the message said, which was personal data"""

    def keys(self) -> Mapping[str, str | int | None]:
        """Those that wait, by place."""
        if self.version != WAITING:
            return {}
        return {
            "by_workspace": key(self.made, self.workspace_id, self.place) if self.workspace_id else None,
            "waiting": key(self.made, self.place),
        }


class ReadUpTo(Projection):
    """How far the topic was read: `version` is the place of the message after the last one that is known, and one."""

    collection: ClassVar[str] = "dead_letters_read"

    made: str


@dataclass(frozen=True, slots=True)
class Letterbox:
    """The dead letters of the service `name`, over its own records."""

    name: str
    records: RecordStore

    async def made(self) -> str:
        """The id of the topic as it was when it was read last; empty before the first time."""
        known = await self.records.get(ReadUpTo, self.name)
        return known.made if known is not None else ""

    async def read_on(self, reader: Reader) -> bool:
        """Learn what the topic says that is not known yet. False: there is more than fits into one call.

        Raises `BrokerUnavailable`, `StoreUnavailable`; what was read until then is known.
        """
        topic = dead_letter_topic(self.name)
        made = (await reader.existing([topic])).get(topic)
        if made is None:
            return True
        known = await self.records.get(ReadUpTo, self.name)
        place = known.version - 1 if known is not None and known.made == made else 0
        for _ in range(PAGES):
            messages = await reader.since(topic, place, AT_ONCE)
            notes = [message for message in messages if REPLAYED in message.headers]
            await asyncio.gather(*(self._file(made, message) for message in messages if message not in notes))
            await asyncio.gather(*(self._note(made, message.headers[REPLAYED]) for message in notes))
            place = max([place, *(message.offset + 1 for message in messages)])
            read = ReadUpTo(id=self.name, version=place + 1, made=made)
            await self.records.decide(ReadUpTo, self.name, partial(_further, read))
            if len(messages) < AT_ONCE:
                return True
        return False

    async def letter(self, letter_id: str) -> FiledLetter | None:
        """A letter of the topic that is there now."""
        found = await self.records.get(FiledLetter, letter_id)
        return found if found is not None and found.made == await self.made() else None

    async def waiting(self, most: int) -> int:
        """How many wait, of all workspaces; counted up to `most`."""
        made = await self.made()
        low, high = f"{made}|", f"{made}}}"
        return len(await self.records.find(FiledLetter, "waiting", low, high, limit=most)) if made else 0

    async def content(self, letter: FiledLetter, reader: Reader) -> DeadLetter | None:
        """The letter itself, as the topic holds it; None if it holds it no more."""
        found = await reader.since(dead_letter_topic(self.name), letter.place, 1)
        return letter_of(self.name, found[0]) if found and found[0].offset == letter.place else None

    async def _file(self, made: str, message: Message) -> None:
        filed = filed_letter(self.name, made, message)
        await self.records.decide(FiledLetter, filed.id, lambda known: newest(known, filed))

    async def _note(self, made: str, name: str) -> None:
        place = name.rpartition(":")[2]
        if place.isdecimal():
            await self.records.decide(FiledLetter, letter_id(self.name, made, int(place)), replayed)


def letter_id(service: str, made: str, place: int) -> str:
    """The id of the letter at this place of the topic with this id."""
    return derived("dlt", service, made, place)


def filed_letter(service: str, made: str, message: Message) -> FiledLetter:
    """What is kept of a message of the topic. What strangers chose is cut where it is longer than anything of ours."""
    told = message.headers
    detail = told.get("error_detail", "")
    fields = detail.removeprefix(UNREADABLE) if detail.startswith(UNREADABLE) else ""
    return FiledLetter(
        id=letter_id(service, made, message.offset),
        version=WAITING,
        made=made,
        place=message.offset,
        workspace_id=told.get(WORKSPACE) or workspace_of(message.value),
        topic=told.get("origin_topic", "")[:SHOWN],
        subject=told.get(SUBJECT, "")[:SHOWN],
        key=message.key[:SHOWN],
        error=told.get("error", "")[:SHOWN],
        unreadable=tuple(fields[:SHOWN].split(", ")) if fields else (),
        buried_at=_instant(told.get("buried_at", "")) or datetime.fromtimestamp(message.timestamp / 1000, UTC),
        empty=not message.value,
    )


def _instant(text: str) -> datetime | None:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read.astimezone(UTC) if read.tzinfo is not None else None


def replayed(known: FiledLetter | None) -> Decision[FiledLetter, None]:
    """It was replayed; of what is not known nothing is noted."""
    if known is None or known.version == DONE:
        return Decision(None)
    return Decision(None, known.change(version=DONE))


def _further(read: ReadUpTo, known: ReadUpTo | None) -> Decision[ReadUpTo, None]:
    """Another process may have read further; a topic that was made again begins anew."""
    if known is not None and known.made == read.made and known.version >= read.version:
        return Decision(None)
    return Decision(None, read)
