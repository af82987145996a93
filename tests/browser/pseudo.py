"""A language that nobody speaks, for tests: what a translation does to the pages, and which words are in no catalogue.

Made from English: every letter has an accent, vowels stand twice, so texts are about 40 % longer, and each text stands
in brackets ⟦…⟧. Placeholders stay. Only tests know it: it is put among the languages while a test runs.
"""

import contextlib
import string
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.web.adapters.words import Words, languages

PSEUDO = "qps"
OPEN, CLOSE = "⟦", "⟧"
_PLAIN = "ABCDEFGHIKLNOPRSTUVWYZabcdefghiklnoprstuvwyz"
_ACCENTED = "ÀƁÇĐÈḞĜĤÌĶĻŃÒṔŔŠŤÙṼŴÝŽàƀçđèḟĝĥìķļńòṕŕšťùṽŵýž"
ACCENTED = str.maketrans(dict(zip(_PLAIN, _ACCENTED, strict=True)))
VOWELS = frozenset("aeiouAEIOU")


@dataclass(frozen=True, slots=True)
class Pseudo(Words):
    """The words of that language. What Babel writes (dates, durations) is marked too, as it is no one's own text."""

    def __getattribute__(self, name: str) -> Any:
        if name in WRITTEN:
            return _bracketed(getattr(languages()["en"], name))
        return object.__getattribute__(self, name)

    def own_name(self) -> str:
        """What its readers would call it."""
        return stretched("Pseudo")

    def weekdays(self) -> list[tuple[str, str]]:
        """The days of a week as (short, long), from the first."""
        return [(f"{OPEN}{short[0]}{CLOSE}", f"{OPEN}{long}{CLOSE}") for short, long in languages()["en"].weekdays()]

    def days_from_monday(self) -> list[tuple[int, str]]:
        """The days of a week as (1 for Monday … 7, long), from the first."""
        return [(number, f"{OPEN}{long}{CLOSE}") for number, long in languages()["en"].days_from_monday()]


WRITTEN = ("long_day", "short_day", "month", "time", "moment", "span", "minutes", "lasting", "day", "tongue")
"""What Babel writes in one piece."""


def _bracketed(write: Callable[..., str]) -> Callable[..., str]:
    def written(*args: Any) -> str:
        return f"{OPEN}{write(*args)}{CLOSE}"

    return written


def pseudo_catalogue(english: Mapping[str, str]) -> dict[str, str]:
    """Every text of this catalogue in the language that nobody speaks."""
    return {key: stretched(text) for key, text in english.items()}


def stretched(text: str) -> str:
    """`Save {name}` -> `⟦Šààṽèè {name}⟧`."""
    parts: list[str] = []
    for said, name, spec, conversion in string.Formatter().parse(text):
        parts.append(_longer(said))
        if name is not None:
            parts.append(f"{{{name}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}}}")
    return f"{OPEN}{''.join(parts)}{CLOSE}"


def _longer(text: str) -> str:
    return "".join(letter * 2 if letter in VOWELS else letter for letter in text).translate(ACCENTED)


@contextlib.contextmanager
def pseudo_language() -> Iterator[str]:
    """The pages know this language meanwhile, by `?lang=`."""
    english = languages()["en"]
    languages()[PSEUDO] = Pseudo(PSEUDO, english.locale, pseudo_catalogue(english.catalogue))
    try:
        yield PSEUDO
    finally:
        del languages()[PSEUDO]
