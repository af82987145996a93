"""Texts by language: one catalogue file `locale/<language>.po` a language, read when a process starts.

The keys are names (`invitation.subject`), so that no language is the original. Values are filled in by name, `%(x)s`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from io import BytesIO

from babel.messages.pofile import read_po

FALLBACK = "en"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The texts of one language."""

    language: str
    texts: Mapping[str, str]

    def text(self, key: str, **values: str) -> str:
        """The text with its values filled in. Raises `KeyError` for a key or value that is not there."""
        return self.texts[key] % values


@cache
def catalogues() -> Mapping[str, Catalogue]:
    """All languages there are."""
    files = resources.files("services.accounts").joinpath("locale").iterdir()
    names = [(file, file.name.removesuffix(".po")) for file in files if file.name.endswith(".po")]
    return {language: Catalogue(language, _texts(file.read_bytes(), language)) for file, language in names}


def catalogue(locale: str) -> Catalogue:
    """The catalogue of `de`, `de_AT` or `de-AT`; of a language that there is not, the English one."""
    known = catalogues()
    return known.get(locale.replace("-", "_").partition("_")[0].lower()) or known[FALLBACK]


def _texts(file: bytes, language: str) -> dict[str, str]:
    messages = read_po(BytesIO(file), locale=language, abort_invalid=True)
    return {
        message.id: message.string
        for message in messages
        if isinstance(message.id, str) and message.id and isinstance(message.string, str)
    }
