"""The form of a calendar group: its order, and its address."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.domain.forms import slug_of
from services.web.domain.group_form import GroupForm, sent_group
from tests.unit.web.test_calendar_form import draft

CALENDARS = [draft(id=f"cal_{n}", name=name) for n, name in enumerate(("Beratung", "Coaching", "Support"))]
FIELDS = {"name": ["Kundenbetreuung"], "description": [""], "slug": [""], "active": ["on"]}


def ids(form: GroupForm) -> list[str]:
    return [row.calendar_id for row in form.rows]


def test_those_that_are_shown_stand_first_in_the_order_that_was_sent() -> None:
    form = sent_group(FIELDS | {"order": ["cal_2", "cal_1", "cal_0"], "calendar": ["cal_0", "cal_2"]}, CALENDARS)
    assert ids(form) == ["cal_2", "cal_0", "cal_1"]
    assert form.body()["calendar_ids"] == ["cal_2", "cal_0"]


def test_a_calendar_is_moved_one_place_and_never_out_of_the_list() -> None:
    form = sent_group(
        FIELDS | {"order": ["cal_0", "cal_1", "cal_2"], "calendar": ["cal_0", "cal_1", "cal_2"]}, CALENDARS
    )
    assert ids(form.moved("cal_2", -1)) == ["cal_0", "cal_2", "cal_1"]
    assert ids(form.moved("cal_0", -1)) == ids(form)
    assert ids(form.moved("cal_2", 1)) == ids(form)
    assert ids(form.moved("cal_9", 1)) == ids(form)


def test_what_is_not_the_workspaces_is_left_out() -> None:
    form = sent_group(FIELDS | {"order": ["cal_x"], "calendar": ["cal_x", "cal_1"]}, CALENDARS)
    assert form.body()["calendar_ids"] == ["cal_1"]


def test_a_retired_calendar_stays_where_it_is_shown_and_is_not_offered_anew() -> None:
    calendars = [*CALENDARS, draft(id="cal_3", name="Alt", status="retired")]
    assert "cal_3" not in ids(sent_group(FIELDS, calendars))
    assert "cal_3" in ids(sent_group(FIELDS | {"order": ["cal_3"], "calendar": ["cal_3"]}, calendars))


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Kundenbetreuung", "kundenbetreuung"),
        ("Ärzte & Übungen", "aerzte-uebungen"),
        ("Crème brûlée", "creme-brulee"),
        ("שלום", "gruppe"),
        ("-- x --", "x"),
    ],
)
def test_an_address_is_made_from_the_name(name: str, slug: str) -> None:
    assert slug_of(name, "gruppe") == slug


@given(st.text(max_size=200))
def test_an_address_is_always_one_that_the_api_takes(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", slug_of(name, "gruppe"))
