"""Two versions of a calendar side by side: which settings are others, and what became of its members."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from services.web.domain.staff import SeenTouch

Settings = Mapping[str, Any]
"""The settings of a calendar as the API says them."""


@dataclass(frozen=True, slots=True)
class MemberStep:
    """What happened to a member of a calendar: they came, left, or have another share (`before` and `after`).

    `what` is `order` if the same ones stand in another order; then nobody is named.
    """

    what: Literal["came", "left", "weight", "tier", "order"]
    member_id: str = ""
    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is another one. `known`: what it was before; of the members `steps` say what happened."""

    touch: SeenTouch
    known: bool
    before: Any
    after: Any
    steps: tuple[MemberStep, ...] = ()

    @property
    def field(self) -> str:
        """The name of the setting."""
        return self.touch.field


def compared(before: Settings | None, after: Settings, touches: Iterable[SeenTouch]) -> list[Change]:
    """The settings that were touched, as they were and as they are. `before` None: nobody knows any more."""
    return [_change(before, after, touch) for touch in touches]


def people_in(changes: Iterable[Change]) -> set[str]:
    """The ids of everybody who is named: who changed something, and which members came, left or changed."""
    found: set[str] = set()
    for one in changes:
        found |= {step.member_id for step in one.steps if step.member_id}
        found |= {one.touch.actor_id} if one.touch.actor_id else set()
    return found


def restorable(settings: Settings, serving: Iterable[str]) -> dict[str, Any]:
    """The settings of an old version as a change of the draft, with those members only who are still there."""
    there = set(serving)
    members = [one for one in settings.get("members", ()) if one["member_id"] in there]
    return {name: value for name, value in settings.items() if name != "kind"} | {"members": members}


def _change(before: Settings | None, after: Settings, touch: SeenTouch) -> Change:
    name = touch.field
    was: Any = (before or {}).get(name)
    now: Any = after.get(name)
    known = before is not None and name in before
    steps = tuple(_steps(was, now)) if name == "members" and known else ()
    return Change(touch, known, was, now, steps)


def _steps(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Iterable[MemberStep]:
    was = {one["member_id"]: one for one in before}
    now = {one["member_id"]: one for one in after}
    yield from (MemberStep("came", one) for one in now if one not in was)
    yield from (MemberStep("left", one) for one in was if one not in now)
    for one in now:
        if one in was:
            if was[one]["weight"] != now[one]["weight"]:
                yield MemberStep("weight", one, was[one]["weight"], now[one]["weight"])
            if was[one]["tier"] != now[one]["tier"]:
                yield MemberStep("tier", one, was[one]["tier"], now[one]["tier"])
    if [one for one in was if one in now] != [one for one in now if one in was]:
        yield MemberStep("order")
