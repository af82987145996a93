"""Texts by language: one catalogue file `locale/<language>.po` a language, read when a process starts.

The keys are names (`booked.guest.subject`), so that no language is the original. Values are filled in by name, `%(x)s`;
where staff may choose other words, by `{{x}}` (`domain/wording.py`).
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from io import BytesIO

from babel.messages.pofile import read_po

FALLBACK = "en"


class Catalogue:
    """The texts of one language."""

    def __init__(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        self.texts = texts

    def text(self, key: str, **values: str) -> str:
        """The text with its values filled in. Raises `KeyError` for a key or value that is not there."""
        return self.texts[key] % values


@cache
def catalogues() -> Mapping[str, Catalogue]:
    """All languages there are."""
    found: dict[str, Catalogue] = {}
    for file in resources.files("services.notify").joinpath("locale").iterdir():
        language, dot, suffix = file.name.rpartition(".")
        if dot and suffix == "po":
            found[language] = Catalogue(language, _texts(file.read_bytes(), language))
    return found


def catalogue(locale: str) -> Catalogue:
    """The catalogue of `de`, `de_AT` or `de-AT`; of a language that there is not, the English one."""
    known = catalogues()
    return known.get(locale.replace("-", "_").partition("_")[0].lower()) or known[FALLBACK]


def _texts(file: bytes, language: str) -> dict[str, str]:
    read = read_po(BytesIO(file), locale=language, abort_invalid=True)
    return {
        message.id: message.string
        for message in read
        if isinstance(message.id, str) and message.id and isinstance(message.string, str)
    }
