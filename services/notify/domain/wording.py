"""The words of a mail that are not facts: its subject, and the text around the appointment. Pure.

`{{name}}` stands for the value of a variable. Nothing is evaluated: a name is looked up, once, and what it gives is not
looked through again. A value is one line without control characters, so that it begins no header, no heading and no
paragraph; escaping for HTML is done where the page is made, for all text alike.

A body is paragraphs between empty lines; a line that begins with `# ` is a heading. `{{appointment}}`, alone on a line,
is the place of what every mail holds whatever its words are (when, where, with whom, the link); without it that comes
last.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

APPOINTMENT = "appointment"
MOST_VARIABLES = 100
"""In one text. A value may have hundreds of characters: this bounds what a mail can grow to."""

_VARIABLE = re.compile(r"\{\{[ \t]*([A-Za-z0-9_]{1,40})[ \t]*\}\}")
_BRACES = re.compile(r"\{\{|\}\}")
_PLACE = re.compile(r"[ \t]*\{\{[ \t]*appointment[ \t]*\}\}[ \t]*")
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+")
"""Control characters, line ends, and marks that turn the direction of what follows them."""


class Wording(BaseModel):
    """A subject and a body, with variables."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph as it is read. Its lines end with a line feed."""

    text: str
    heading: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    """A wording with its values: what stands above the appointment, and what below it."""

    subject: str
    above: tuple[Paragraph, ...]
    below: tuple[Paragraph, ...]


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with `subject` or `body`, in words for the person who wrote it."""

    field: str
    message: str


def flaws(wording: Wording, known: Collection[str]) -> Iterator[Flaw]:
    """Why this wording cannot be used with these variables; none if it can."""
    for field, text, names in (
        ("subject", wording.subject, known),
        ("body", wording.body, {*known, APPOINTMENT}),
    ):
        found = _VARIABLE.findall(text)
        listed = ", ".join(sorted(names))
        if unknown := sorted({name for name in found if name not in names}):
            yield Flaw(field, f"has unknown variables: {', '.join(unknown)}. Known are: {listed}")
        if _BRACES.search(_VARIABLE.sub("x", text)):
            yield Flaw(field, f"has double braces around what is no variable. Known are: {listed}")
        if len(found) > MOST_VARIABLES:
            yield Flaw(field, f"has more than {MOST_VARIABLES} variables")
    places = _VARIABLE.findall(wording.body).count(APPOINTMENT)
    alone = sum(_PLACE.fullmatch(line) is not None for line in wording.body.splitlines())
    if places > 1 or places != alone:
        yield Flaw("body", f"must have {{{{{APPOINTMENT}}}}} once at most, and alone on its line")


def filled(wording: Wording, values: Mapping[str, str]) -> Filled:
    """The wording with these values. Raises `KeyError` for a variable without one; `flaws` finds it before."""
    plain = {name: one_line(value) for name, value in values.items()}
    lines = wording.body.splitlines()
    places = [number for number, line in enumerate(lines) if _PLACE.fullmatch(line)]
    place = places[0] if places else len(lines)
    return Filled(
        one_line(_with(wording.subject, plain)),
        tuple(_paragraphs(lines[:place], plain)),
        tuple(_paragraphs(lines[place + 1 :], plain)),
    )


def one_line(text: str) -> str:
    """The text without line ends and whatever else no line of a mail may hold."""
    return _NOT_IN_A_LINE.sub(" ", text).strip()


def _with(text: str, values: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: values[found[1]], text)


def _paragraphs(lines: list[str], values: Mapping[str, str]) -> Iterator[Paragraph]:
    """What is empty once it has its values is left out."""
    together: list[str] = []
    for line in [*lines, ""]:
        heading = line.startswith("# ")
        if together and (heading or not line.strip()):
            yield from _paragraph("\n".join(together), values)
            together = []
        if heading:
            yield from _paragraph(line.removeprefix("# "), values, heading=True)
        elif line.strip():
            together.append(line)


def _paragraph(text: str, values: Mapping[str, str], *, heading: bool = False) -> Iterator[Paragraph]:
    """Two hyphens and a space are the mark behind which readers look for a signature: no line keeps its last spaces."""
    found = "\n".join(line.rstrip() for line in _with(text, values).splitlines()).strip()
    if found:
        yield Paragraph(found, heading)
