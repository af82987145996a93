"""State machines as tables, for the generated docs. Pure: a `domain` module may import it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

START = "–"
"""The source of an arrow that begins a record."""


@dataclass(frozen=True, slots=True)
class State:
    """One state. `over`: it asks for nothing any more."""

    name: str
    meaning: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow of a state machine. `on` names the event, request or timer that draws it.

    `says` are the topics of what the same write owes; `undoes` what others take back when they hear it (compensation).
    """

    source: str
    on: str
    target: str
    says: Sequence[str] = ()
    note: str = ""
    undoes: str = ""


@dataclass(frozen=True, slots=True)
class Timeout:
    """A timer of the machine: `after` what `since`, and what it does then. `again`: the spans of its repeats."""

    timer: str
    after: timedelta
    since: str
    then: str
    again: Sequence[timedelta] = ()


@dataclass(frozen=True, slots=True)
class Saga:
    """A state machine that the docs show."""

    states: Sequence[State]
    transitions: Sequence[Transition]
    timeouts: Sequence[Timeout]
