"""The form of a calendar: its fields, what they mean to the API, and the other way round."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.web.domain.forms import (
    Choice,
    Day,
    Field,
    Flag,
    Form,
    Number,
    Sent,
    Span,
    Text,
    Wrong,
    last,
    read,
    shown,
    slug_of,
)
from services.web.domain.staff import SeenDraft, SeenMember

PERSONAL, ROUND_ROBIN = "personal", "round_robin"
KINDS = (PERSONAL, ROUND_ROBIN)
MOST_MINUTES = 525_600
"""A year: the longest notice and cut-off."""
MOST_BOOKINGS = 10_000
"""The highest limit."""
SPANS = ("day", "week", "month")
"""The stretches of time whose bookings are limited."""
FIELDS: tuple[Field, ...] = (
    Text("name"),
    Text("description", most=2000, needed=False, lines=True),
    Text("slug", most=63, needed=False),
    Text("tz", most=64),
    Number("duration_minutes", 5, 1440),
    Number("interval_minutes", 5, 720, step=5),
    Choice("anchor", ("opening", "clock", "gapless")),
    Number("look_busy_percent", 0, 90, needed=False),
    Choice("location_kind", ("", "address", "phone", "link")),
    Text("location_value", needed=False),
    Number("buffer_before_minutes", 0, 480),
    Number("buffer_after_minutes", 0, 480),
    Span("notice_minutes", MOST_MINUTES),
    Choice("window_kind", ("", "rolling", "range", "until")),
    Number("window_count", 1, 3650),
    Choice("window_unit", ("days", "weeks", "months")),
    Choice("window_counting", ("calendar", "available")),
    Day("window_start"),
    Day("window_end"),
    Day("window_date"),
    *(Number(f"limit_{span}", 1, MOST_BOOKINGS, needed=False) for span in SPANS),
    Choice("reschedule_policy", ("same_host", "reassign")),
    Flag("guest_chooses_host"),
    Span("cancel_cutoff_minutes", MOST_MINUTES),
    Span("reschedule_cutoff_minutes", MOST_MINUTES),
    Choice("optimize", ("availability", "equal", "totals")),
)
TEAM_ONLY = ("optimize", "reschedule_policy", "guest_chooses_host")
"""What has no meaning where there is one member."""
API_FIELDS = {
    "location": "location_value",
    "window": "window_kind",
    "window.count": "window_count",
    "window.start": "window_start",
    "window.end": "window_end",
    "window.date": "window_date",
    "members": "members",
    "limits": "limit_day",
    **{f"limits.{span}": f"limit_{span}" for span in SPANS},
}
"""From the API's names to those on the page, where they differ."""


@dataclass(frozen=True, slots=True)
class Seat:
    """A member in the form: whether they serve, with which share and in which tier."""

    member_id: str
    name: str
    serves: bool
    weight: str = "1"
    tier: str = "1"


@dataclass(frozen=True, slots=True)
class CalendarForm:
    """The form, and the members that can serve. `form.errors` may also name `members`."""

    kind: str
    form: Form
    seats: tuple[Seat, ...]

    @property
    def errors(self) -> Mapping[str, Wrong]:
        """What is wrong, by field."""
        return self.form.errors

    def body(self) -> dict[str, Any]:
        """The settings as the API takes them; only of a form without errors."""
        values = self.form.values
        taken = {
            name: values[name]
            for name in values
            if not name.startswith(("window_", "location_", "limit_"))
            and (self.kind == ROUND_ROBIN or name not in TEAM_ONLY)
        }
        kind, place = values["location_kind"], values["location_value"]
        return {
            **taken,
            "slug": values["slug"] or slug_of(values["name"], "kalender"),
            "location": {"kind": kind, "value": place} if kind else None,
            "window": _window(values),
            "limits": _limits(values),
            "look_busy_percent": values["look_busy_percent"] or 0,
            "members": [
                {"member_id": seat.member_id, "weight": int(seat.weight), "tier": int(seat.tier)}
                for seat in self.seats
                if seat.serves
            ],
        }


