"""Pages as text: templates, and the files they need, named by their content so that browsers may keep them."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.web.adapters.packing import LEAST_BYTES, packed
from services.web.adapters.words import languages
from services.web.adapters.zones import city_of, regions

FOLDER = Path(__file__).parents[1]
TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}


SELECTED = Markup(" selected")


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
    cast("dict[str, Any]", made.globals).update(asset=_address, zone_options=_zone_options)
    return made


@lru_cache(maxsize=100)
def _zone_options(language: str, chosen: str) -> Markup:
    """All zones to choose from, as options. They are most of a page, and alike on the pages of all who live in one."""
    words = languages()[language]
    listed = regions(str(words.locale))
    option, group = Markup('<option value="{}"{}>{}</option>'), Markup('<optgroup label="{}">{}</optgroup>')

    def options(zones: Iterable[tuple[str, str]]) -> Markup:
        return Markup("").join(option.format(name, SELECTED if name == chosen else "", city) for name, city in zones)

    known = any(chosen == name for region in listed for name, _ in region.zones)
    first = options([] if known else [(chosen, city_of(chosen, str(words.locale)))])
    return first + Markup("\n").join(group.format(words.say(f"region.{one.key}"), options(one.zones)) for one in listed)


def _address(name: str) -> str:
    return f"/static/{assets()[name].name}"


def written(template: str, **values: Any) -> str:
    """The page."""
    return _environment().get_template(template).render(**values)
