"""Whether readers of an old schema can read what a new one writes, and readers of the new one what the old one wrote.

Allowed: a new optional field with a default. Refused: removing, renaming or retyping a field, making one required or
no longer always there, narrowing what a value may be, new members of an enumeration, another key or identity.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]

_NARROWER_IF_ADDED = ("pattern", "format", "const", "multipleOf")
_LOWER = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_ENVELOPE = {"x-kind": "kind", "x-key": "key", "x-identity": "identity"}


def breaking_changes(old: Schema, new: Schema) -> list[str]:
    """One sentence for each breaking change from `old` to `new`; empty when there is none."""
    found = [f"its {name} changed" for field, name in _ENVELOPE.items() if old.get(field) != new.get(field)]
    found += _compare("", old, new, old.get("$defs", {}), new.get("$defs", {}))
    return found


def _compare(path: str, old: Schema, new: Schema, old_defs: Schema, new_defs: Schema) -> Iterator[str]:
    old, new = _resolved(old, old_defs), _resolved(new, new_defs)
    if _kinds(old) != _kinds(new):
        yield f"{path or 'the payload'} changed its type"
        return
    yield from _limits(path, old, new)
    if "properties" in old:
        yield from _fields(path, old, new, old_defs, new_defs)
    for part in ("items", "additionalProperties"):
        if isinstance(old.get(part), dict) and isinstance(new.get(part), dict):
            yield from _compare(f"{path}[]", old[part], new[part], old_defs, new_defs)
    for before, after in zip(_alternatives(old), _alternatives(new), strict=True):
        yield from _compare(path, before, after, old_defs, new_defs)


def _fields(path: str, old: Schema, new: Schema, old_defs: Schema, new_defs: Schema) -> Iterator[str]:
    before, after = old["properties"], new.get("properties", {})
    for name, schema in before.items():
        place = f"{path}.{name}" if path else name
        if name not in after:
            yield f"{place} was removed"
        else:
            yield from _compare(place, schema, after[name], old_defs, new_defs)
    for name in after:
        place = f"{path}.{name}" if path else name
        if name not in before and "default" not in _resolved(after[name], new_defs) and "default" not in after[name]:
            yield f"{place} is new and has no default"
        elif name in before and "default" in before[name] and "default" not in after[name]:
            yield f"{place} lost its default"


def _limits(path: str, old: Schema, new: Schema) -> Iterator[str]:
    if old.get("enum") != new.get("enum"):
        yield f"{path} changed its members"
    for name in _NARROWER_IF_ADDED:
        if name in new and old.get(name) != new[name]:
            yield f"{path} was narrowed ({name})"
    for name in _LOWER:
        if name in new and (name not in old or new[name] > old[name]):
            yield f"{path} was narrowed ({name})"
    for name in _UPPER:
        if name in new and (name not in old or new[name] < old[name]):
            yield f"{path} was narrowed ({name})"


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    reference = schema.get("$ref")
    return definitions[reference.rpartition("/")[2]] if isinstance(reference, str) else schema


def _kinds(schema: Schema) -> object:
    if "anyOf" in schema:
        return len(schema["anyOf"])
    return schema.get("type", sorted(schema.get("properties", {})))


def _alternatives(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", []))
