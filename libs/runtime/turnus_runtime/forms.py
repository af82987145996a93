"""A record as a document of the store, and back: the one place where formats and index keys are written and read."""

from typing import TypeVar

from turnus_runtime import milestones
from turnus_runtime.ports import Stored, StoreUnavailable
from turnus_runtime.records import Owed, Record

R = TypeVar("R", bound=Record)


class RecordTooNew(StoreUnavailable):
    """The stored format is newer than this process: it waits for its own upgrade, as for a store that is away."""


def stored_form(record: Record, version: int) -> Stored:
    """The document of a record."""
    keys = {name: value for name, value in record.keys().items() if value is not None}
    keys |= milestones.keys_of(record.id, keys, record.long)
    keys["self"] = record.id
    return Stored(
        id=record.id,
        version=version,
        format=record.format,
        state=record.model_dump(mode="json", exclude={"id"}),
        owed=[entry.stored() for entry in record.owed],
        keys=keys,
    )


def loaded(kind: type[R], stored: Stored) -> R:
    """The record of a document, upgraded if an older process wrote it."""
    if stored.format > kind.format:
        raise RecordTooNew(f"{kind.collection} {stored.id}: written in format {stored.format}, known is {kind.format}")
    state = dict(stored.state)
    if stored.format < kind.format:
        state = kind.upgrade(state, stored.format)
    owed = tuple(Owed.of_stored(entry) for entry in stored.owed)
    return kind.model_validate({**state, "id": stored.id}).change(owed=owed)


def is_current(kind: type[Record], stored: Stored) -> bool:
    """Whether this process would write the document as it is stored: in this format, with these index keys."""
    written = stored_form(loaded(kind, stored), stored.version)
    return (written.format, written.keys) == (stored.format, stored.keys)
