"""Forms of the console: which fields there are, what was sent, and what is wrong with it.

A form is declared as a list of fields. `read` takes what a browser sent, `shown` what the API knows; both give a
`Form`, which a template draws: the texts as they were typed, and at most one `Wrong` for each field.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Sent = Mapping[str, Sequence[str]]
"""The fields of a form that was sent, by name; of several values all, in order."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a field: a key of the catalogue and its values."""

    key: str
    values: Mapping[str, object] = field(default_factory=dict[str, object])


_LETTERS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss"})
UNITS: Mapping[str, int] = {"minutes": 1, "hours": 60, "days": 1440}


@dataclass(frozen=True, slots=True)
class Text:
    """One line, or many with `lines`. Spaces at the ends are dropped."""

    name: str
    most: int = 200
    needed: bool = True
    lines: bool = False

    def read(self, sent: Sent) -> str | Wrong:
        """The text."""
        text = last(sent, self.name).strip().replace("\r\n", "\n").replace("\r", "\n")
        if not text and self.needed:
            return Wrong("wrong.missing")
        if len(text) > self.most:
            return Wrong("wrong.long", {"most": self.most})
        allowed = "\n\t" if self.lines else ""
        if any((letter < " " and letter not in allowed) or letter == "\x7f" for letter in text):
            return Wrong("wrong.letters")
        return text


@dataclass(frozen=True, slots=True)
class Secret:
    """A password: taken as it is, never shown again."""

    name: str
    least: int = 1
    most: int = 200

    def read(self, sent: Sent) -> str | Wrong:
        """The password."""
        text = last(sent, self.name)
        if not text:
            return Wrong("wrong.missing")
        if len(text) < self.least:
            return Wrong("wrong.short", {"least": self.least})
        return Wrong("wrong.long", {"most": self.most}) if len(text) > self.most else text


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number, both bounds included; empty, if it is not `needed`: None."""

    name: str
    least: int
    most: int
    step: int = 1
    needed: bool = True

    def read(self, sent: Sent) -> int | Wrong | None:
        """The number."""
        text = last(sent, self.name)
        if not self.needed and not text.strip():
            return None
        found = _number(text, self.least, self.most)
        return Wrong("wrong.step", {"step": self.step}) if isinstance(found, int) and found % self.step else found


@dataclass(frozen=True, slots=True)
class Span:
    """Minutes, given as a number and its unit (`<name>` and `<name>_unit`); empty is 0."""

    name: str
    most: int

    def read(self, sent: Sent) -> int | Wrong:
        """How many minutes."""
        size = UNITS.get(last(sent, f"{self.name}_unit"), 1)
        found = _number(last(sent, self.name).strip() or "0", 0, self.most // size)
        return found * size if isinstance(found, int) else found


@dataclass(frozen=True, slots=True)
class Choice:
    """One of some words."""

    name: str
    options: tuple[str, ...]

    def read(self, sent: Sent) -> str | Wrong:
        """The word."""
        text = last(sent, self.name)
        return text if text in self.options else Wrong("wrong.choice")


@dataclass(frozen=True, slots=True)
class Flag:
    """A box to tick."""

    name: str

    def read(self, sent: Sent) -> bool:
        """Whether it is ticked."""
        return bool(last(sent, self.name))


@dataclass(frozen=True, slots=True)
class Day:
    """A date, `YYYY-MM-DD`; empty: None."""

    name: str
    needed: bool = False

    def read(self, sent: Sent) -> str | Wrong | None:
        """The date."""
        text = last(sent, self.name).strip()
        if not text:
            return Wrong("wrong.missing") if self.needed else None
        return text if re.fullmatch(r"20\d\d-\d\d-\d\d", text, re.ASCII) else Wrong("wrong.day")


Field = Text | Secret | Number | Span | Choice | Flag | Day


@dataclass(frozen=True, slots=True)
class Form:
    """`raw`: the texts by field, as typed; `values`: what they mean; `errors`: by field."""

    raw: Mapping[str, str]
    values: Mapping[str, Any]
    errors: Mapping[str, Wrong]

    def with_errors(self, errors: Mapping[str, Wrong]) -> "Form":
        """The same with these errors too; one that a field has already stays."""
        return Form(self.raw, self.values, {**errors, **self.errors})


def read(fields: Iterable[Field], sent: Sent) -> Form:
    """What was sent. A field that is missing counts as empty; of a field that came twice the last one counts."""
    raw: dict[str, str] = {}
    values: dict[str, Any] = {}
    errors: dict[str, Wrong] = {}
    for one in fields:
        raw[one.name] = "" if isinstance(one, Secret) else last(sent, one.name)
        if isinstance(one, Span):
            raw[f"{one.name}_unit"] = last(sent, f"{one.name}_unit")
        found = one.read(sent)
        if isinstance(found, Wrong):
            errors[one.name] = found
        else:
            values[one.name] = found
    return Form(raw, values, errors)


def shown(fields: Iterable[Field], values: Mapping[str, Any]) -> Form:
    """A form that shows these values."""
    raw: dict[str, str] = {}
    for one in fields:
        value = values.get(one.name)
        if isinstance(one, Span):
            size = next(unit for unit in ("days", "hours", "minutes") if not (value or 0) % UNITS[unit])
            size = size if value else "hours"
            raw[one.name], raw[f"{one.name}_unit"] = str((value or 0) // UNITS[size]), size
        elif isinstance(one, Flag):
            raw[one.name] = "on" if value else ""
        else:
            raw[one.name] = "" if value is None else str(value)
    return Form(raw, dict(values), {})


def last(sent: Sent, name: str) -> str:
    """The last value of a field; empty if there is none."""
    return (sent.get(name) or ("",))[-1]


def slug_of(name: str, otherwise: str) -> str:
    """`Kundenbetreuung & Coaching` -> `kundenbetreuung-coaching`; `otherwise` if no letter is left."""
    plain = unicodedata.normalize("NFKD", name.lower().translate(_LETTERS)).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:63].strip("-") or otherwise


def _number(text: str, least: int, most: int) -> int | Wrong:
    if not re.fullmatch(r"\d{1,9}", text.strip(), re.ASCII) or not least <= int(text) <= most:
        return Wrong("wrong.number", {"least": least, "most": most})
    return int(text)
