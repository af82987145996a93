"""The example payloads, and contracts that were changed for a test."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import create_model

from turnus_contracts import EVENTS, Event

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "libs/contracts/examples"
OLD, LATER = "old: ", "later: "
"""How the names of examples begin that lack optional fields, or that hold what nobody knows yet."""

Fields = dict[str, tuple[Any, Any]]


def examples(event: type[Event]) -> dict[str, dict[str, Any]]:
    """Name -> payload of every example of this event."""
    return json.loads((EXAMPLES / f"{event.topic()}.json").read_text())


def all_examples() -> Iterator[tuple[type[Event], str, dict[str, Any]]]:
    for event in EVENTS:
        for name, payload in examples(event).items():
            yield event, name, payload


def fields_of(event: type[Event]) -> Fields:
    """The fields of a contract as `create_model` takes them: name -> (annotation, default or ...)."""
    found: Fields = {}
    for name, info in event.model_fields.items():
        annotation = Annotated[info.annotation, *info.metadata] if info.metadata else info.annotation
        found[name] = (annotation, ... if info.is_required() else info.default)
    return found


def contract(event: type[Event], fields: Fields, **envelope: Any) -> type[Event]:
    """A contract of the same name with these fields; `envelope` replaces kind, keyed_by or identity."""
    said: Mapping[str, Any] = {
        "kind": event.kind,
        "keyed_by": event.keyed_by,
        "identity": event.identity,
        **envelope,
    }
    changed = create_model(event.__name__, __base__=Event, __doc__=event.__doc__, **fields)
    for name, value in said.items():
        setattr(changed, name, value)
    return changed
