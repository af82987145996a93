"""The form of a calendar: what it asks for, and what the API gets."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.web.domain import calendar_form
from services.web.domain.calendar_form import CalendarForm
from services.web.domain.forms import Wrong
from services.web.domain.staff import SeenDraft, SeenMember

MEMBERS = [
    SeenMember(
        id=f"mem_{name}",
        version=1,
        status="active",
        name=name.title(),
        email=f"{name}@example.org",
        tz="Europe/Berlin",
        locale="de",
        role="member",
        can_sign_in=False,
    )
    for name in ("ada", "bernd", "cleo")
]


def sent(form: CalendarForm, **more: Any) -> dict[str, list[str]]:
    """What a browser sends of this form."""
    fields = {name: [text] for name, text in form.form.raw.items()}
    fields["member"] = [seat.member_id for seat in form.seats if seat.serves]
    for seat in form.seats:
        fields |= {f"weight_{seat.member_id}": [seat.weight], f"tier_{seat.member_id}": [seat.tier]}
    return fields | {name: value if isinstance(value, list) else [value] for name, value in more.items()}


def draft(**more: Any) -> SeenDraft:
    values: dict[str, Any] = {
        "id": "cal_1",
        "version": 4,
        "status": "active",
        "address": "demo/talk",
        "published_version": 2,
        "has_unpublished_changes": False,
        "kind": "round_robin",
        "slug": "talk",
        "name": "Talk",
        "description": "Two\nlines",
        "tz": "Europe/Berlin",
        "duration_minutes": 45,
        "interval_minutes": 15,
        "anchor": "clock",
        "buffer_before_minutes": 5,
        "buffer_after_minutes": 10,
        "notice_minutes": 1440,
        "window": {"kind": "rolling", "count": 60, "unit": "days", "counting": "calendar"},
        "location": {"kind": "phone", "value": "+49 30 1"},
        "optimize": "equal",
        "reschedule_policy": "reassign",
        "guest_chooses_host": True,
        "members": [
            {"member_id": "mem_cleo", "weight": 2, "tier": 1},
            {"member_id": "mem_ada", "weight": 1, "tier": 2},
        ],
        "cancel_cutoff_minutes": 120,
        "reschedule_cutoff_minutes": 0,
        "created_at": datetime(2027, 1, 1, tzinfo=UTC),
        "changed_at": datetime(2027, 1, 1, tzinfo=UTC),
    }
    return SeenDraft.model_validate(values | more)


def again(form: CalendarForm, **more: Any) -> CalendarForm:
    return calendar_form.sent_form(form.kind, sent(form, **more), MEMBERS)


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"window": None, "location": None},
        {"window": {"kind": "until", "date": "2027-06-30"}},
        {"window": {"kind": "range", "start": "2027-02-01", "end": "2027-03-01"}},
        {"anchor": "gapless", "look_busy_percent": 90, "limits": {"day": 8, "week": None, "month": 10_000}},
    ],
)
def test_what_is_shown_and_sent_again_unchanged_changes_nothing(changed: dict[str, Any]) -> None:
    known = draft(**changed)
    form = again(calendar_form.of_draft(known, MEMBERS))
    assert form.errors == {}
    body = form.body()
    told = known.model_dump(mode="json")
    assert {name: told[name] for name in body} == body


def test_a_personal_calendar_is_its_makers_and_asks_nothing_about_teams() -> None:
    form = again(calendar_form.empty("personal", "Europe/Berlin", MEMBERS, "mem_bernd"), name="Talk", slug="talk")
    assert form.errors == {}
    body = form.body()
    assert body["members"] == [{"member_id": "mem_bernd", "weight": 1, "tier": 1}]
    assert not {"optimize", "reschedule_policy", "guest_chooses_host"} & set(body)


def test_members_come_in_the_order_of_the_calendar_and_then_by_name() -> None:
    form = calendar_form.of_draft(draft(), MEMBERS)
    assert [seat.member_id for seat in form.seats] == ["mem_cleo", "mem_ada", "mem_bernd"]
    assert [seat.serves for seat in form.seats] == [True, True, False]


def test_only_what_the_chosen_window_needs_is_asked_for() -> None:
    form = calendar_form.of_draft(draft(), MEMBERS)
    assert again(form, window_kind="until").errors == {"window_date": Wrong("wrong.missing")}
    assert set(again(form, window_kind="range").errors) == {"window_start", "window_end"}
    assert again(form, window_kind="", window_count="nonsense").errors == {}
    assert set(again(form, window_kind="rolling", window_count="nonsense").errors) == {"window_count"}


def test_limits_and_look_busy_may_be_left_empty() -> None:
    known = draft(limits={"day": 8, "week": 30, "month": None}, look_busy_percent=30)
    form = calendar_form.of_draft(known, MEMBERS)
    assert [form.form.raw[f"limit_{span}"] for span in ("day", "week", "month")] == ["8", "30", ""]
    assert again(form, limit_day=" ").body()["limits"] == {"day": None, "week": 30, "month": None}
    emptied = again(form, limit_day="", limit_week="", look_busy_percent="").body()
    assert (emptied["limits"], emptied["look_busy_percent"]) == (None, 0)


def test_what_is_no_limit_and_no_percentage_is_said_at_the_field_and_kept() -> None:
    form = again(
        calendar_form.of_draft(draft(), MEMBERS),
        limit_day="0",
        limit_week="10001",
        limit_month="many",
        look_busy_percent="91",
    )
    limit = Wrong("wrong.number", {"least": 1, "most": 10_000})
    assert form.errors == {
        "look_busy_percent": Wrong("wrong.number", {"least": 0, "most": 90}),
        "limit_day": limit,
        "limit_week": limit,
        "limit_month": limit,
    }
    assert (form.form.raw["limit_month"], form.form.raw["look_busy_percent"]) == ("many", "91")


def test_a_place_needs_its_address_and_a_share_a_number() -> None:
    form = calendar_form.of_draft(draft(), MEMBERS)
    wrong = again(form, location_kind="link", location_value=" ", weight_mem_cleo="many").errors
    assert wrong == {"location_value": Wrong("wrong.missing"), "members": Wrong("wrong.share")}


def test_somebody_who_is_not_in_the_team_is_not_taken_over() -> None:
    form = again(calendar_form.of_draft(draft(), MEMBERS), member=["mem_stranger", "mem_ada"])
    assert [one["member_id"] for one in form.body()["members"]] == ["mem_ada"]
