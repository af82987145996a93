"""The JSON Schema of one contract, as consumers are promised it."""

import inspect
from typing import Any

from turnus_contracts import Event

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(event: type[Event]) -> dict[str, Any]:
    """JSON Schema 2020-12 of the payload, with what the envelope says: kind, key, identity."""
    schema = event.model_json_schema(mode="serialization")
    return {
        "$schema": DIALECT,
        "$id": f"urn:turnus:event:{event.topic()}",
        "title": event.topic(),
        "description": inspect.getdoc(event) or "",
        "x-kind": event.kind,
        "x-key": event.keyed_by,
        "x-identity": list(event.identity),
        **{name: value for name, value in schema.items() if name not in ("title", "description")},
    }
