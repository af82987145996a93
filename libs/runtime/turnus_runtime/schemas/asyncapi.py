"""AsyncAPI 3.0 of every topic, from the Service tables. https://www.asyncapi.com/docs/reference/specification/v3.0.0"""

from collections.abc import Sequence
from typing import Any

from turnus_contracts import EVENTS, Event
from turnus_runtime.http.equipment import equipped
from turnus_runtime.schemas.contracts import schema_of
from turnus_runtime.service import Service

_HEADERS = {
    "type": "object",
    "required": ["ce_id", "ce_type", "ce_source", "ce_time", "ce_specversion"],
    "properties": {
        "ce_id": {"type": "string", "description": "Stable across re-sends: drop duplicates by it"},
        "ce_type": {"type": "string", "description": "The event, which is the topic"},
        "ce_source": {"type": "string", "description": "/turnus/<service>"},
        "ce_subject": {"type": "string", "description": "What it is about: the id of the booking, for facts of one"},
        "ce_time": {"type": "string", "format": "date-time", "description": "When it was said (again)"},
        "ce_specversion": {"type": "string", "const": "1.0"},
        "traceparent": {"type": "string", "description": "W3C trace context"},
    },
}


def asyncapi(services: Sequence[Service]) -> dict[str, Any]:
    """The document: a channel and a message for each event, an operation for each service that says or hears it."""
    operations: dict[str, Any] = {}
    for service in map(equipped, services):
        for event in service.publishes:
            operations[f"{service.name}.says.{event.topic()}"] = _operation("send", event)
        for event in service.consumes:
            operations[f"{service.name}.hears.{event.topic()}"] = _operation("receive", event)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Turnus events",
            "version": "1",
            "description": "Every fact that the services of Turnus say, on Kafka. At least once; in order per key and "
            "topic; no order across topics.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {event.topic(): _channel(event) for event in EVENTS},
        "operations": operations,
        "components": {
            "messages": {event.topic(): _message(event) for event in EVENTS},
            "schemas": {"Headers": _HEADERS},
        },
    }


def _channel(event: type[Event]) -> dict[str, Any]:
    return {
        "address": event.topic(),
        "description": "Compacted: the last state of each key is kept"
        if event.kind == "state"
        else "Kept without limit",
        "messages": {event.topic(): {"$ref": f"#/components/messages/{event.topic()}"}},
        "bindings": {
            "kafka": {
                "topic": event.topic(),
                "topicConfiguration": {"cleanup.policy": ["compact" if event.kind == "state" else "delete"]},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _message(event: type[Event]) -> dict[str, Any]:
    schema = schema_of(event)
    return {
        "name": event.topic(),
        "title": event.topic(),
        "summary": schema["description"].splitlines()[0],
        "contentType": "application/json",
        "headers": {"$ref": "#/components/schemas/Headers"},
        "payload": {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": schema},
        "bindings": {"kafka": {"key": {"type": "string", "description": event.keyed_by}, "bindingVersion": "0.5.0"}},
    }


def _operation(action: str, event: type[Event]) -> dict[str, Any]:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{event.topic()}"},
        "messages": [{"$ref": f"#/channels/{event.topic()}/messages/{event.topic()}"}],
    }
