"""What only a later version understands is not offered by this one, and breaks nothing."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.availability.domain.schedule import Schedule, WeeklyRange
from services.availability.domain.serving import ServedCalendar
from services.availability.domain.window import bookable_span
from services.availability.domain.zones import LAST_MINUTE
from turnus_contracts import Window

NOW = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)
ALWAYS = Schedule(tz="UTC", weekly=(WeeklyRange(frozenset(range(1, 8)), 0, 1440),), overrides={})


def is_offered(**changes: Any) -> bool:
    """Whether a calendar with these rules has any minute in which a start may lie."""
    values: dict[str, Any] = {
        "id": "cal_1",
        "workspace_id": "ws_1",
        "version": 1,
        "status": "active",
        "calendar_kind": "personal",
        "address": "demo/beratung",
        "tz": "UTC",
        "duration_minutes": 30,
        "interval_minutes": 30,
        "anchor": "clock",
        "buffer_before_minutes": 0,
        "buffer_after_minutes": 0,
        "notice_minutes": 0,
    }
    rules = ServedCalendar.model_validate({**values, **changes}).rules()
    start, end = bookable_span(rules.tz, rules.window, NOW, notice_minutes=0, schedules=[ALWAYS], until=LAST_MINUTE)
    return start < end


@pytest.mark.parametrize("kind", ["personal", "round_robin"])
def test_a_known_calendar_is_offered(kind: str) -> None:
    assert is_offered(calendar_kind=kind)
    assert is_offered(window=Window(kind="rolling", count=2, unit="weeks"))
    assert is_offered(window=Window(kind="rolling", count=2, unit="months", counting="available"))
    assert is_offered(window=Window(kind="until", end=date(2027, 2, 1)))
    assert is_offered(window=Window(kind="range", start=date(2027, 1, 1), end=date(2027, 2, 1)))


@pytest.mark.parametrize(
    "unknown",
    [
        {"calendar_kind": "class"},
        {"anchor": "lunar"},
        {"tz": "Mars/Olympus"},
        {"window": Window(kind="until_full")},
        {"window": Window(kind="rolling", count=2, unit="fortnights")},
        {"window": Window(kind="rolling", count=2, unit="days", counting="sunny")},
    ],
    ids=str,
)
def test_what_nobody_knows_yet_is_not_offered(unknown: dict[str, Any]) -> None:
    assert not is_offered(**unknown)
