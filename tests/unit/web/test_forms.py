"""Forms of the console: what was typed, what it means, what is wrong with it."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.web.domain import calendar_form
from services.web.domain.forms import Choice, Day, Flag, Number, Secret, Span, Text, Wrong, read, shown

API = json.loads(Path("docs/openapi.json").read_text())
FIELDS = (
    Text("name"),
    Text("note", most=20, needed=False, lines=True),
    Number("count", 5, 60, step=5),
    Number("most", 1, 10, needed=False),
    Span("notice", 525_600),
    Choice("kind", ("a", "b")),
    Flag("on"),
    Day("day"),
    Secret("password", least=12),
)
GOOD = {
    "name": [" Ada "],
    "note": ["one\r\ntwo"],
    "count": ["30"],
    "most": [" "],
    "notice": ["24"],
    "notice_unit": ["hours"],
    "kind": ["b"],
    "on": ["on"],
    "day": ["2027-01-31"],
    "password": ["correct horse battery"],
}


def test_a_form_that_was_filled_in_means_what_was_typed() -> None:
    form = read(FIELDS, GOOD)
    assert form.errors == {}
    assert form.values == {
        "name": "Ada",
        "note": "one\ntwo",
        "count": 30,
        "most": None,
        "notice": 1440,
        "kind": "b",
        "on": True,
        "day": "2027-01-31",
        "password": "correct horse battery",
    }


def test_each_field_says_what_is_wrong_with_it_and_keeps_what_was_typed() -> None:
    sent = {
        "name": ["  "],
        "note": ["x" * 21],
        "count": ["31"],
        "most": ["0"],
        "notice": ["367"],
        "notice_unit": ["days"],
        "kind": ["c"],
        "day": ["31.1.2027"],
        "password": ["short"],
    }
    form = read(FIELDS, sent)
    assert form.errors == {
        "name": Wrong("wrong.missing"),
        "note": Wrong("wrong.long", {"most": 20}),
        "count": Wrong("wrong.step", {"step": 5}),
        "most": Wrong("wrong.number", {"least": 1, "most": 10}),
        "notice": Wrong("wrong.number", {"least": 0, "most": 365}),
        "kind": Wrong("wrong.choice"),
        "day": Wrong("wrong.day"),
        "password": Wrong("wrong.short", {"least": 12}),
    }
    assert form.raw["count"] == "31"
    assert form.values == {"on": False}


def test_a_password_is_never_shown_again() -> None:
    assert read(FIELDS, GOOD).raw["password"] == ""


def test_of_a_field_that_came_twice_the_last_one_counts() -> None:
    assert read((Text("name"),), {"name": ["Ada", "Grace"]}).values == {"name": "Grace"}


@given(st.dictionaries(st.sampled_from([*GOOD, "other"]), st.lists(st.text(max_size=40), max_size=3)))
def test_nothing_that_can_be_sent_breaks_a_form(sent: dict[str, list[str]]) -> None:
    form = read(FIELDS, sent)
    assert set(form.values) | set(form.errors) == {one.name for one in FIELDS}
    assert not set(form.values) & set(form.errors)


@given(st.text())
def test_a_line_never_holds_a_line_break_or_a_control_character(text: str) -> None:
    form = read((Text("name", most=10_000),), {"name": [text]})
    assert not any(letter < " " for letter in form.values.get("name", ""))


@given(st.integers(0, 525_600))
def test_minutes_that_are_shown_are_read_as_the_same(minutes: int) -> None:
    field = Span("notice", 525_600)
    form = shown((field,), {"notice": minutes})
    assert read((field,), {name: [text] for name, text in form.raw.items()}).values == {"notice": minutes}


def test_the_bounds_of_a_calendar_are_those_of_the_api() -> None:
    asked = _settings()
    for field in calendar_form.FIELDS:
        if isinstance(field, Number) and field.name in asked:
            schema = asked[field.name]
            assert (field.least, field.most) == (schema["minimum"], schema["maximum"]), field.name
            assert schema.get("multipleOf", 1) == field.step, field.name
        if isinstance(field, Span):
            assert field.most == asked[field.name]["maximum"], field.name
        if isinstance(field, Choice) and field.name in asked:
            assert set(field.options) == set(asked[field.name]["enum"]), field.name


def test_the_bounds_of_limits_are_those_of_the_api() -> None:
    limits = next(one for name, one in API["components"]["schemas"].items() if name.endswith("LimitsIn"))["properties"]
    assert list(limits) == list(calendar_form.SPANS)
    for span, schema in limits.items():
        (field,) = [one for one in calendar_form.FIELDS if one.name == f"limit_{span}"]
        bounds = next(one for one in schema["anyOf"] if one["type"] == "integer")
        assert isinstance(field, Number)
        assert (field.least, field.most) == (bounds["minimum"], bounds["maximum"])


def _settings() -> dict[str, Any]:
    schemas = API["components"]["schemas"]
    settings = next(one for name, one in schemas.items() if name.endswith("NewCalendar"))["properties"]
    plain = {
        name: next((part for part in one["anyOf"] if part.get("type") != "null"), {}) if "anyOf" in one else one
        for name, one in settings.items()
    }
    assert plain["duration_minutes"]["maximum"] == 1440
    return plain
