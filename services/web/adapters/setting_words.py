"""The settings of a calendar in the words of its form."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from services.web.adapters.words import Words
from services.web.adapters.zones import city_of
from services.web.domain.versions import Change, MemberStep

Say = Callable[[Words, Any], str]

LONGEST = 160
"""Letters of a text that are shown of it."""
PLACES = {"link": "draft.place_link", "phone": "draft.place_phone", "address": "draft.place_address"}
LABELS: Mapping[str, str] = {
    "name": "draft.name",
    "description": "draft.description",
    "slug": "draft.slug",
    "tz": "start.zone",
    "duration_minutes": "draft.duration",
    "interval_minutes": "draft.interval",
    "anchor": "draft.anchor",
    "buffer_before_minutes": "draft.buffer_before",
    "buffer_after_minutes": "draft.buffer_after",
    "notice_minutes": "draft.notice",
    "window": "draft.window",
    "location": "draft.place",
    "optimize": "draft.optimize",
    "reschedule_policy": "draft.reschedule",
    "guest_chooses_host": "draft.guest_chooses",
    "members": "draft.members",
    "limits": "draft.limits",
    "look_busy_percent": "draft.look_busy",
    "cancel_cutoff_minutes": "draft.cancel_cutoff",
    "reschedule_cutoff_minutes": "draft.reschedule_cutoff",
}
"""What each setting is called on the form."""


def label_of(words: Words, field: str) -> str:
    """What the form calls a setting; its name in the API if no page knows it."""
    return words.say(LABELS[field]) if field in LABELS else field


def value_of(words: Words, field: str, value: Any) -> str:
    """What a setting is set to; nothing for one that no page knows."""
    say = SAID.get(field)
    return say(words, value) if say is not None else ""


def summary(words: Words, settings: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    """A calendar in a few words: how long, with whom, where, how far ahead; what else is offered less, if it is."""
    place = settings["location"]
    others = f" {words.say('fact.more', count=len(names) - 2)}" if len(names) > 2 else ""
    less = [
        f"{label_of(words, name)}: {value_of(words, name, settings[name])}"
        for name in ("limits", "look_busy_percent")
        if settings.get(name)
    ]
    return [
        words.minutes(settings["duration_minutes"]),
        f"{', '.join(names[:2])}{others}" if names else words.say("draft.nobody"),
        words.say(PLACES[place["kind"]] if place is not None else "draft.place_none"),
        f"{words.say('draft.window')}: {window_of(words, settings['window'])}",
        *less,
    ]


def step_in(words: Words, step: MemberStep, name: str) -> str:
    """What happened to a member."""
    if step.what == "order":
        return words.say("versions.order")
    return words.say(f"versions.{step.what}", name=name, before=step.before, after=step.after)


def shown(words: Words, change: Change) -> tuple[str, str]:
    """A change as (before, after); empty for what is not known or is told in other words."""
    if change.field == "members":
        return "", ""
    before = value_of(words, change.field, change.before) if change.known else ""
    return before, value_of(words, change.field, change.after)


def _text(words: Words, value: Any) -> str:
    text = str(value)
    if not text:
        return words.say("versions.empty")
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _minutes(words: Words, value: Any) -> str:
    return words.minutes(int(value))


def _cutoff(words: Words, value: Any) -> str:
    return words.say("versions.ahead", span=words.minutes(int(value))) if value else words.say("versions.until_start")


def _yes(words: Words, value: Any) -> str:
    return words.say("versions.yes" if value else "versions.no")


def _one_of(begin: str, options: Mapping[str, str]) -> Say:
    return lambda words, value: words.say(f"draft.{begin}_{options[value]}") if value in options else str(value)


def _place(words: Words, value: Any) -> str:
    if value is None:
        return words.say("draft.place_none")
    return f"{words.say(PLACES[value['kind']])}: {_text(words, value['value'])}"


def window_of(words: Words, value: Any) -> str:
    """How far ahead guests may book."""
    if value is None:
        return words.say("draft.window_none")
    if value["kind"] == "rolling":
        counting = {"calendar": "draft.counting_calendar", "available": "draft.counting_available"}[value["counting"]]
        return f"{words.lasting(value['count'], value['unit'])} ({words.say(counting)})"
    start, end = (value.get(name) for name in ("start", "end"))
    if value["kind"] == "range":
        return f"{words.day(date.fromisoformat(start))} – {words.day(date.fromisoformat(end))}"
    return words.say("versions.until", day=words.day(date.fromisoformat(value["date"])))


def limits_of(words: Words, value: Any) -> str:
    """How many bookings there may be."""
    told: Mapping[str, int | None] = value or {}
    limits = {span: limit for span, limit in told.items() if limit is not None}
    if not limits:
        return words.say("draft.limits_none")
    return ", ".join(words.say(f"draft.limited_{span}", count=words.number(limit)) for span, limit in limits.items())


SAID: Mapping[str, Say] = {
    "name": _text,
    "description": _text,
    "slug": _text,
    "tz": lambda words, value: city_of(value, str(words.locale)),
    "duration_minutes": _minutes,
    "interval_minutes": _minutes,
    "anchor": _one_of("anchor", {name: name for name in ("opening", "clock", "gapless")}),
    "buffer_before_minutes": _minutes,
    "buffer_after_minutes": _minutes,
    "notice_minutes": _minutes,
    "window": window_of,
    "location": _place,
    "optimize": _one_of("optimize", {name: name for name in ("availability", "equal", "totals")}),
    "reschedule_policy": _one_of("reschedule", {"same_host": "same", "reassign": "again"}),
    "guest_chooses_host": _yes,
    "limits": limits_of,
    "look_busy_percent": lambda words, value: words.share(int(value) / 100),
    "cancel_cutoff_minutes": _cutoff,
    "reschedule_cutoff_minutes": _cutoff,
}
