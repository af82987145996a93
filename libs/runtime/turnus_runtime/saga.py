"""State machines as tables, for the generated docs. Pure: a `domain` module may import it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transition:
    """One arrow of a state machine. `on` names the event, request or timer that draws it."""

    source: str
    on: str
    target: str
    says: Sequence[str] = ()
    note: str = ""