def empty(kind: str, tz: str, members: Sequence[SeenMember], own_id: str) -> CalendarForm:
    """The form of a new calendar: a personal one is its maker's."""
    form = shown(
        FIELDS,
        {
            "tz": tz,
            "duration_minutes": 30,
            "interval_minutes": 30,
            "anchor": "opening",
            "location_kind": "",
            "buffer_before_minutes": 0,
            "buffer_after_minutes": 0,
            "look_busy_percent": 0,
            "window_kind": "rolling",
            "window_count": 60,
            "window_unit": "days",
            "window_counting": "calendar",
            "reschedule_policy": "same_host",
            "optimize": "equal",
        },
    )
    serving = {own_id: ("1", "1")} if kind == PERSONAL else {}
    return CalendarForm(kind, form, _seats(members, serving))


def of_draft(draft: SeenDraft, members: Sequence[SeenMember]) -> CalendarForm:
    """The form of a calendar as it is."""
    window = draft.window or {}
    values = draft.model_dump() | {f"window_{name}": value for name, value in window.items()}
    values |= {"window_kind": window.get("kind", ""), "location_kind": "", "location_value": ""}
    if draft.location is not None:
        values |= {"location_kind": draft.location.kind, "location_value": draft.location.value}
    if draft.limits is not None:
        values |= {f"limit_{span}": limit for span, limit in draft.limits.items()}
    values = {"window_count": 60, "window_unit": "days", "window_counting": "calendar"} | values
    serving = {one.member_id: (str(one.weight), str(one.tier)) for one in draft.members}
    return CalendarForm(draft.kind, shown(FIELDS, values), _seats(members, serving))


def sent_form(kind: str, sent: Sent, members: Sequence[SeenMember]) -> CalendarForm:
    """The form as it was sent. Fields that have no meaning under the chosen words are not looked at."""
    window = last(sent, "window_kind")
    asked = [one for one in FIELDS if _is_asked(one.name, kind, window)]
    left_out = [one for one in FIELDS if one not in asked]
    form = read(asked, sent)
    rest = read(left_out, sent)
    form = Form({**rest.raw, **form.raw}, form.values, form.errors)
    serving: dict[str, tuple[str, str]] = {}
    errors: dict[str, Wrong] = {}
    for member_id in sent.get("member", ()):
        share = [last(sent, f"{name}_{member_id}").strip() or "1" for name in ("weight", "tier")]
        serving[member_id] = share[0], share[1]
        if any(not one.isascii() or not one.isdigit() or not 1 <= int(one[:4]) <= 100 for one in share):
            errors["members"] = Wrong("wrong.share")
    if form.values.get("location_kind") and not form.values.get("location_value"):
        errors["location_value"] = Wrong("wrong.missing")
    needed = {"range": ("window_start", "window_end"), "until": ("window_date",)}.get(window, ())
    errors |= {name: Wrong("wrong.missing") for name in needed if form.raw[name].strip() == ""}
    return CalendarForm(kind, form.with_errors(errors), _seats(members, serving))


def _is_asked(name: str, kind: str, window: str) -> bool:
    if kind == PERSONAL and name in TEAM_ONLY:
        return False
    if not name.startswith("window_") or name == "window_kind":
        return True
    return {
        "window_count": "rolling",
        "window_unit": "rolling",
        "window_counting": "rolling",
        "window_start": "range",
        "window_end": "range",
        "window_date": "until",
    }[name] == window


def _seats(members: Iterable[SeenMember], serving: Mapping[str, tuple[str, str]]) -> tuple[Seat, ...]:
    """Those who serve first, in their order, then the others by name."""
    known = {one.id: one.name for one in members}
    first = [Seat(one, known[one], True, *share) for one, share in serving.items() if one in known]
    others = sorted((name, one) for one, name in known.items() if one not in serving)
    return (*first, *(Seat(one, name, False) for name, one in others))


def _limits(values: Mapping[str, Any]) -> dict[str, int | None] | None:
    limits = {span: values[f"limit_{span}"] for span in SPANS}
    return limits if any(limits.values()) else None


def _window(values: Mapping[str, Any]) -> dict[str, Any] | None:
    kind = values["window_kind"]
    if kind == "rolling":
        return {"kind": kind} | {name: values[f"window_{name}"] for name in ("count", "unit", "counting")}
    if kind == "range":
        return {"kind": kind, "start": values["window_start"], "end": values["window_end"]}
    return {"kind": kind, "date": values["window_date"]} if kind else None
