"""What tools need to know of the installation on this machine; cheap to import."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from turnus_runtime.embedded import BROKER, CACHE, STORE, is_running
from turnus_runtime.embedded.servers import HOST, cache_socket
from turnus_runtime.settings import Settings, env_name

EMBEDDED_BROKER: Mapping[str, Any] = {
    "kafka_idempotent": False,
    "kafka_fetch_max_wait_ms": 50,
    "kafka_session_timeout_ms": 3000,  # it lets a group wait for half of this at every join
    "topic_partitions": 3,
}
"""Settings that every client of the embedded broker needs."""


class OperationError(Exception):
    """Something was asked that cannot be done; the message says what to do."""


def nearby(settings: Settings) -> dict[str, Any]:
    """Where the servers of a `turnus up` on this data directory are, if one runs; the environment wins over it."""
    if not is_running(settings.data_dir):
        return {}
    try:
        ports: dict[str, int] = json.loads((settings.data_dir / "ports.json").read_text())
    except (OSError, ValueError):
        return {}
    socket = cache_socket(settings.data_dir.absolute())
    found: dict[str, Any] = dict(EMBEDDED_BROKER)
    if BROKER in ports:
        found["kafka_url"] = f"{HOST}:{ports[BROKER]}"
    if STORE in ports:
        found["mongo_url"] = f"mongodb://{HOST}:{ports[STORE]}/?retryWrites=false&w=majority&directConnection=true"
    if socket is not None:
        found["redis_url"] = f"unix://{quote(str(socket))}"
    elif CACHE in ports:
        found["redis_url"] = f"redis://{HOST}:{ports[CACHE]}/0"
    if (url := _demo_url(settings.data_dir)) is not None:
        found["api_url"] = url
    here = {name.upper() for name, value in os.environ.items() if value}
    return {name: value for name, value in found.items() if env_name(name) not in here}


def _demo_url(data_dir: Path) -> str | None:
    try:
        return str(json.loads((data_dir / "demo.json").read_text())["url"])
    except (OSError, ValueError, LookupError):
        return None
