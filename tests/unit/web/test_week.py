"""The week editor: typed hours, and what the API is told."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.web.domain.forms import Wrong
from services.web.domain.staff import SeenSchedule, WeeklyHours
from services.web.domain.week import MOST_RANGES, WEEK, Row, Week, clock, copied, sent_week, week_of, with_row, wrong_of


def hours(**days: list[tuple[str, str]]) -> dict[str, list[str]]:
    sent: dict[str, list[str]] = {}
    for name, rows in days.items():
        sent[f"hours_{name[1:]}_start"] = [start for start, _ in rows]
        sent[f"hours_{name[1:]}_end"] = [end for _, end in rows]
    return sent


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("9:00", "09:00"), ("0930", "09:30"), ("17.45", "17:45"), (" 24:00 ", "24:00"), ("23:59", "23:59")],
)
def test_times_may_be_typed_as_people_do(typed: str, meant: str) -> None:
    assert clock(typed) == meant


@pytest.mark.parametrize("typed", ["", "9", "25:00", "24:01", "09:60", "noon", "９:００", "-1:00"])
def test_what_is_no_time_is_none(typed: str) -> None:
    assert clock(typed) is None


def test_days_with_the_same_stretch_go_together() -> None:
    week = sent_week(hours(d1=[("9:00", "12:00"), ("13:00", "17:00")], d2=[("09:00", "12:00")]))
    assert week.errors == {}
    assert week.body() == [
        {"days": [1, 2], "start": "09:00", "end": "12:00"},
        {"days": [1], "start": "13:00", "end": "17:00"},
    ]


def test_each_day_says_what_is_wrong_with_it() -> None:
    week = sent_week(
        hours(d1=[("nine", "12:00")], d2=[("12:00", "09:00")], d3=[("09:00", "12:00"), ("11:00", "13:00")])
    )
    assert week.errors == {1: Wrong("wrong.clock"), 2: Wrong("wrong.order"), 3: Wrong("wrong.overlap")}


def test_stretches_may_touch() -> None:
    assert wrong_of((Row("09:00", "12:00"), Row("12:00", "17:00"))) is None


def test_a_row_is_added_while_there_is_room() -> None:
    week = week_of(None)
    for _ in range(MOST_RANGES * 2):
        week = with_row(week, 3)
    assert len(week.rows[3]) == MOST_RANGES
    assert len(week.rows[4]) == 1


def test_a_day_is_copied_to_others() -> None:
    week = copied(sent_week(hours(d1=[("08:00", "12:00")])), 1, range(1, 6))
    assert week.body() == [{"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "12:00"}]


minutes = st.integers(0, 24 * 60)
stretch = st.tuples(minutes, minutes).filter(lambda pair: pair[0] < pair[1])


@given(st.dictionaries(st.sampled_from(list(WEEK)), st.lists(stretch, max_size=3)))
def test_a_week_that_is_kept_and_shown_again_is_the_same(days: dict[int, list[tuple[int, int]]]) -> None:
    def text(minute: int) -> str:
        return f"{minute // 60:02}:{minute % 60:02}"

    rows = {day: tuple(Row(text(a), text(b)) for a, b in sorted(set(days.get(day, [])))) or (Row(),) for day in WEEK}
    week = Week(rows, {})
    if any(wrong_of(those) for those in rows.values()):
        return
    weekly = tuple(WeeklyHours(days=tuple(one["days"]), start=one["start"], end=one["end"]) for one in week.body())
    schedule = SeenSchedule(
        id="sch_1",
        member_id="mem_1",
        version=1,
        name="Hours",
        tz="Europe/Berlin",
        default=True,
        weekly=weekly,
        overrides=(),
        changed_at=datetime(2027, 1, 1, tzinfo=UTC),
    )
    assert dict(week_of(schedule).rows) == rows
