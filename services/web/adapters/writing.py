"""Pages as text: templates, and the files they need, named by their content so that browsers may keep them."""

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.web.adapters.packing import LEAST_BYTES, packed

FOLDER = Path(__file__).parents[1]
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file under `/static/`; `name` holds a hash of its content, `packed` the same as gzip where that helps."""

    name: str
    body: bytes
    packed: bytes | None
    media_type: str


@cache
def assets() -> dict[str, Asset]:
    """All static files by their plain name."""
    return {path.name: _asset(path) for path in sorted((FOLDER / "static").iterdir())}


def _asset(path: Path) -> Asset:
    body = path.read_bytes()
    tag = hashlib.blake2s(body, digest_size=6).hexdigest()
    small = packed(body) if len(body) >= LEAST_BYTES else None
    return Asset(f"{path.stem}.{tag}{path.suffix}", body, small, TYPES[path.suffix.removeprefix(".")])


def plain_name(hashed: str) -> str:
    """`pages.0a1b2c3d4e5f.css` -> `pages.css`."""
    return re.sub(r"\.[0-9a-f]{12}(?=\.\w+$)", "", hashed)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    cast("dict[str, Any]", made.globals)["asset"] = _address
    return made


def _address(name: str) -> str:
    return f"/static/{assets()[name].name}"


def written(template: str, **values: Any) -> str:
    """The page."""
    return _environment().get_template(template).render(**values)
