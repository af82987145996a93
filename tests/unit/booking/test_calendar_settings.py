"""The settings of a calendar: their bounds, and what was stored before there were some of them."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from services.availability.domain.serving import ServedCalendar, serve_calendar
from services.booking.domain.calendars import Calendar, published_state
from services.booking.domain.drafts import Draft
from services.booking.domain.versions import CalendarVersion
from services.booking.routes.calendar_settings import ChangedSettings
from turnus_contracts import CalendarMember, Limits

NEW = ("limits", "look_busy_percent")
NOW = datetime(2027, 1, 4, 8, tzinfo=UTC)
numbers = some.integers(-(10**9), 10**9) | some.integers(-5, 95) | some.integers(9_990, 10_010)


def accepted(**settings: Any) -> bool:
    try:
        ChangedSettings.model_validate_json(json.dumps(settings), strict=True)
    except ValidationError as wrong:
        (error,) = wrong.errors()
        assert error["loc"][0] in settings
        return False
    return True


def published(**settings: Any) -> Calendar:
    draft = Draft(
        kind="personal", slug="talk", name="Talk", tz="UTC", members=(CalendarMember(member_id="mem_ada"),), **settings
    )
    return Calendar(
        id="cal_1",
        workspace_id="ws_a",
        workspace_slug="demo",
        version=2,
        status="active",
        draft=draft,
        published=draft,
        published_version=2,
        created_at=NOW,
        changed_at=NOW,
    )


@given(some.sampled_from(["day", "week", "month"]), numbers)
def test_a_limit_is_a_number_from_1_to_10000(span: str, number: int) -> None:
    assert accepted(limits={span: number}) is (1 <= number <= 10_000)


@given(numbers)
def test_how_much_is_hidden_is_a_percentage_from_0_to_90_and_never_clamped(percent: int) -> None:
    assert accepted(look_busy_percent=percent) is (0 <= percent <= 90)


@pytest.mark.parametrize("value", [1.5, True, "3", [], {"day": "3"}, {"day": True}, {"day": 2.0}, {"year": 3}])
def test_what_is_no_limit_is_refused(value: object) -> None:
    assert not accepted(limits=value)


@given(
    some.none() | some.builds(Limits, day=some.none() | some.integers(1, 10_000), month=some.integers(1, 10_000)),
    some.integers(0, 90),
    some.sampled_from(["opening", "clock", "gapless"]),
)
def test_what_is_published_says_them_and_availability_keeps_them(
    limits: Limits | None, percent: int, anchor: str
) -> None:
    told = published_state(published(limits=limits, look_busy_percent=percent, anchor=anchor))
    assert told is not None
    assert (told.limits, told.look_busy_percent, told.anchor) == (limits, percent, anchor)
    served = serve_calendar(None, told).record
    assert served is not None
    assert (served.limits, served.look_busy_percent, served.anchor) == (limits, percent, anchor)
    assert ServedCalendar.model_validate(served.model_dump(mode="json")) == served


def test_what_was_stored_before_them_has_no_limits_and_hides_nothing() -> None:
    calendar = published()
    stored = calendar.model_dump(mode="json")
    for settings in (stored["draft"], stored["published"]):
        for name in NEW:
            del settings[name]
    assert Calendar.model_validate(Calendar.upgrade(stored, 2)) == calendar
    edition = {**calendar.edition, "id": "cal_1.2", "settings": stored["published"]}
    assert CalendarVersion.model_validate(CalendarVersion.upgrade(edition, 1)).settings == calendar.published
    told = published_state(calendar)
    assert told is not None
    served = serve_calendar(None, told).record
    assert served is not None
    kept = {name: value for name, value in served.model_dump(mode="json").items() if name not in NEW}
    assert ServedCalendar.model_validate(ServedCalendar.upgrade(kept, 1)) == served
