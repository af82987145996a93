"""Whether readers of an old schema can read what a new one writes, and readers of the new one what the old one wrote.

Allowed: a new optional field with a default, and other words about a field. Refused: everything else. That is removing,
renaming or retyping a field, making one required or no longer always there, another default, narrowing or widening what
a value may be, other members of an enumeration, another kind, key or identity.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

Schema = Mapping[str, Any]

_ENVELOPE = {"x-kind": "kind", "x-key": "key", "x-identity": "identity"}
_WORDS = frozenset({"$schema", "$id", "$defs", "title", "description", "examples", "deprecated", *_ENVELOPE})
_FOLLOWED = frozenset({"properties", "required", "items", "additionalProperties", "anyOf", "default"})


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """One sentence for each breaking change from `old` to `new`; empty when there is none."""
    found = [f"its {name} changed" for field, name in _ENVELOPE.items() if old.get(field) != new.get(field)]
    found += _compare("", _inlined(old, old.get("$defs", {})), _inlined(new, new.get("$defs", {})))
    return found


def _compare(path: str, old: object, new: object) -> Iterator[str]:
    place = path or "the payload"
    before, after = _schema(old), _schema(new)
    if before is None or after is None:
        if old != new:
            yield f"{place} changed what it may hold"
        return
    if _type(before) != _type(after):
        yield f"{place} changed its type"
        return
    for word in sorted({*before, *after} - _WORDS - _FOLLOWED):
        if before.get(word) != after.get(word):
            yield f"{place} changed what it may be ({word})"
    yield from _fields(path, before, after)
    for part in ("items", "additionalProperties"):
        yield from _compare(f"{place}[]", before.get(part), after.get(part))
    for one, other in zip(before.get("anyOf", ()), after.get("anyOf", ()), strict=True):
        yield from _compare(path, one, other)


def _fields(path: str, old: Schema, new: Schema) -> Iterator[str]:
    before, after = old.get("properties", {}), new.get("properties", {})
    for name in sorted({*before, *after}):
        place = f"{path}.{name}" if path else name
        was, now = name in old.get("required", ()), name in new.get("required", ())
        if name not in after:
            yield f"{place} was removed"
        elif name not in before:
            if now:
                yield f"{place} is new and has no default"
        elif was != now:
            yield f"{place} {'became required' if now else 'is no longer always there'}"
        else:
            yield from _compare(place, before[name], after[name])
            if before[name].get("default") != after[name].get("default"):
                yield f"{place} changed its default"


def _type(schema: Schema) -> object:
    """What must be alike before parts can be compared: the type, or the types to choose from."""
    return schema.get("type"), [part.get("type") for part in schema.get("anyOf", ())]


def _schema(part: object) -> Schema | None:
    return cast("Schema", part) if isinstance(part, Mapping) else None


def _inlined(part: Any, definitions: Schema) -> Any:
    """The schema with its `$ref`s replaced by what they name: the names of value types may change."""
    if isinstance(part, list):
        return [_inlined(one, definitions) for one in cast("list[Any]", part)]
    schema = _schema(part)
    if schema is None:
        return part
    inside = {name: _inlined(value, definitions) for name, value in schema.items() if name not in ("$ref", "$defs")}
    reference: object = schema.get("$ref")
    if not isinstance(reference, str):
        return inside
    return {**_inlined(definitions[reference.rpartition("/")[2]], definitions), **inside}
