"""Dead letters of the real services, made by events that no service can read."""

from typing import Any

from tests.integration.api.conftest import SERVICES, Api, Office
from tests.support.system import eventually
from turnus_runtime.consume import dead_letter_topic
from turnus_runtime.ids import RandomIds
from turnus_runtime.ports import Message


async def workspace_of(api: Api, at: Office) -> str:
    return str((await api.call("GET", "/sessions/current", None, at.staff))["workspace_id"])


async def waiting(api: Api, at: Office, service: str) -> list[dict[str, Any]]:
    """The letters of this service that the staff of this workspace are shown."""
    return list((await api.call("GET", f"/operations/{service}/dead-letters", None, at.staff))["items"])


async def poisoned(api: Api, at: Office) -> str:
    """An event of this workspace that none of the services can read; gives its key once all of them gave it up."""
    key = RandomIds().fresh("ses")
    told = f'{{"workspace_id": "{await workspace_of(api, at)}", "credential_id": "{key}"}}'
    await api.system.process.broker.publish([Message("CredentialRevoked", key, told.encode(), {"ce_id": key})])
    for service in SERVICES:

        async def given_up(service: str = service) -> bool:
            return key in {one["key"] for one in await waiting(api, at, service)}

        await eventually(given_up)
    return key


async def buried(api: Api, service: str, topic: str, key: str, value: bytes, **told: str) -> None:
    """A message that this service gave up when it had a fault which it has no more."""
    headers = {"ce_id": key, "origin_topic": topic, "origin_partition": "0", "origin_offset": "0", "error": "KeyError"}
    await api.system.process.broker.publish([Message(dead_letter_topic(service), key, value, {**headers, **told})])
