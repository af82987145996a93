"""What a record looks like in MongoDB, and the update pipelines over it.

`{_id, v: version, w: [tokens of the latest writes, newest last], f: format, s: state, owed: [{id, due, …}],
next_due?: epoch ms, k_<index>?: key}`. `next_due` and keys are absent, never null, where there is none: their indexes
are sparse, so that only documents that have them cost anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import bson
from bson.codec_options import CodecOptions
from bson.dbref import DBRef
from bson.objectid import ObjectId
from bson.raw_bson import RawBSONDocument

from turnus_runtime.ports import Stored

LARGEST_DOCUMENT_BYTES = 4 * 2**20
"""MongoDB takes 16 MiB. The embedded server with its small cache retries an update of 12 MiB for ever (6 MiB, eight at
once, is fine there); a record this large is a defect anyway."""
TOKENS_KEPT = 8
"""Writes that a document remembers: so many may follow a write before its own writer has asked whether it won."""
NEXT_DUE = "next_due"
DECODING: CodecOptions[dict[str, Any]] = CodecOptions(document_class=dict[str, Any], tz_aware=True)


class DocumentTooLarge(ValueError):
    """The record is larger than `LARGEST_DOCUMENT_BYTES`."""

    def __init__(self, id: str, size: int) -> None:
        super().__init__(f"record {id} has {size} bytes, {LARGEST_DOCUMENT_BYTES} are allowed: archive part of it")


@dataclass(frozen=True, slots=True)
class Write:
    """One write, encoded when it was asked for: a bad value meets its own caller only, not a whole batch."""

    id: str
    expected: int
    body: RawBSONDocument
    token: ObjectId

    @property
    def size(self) -> int:
        return len(self.body.raw)

    @property
    def compare_and_set(self) -> list[dict[str, Any]]:
        """The pipeline for `{_id}`: the version is compared inside, because a filter `{_id, v}` makes the embedded
        server scan the whole collection. A lost write leaves the document as it is and is not counted as modified.
        """
        latest = {"$slice": [{"$concatArrays": ["$w", {"$literal": [self.token]}]}, -TOKENS_KEPT]}
        new = {"$mergeObjects": [{"$literal": self.body}, {"w": latest}]}
        return [{"$replaceWith": {"$cond": [{"$eq": ["$v", self.expected]}, new, "$$ROOT"]}}]

    def won(self, now: Mapping[str, Any] | None) -> bool | None:
        """Whether this write took place, by what the document is after it; None if that is no longer to be told."""
        if now is None:
            return False
        if self.token in now["w"]:
            return True
        return False if now["v"] - self.expected <= len(now["w"]) else None


def write(document: Stored, expected: int) -> Write:
    """Encode for an insert or a replace. Raises `DocumentTooLarge`, `TypeError` for a key that cannot be sorted, and
    what `bson.encode` raises for values that JSON does not have (`InvalidDocument`, `OverflowError`, …).
    """
    token = ObjectId()
    body: dict[str, Any] = {
        "_id": document.id,
        "v": document.version,
        "w": [token],
        "f": document.format,
        "s": document.state,
        "owed": list(document.owed),
    }
    if (due := document.next_due) is not None:
        body[NEXT_DUE] = due
    for index, key in document.keys.items():
        body[field(index)] = sortable(index, key)
    raw = bson.encode(body)
    if len(raw) > LARGEST_DOCUMENT_BYTES:
        raise DocumentTooLarge(document.id, len(raw))
    return Write(document.id, expected, RawBSONDocument(raw), token)


def read(raw: bytes) -> Stored:
    """Decode into fresh values that share nothing with another reader's."""
    found = bson.decode(raw, DECODING)  # pyright: ignore[reportUnknownMemberType] (mmap, array)
    if b"$ref\0" in raw:
        found = cast("dict[str, Any]", _plain(found))
    return Stored(
        id=found["_id"],
        version=found["v"],
        format=found["f"],
        state=found["s"],
        owed=tuple(found["owed"]),
        keys={name[2:]: value for name, value in found.items() if name.startswith("k_")},
    )


def clearing(owed_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The pipeline that removes owed entries by id and recomputes `next_due` from those left, in one update.

    `$map` instead of the path `$owed.due`, which is silently null on the embedded server.
    """
    gone = {"$in": ["$$entry.id", {"$literal": list(owed_ids)}]}
    left = {"$filter": {"input": "$owed", "as": "entry", "cond": {"$not": [gone]}}}
    earliest = {"$min": {"$map": {"input": "$owed", "as": "entry", "in": "$$entry.due"}}}
    return [
        {"$set": {"owed": left}},
        {"$set": {NEXT_DUE: {"$cond": [{"$eq": [{"$size": "$owed"}, 0]}, "$$REMOVE", earliest]}}},
    ]


def field(index: str) -> str:
    """Where the key of `index` lies in the document."""
    if index == NEXT_DUE:
        return NEXT_DUE
    if not index.isidentifier():
        raise ValueError(f"{index!r} cannot be the name of an index")
    return f"k_{index}"


def sortable(index: str, key: object) -> str | int:
    if isinstance(key, bool) or not isinstance(key, str | int):
        raise TypeError(f"key {index} is {key!r}, only text and whole numbers can be sorted")
    return key


def span(index: str, low: str | int, high: str | int, limit: int) -> dict[str, str | int]:
    """The condition for the half-open [low, high). Both of one type: MongoDB finds nothing between different ones."""
    if isinstance(sortable(index, low), str) != isinstance(sortable(index, high), str):
        raise TypeError(f"a range of {index} from {low!r} to {high!r} can hold nothing")
    if limit < 1:
        raise ValueError(f"a limit of {limit} finds nothing (MongoDB would take 0 as no limit)")
    return {"$gte": low, "$lt": high}


def _plain(value: Any) -> Any:
    """Give back a state's `{"$ref": …, "$id": …}`, which the decoder takes for a reference of MongoDB's own."""
    if isinstance(value, DBRef):
        return _plain(dict(value.as_doc()))
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in cast("list[Any]", value)]
    return value
